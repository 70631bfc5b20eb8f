//! `prompt-injection`: how much some stretch of a text tries to take over the language model that reads it.
//!
//! Rows of the table and our own: attacks in families and honest prompts that use the same words.

use std::borrow::Cow;

use super::{Budget, Form, Licence, Prose, Recipe, Trivial};
use crate::generate::prompt as made;
use crate::prompt;
use crate::table::{Cell, Row, Table};

/// Own attacks, and as many honest prompts.
const OWN: usize = 6_000;

pub(super) static RECIPE: Recipe = Recipe {
    name: "prompt-injection",
    version: "1.0",
    purpose: "Says how much the worst stretch of a text tries to take over a language model: other instructions, a persona without rules, its \
              own instructions given away, tools misused.",
    method: "Five averaged linear models over hashed words and runs of letters in windows of 40 words, after tricks with letters are undone; the \
             worst window counts. Languages: en, de.",
    ships: true,
    sources: &[
        Licence {
            source: "deepset",
            origin: "deepset prompt-injections, sinanw/llm-security-prompt-injection @ c8af0b0 (mirror)",
            licence: "Apache-2.0",
            ships: true,
        },
        Licence {
            source: "generated",
            origin: "this program's generator, crates/learn/src/generate/prompt.rs",
            licence: "Apache-2.0",
            ships: true,
        },
    ],
    label: &["label"],
    bad: &["injection", "jailbreak"],
    needs: &["text"],
    reads: &[],
    group: None,
    by: &["family", "language"],
    trivial: Trivial {
        what: "words ignore, forget, instructions, pretend, act as, prompt and their German twins",
        score: |row| keywords(row),
    },
    budget: Budget { alone: 0.004, alert: 0.015 },
    form: Form::Prose(Prose { text, window: 40, epochs: 6, own_rows: Some(own_rows) }),
    blind_spots: &[
        "Languages other than English and German are abstained from.",
        "Attacks built over several messages, or that name no instruction at all (long stories, invented rules of a game).",
        "Requests for harmful content without an attack on the instructions are not its subject.",
        "Instructions in a document that are honest (a manual, a form) and instructions to a model look alike; context decides.",
        "Detection slows an attacker down; limits on tools and data are the control. A transformer would find perhaps ten points more.",
        "The public rows are few (546) and short; the generated ones know our phrasing.",
    ],
    prepare: None,
};

fn text<'a>(row: &Row<'a>) -> Option<Cow<'a, str>> {
    row.text("text").map(|text| Cow::Owned(prompt::undone(&text).text))
}

/// Counts of the usual words of a filter.
fn keywords(row: &Row<'_>) -> f32 {
    const WORDS: [&str; 14] = [
        "ignore",
        "forget",
        "disregard",
        "instructions",
        "pretend",
        "act as",
        "prompt",
        "jailbreak",
        "ignoriere",
        "vergiss",
        "anweisungen",
        "you are now",
        "du bist jetzt",
        "stell dir vor",
    ];
    let text = row.text("text").unwrap_or_default().to_lowercase();
    WORDS.iter().filter(|word| text.contains(*word)).count() as f32
}

/// At least as many as the table has of each label, so that neither source decides alone.
fn own_rows(seed: u64, rows: usize) -> Table {
    let mut own = Table::new();
    for prompt in made::rows(seed, OWN.min(10 * rows.max(40))) {
        let cells = [
            ("text", prompt.text.as_str()),
            ("label", if prompt.bad { "1" } else { "0" }),
            ("family", prompt.family),
            ("language", prompt.language),
        ];
        own.push("generated", cells.map(|(name, text)| (name, Cell::Text(text.into()))));
    }
    own
}
