//! What the text of a mail asks for, by the model `mail-phish`: the worst stretch of words, as sent and with tricks undone.
//!
//! Abstains on a language that the model was not trained on, on hardly any text, and without a model. Hidden text is read apart: it can raise
//! the score and never dilute what is seen.

use learn::language;
use learn::lure::{INTENTS, LURE, SPAM, View, Words};

use super::Fact;
use crate::Knowledge;

/// Words from which a text without link or attachment is judged.
pub const WORDS_MIN: usize = 20;
/// Words below which nothing is judged.
const WORDS_LEAST: usize = 5;
/// A logit lost by disguise from which the disguise is a reason of its own.
const GAP: f32 = 1.0;

/// A strong intent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Intent {
    pub(crate) name: &'static str,
    pub(crate) excess: f32,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// Logits of the worst stretch above the shipped threshold; `None` when nobody dares to say.
    pub(crate) excess: Option<f32>,
    pub(crate) intents: Vec<Intent>,
    pub(crate) spam: bool,
    pub(crate) words: usize,
    pub(crate) facts: Vec<Fact>,
    pub(crate) abstains: Option<String>,
    pub(crate) not_checked: Vec<String>,
}

pub(crate) fn read(visible: &str, hidden: &str, knowledge: &Knowledge) -> Reading {
    let undone = Words::read(visible, View::Undone);
    let mut reading = Reading { words: undone.words.len(), ..Reading::default() };
    if undone.disguised >= 1 {
        let text = format!("{} words are disguised by look-alike or invisible letters", undone.disguised);
        reading.facts.push(Fact::new("text.disguised", text, if undone.disguised >= 3 { 1.2 } else { 0.6 }));
    }
    let Some(model) = knowledge.models.heads("mail-phish") else {
        reading.not_checked.push("text: the model mail-phish is not at work".into());
        reading.abstains = Some("the model mail-phish is not at work".into());
        return reading;
    };
    if undone.words.len() < WORDS_LEAST {
        reading.abstains = Some("hardly any text".into());
        return reading;
    }
    let language = language::of(visible);
    let trained = model.languages.iter().any(|code| code == language.0);
    let disguised = language.0 == "und" && undone.disguised >= 3;
    if !(trained || disguised) {
        reading.abstains = Some(format!("the text is in a language that the model was not trained on ({})", language.0));
        reading.not_checked.push(format!("text in {}", language.0));
        return reading;
    }
    let sent = Words::read(visible, View::AsSent);
    let (plain, cleared) = (model.worst(&sent), model.worst(&undone));
    let gap = cleared[LURE].logit - plain[LURE].logit;
    let (words, worst) = if gap > 0.0 { (&undone, &cleared) } else { (&sent, &plain) };
    let mut excess = worst[LURE].logit - model.threshold[LURE];
    if gap >= GAP && excess >= 0.0 {
        reading.facts.push(Fact::new("text.gap", "it reads worse once its tricks with letters are undone", 0.8));
    }
    if !hidden.is_empty() {
        let below = model.worst(&Words::read(hidden, View::Undone))[LURE].logit - model.threshold[LURE];
        if below > excess {
            excess = below;
            reading.facts.push(Fact::new("text.hidden_lure", "the worst part of it is hidden from its reader", 0.8));
        }
    }
    reading.spam = plain[SPAM].logit.max(cleared[SPAM].logit) >= model.threshold[SPAM];
    reading.excess = Some(excess);
    for (head, name) in INTENTS.iter().enumerate().take(SPAM) {
        let above = worst[head].logit - model.threshold[head];
        if above >= 0.0 && *name != "pretext" {
            reading.intents.push(Intent { name, excess: above });
        }
    }
    reading.intents.sort_by(|a, b| b.excess.total_cmp(&a.excess));
    if excess >= 0.0 {
        let (from, to) = (worst[LURE].from, worst[LURE].to.min(words.words.len()));
        let start = words.words.get(from).map_or(0, |word| word.start as usize);
        let end = words.words.get(to.saturating_sub(1)).map_or(visible.len(), |word| word.end as usize);
        let strongest: Vec<&str> = model
            .strongest(words, LURE, worst[LURE], 4)
            .iter()
            .filter_map(|(at, _)| words.words.get(*at))
            .map(|word| &visible[word.start as usize..word.end as usize])
            .collect();
        let quote = visible.get(start..end).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let text = format!("bytes {start} to {end} ask for something that harms; words: {}", strongest.join(", "));
        reading.facts.push(Fact::new("text.lure", text, excess.clamp(0.1, 4.0)).now(&quote));
        for intent in reading.intents.iter().take(3) {
            let text = format!("it carries the intent {}", intent.name.replace('_', " "));
            reading.facts.push(Fact::new("text.intent", text, intent.excess.clamp(0.05, 1.0)));
        }
    }
    reading
}

/// The text without older mail that it quotes.
pub(crate) fn without_quotes(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with('>')).collect::<Vec<_>>().join("\n")
}
