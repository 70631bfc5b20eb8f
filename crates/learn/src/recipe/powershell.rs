//! `powershell`: how much some window of a script looks like malicious code. A recipe: no licensed table exists, so no weights ship.

use super::{BUDGET, Form, Licence, Recipe, Trees, Trivial};
use crate::features::powershell;
use crate::generate::Random;
use crate::table::{Cell, Row, Table};
use crate::tree::Settings;

/// Fragments mixed into benign carriers for each malicious script, and their tokens.
const CARRIERS: usize = 1;
const FRAGMENT: (usize, usize) = (20, 60);
/// Tokens of a benign carrier on each side of the fragment.
const AROUND: usize = 60;

pub(super) static RECIPE: Recipe = Recipe {
    name: "powershell",
    version: "1.0",
    purpose: "Says how much the worst window of a PowerShell script looks like malicious code.",
    method: "Five averaged ensembles of boosted trees of depth 4 over shares of token kinds in windows of 40 tokens; the worst window counts, \
             so that good code around a bad fragment does not hide it.",
    ships: false,
    sources: &[Licence { source: "powershell_tokens", origin: "das-lab/mpsd @ 37cf29c", licence: "none stated", ships: false }],
    label: &["label"],
    bad: &[],
    needs: &["tokens"],
    reads: &["stats"],
    group: None,
    by: &["source"],
    trivial: Trivial { what: "fewer tokens in the script", score: |row| -(tokens(row).len() as f32) },
    budget: BUDGET,
    form: Form::Trees(Trees {
        settings: || Settings { depth: 4, rounds: 150, eta: 0.12, ..Settings::default() },
        own_rows: Some(mixed),
        ..Trees::named(powershell::FEATURES, |row, out| powershell::windows(&tokens(row), out))
    }),
    blind_spots: &[
        "Words that an attacker spreads over many windows, or builds only when the script runs.",
        "Administration scripts that download and run code look like what they are.",
        "Learned from one collection: its malicious scripts come from few kits.",
    ],
    prepare: None,
};

fn tokens<'a>(row: &Row<'a>) -> Vec<&'a str> {
    let list = row.json("tokens").and_then(|value| value.as_array());
    list.into_iter().flatten().filter_map(|token| token.as_str()).filter(|token| !token.is_empty()).collect()
}

/// Malicious fragments inside benign scripts, labelled malicious: so that length and company do not decide.
fn mixed(seed: u64, table: &Table) -> Table {
    let mut random = Random::new(seed ^ 0x9051);
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for row in table.rows() {
        let tokens = tokens(&row);
        match RECIPE.is_bad(&row, "label") {
            Ok(true) if tokens.len() >= FRAGMENT.0 => bad.push(tokens),
            Ok(false) if tokens.len() >= 2 * AROUND => good.push(tokens),
            _ => {}
        }
    }
    let mut own = Table::new();
    if good.is_empty() {
        return own;
    }
    for tokens in bad.iter().flat_map(|tokens| std::iter::repeat_n(tokens, CARRIERS)) {
        let length = random.between(FRAGMENT.0, FRAGMENT.1).min(tokens.len());
        let from = random.below(tokens.len() - length + 1);
        let carrier = &good[random.below(good.len())];
        let at = random.below(carrier.len() - 2 * AROUND + 1);
        let parts = [&carrier[at..at + AROUND], &tokens[from..from + length], &carrier[at + AROUND..at + 2 * AROUND]];
        let all: Vec<serde_json::Value> = parts.concat().into_iter().map(Into::into).collect();
        own.push("mixed", [("tokens", Cell::Json(Box::new(all.into()))), ("label", Cell::Text("malicious".into()))]);
    }
    own
}
