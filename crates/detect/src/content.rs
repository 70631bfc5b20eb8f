//! Content: one thing handed in (a file, a mail, a link, a text) and one word about it, with reasons, what was not checked, and what
//! would change the word.
//!
//! Architecture Invariant: the verdict of a member of an archive is the verdict that it has alone. What cannot be opened or read is
//! never called clean.

use decode::sniff;
use event::analytic::AnalyticKind;
use event::finding::{AnalyticName, Evidence, ModelScore, Reason};
use event::{Analytic, Body, Entity, EntityKind, Event, Finding, Score, Severity, Technique, Text};
use serde::{Deserialize, Serialize};

use crate::Knowledge;

mod prompt;

/// In the order of weight: `--fail-on suspicious` also holds for everything after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A kind that can do nothing by itself, and nothing was found in it.
    Clean,
    /// Honest: there is not enough to say more.
    #[default]
    Unknown,
    Suspicious,
    Spam,
    Phishing,
    Malicious,
}

impl Verdict {
    pub const ALL: [Verdict; 6] =
        [Verdict::Clean, Verdict::Unknown, Verdict::Suspicious, Verdict::Spam, Verdict::Phishing, Verdict::Malicious];

    pub const fn word(self) -> &'static str {
        match self {
            Verdict::Clean => "clean",
            Verdict::Unknown => "unknown",
            Verdict::Suspicious => "suspicious",
            Verdict::Spam => "spam",
            Verdict::Phishing => "phishing",
            Verdict::Malicious => "malicious",
        }
    }

    pub fn parse(word: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|v| v.word() == word)
    }

    pub const fn severity(self) -> Severity {
        match self {
            Verdict::Clean | Verdict::Unknown => Severity::Info,
            Verdict::Spam => Severity::Low,
            Verdict::Suspicious => Severity::Medium,
            Verdict::Phishing | Verdict::Malicious => Severity::High,
        }
    }
}

/// What is handed in.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// As the caller calls it: a path, `-`, the id of a row.
    pub name: &'a str,
    pub matter: Matter<'a>,
}

#[derive(Clone, Copy, Debug)]
pub enum Matter<'a> {
    /// A file of any kind; a mail among them is told by its content.
    Bytes(&'a [u8]),
    /// A mail as it was sent.
    Mail(&'a [u8]),
    Url(&'a str),
    /// Running text of no further kind.
    Text(&'a str),
    /// What somebody wants to hand to a language model.
    Prompt(&'a str),
    /// MD5, SHA-1 or SHA-256 in hex.
    Hash(&'a str),
}

/// One word and what stands behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// `pe`, `pdf`, `mail`, `url`, ..: by content, never by name.
    pub kind: Text,
    pub verdict: Verdict,
    /// Nobody dared to say: another language, too short, unreadable.
    pub abstained: bool,
    pub score: Option<f32>,
    /// Strongest first.
    pub reasons: Vec<Reason>,
    pub models: Vec<ModelScore>,
    pub techniques: Vec<Technique>,
    /// What this run did not look at, and why.
    pub not_checked: Vec<String>,
    pub would_change: String,
    /// Of an archive or a mail: each member by its name with its own word.
    pub members: Vec<(String, Judgement)>,
    /// The activity that goes into the log with it.
    pub body: Body,
    /// Who acted, when that is not what the body names first.
    pub actor: Option<Entity>,
}

impl Default for Judgement {
    fn default() -> Judgement {
        Judgement {
            kind: Text::default(),
            verdict: Verdict::Unknown,
            abstained: false,
            score: None,
            reasons: Vec::new(),
            models: Vec::new(),
            techniques: Vec::new(),
            not_checked: Vec::new(),
            would_change: String::new(),
            members: Vec::new(),
            body: Body::Other { host: Text::default(), service: Text::const_new("check") },
            actor: None,
        }
    }
}

impl Judgement {
    /// Nothing can be said, because of this.
    pub fn unknown(kind: &str, code: &str, text: impl Into<String>) -> Judgement {
        Judgement { kind: kind.into(), abstained: true, reasons: vec![reason(code, text, 0.0)], ..Judgement::default() }
    }
}

pub fn reason(code: &str, text: impl Into<String>, push: f32) -> Reason {
    Reason { code: code.into(), text: text.into(), push, ..Reason::default() }
}

/// Says one word about `input`. Pure and bounded: the same bytes and knowledge give the same answer.
pub fn judge(input: &Input<'_>, knowledge: &Knowledge) -> Judgement {
    match input.matter {
        Matter::Bytes(bytes) => file(input.name, bytes, knowledge),
        Matter::Mail(bytes) => crate::mail::judge(input.name, bytes, knowledge),
        Matter::Url(url) => crate::mail::url::judge(url, knowledge),
        Matter::Text(text) => crate::mail::text(text, knowledge),
        Matter::Prompt(text) => prompt::judge(text, knowledge),
        Matter::Hash(hash) => crate::malware::known::hash(hash),
    }
}

fn file(name: &str, bytes: &[u8], knowledge: &Knowledge) -> Judgement {
    if sniff::kind(bytes) == sniff::Kind::Mail {
        return crate::mail::judge(name, bytes, knowledge);
    }
    crate::malware::judge(name, bytes, knowledge)
}

const FILE: Analytic = analytic("content.file", "File content", AnalyticKind::Rule);
const MAIL: Analytic = analytic("content.mail", "Mail content", AnalyticKind::Learning);
const URL: Analytic = analytic("content.url", "Link", AnalyticKind::Rule);
const PROMPT: Analytic = analytic("content.prompt", "Prompt", AnalyticKind::Learning);
const TEXT: Analytic = analytic("content.text", "Text", AnalyticKind::Learning);

/// What the findings of content are called.
pub const ANALYTICS: &[&Analytic] = &[&FILE, &MAIL, &URL, &PROMPT, &TEXT];

const fn analytic(uid: &'static str, name: &'static str, kind: AnalyticKind) -> Analytic {
    Analytic { uid, name, version: "1.0", kind, techniques: &[] }
}

/// A Detection Finding about `event`, whose body is the judgement's; `None` below suspicious.
pub fn finding(said: &Judgement, event: &Event) -> Option<Finding> {
    if said.verdict < Verdict::Suspicious {
        return None;
    }
    let analytic = match said.kind.as_str() {
        "mail" => &MAIL,
        "url" => &URL,
        "prompt" => &PROMPT,
        "text" if !matches!(event.body, Body::File(_)) => &TEXT,
        _ => &FILE,
    };
    let mut entities: Vec<Entity> = said.actor.iter().cloned().collect();
    for entity in event.entities() {
        if !entities.contains(&entity) {
            entities.push(entity);
        }
    }
    // The thing itself acts; the machine it lies on comes after it.
    entities.sort_by_key(|e| e.kind == EntityKind::Host);
    let what = entities.first().map_or_else(|| event.meta.source.to_string(), |e| short_name(&e.name));
    let strongest = said.reasons.first().map(|r| r.text.clone()).unwrap_or_default();
    let score = said.score.unwrap_or(if said.verdict == Verdict::Malicious { 1.0 } else { 0.5 });
    let mut found = Finding::of(analytic, &[event.meta.source.as_bytes(), &[0], event.meta.uid.to_string().as_bytes()].concat());
    found.analytic = AnalyticName::from(analytic);
    found.title = format!("{} {}: {what}", capital(said.verdict.word()), said.kind);
    found.text = format!("{} is {}: {strongest}", event.meta.source, said.verdict.word());
    found.severity = said.verdict.severity();
    found.techniques = said.techniques.clone();
    found.entities = entities;
    (found.first_seen, found.last_seen, found.count) = (event.meta.time, event.meta.time, 1);
    found.would_change = said.would_change.clone();
    found.models = said.models.clone();
    if let Body::File(file) = &event.body {
        found.sha256 = file.sha256.clone();
    }
    found.evidence = vec![Evidence {
        source: event.meta.source.clone(),
        record: event.meta.record,
        event_uid: event.meta.uid,
        time: event.meta.time,
        raw: event.raw.get(..event.raw.len().min(RAW_BYTES_MAX)).unwrap_or_default().into(),
        matches: Vec::new(),
    }];
    Some(found.explained(Score::new(score), said.reasons.clone()))
}

/// Bytes of the thing that a finding carries.
const RAW_BYTES_MAX: usize = 4_096;

fn short_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).chars().take(80).collect()
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
