//! Mail and links: one word, the facts behind it, and what was not checked.
//!
//! | file | facts |
//! | --- | --- |
//! | [`authentication`] | what a trusted receiver said about SPF, DKIM, DMARC |
//! | [`impersonation`] | who it claims to be and from where |
//! | [`links`] | where its links lead and what they show |
//! | [`lure`] | what the text asks for, by the model `mail-phish` |
//! | [`bec`] | which process answers such an ask |
//! | [`url`] | one link alone |
//!
//! Verdict:    `phishing` needs the model above its threshold and a fact outside the text; text alone is `suspicious` at most, unless the
//!             threshold is the operator's own and two independent strong intents meet. A fact never speaks for innocence: nothing lowers a
//!             score, be it a passed check, a known mailer or ordinary words.
//! Never read: presence, order or age of other headers, mailer, dates, character set, length.

use decode::mail::Message;
use decode::sniff;
use event::finding::{ModelScore, Reason};
use event::{Body, Text, attack};
use serde::{Deserialize, Serialize};

use crate::Knowledge;
use crate::content::{Judgement, Verdict};

pub mod authentication;
pub mod bec;
pub mod impersonation;
pub mod links;
pub mod lure;
pub mod playbook;
pub mod url;

mod list;

/// What the operator tells about itself; empty works.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Score from which a mail is flagged, learnt on the operator's own mail (`model calibrate`); without it the shipped one.
    pub threshold: Option<f32>,
    /// Hosts whose `Authentication-Results` are believed.
    pub trusted_authserv: Vec<String>,
    /// Registered domains of the organisation.
    pub own_domains: Vec<String>,
    /// Names of people whose name in front of a foreign address is a fact.
    pub people: Vec<String>,
}

/// Something that was seen, in log-odds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fact {
    pub(crate) code: &'static str,
    pub(crate) text: String,
    pub(crate) now: String,
    pub(crate) push: f32,
}

impl Fact {
    pub(crate) fn new(code: &'static str, text: impl Into<String>, push: f32) -> Fact {
        Fact { code, text: text.into(), now: String::new(), push }
    }

    pub(crate) fn now(mut self, now: &str) -> Fact {
        self.now = now.chars().take(160).collect();
        self
    }
}

/// Facts alone from which a mail is suspicious; about two strong ones.
const FACTS_ALONE: f32 = 2.4;
/// Most that facts add to a text that is not yet above its threshold, in log-odds.
const FACTS_TIP: f32 = 2.0;
/// A fact about the sender and one about a link that are each at least this strong are phishing whatever the text says: somebody's name at
/// both ends.
const PLACE_STRONG: f32 = 1.2;
/// A fact below this does not turn a suspicious text into phishing.
const FACT_MIN: f32 = 0.3;
/// Most that the model's excess over its threshold adds, and least that its lack takes, in log-odds.
const MODEL_SPAN: (f32, f32) = (-5.0, 4.0);
/// Nesting of messages inside messages that is judged.
const DEPTH_MAX: u32 = 3;
/// Attachments that are judged.
const ATTACHMENTS_MAX: usize = 32;

/// Says one word about a message.
pub fn judge(name: &str, raw: &[u8], knowledge: &Knowledge) -> Judgement {
    judge_at(name, raw, knowledge, 0)
}

fn judge_at(name: &str, raw: &[u8], knowledge: &Knowledge, depth: u32) -> Judgement {
    let Some(message) = Message::read(raw) else {
        return Judgement::unknown("mail", "unreadable.mail", format!("{name} is no message: no header, no body"));
    };
    let mut said = Judgement { kind: Text::const_new("mail"), body: Body::Mail(Box::new(message.event())), ..Judgement::default() };
    let config = &knowledge.config.mail;
    let mut facts = authentication::facts(&message, config);
    impersonation::facts(&message, knowledge, &mut facts);
    links::facts(&message, knowledge, &mut facts);
    for limit in &message.limits {
        facts.push(Fact::new("mail.limit", format!("the limit of {limit} was hit; what lies beyond it was not read"), 0.2));
        said.not_checked.push(format!("what lies beyond the limit of {limit}"));
    }
    for header in &message.repeated {
        facts.push(Fact::new(
            "mail.repeated_header",
            format!("it has more than one {header} line; programs differ in which one they show"),
            0.8,
        ));
    }
    attachments(&message, knowledge, depth, &mut said, &mut facts);
    let visible = lure::without_quotes(message.visible());
    // The name in front of the address is read by people like a subject.
    let name = message.from.first().map_or("", |from| from.name.as_str());
    let text = format!("{name}\n{}\n{visible}", message.subject);
    let hidden = if message.html.tricks > 0 { message.html.hidden.as_str() } else { "" };
    let text = lure::read(&text, hidden, knowledge);
    if hidden.split_whitespace().count() >= 5 {
        facts.push(Fact::new("mail.hidden_text", "it holds text that its reader cannot see", 0.6).now(hidden));
    }
    let links = message.links.len() + message.attachments.len();
    conclude(said, facts, text, links, knowledge)
}

/// Says one word about a body without headers.
pub fn text(body: &str, knowledge: &Knowledge) -> Judgement {
    let mut said = Judgement { kind: Text::const_new("text"), ..Judgement::default() };
    said.body = Body::Other { host: Text::default(), service: Text::const_new("check") };
    said.not_checked.push("sender, authentication, attachments: a text has none".into());
    let found = decode::mail::link::in_text(body);
    let mut facts = Vec::new();
    links::of_targets(&found, "", knowledge, &mut facts);
    let read = lure::read(&lure::without_quotes(body), "", knowledge);
    conclude(said, facts, read, found.len(), knowledge)
}

fn attachments(message: &Message, knowledge: &Knowledge, depth: u32, said: &mut Judgement, facts: &mut Vec<Fact>) {
    for file in message.attachments.iter().take(ATTACHMENTS_MAX) {
        let kind = sniff::kind(&file.bytes);
        let member = if file.mime == "message/rfc822" || kind == sniff::Kind::Mail {
            if depth >= DEPTH_MAX {
                said.not_checked.push("messages nested deeper than three".into());
                continue;
            }
            judge_at(&file.name, &file.bytes, knowledge, depth + 1)
        } else {
            crate::malware::judge(&file.name, &file.bytes, knowledge)
        };
        let why = member.reasons.first().map(|reason| reason.text.clone()).unwrap_or_default();
        match member.verdict {
            Verdict::Malicious => {
                facts.push(Fact::new("mail.attachment_malicious", format!("an attachment is malicious: {why}"), 4.0).now(&file.name));
                said.verdict = Verdict::Malicious;
            }
            // A quoted or forwarded message is evidence about somebody else.
            Verdict::Suspicious | Verdict::Phishing if file.mime != "message/rfc822" => {
                facts.push(Fact::new("mail.attachment", format!("an attachment is suspicious: {why}"), 1.2).now(&file.name));
            }
            _ => {}
        }
        if kind == sniff::Kind::Html || file.mime == "text/html" {
            let page = decode::mail::Html::read(&String::from_utf8_lossy(&file.bytes));
            if page.forms > 0 || page.password_fields > 0 || page.scripts > 0 {
                facts.push(Fact::new("mail.html_attachment", "a web page with a form or script is attached", 1.4).now(&file.name));
            }
        }
        said.members.push((file.name.clone(), member));
    }
    if message.attachments.len() > ATTACHMENTS_MAX {
        said.not_checked.push(format!("attachments after the first {ATTACHMENTS_MAX}"));
    }
}

/// Facts and text to a word.
fn conclude(mut said: Judgement, mut facts: Vec<Fact>, text: lure::Reading, links: usize, knowledge: &Knowledge) -> Judgement {
    let outside: f32 = facts.iter().map(|fact| fact.push).sum();
    let strongest = facts.iter().map(|fact| fact.push).fold(0.0, f32::max);
    let strong = |place: &str| facts.iter().any(|fact| fact.code.starts_with(place) && fact.push >= PLACE_STRONG);
    let both_ends = strong("sender.") && strong("links.");
    let intents: Vec<&'static str> = text.intents.iter().map(|intent| intent.name).collect();
    let playbook = bec::playbook(&intents);
    facts.extend(text.facts);
    said.not_checked.extend(text.not_checked);
    said.not_checked.push("live pages behind its links (nothing is fetched)".into());
    let few = text.words < lure::WORDS_MIN && links == 0;
    let model = text.excess.filter(|_| !few);
    // The tail beyond the bounds says nothing more.
    let excess = model.map(|excess| excess.clamp(MODEL_SPAN.0, MODEL_SPAN.1));
    let score = 1.0 / (1.0 + (-(excess.unwrap_or(-3.0) + outside.min(5.0))).exp());
    let calibrated = knowledge.config.mail.threshold;
    let hit = match (calibrated, model) {
        (Some(limit), Some(_)) => score >= limit,
        (_, Some(excess)) => excess + outside.min(FACTS_TIP) >= 0.0,
        _ => false,
    };
    if hit || model.is_some_and(|excess| excess >= 0.0) {
        facts.extend(text.lure);
    }
    let two_strong = calibrated.is_some() && bec::independent(&intents);
    let word = if said.verdict == Verdict::Malicious {
        Verdict::Malicious
    } else if hit && text.spam && !few && !both_ends && !bec::asks(&intents) {
        // It presses like a lure and asks for nothing but to be read: unwanted, not dangerous.
        Verdict::Spam
    } else if both_ends || hit && (strongest >= FACT_MIN || two_strong) {
        Verdict::Phishing
    } else if hit || outside >= FACTS_ALONE {
        Verdict::Suspicious
    } else if text.spam && !few {
        Verdict::Spam
    } else if model.is_some() {
        Verdict::Clean
    } else {
        Verdict::Unknown
    };
    said.verdict = word;
    said.abstained = model.is_none() && word <= Verdict::Unknown;
    if model.is_none() {
        let why = text.abstains.unwrap_or_else(|| "fewer than 20 words and neither link nor attachment: the text says too little".into());
        facts.push(Fact::new("mail.abstained", why, 0.0));
    }
    // What facts alone make suspicious is not scored below the threshold.
    let score = if outside >= FACTS_ALONE && calibrated.is_none() { score.max(0.5) } else { score };
    said.score = (!said.abstained).then_some(score);
    if word >= Verdict::Suspicious && word != Verdict::Spam {
        said.techniques.extend(attack::by_uid(if links > 0 { "T1566.002" } else { "T1656" }));
        if let Some(playbook) = playbook {
            facts.push(
                Fact::new(
                    "mail.playbook",
                    format!("{}: follow the playbook {} before anybody pays, changes or answers", playbook.title, playbook.name),
                    0.01,
                )
                .now(&playbook.first_steps()),
            );
        }
    }
    said.would_change = match word {
        Verdict::Clean | Verdict::Unknown if said.abstained => "text in a trained language, or a fact about sender or links".into(),
        Verdict::Clean => "a harmful ask in its text, or facts about sender and links".into(),
        Verdict::Phishing if both_ends => "another sender, or links that lead where they say".into(),
        Verdict::Phishing => format!("without the facts outside the text it would be suspicious at most ({score:.2})"),
        Verdict::Suspicious if hit => "one fact about sender or links would make it phishing".into(),
        _ => "the facts named above, were they not there".into(),
    };
    facts.sort_by(|a, b| b.push.total_cmp(&a.push));
    said.reasons = facts
        .into_iter()
        .map(|fact| Reason { code: fact.code.into(), text: fact.text, now: fact.now, push: fact.push, ..Reason::default() })
        .collect();
    if let (Some(model), Some(excess)) = (knowledge.models.heads("mail-phish"), model) {
        let score = 1.0 / (1.0 + (-excess).exp());
        said.models.push(ModelScore { name: model.name.as_str().into(), version: model.version.as_str().into(), score });
    }
    said
}

#[cfg(test)]
mod tests;
