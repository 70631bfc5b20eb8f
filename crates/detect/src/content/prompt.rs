//! Prompts: text on its way to a language model that tries to take it over.
//!
//! Reads:      one text, with its tricks undone, and what was hidden in it (base64, hex, tags, turned or reversed letters).
//! Score:      model `prompt-injection`, the worst window of the worst view; nothing that stands beside it lowers it.
//! Verdict:    `suspicious` from the alert threshold, `malicious` from the stricter one, `clean` below the first; a language that the model was
//!             not trained on and hardly any text are `unknown`.
//! Reasons:    what is tried (`prompt.override`, `.persona`, `.leak`, `.tool`, `.indirect`, `.obfuscation`) with the words that weigh most.
//! Mistaken by: texts about such attacks; instructions to people inside documents.

use event::finding::{ModelScore, Reason};
use event::{Body, Text};
use learn::prompt::{self, Undone};
use learn::{ProseModel, language};

use super::{Judgement, Verdict, reason};
use crate::Knowledge;

/// Fewest words that are judged.
const WORDS_MIN: usize = 2;
/// Words from which a language can be told.
const LANGUAGE_WORDS: usize = 16;
/// Words from which a text counts as a document, and an attack far from its beginning as one inside it.
const DOCUMENT_WORDS: usize = 60;
const MODEL: &str = "prompt-injection";
const LANGUAGES: [&str; 2] = ["en", "de"];
/// Characters of a quoted text.
const SHOWN: usize = 160;

/// What is tried, and words that say so in a window that the model finds bad; the first of equals wins.
const KINDS: [(&str, &str, &[&str]); 4] = [
    (
        "prompt.override",
        "tries to put other instructions in place of the given ones",
        &[
            "ignore",
            "forget",
            "disregard",
            "override",
            "new task",
            "new instructions",
            "previous",
            "above",
            "earlier",
            "instructions",
            "rules",
            "drop",
            "ignoriere",
            "vergiss",
            "neue aufgabe",
            "anweisungen",
            "regeln",
            "vorherigen",
            "bisherigen",
            "oben",
        ],
    ),
    (
        "prompt.persona",
        "gives the model a part to play that has no rules",
        &[
            "act as",
            "pretend",
            "you are now",
            "role",
            "character",
            "imagine",
            "behave",
            "simulate",
            "limits",
            "refuse",
            "filter",
            "game",
            "unrestricted",
            "developer mode",
            "stay in",
            "without rules",
            "du bist",
            "stell dir vor",
            "rolle",
            "spiel",
            "tu so",
            "grenzen",
        ],
    ),
    (
        "prompt.leak",
        "tries to get at the model's own instructions or secrets",
        &[
            "prompt",
            "system",
            "reveal",
            "repeat",
            "verbatim",
            "word for word",
            "secret",
            "hidden",
            "initial",
            "confidential",
            "your instructions",
            "text above",
            "print",
            "password",
            "code block",
            "wiederhole",
            "wörtlich",
            "geheim",
            "deine anweisungen",
            "verrate",
            "zeige",
        ],
    ),
    (
        "prompt.tool",
        "tries to have tools used against their owner",
        &[
            "execute",
            "run ",
            "function",
            "tool",
            "shell",
            "http",
            "send",
            "forward",
            "delete",
            "transfer",
            "curl",
            "rm -",
            "without asking",
            "mails",
            "führe",
            "sende",
            "lösche",
            "überweise",
            "leite",
            "@",
        ],
    ),
];

/// One way to read the text, and what the model says about it.
struct Seen<'a> {
    text: &'a str,
    /// How it was found, when it was hidden.
    how: Option<&'a str>,
    logit: f32,
}

pub(super) fn judge(text: &str, knowledge: &Knowledge) -> Judgement {
    let body = Body::Other { host: Text::default(), service: text.chars().take(256).collect::<String>().into() };
    let unknown = |code: &str, why: String| Judgement { body: body.clone(), ..Judgement::unknown("prompt", code, why) };
    let Some(model) = knowledge.models.prose(MODEL) else {
        let why = format!("text: the model {MODEL} is not at work");
        return Judgement { not_checked: vec![why.clone()], ..unknown("prompt.no_model", why) };
    };
    let undone = prompt::undone(text);
    let language = language::of(&undone.text).0;
    let words = ProseModel::words(undone.text.as_bytes());
    let other_script = !is_latin(&undone.text);
    // Few words have no language; another script shows at once.
    let foreign = other_script || (words >= LANGUAGE_WORDS && language != "und" && !LANGUAGES.contains(&language));
    let mut views = Vec::new();
    if words >= WORDS_MIN && !foreign {
        views.push(Seen { text: &undone.text, how: None, logit: model.logit(undone.text.as_bytes()) });
    }
    let hidden = undone.parts.iter().filter(|(part, _)| ProseModel::words(part.as_bytes()) >= WORDS_MIN);
    views.extend(hidden.map(|(part, how)| Seen { text: part, how: Some(how), logit: model.logit(part.as_bytes()) }));
    let limits = model.thresholds();
    let worst = views.iter().max_by(|a, b| a.logit.total_cmp(&b.logit));
    // What was hidden counts in any language around it; that it is harmless says nothing about the rest.
    let Some(worst) = worst.filter(|seen| !foreign || model.calibrated(seen.logit) >= limits.alert) else {
        return if words < WORDS_MIN {
            unknown("prompt.too_short", "hardly any text".into())
        } else {
            unknown("prompt.language", format!("a language that the model was not trained on ({language})"))
        };
    };
    let score = model.calibrated(worst.logit);
    let verdict = match score {
        score if score >= limits.alone => Verdict::Malicious,
        score if score >= limits.alert => Verdict::Suspicious,
        _ => Verdict::Clean,
    };
    let mut said = Judgement {
        kind: "prompt".into(),
        verdict,
        score: Some(score),
        models: vec![ModelScore { name: model.name().into(), version: model.version().into(), score }],
        body,
        ..Judgement::default()
    };
    if text.len() > prompt::TEXT_BYTES_MAX {
        said.not_checked.push(format!("text beyond {} bytes", prompt::TEXT_BYTES_MAX));
    }
    if verdict >= Verdict::Suspicious {
        said.reasons = reasons(worst, text, &undone, model);
        said.would_change = "the text without the quoted words".into();
    } else {
        said.reasons = vec![reason("prompt.nothing", "no stretch of it tries to take the model over", worst.logit.min(0.0))];
    }
    said
}

fn is_latin(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    text.chars().filter(|c| c.is_alphabetic() && (*c as u32) < 0x250).count() * 10 >= letters * 6
}

fn reasons(worst: &Seen<'_>, sent: &str, undone: &Undone, model: &ProseModel) -> Vec<Reason> {
    let why = model.explain(worst.text.as_bytes());
    let strong: Vec<&learn::Part> = why.parts.iter().filter(|part| part.push > 0.0 && part.end > part.start).collect();
    let words: Vec<&str> = strong.iter().take(6).map(|part| part.text.as_str()).collect();
    let start = strong.iter().map(|part| part.start as usize).min().unwrap_or(0);
    let end = strong.iter().map(|part| part.end as usize).max().unwrap_or(worst.text.len());
    let window = worst.text.get(start..end).unwrap_or(worst.text);
    let lower = window.to_lowercase();
    let said = |kind: &(&str, &str, &[&str])| kind.2.iter().filter(|word| lower.contains(**word)).count();
    let (code, what, _) = KINDS.iter().rev().max_by_key(|kind| said(kind)).unwrap_or(&KINDS[0]);
    let place = if worst.how.is_some() { "the hidden text" } else { "the text" };
    let text = format!("bytes {start} to {end} of {place}: {what}; words: {}", words.join(", "));
    let mut found = reason(code, text, why.logit.max(0.5));
    found.now = window.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
    let mut reasons = vec![found];
    if let Some(how) = worst.how {
        reasons.push(reason("prompt.obfuscation", format!("it was hidden: {how}"), 0.4));
    } else if !undone.steps.is_empty() {
        reasons.push(reason("prompt.obfuscation", format!("it was disguised: {}", undone.steps.join(", ")), 0.4));
    }
    let before = ProseModel::words(worst.text.get(..start).unwrap_or_default().as_bytes());
    let marked = ["<!--", "display:none", "display: none", "[//]:"].iter().any(|mark| sent.contains(mark));
    if worst.how.is_none() && (marked || (before >= DOCUMENT_WORDS / 2 && ProseModel::words(sent.as_bytes()) >= DOCUMENT_WORDS)) {
        reasons.push(reason("prompt.indirect", format!("it stands inside a document, after {before} other words"), 0.4));
    }
    reasons
}

#[cfg(test)]
mod tests;
