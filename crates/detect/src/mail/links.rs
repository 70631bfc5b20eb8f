//! Where the links of a mail lead, and what they show (T1566.002, T1598.003). No link is fetched.
//!
//! Mistaken by: newsletters that count clicks show one host and link another; that alone is a weak fact, and none when the sender's own
//!             domain is shown.

use decode::mail::Message;
use decode::mail::link::{Link, Place};
use decode::url::Url;

use super::{Fact, list, url};
use crate::Knowledge;

/// Most different targets that are judged.
const TARGETS_MAX: usize = 64;

pub(crate) fn facts(message: &Message, knowledge: &Knowledge, facts: &mut Vec<Fact>) {
    let sender = message.from.first().map(|from| list::registered(from.domain())).unwrap_or_default();
    of_targets(&message.links, &sender, knowledge, facts);
    if message.html.password_fields > 0 {
        facts.push(Fact::new("links.password_field", "the mail itself has a field for a password", 1.4));
    }
    let words = message.visible().split_whitespace().count();
    if message.html.images > 0 && words < 20 && !message.links.is_empty() {
        facts.push(Fact::new("mail.image_only", "it is an image with a link and hardly any text", 0.4));
    }
}

pub(crate) fn of_targets(all: &[Link], sender: &str, knowledge: &Knowledge, facts: &mut Vec<Fact>) {
    let mut seen: Vec<String> = Vec::new();
    let mut worst: Option<Fact> = None;
    let mut mismatch: Option<Fact> = None;
    for link in all {
        let Some(target) = Url::read(&link.target) else { continue };
        if matches!(target.scheme.as_str(), "data" | "javascript" | "vbscript") {
            keep(&mut worst, Fact::new("links.active", format!("a link carries its content itself ({}:)", target.scheme), 1.2));
            continue;
        }
        if link.place == Place::Form && !list::is("well_known", &target.registered) {
            keep(&mut worst, Fact::new("links.form", format!("a form of the mail sends what is typed to {}", target.registered), 0.7));
        }
        if link.place == Place::Refresh {
            keep(&mut worst, Fact::new("links.refresh", format!("the mail moves its reader to {} by itself", target.registered), 1.0));
        }
        if let Some(shown) = shown_host(&link.shown)
            && shown.registered != target.registered
            && shown.registered != sender
        {
            let brand = list::is_brand_domain(&shown.registered);
            let fact = Fact::new(
                "links.text_differs",
                format!("a link shows {} and leads to {}", shown.host, target.host),
                if brand { 1.4 } else { 0.4 },
            );
            keep(&mut mismatch, fact.now(&link.target));
        }
        let key = target.key();
        if seen.len() >= TARGETS_MAX || seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let said = url::weigh(&target, knowledge);
        if said.sum >= url::SUSPICIOUS {
            let first = said.facts.first().map(|fact| fact.text.clone()).unwrap_or_default();
            keep(
                &mut worst,
                Fact::new("links.suspicious", format!("a link looks made for phishing: {first}"), said.sum.min(1.8) * 0.7)
                    .now(&link.target),
            );
        } else if said.sum >= 0.5 {
            let first = said.facts.first().map(|fact| fact.text.clone()).unwrap_or_default();
            keep(&mut worst, Fact::new("links.odd", format!("a link is unusual: {first}"), 0.35).now(&link.target));
        }
    }
    facts.extend(worst);
    facts.extend(mismatch);
}

/// The worst of a kind counts once: a mail with a hundred links is no worse than one with that link.
fn keep(worst: &mut Option<Fact>, fact: Fact) {
    if worst.as_ref().is_none_or(|old| old.push < fact.push) {
        *worst = Some(fact);
    }
}

fn shown_host(shown: &str) -> Option<Url> {
    let shown = shown.trim();
    let looks = shown.len() < 200 && !shown.contains(char::is_whitespace) && shown.contains('.') && !shown.contains('@');
    looks.then(|| Url::read(shown)).flatten().filter(|url| url.address.is_some() || url.registered.contains('.'))
}
