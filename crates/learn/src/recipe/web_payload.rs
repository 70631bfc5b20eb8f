//! `web-payload`: values of web requests. Its training, with rows of our own and rules about single words, is [`crate::train`].

use super::train::{Figures, Suspect, TrainError, Trained, trivially};
use super::{Budget, Form, Licence, Recipe, Trivial};
use crate::measure::{Report, Scored};
use crate::registry::Model;
use crate::table::Table;
use crate::train::{self, Label, TrainError as WebError};

const fn source(source: &'static str, origin: &'static str, licence: &'static str) -> Licence {
    Licence { source, origin, licence, ships: true }
}

pub(super) static RECIPE: Recipe = Recipe {
    name: "web-payload",
    version: "1.0",
    purpose: "Says how much one value of a web request (parameter, header, path, body field) looks like an attack.",
    method: "Hashed n-grams of the canonical value; linear weights; the worst segment counts.",
    ships: true,
    sources: &[
        source("httpparams", "Morzeux/HttpParamsDataset @ 926670a7", "MIT"),
        source("grananqvist", "grananqvist/Machine-Learning-Web-Application-Firewall-and-Dataset @ 5f660d91", "MIT"),
        source("libinjection", "client9/libinjection data @ e86ff401", "BSD-3-Clause"),
        source("modsec-learn", "pralab/modsec-learn @ 10b8f538", "MIT"),
        source("payloadsallthethings", "swisskyrepo/PayloadsAllTheThings @ f9fa5141", "MIT"),
        source("fuzzdb", "fuzzdb-project/fuzzdb @ 5656ab25", "BSD-3-Clause AND CC-BY-3.0"),
        source("payloadbox", "payloadbox/sql-injection-payload-list @ 6e554579, xss-payload-list @ d473925e", "MIT"),
    ],
    label: &["label"],
    bad: &[],
    needs: &["payload"],
    reads: &["place"],
    group: None,
    by: &["class", "source"],
    trivial: Trivial { what: "number of signs in the value", score: |row| row.text("payload").map_or(0.0, |text| signs(text.as_bytes())) },
    budget: Budget { alone: 0.0005, alert: 0.005 },
    form: Form::Web,
    blind_spots: &[],
    prepare: None,
};

fn signs(value: &[u8]) -> f32 {
    value.iter().filter(|&&b| !(b.is_ascii_alphanumeric() || b >= 0x80 || b" ._".contains(&b))).count() as f32
}

/// The rows of a table in the form that the training of web values reads.
pub fn web_rows(table: &Table) -> Result<Vec<train::Row>, crate::table::TableError> {
    let label = RECIPE.label_column(table).unwrap_or_default().to_owned();
    let text = |row: &crate::table::Row<'_>, column: &str| row.text(column).unwrap_or_default().into_owned();
    table
        .rows()
        .map(|row| {
            let label = if RECIPE.is_bad(&row, &label)? { Label::Attack } else { Label::Benign };
            let payload = text(&row, "payload");
            if payload.len() > train::table::PAYLOAD_BYTES_MAX {
                let most = train::table::PAYLOAD_BYTES_MAX;
                return Err(row.fault(format!("payload of {} bytes, at most {most} are read", payload.len())));
            }
            Ok(train::Row {
                payload,
                label,
                class: text(&row, "class"),
                source: text(&row, "source"),
                split: text(&row, "split"),
                batch: text(&row, "batch"),
                time: text(&row, "time"),
                line: row.line(),
            })
        })
        .collect()
}

pub(super) fn train(recipe: &Recipe, table: &Table, seed: u64, notes: Vec<String>) -> Result<Trained, TrainError> {
    let rows = web_rows(table)?;
    let trained =
        train::web_payload(&rows, &[], seed).map_err(|WebError::Rows { label, found, least }| TrainError::Rows { label, found, least })?;
    let limit = trained.model.thresholds().alone;
    let scored: Vec<Scored> = trained.held.iter().map(|held| held.0).collect();
    let trivial: Vec<Scored> = trained.held.iter().map(|held| Scored { score: held.1 as f32, positive: held.0.positive }).collect();
    let figures = Figures {
        rows: trained.figures.rows,
        duplicates: 0,
        contradictions: 0,
        split: trained.card.split.clone(),
        report: Report::of(&scored, limit),
        trivial: trivially(recipe, &trivial),
        held: trained.figures.held.clone(),
    };
    let suspects = trained.suspects.iter().filter(|s| s.line > 0);
    Ok(Trained {
        folder: trained.folder,
        model: Model::Text(trained.model.into()),
        suspects: suspects.map(|s| Suspect { line: s.line, bad: s.label == Label::Attack, score: s.score }).collect(),
        card: trained.card,
        figures,
        notes,
    })
}
