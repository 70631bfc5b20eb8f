//! What the text of a mail asks for, by the model `mail-phish`: the worst stretch of words, as sent and with tricks undone.
//!
//! Abstains on a language that the model was not trained on, on hardly any text, and without a model. Hidden text is read apart: it can raise
//! the score and never dilute what is seen.

use learn::language;
use learn::lure::{ASKS, Heads, INTENTS, LURE, SPAM, View, Words, Worst, meaning};

use super::Fact;
use crate::Knowledge;

/// Words from which a text without link or attachment is judged.
pub const WORDS_MIN: usize = 20;
/// Words below which nothing is judged.
const WORDS_LEAST: usize = 5;
/// Words below which a language can often not be told, and the kinds of words that stand for one then.
const TERSE: usize = 30;
const KINDS_MIN: usize = 2;
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
    /// What the worst stretch says: reasons for a word against the mail.
    pub(crate) lure: Vec<Fact>,
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
    // A line or two are in no language yet, but their words may be known.
    let terse = language.0 == "und" && undone.words.len() < TERSE && meaning::told(&undone.words).len() >= KINDS_MIN;
    if !(trained || disguised || terse) {
        reading.abstains = Some(format!("the text is in a language that the model was not trained on ({})", language.0));
        reading.not_checked.push(format!("text in {}", language.0));
        return reading;
    }
    let sent = Words::read(visible, View::AsSent);
    let (plain, cleared) = (model.worst(&sent), model.worst(&undone));
    let (lead, above) = strongest_ask(model, &plain);
    let (lead_undone, above_undone) = strongest_ask(model, &cleared);
    let gap = above_undone - above;
    let (words, worst, lead, mut excess) =
        if gap > 0.0 { (&undone, &cleared, lead_undone, above_undone) } else { (&sent, &plain, lead, above) };
    if gap >= GAP && excess >= 0.0 {
        reading.facts.push(Fact::new("text.gap", "it reads worse once its tricks with letters are undone", 0.8));
    }
    if !hidden.is_empty() {
        let (_, below) = strongest_ask(model, &model.worst(&Words::read(hidden, View::Undone)));
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
    if excess >= -super::FACTS_TIP {
        let (from, to) = (worst[lead].from, worst[lead].to.min(words.words.len()));
        let start = words.words.get(from).map_or(0, |word| word.start as usize);
        let end = words.words.get(to.saturating_sub(1)).map_or(visible.len(), |word| word.end as usize);
        let strongest: Vec<&str> = model
            .strongest(words, lead, worst[lead], 4)
            .iter()
            .filter_map(|(at, _)| words.words.get(*at))
            .map(|word| &visible[word.start as usize..word.end as usize])
            .collect();
        let quote = visible.get(start..end).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let kinds: Vec<String> =
            meaning::told(words.words.get(from..to).unwrap_or_default()).iter().take(5).map(|kind| kind.replace('_', " ")).collect();
        let text = format!(
            "bytes {start} to {end} ask for something that harms; words: {}; they speak of: {}",
            strongest.join(", "),
            kinds.join(", ")
        );
        reading.lure.push(Fact::new("text.lure", text, excess.clamp(0.1, 4.0)).now(&quote));
        for intent in reading.intents.iter().take(3) {
            let text = format!("it carries the intent {}", intent.name.replace('_', " "));
            reading.lure.push(Fact::new("text.intent", text, intent.excess.clamp(0.05, 1.0)));
        }
    }
    reading
}

/// How far the lure as a whole is above its threshold, or one ask that is further above its own; below it, asks say nothing.
fn strongest_ask(model: &Heads, worst: &[Worst]) -> (usize, f32) {
    let above = |head: usize| worst[head].logit - model.threshold[head];
    let asks = INTENTS.iter().enumerate().filter(|(_, name)| ASKS.contains(name)).map(|(head, _)| (head, above(head)));
    asks.filter(|(_, above)| *above >= 0.0).fold((LURE, above(LURE)), |best, ask| if ask.1 > best.1 { ask } else { best })
}

/// The text without older mail that it quotes.
pub(crate) fn without_quotes(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with('>')).collect::<Vec<_>>().join("\n")
}
