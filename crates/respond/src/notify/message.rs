//! What is told: one line that says how bad it is, one sentence, three reasons, what was done, where to look, how to take it back.

use event::{Severity, Text, Time};
use serde_json::{Value, json};

use super::escape::{Markup, cut, field};

/// As the engine knows it; nothing is escaped yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// The same message has the same key, however often it is sent: the name of its response.
    pub key: Text,
    /// Empty for a summary and for a test.
    pub incident: Text,
    pub severity: Severity,
    /// Why it is told now: `new`, `raised to high`, `approval needed`, ..
    pub why: String,
    pub title: String,
    pub story: String,
    pub reasons: Vec<String>,
    pub done: Vec<String>,
    /// The page of the incident. Made by us, not from outside.
    pub link: String,
    /// Commands, made by us.
    pub undo: String,
    pub approve: String,
    pub at: Time,
}

const REASONS_MAX: usize = 3;
const DONE_MAX: usize = 5;

/// Every field escaped for one kind of markup.
pub(super) struct Fields {
    pub(super) severity: &'static str,
    pub(super) headline: String,
    pub(super) title: String,
    pub(super) why: String,
    pub(super) story: String,
    pub(super) reasons: Vec<String>,
    pub(super) done: Vec<String>,
}

impl Message {
    pub(super) fn fields(&self, markup: Markup) -> Fields {
        let clean = |text: &String| field(text, markup);
        let severity = self.severity.word();
        let title = clean(&self.title);
        let name = if self.incident.is_empty() { String::new() } else { format!(" {}", self.incident) };
        Fields {
            severity,
            headline: cut(&format!("{}{name}: {title}", severity.to_uppercase()), 240),
            title,
            why: clean(&self.why),
            story: clean(&self.story),
            reasons: self.reasons.iter().take(REASONS_MAX).map(clean).collect(),
            done: self.done.iter().take(DONE_MAX).map(clean).collect(),
        }
    }

    /// The whole of it as lines, the headline first; within `bytes_max`, and what takes it back is never what is cut.
    pub(super) fn text(&self, markup: Markup, bytes_max: usize) -> String {
        let fields = self.fields(markup);
        let mut end = String::new();
        for (word, text) in [("Approve", &self.approve), ("Undo", &self.undo), ("Open", &self.link)] {
            if !text.is_empty() {
                end.push_str(&format!("\n{word}: {text}"));
            }
        }
        let mut lines = vec![fields.headline];
        lines.extend([fields.why, fields.story].into_iter().filter(|line| !line.is_empty()));
        lines.extend(fields.reasons.iter().map(|reason| format!("- {reason}")));
        let done = if fields.done.is_empty() { vec!["nothing".to_owned()] } else { fields.done };
        if !self.incident.is_empty() {
            lines.push(format!("Done: {}", done.join("; ")));
        }
        format!("{}{end}", cut(&lines.join("\n"), bytes_max.saturating_sub(end.len())))
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let fields = self.fields(Markup::Plain);
        json!({
            "schema": "bartizan.notification/1", "id": self.key, "time": self.at.to_string(), "incident": self.incident,
            "severity": fields.severity, "severity_id": self.severity.id(), "why": fields.why, "title": fields.title, "story": fields.story,
            "reasons": fields.reasons, "done": fields.done, "open": self.link, "undo": self.undo, "approve": self.approve,
        })
    }

    /// What `bartizan notify test` sends.
    pub fn test(key: &str, at: Time) -> Message {
        Message {
            key: key.into(),
            severity: Severity::Info,
            why: "asked for by a person".into(),
            title: "Test of a channel of Bartizan".into(),
            story: "Nothing happened. This message shows that the channel works.".into(),
            at,
            ..Message::default()
        }
    }
}
