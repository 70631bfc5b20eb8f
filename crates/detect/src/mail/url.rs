//! One link by its spelling and the kind of its host. Nothing is fetched.
//!
//! Evidence:   named features (brand outside its domain, look-alike, kind of host with sign-in words, addresses in numbers, ..) with fixed
//!             weights, each of them positive; the character model `url-phish` reads the host alone and adds at most [`MODEL_MAX`], less than
//!             the threshold. So nothing that is added to a path lowers a score.
//! Verdict:    `suspicious` at most: spelling alone never blocks. Scheme, `www.`, trailing slash and tracking parameters change nothing.
//! Mistaken by: honest pages of small firms on free hosting; security firms whose name is a sign-in word.

use decode::url::Url;
use event::finding::{ModelScore, Reason};
use event::{Body, Text, attack};

use super::{Fact, list};
use crate::Knowledge;
use crate::content::{Judgement, Verdict};

mod brand;
mod feature;
mod word;

/// Sum from which a link is suspicious.
pub(crate) const SUSPICIOUS: f32 = 1.4;
/// Most that the character model adds.
const MODEL_MAX: f32 = 0.6;

/// Features of a URL, strongest first.
pub(crate) struct Weighed {
    pub(crate) facts: Vec<Fact>,
    pub(crate) sum: f32,
    model: Option<ModelScore>,
}

pub(crate) fn weigh(url: &Url, knowledge: &Knowledge) -> Weighed {
    let kinds = list::kinds(url);
    let user_space = kinds.iter().any(|kind| !matches!(*kind, "well_known" | "free_mail"));
    let names = knowledge.models.name_model("dga");
    let mut facts = feature::all(url, &kinds, &knowledge.config.mail.own_domains, names.map(|names| &**names));
    let mut model = None;
    let own = knowledge.config.mail.own_domains.contains(&url.registered);
    // Cleared by registered domain only, and only where strangers cannot put pages.
    let cleared = own || ((list::is("well_known", &url.registered) || brand::is_owner(&url.registered)) && !user_space);
    if cleared {
        facts.retain(|fact| fact.code == "url.user_part");
    } else if let Some(heads) = knowledge.models.heads("url-phish") {
        let excess = heads.spelling(url.host.strip_prefix("www.").unwrap_or(&url.host)) - heads.threshold.first().copied().unwrap_or(0.0);
        model = Some(ModelScore {
            name: heads.name.as_str().into(),
            version: heads.version.as_str().into(),
            score: 1.0 / (1.0 + (-excess).exp()),
        });
        let push = (excess * 0.15 + 0.3).clamp(0.0, MODEL_MAX);
        if push > 0.0 && !facts.is_empty() {
            facts.push(Fact::new("url.spelling", "its spelling resembles made-up addresses", push));
        }
    }
    facts.sort_by(|a, b| b.push.total_cmp(&a.push));
    let sum = facts.iter().map(|fact| fact.push).sum();
    Weighed { facts, sum, model }
}

/// Says one word about a link.
pub fn judge(text: &str, knowledge: &Knowledge) -> Judgement {
    let Some(url) = Url::read(text) else {
        let mut said = Judgement::unknown("url", "unreadable.url", "it is no URL: no host");
        said.body = body(text);
        return said;
    };
    let weighed = weigh(&url, knowledge);
    let mut said = Judgement { kind: Text::const_new("url"), body: body(&url.key()), ..Judgement::default() };
    said.verdict = if weighed.sum >= SUSPICIOUS { Verdict::Suspicious } else { Verdict::Clean };
    said.score = Some(1.0 / (1.0 + (-(2.0 * (weighed.sum - SUSPICIOUS))).exp()));
    said.not_checked =
        vec!["the page behind it (nothing is fetched)".into(), "age and reputation of the domain: no indicators are loaded".into()];
    said.would_change = if said.verdict == Verdict::Suspicious {
        "an indicator, or a mail that carries it, would be the second fact that makes it phishing".into()
    } else {
        "a brand or sign-in word in a place that is not its owner's".into()
    };
    if said.verdict == Verdict::Suspicious {
        said.techniques.extend(attack::by_uid("T1566.002"));
    }
    said.models.extend(weighed.model);
    said.reasons = weighed
        .facts
        .into_iter()
        .map(|fact| Reason { code: fact.code.into(), text: fact.text, now: fact.now, push: fact.push, ..Reason::default() })
        .collect();
    said
}

fn body(text: &str) -> Body {
    Body::Other { host: Text::default(), service: text.chars().take(256).collect::<String>().into() }
}
