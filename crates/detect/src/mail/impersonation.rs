//! Who a mail claims to be, and whether its address says the same (T1656).
//!
//! Evidence:   a known name, a colleague or an office in front of a foreign address; another address inside the name; answers that go
//!             elsewhere; a domain that resembles an own or a known one.
//! Mistaken by: mail that a service sends for somebody else; lists that rewrite the sender. Each fact alone is too weak for a word.

use decode::mail::Message;
use decode::url::Url;

use super::{Fact, list, url};
use crate::Knowledge;

pub(crate) fn facts(message: &Message, knowledge: &Knowledge, facts: &mut Vec<Fact>) {
    let config = &knowledge.config.mail;
    let Some(from) = message.from.first() else { return };
    let domain = list::registered(from.domain());
    let name = from.name.to_lowercase();
    let own = config.own_domains.contains(&domain);
    let free = list::is("free_mail", &domain);
    if let Some(brand) = list::brands().iter().find(|brand| has_words(&name, brand.name))
        && !brand.domains.contains(&domain.as_str())
        && !own
        && !list::is_brand_domain(&domain)
    {
        facts.push(
            Fact::new("sender.brand", format!("calls itself {}, but the address is of {domain}", brand.name), 1.5).now(&from.address),
        );
    }
    if !own && config.people.iter().any(|person| !person.is_empty() && has_words(&name, &person.to_lowercase())) {
        facts.push(Fact::new("sender.person", "carries the name of a colleague in front of a foreign address", 1.6).now(&from.address));
    }
    if let Some(inside) = name.split([' ', '<', '(', '"']).find(|part| part.contains('@') && part.contains('.')) {
        let claimed = list::registered(inside.rsplit('@').next().unwrap_or("").trim_matches(|c: char| !c.is_alphanumeric()));
        if claimed != domain {
            facts.push(Fact::new(
                "sender.address_in_name",
                format!("its name shows an address of {claimed}, it was sent from {domain}"),
                1.0,
            ));
        }
    }
    const OFFICES: [&str; 20] = [
        "support",
        "security",
        "helpdesk",
        "help desk",
        "administrator",
        "admin",
        "service",
        "billing",
        "payroll",
        "human resources",
        "it department",
        "account team",
        "customer care",
        "kundenservice",
        "service client",
        "servicio",
        "bank",
        "postmaster",
        "webmail",
        "ceo",
    ];
    if free && OFFICES.iter().any(|office| has_words(&name, office)) {
        facts.push(
            Fact::new("sender.office", format!("calls itself an office, but writes from the free mail service {domain}"), 0.8)
                .now(&from.name),
        );
    }
    for reply in message.reply_to.iter().take(1).filter(|reply| !reply.address.is_empty()) {
        let other = list::registered(reply.domain());
        if other != domain {
            let push = if list::is("free_mail", &other) && !free { 0.9 } else { 0.3 };
            facts.push(Fact::new("sender.reply_to", format!("answers go to {other}, it was sent from {domain}"), push).now(&reply.address));
        }
    }
    if !free && let Some(host) = Url::read(&format!("http://{}/", from.domain())) {
        domain_facts(&host, knowledge, facts);
    }
}

/// Least weight of a domain's facts that is worth saying, and the most that they count for besides a look-alike.
const DOMAIN_MIN: f32 = 0.3;
const DOMAIN_MAX: f32 = 0.9;

/// What a link to the sender's domain would say: a name that looks like another, a name that nobody would choose, a platform that gives names away.
fn domain_facts(host: &Url, knowledge: &Knowledge, facts: &mut Vec<Fact>) {
    let said = url::weigh(host, knowledge);
    let mut rest = 0.0;
    let mut why = String::new();
    for fact in said.facts {
        if fact.code == "url.look_alike" || fact.code == "url.brand_word" {
            facts.push(Fact { code: "sender.look_alike", ..fact });
        } else {
            rest += fact.push;
            if why.is_empty() {
                why = fact.text;
            }
        }
    }
    if host.private_suffix {
        rest += 0.5;
        why = format!("it lies on a platform that gives names away: {}", host.host);
    }
    if rest >= DOMAIN_MIN {
        facts.push(
            Fact::new("sender.odd_domain", format!("the sender's domain is unusual: {why}"), (rest * 0.6).min(DOMAIN_MAX)).now(&host.host),
        );
    }
}

/// The words of `what` stand in `text` as whole words.
fn has_words(text: &str, what: &str) -> bool {
    text.match_indices(what).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let after = text[at + what.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric());
        before && after
    })
}
