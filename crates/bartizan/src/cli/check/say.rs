//! What `check` prints: objects for machines; for people the word first, then reasons, then what was not checked, then what would
//! change it.

use std::collections::BTreeMap;

use detect::content::{Judgement, Verdict};
use serde_json::{Value, json};

use super::Checked;
use crate::cli::{Global, out};

pub(super) struct Teller {
    ndjson: bool,
    json: bool,
    quiet: bool,
    /// For `--json`: results that are not clean, at most [`KEPT_MAX`].
    kept: Vec<Value>,
    counts: BTreeMap<Verdict, u64>,
    cpu_ms: f64,
}

const KEPT_MAX: usize = 10_000;
/// From this many inputs on, people see only what was found.
const ALL_SHOWN_MAX: u64 = 20;
/// Members shown of one archive.
const MEMBERS_SHOWN: usize = 5;
const REASONS_SHOWN: usize = 8;

impl Teller {
    pub(super) fn new(ndjson: bool, global: &Global) -> Teller {
        Teller { ndjson, json: global.json, quiet: global.quiet, kept: Vec::new(), counts: BTreeMap::new(), cpu_ms: 0.0 }
    }

    pub(super) fn tell(&mut self, checked: &Checked) {
        *self.counts.entry(checked.said.verdict).or_default() += 1;
        self.cpu_ms += checked.cpu_ms;
        if self.ndjson {
            out::json(&object(checked));
        } else if self.json {
            if checked.said.verdict != Verdict::Clean && self.kept.len() < KEPT_MAX {
                self.kept.push(object(checked));
            }
        } else if self.n() <= ALL_SHOWN_MAX || checked.said.verdict >= Verdict::Suspicious {
            people(checked);
        }
    }

    fn n(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many of each word.
    pub(super) fn end(&mut self) {
        let n = self.n();
        if self.json && !self.ndjson {
            let counts: BTreeMap<&str, u64> = self.counts.iter().map(|(verdict, n)| (verdict.word(), *n)).collect();
            let results = std::mem::take(&mut self.kept);
            out::json(
                &json!({"schema": "bartizan.checks/1", "n": n, "verdicts": counts, "cpu_ms": round(self.cpu_ms), "results": results}),
            );
        } else if !self.ndjson && !self.quiet && n > 1 {
            let counts: Vec<String> = self.counts.iter().rev().map(|(verdict, n)| format!("{n} {}", verdict.word())).collect();
            out::line(format!(" {n} checked: {}; {:.1} s CPU", counts.join(", "), self.cpu_ms / 1e3));
        }
    }
}

fn round(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}

/// `bartizan.check/1`.
fn object(checked: &Checked) -> Value {
    let mut object = judged(&checked.said);
    object["schema"] = "bartizan.check/1".into();
    object["input"] = checked.input.as_str().into();
    object["cpu_ms"] = round(checked.cpu_ms).into();
    if let Some(id) = &checked.id {
        object["id"] = id.clone();
    }
    object
}

fn judged(said: &Judgement) -> Value {
    let reasons: Vec<Value> = said
        .reasons
        .iter()
        .map(|r| {
            let mut reason = json!({"code": r.code, "text": r.text});
            for (key, text) in [("usual", &r.usual), ("now", &r.now)] {
                if !text.is_empty() {
                    reason[key] = text.as_str().into();
                }
            }
            reason
        })
        .collect();
    let mut object = json!({
        "kind": said.kind, "verdict": said.verdict.word(), "abstained": said.abstained, "score": said.score.map(|s| round(f64::from(s))),
        "reasons": reasons,
    });
    if !said.models.is_empty() {
        object["models"] = said.models.iter().map(|m| json!({"name": m.name, "version": m.version, "score": m.score})).collect();
    }
    if !said.techniques.is_empty() {
        object["techniques"] = said.techniques.iter().map(|t| t.uid).collect();
    }
    if !said.not_checked.is_empty() {
        object["not_checked"] = said.not_checked.as_slice().into();
    }
    if !said.would_change.is_empty() {
        object["would_change"] = said.would_change.as_str().into();
    }
    if let event::Body::File(file) = &said.body {
        object["sha256"] = file.sha256.as_str().into();
    }
    if !said.members.is_empty() {
        object["members"] = said
            .members
            .iter()
            .map(|(name, member)| {
                let mut one = judged(member);
                one["name"] = name.as_str().into();
                one
            })
            .collect();
    }
    object
}

fn people(checked: &Checked) {
    let said = &checked.said;
    let score = said.score.map(|s| format!("{s:.2}")).unwrap_or_else(|| "-".into());
    let models: Vec<String> = said.models.iter().map(|m| format!("{} {}", m.name, m.version)).collect();
    let models = if models.is_empty() { String::new() } else { format!("   (model {})", models.join(", ")) };
    out::line(format!(" {}  {score:>4}   {}   {}{models}", word(said.verdict), said.kind, safe(&checked.input)));
    for (n, reason) in said.reasons.iter().take(REASONS_SHOWN).enumerate() {
        let now = if reason.now.is_empty() { String::new() } else { format!(": {}", safe(&reason.now)) };
        out::line(format!("   {}   · {}{now}", if n == 0 { "why" } else { "   " }, safe(&reason.text)));
    }
    if said.reasons.len() > REASONS_SHOWN {
        out::line(format!("         and {} more (--ndjson shows all)", said.reasons.len() - REASONS_SHOWN));
    }
    let mut members: Vec<&(String, Judgement)> = said.members.iter().filter(|(_, m)| m.verdict >= Verdict::Suspicious).collect();
    members.sort_by_key(|(_, m)| std::cmp::Reverse(m.verdict));
    for (name, member) in members.iter().take(MEMBERS_SHOWN) {
        let why = member.reasons.first().map(|r| r.text.as_str()).unwrap_or_default();
        out::line(format!("   inside {}  {}  {}", word(member.verdict), safe(name), safe(why)));
    }
    if !said.not_checked.is_empty() {
        out::line(format!("   not checked: {}", safe(&said.not_checked.join("; "))));
    }
    if !said.would_change.is_empty() {
        out::line(format!("   would change the verdict: {}", safe(&said.would_change)));
    }
}

fn word(verdict: Verdict) -> String {
    let severity = out::severity(verdict.severity());
    let held = verdict.severity().word().to_uppercase();
    severity.replace(&held, &verdict.word().to_uppercase())
}

/// Outside text for a terminal, links made harmless.
fn safe(text: &str) -> String {
    out::shown(text).replace("http://", "hxxp://").replace("https://", "hxxps://")
}
