//! `web-payload`: the model of web values, from a table and our own generated rows.

use sha2::{Digest as _, Sha256};

use super::context;
use super::linear;
use super::prepare::{Example, FOLDS, Prepared, prepare};
use super::table::{Label, Row};
use crate::calibrate::{Curve, Held};
use crate::card::{Calibration, Card, Dropped, Features, Figure, LeftOut, Source, json_bytes};
use crate::generate::web as generated;
use crate::measure::{self, Scored};
use crate::sign::{Folder, hex};
use crate::text::{TextModel, Thresholds};

/// Name of the model.
const NAME: &str = "web-payload";
/// Version of the model that this code trains.
const VERSION: &str = "1.0";
/// Share of attacks among the values that scores assume.
const BASE_RATE: f64 = 0.5;
/// Generated benign rows per 1,000 rows of the table, and the most of them.
const GENERATED_BENIGN: (usize, usize) = (400, 60_000);
/// The same for generated attacks.
const GENERATED_ATTACKS: (usize, usize) = (250, 40_000);

/// Why nothing was trained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Too few usable rows of one label.
    #[error("{found} usable {label} rows in the table, expected at least {least}")]
    Rows {
        /// `attack` or `benign`.
        label: &'static str,
        /// Rows found.
        found: usize,
        /// Least number.
        least: usize,
    },
}

/// Figures of one training.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Rows used.
    pub rows: u64,
    /// Shares on rows that were held back by cluster.
    pub held: Vec<Figure>,
    /// Area under the curve on held-back rows.
    pub held_auc: f64,
    /// Expected calibration error on held-back rows.
    pub calibration_error: f64,
}

/// A row whose label the models that did not see it contradict: for a person to look at, never removed by itself.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Suspect {
    /// Line in the table, from 1; 0 for generated rows.
    pub line: u64,
    /// Index in [`augmented`]'s rows.
    pub row: usize,
    /// The given label.
    pub label: Label,
    /// Calibrated score, 0..1.
    pub score: f32,
}

/// Most suspects that are kept, one for each near-duplicate cluster.
const SUSPECTS_MAX: usize = 1_000;

/// A trained model: its folder (not yet signed), the model itself and its figures.
#[derive(Clone, Debug)]
pub struct Trained {
    /// `model.bin`, `card.json`, `thresholds.json`, `features.json`, `datasheet.json`.
    pub folder: Folder,
    /// The model, as `load` would give it.
    pub model: TextModel,
    /// The card in `card.json`.
    pub card: Card,
    /// What was measured.
    pub figures: Figures,
    /// Rows whose label looks wrong, worst first.
    pub suspects: Vec<Suspect>,
    /// Held-back score and number of signs of each row learned from.
    pub held: Vec<(Scored, u32)>,
}

/// The rows of a table with what we add: values cut out of benign query strings, and generated rows in proportion to the table.
pub fn augmented(rows: &[Row], seed: u64) -> Vec<Row> {
    let mut all: Vec<Row> = rows.to_vec();
    for row in rows.iter().filter(|row| row.label == Label::Benign && row.payload.contains('=') && row.payload.contains('&')) {
        let values = row.payload.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value).filter(|value| value.len() > 8);
        all.extend(values.map(|value| Row { payload: value.into(), source: format!("{}/value", row.source), ..row.clone() }));
    }
    let count = |(per_thousand, most): (usize, usize)| (rows.len() * per_thousand / 1_000).min(most);
    all.extend(generated::benign(seed ^ 0xB1, count(GENERATED_BENIGN)));
    all.extend(generated::attacks(seed ^ 0xA7, count(GENERATED_ATTACKS)));
    all
}

/// Trains `web-payload` on rows whose split is not `dev`. Sources left out are not measured here: see [`super::leave_source_out`];
/// hand the results over as `left_out` to have them on the card.
pub fn web_payload(rows: &[Row], left_out: &[LeftOut], seed: u64) -> Result<Trained, TrainError> {
    let rows: Vec<Row> = rows.iter().filter(|row| row.split != "dev").cloned().collect();
    let all = augmented(&rows, seed);
    let prepared = prepare(&all, seed);
    for (label, positive) in [("attack", true), ("benign", false)] {
        let found = prepared.examples.iter().filter(|example| example.positive == positive).count();
        if found < 50 {
            return Err(TrainError::Rows { label, found, least: 50 });
        }
    }
    // Scores of rows by models that did not see their cluster: calibration, thresholds and figures rest on these alone.
    let scored = out_of_fold(&prepared, seed);
    let curve = Curve::fit(&held_rows(&prepared, &scored));
    let thresholds = thresholds(&prepared, &scored, &curve);

    let mut parts = linear::train(prepared.examples.iter(), seed);
    (parts.name, parts.version) = (NAME.into(), VERSION.into());
    (parts.curve, parts.thresholds) = (curve, thresholds);
    let model = TextModel::from(parts);
    let figures = figures(&prepared, &scored, &model);
    let card = card(&all, &prepared, &model, &figures, left_out, seed, &scored);
    let mut folder = Folder::new();
    folder.put("model.bin", model.to_bytes());
    folder.put("card.json", card.to_bytes());
    folder.put("thresholds.json", json_bytes(&thresholds));
    folder.put("features.json", json_bytes(&Features::text()));
    folder.put("datasheet.json", json_bytes(&card.sources));
    let suspects = suspects(&all, &prepared, &scored, &model);
    let held = prepared.examples.iter().zip(&scored);
    let held = held.map(|(e, &logit)| (Scored { score: model.calibrated(logit), positive: e.positive }, e.signs)).collect();
    Ok(Trained { folder, model, card, figures, suspects, held })
}

/// Weights alone, without folds, calibration or rows of our own: for models that are trained many times over.
pub(crate) fn bare(rows: &[Row], seed: u64) -> TextModel {
    let prepared = prepare(rows, seed);
    TextModel::from(linear::train(prepared.examples.iter(), seed))
}

fn out_of_fold(prepared: &Prepared, seed: u64) -> Vec<f32> {
    let mut scores = vec![0f32; prepared.examples.len()];
    for fold in 0..FOLDS {
        let parts = linear::train(prepared.examples.iter().filter(|example| example.fold != fold), seed);
        let held: Vec<usize> = (0..prepared.examples.len()).filter(|&at| prepared.examples[at].fold == fold).collect();
        let logits = linear::logits(&parts, held.iter().map(|&at| &prepared.examples[at]));
        for (at, logit) in held.into_iter().zip(logits) {
            scores[at] = logit;
        }
    }
    scores
}

fn suspects(all: &[Row], prepared: &Prepared, scored: &[f32], model: &TextModel) -> Vec<Suspect> {
    let wrong = |suspect: &Suspect| if suspect.label == Label::Benign { suspect.score } else { 1.0 - suspect.score };
    let mut found: Vec<(u32, Suspect)> = prepared
        .examples
        .iter()
        .zip(scored)
        .map(|(example, &logit)| {
            let row = &all[example.row as usize];
            (example.cluster, Suspect { line: row.line, row: example.row as usize, label: row.label, score: model.calibrated(logit) })
        })
        .filter(|(_, suspect)| wrong(suspect) > 0.9)
        .collect();
    found.sort_by(|a, b| wrong(&b.1).total_cmp(&wrong(&a.1)).then(a.1.row.cmp(&b.1.row)));
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|(cluster, suspect)| seen.insert((*cluster, suspect.label)));
    found.truncate(SUSPECTS_MAX);
    found.into_iter().map(|(_, suspect)| suspect).collect()
}

/// Each label has half of the weight: the base rate on the card.
fn held_rows(prepared: &Prepared, scored: &[f32]) -> Vec<Held> {
    prepared
        .examples
        .iter()
        .zip(scored)
        .map(|(example, &logit)| Held { logit, positive: example.positive, weight: example.weight })
        .collect()
}

/// Limits by false-positive rate. A near-duplicate cluster counts as the square root of its rows, sources of benign values alike, save
/// that word lists count a tenth (a threshold that rests on single words would be far too low for free text) and generated rows a
/// quarter (a template held back is a kind of text never seen, chosen by us because it is hard).
fn thresholds(prepared: &Prepared, scored: &[f32], curve: &Curve) -> Thresholds {
    let rows = |example: &Example| 1.0 / f64::from(example.cluster_rows).sqrt();
    let factor = |example: &Example| match prepared.sources[usize::from(example.source)].as_str() {
        "grananqvist" => 0.1,
        generated::SOURCE => 0.25,
        _ => 1.0,
    };
    let mut totals = vec![0f64; prepared.sources.len()];
    for example in prepared.examples.iter().filter(|example| !example.positive) {
        totals[usize::from(example.source)] += rows(example);
    }
    let benign: Vec<(f32, f64)> = prepared
        .examples
        .iter()
        .zip(scored)
        .filter(|(example, _)| !example.positive)
        .map(|(example, &score)| (score, rows(example) * factor(example) / totals[usize::from(example.source)].max(1.0).sqrt()))
        .collect();
    let attacks: Vec<f32> = prepared.examples.iter().zip(scored).filter(|(example, _)| example.positive).map(|(_, &score)| score).collect();
    let alone = curve.score(measure::weighted_threshold_at_fpr(&benign, 0.0005));
    let alert = curve.score(measure::weighted_threshold_at_fpr(&benign, 0.005)).min(alone);
    let veto = curve.score(measure::low_quantile(&attacks, 0.001)).min(alert);
    Thresholds { alone, alert, veto }
}

fn figures(prepared: &Prepared, scored: &[f32], model: &TextModel) -> Figures {
    let rows: Vec<Scored> = prepared
        .examples
        .iter()
        .zip(scored)
        .map(|(example, &logit)| Scored { score: model.calibrated(logit), positive: example.positive })
        .collect();
    let limits = model.thresholds();
    let mut held = Vec::new();
    for (name, limit) in [("alone", limits.alone), ("alert", limits.alert)] {
        for source in 0..prepared.sources.len() {
            let of_source: Vec<Scored> = prepared
                .examples
                .iter()
                .zip(&rows)
                .filter(|(example, _)| usize::from(example.source) == source)
                .map(|(_, row)| *row)
                .collect();
            for (share, what) in [(measure::fpr_at(&of_source, limit), "benign"), (measure::tpr_at(&of_source, limit), "attack")] {
                if share.of > 0 {
                    held.push(Figure {
                        what: format!("{what} values of {} at or above `{name}`, clusters held back", prepared.sources[source]),
                        share,
                    });
                }
            }
        }
        for (class, class_name) in prepared.classes.iter().enumerate().filter(|(_, name)| *name != "norm") {
            let of_class: Vec<Scored> = prepared
                .examples
                .iter()
                .zip(&rows)
                .filter(|(example, _)| usize::from(example.class) == class && example.positive)
                .map(|(_, row)| *row)
                .collect();
            if of_class.len() >= 15 {
                held.push(Figure {
                    what: format!("{class_name} at or above `{name}`, clusters held back"),
                    share: measure::tpr_at(&of_class, limit),
                });
            }
        }
    }
    let (calibration_error, _) = measure::calibration_error(&rows);
    Figures { rows: prepared.examples.len() as u64, held, held_auc: measure::auc(&rows).unwrap_or(0.0), calibration_error }
}

fn card(all: &[Row], prepared: &Prepared, model: &TextModel, figures: &Figures, left_out: &[LeftOut], seed: u64, scored: &[f32]) -> Card {
    let rows: Vec<Scored> = prepared
        .examples
        .iter()
        .zip(scored)
        .map(|(example, &logit)| Scored { score: model.calibrated(logit), positive: example.positive })
        .collect();
    let (error, table) = measure::calibration_error(&rows);
    let mut rules: Vec<String> = context::RULES.iter().map(|&rule| rule.to_owned()).collect();
    rules.push("an attack row that the fast path calls plain (up to eight word characters, a number, a date)".into());
    rules.push("equal to another row of its source and label in canonical form".into());
    rules.push(context::MISLABELLED.into());
    Card {
        schema: "bartizan.card/1".into(),
        name: NAME.into(),
        version: VERSION.into(),
        purpose: "Says how much one value of a web request (parameter, header, path, body field) looks like an attack.".into(),
        method:
            "Hashed character 2-5-grams, token 1-3-grams and token classes of the canonical value; linear weights; the score is that of \
                 the worst segment, so added text cannot dilute an attack."
                .into(),
        ships: sources_of(all).iter().all(|source| source.licence != "unknown"),
        sources: sources_of(all),
        rows: figures.rows,
        dropped: rules.into_iter().zip(prepared.dropped).filter(|(_, rows)| *rows > 0).map(|(rule, rows)| Dropped { rule, rows }).collect(),
        split: format!(
            "Thresholds, calibration and held figures: {FOLDS} folds of near-duplicate clusters, each scored by a model that did not see it; the \
             shipped weights then learn from all rows of split `train`. Split `dev` is never read."
        ),
        seed,
        base_rate: BASE_RATE,
        figures: figures.held.clone(),
        left_out: left_out.to_vec(),
        calibration: Calibration { error, table },
        thresholds: model.thresholds(),
        budget: None,
        trivial: String::new(),
        auc: None,
        trivial_auc: None,
        beside: Vec::new(),
        blind_spots: BLIND_SPOTS.iter().map(|&text| text.to_owned()).collect(),
        attacks_tried: ATTACKS_TRIED.iter().map(|&text| text.to_owned()).collect(),
        command_eval: "bartizan model eval web-payload".into(),
        command_train: format!("bartizan model train web-payload --data http/payloads.jsonl.zst --seed {seed}"),
    }
}

const BLIND_SPOTS: [&str; 6] = [
    "Values that are attacks only in context: bare words, plain file names, ordinary addresses (SSRF and redirects to ordinary hosts), ids of other users.",
    "Attacks split over several parameters, and second-order attacks.",
    "Text about attacks (SQL tutorials, bug reports, source code in a form field) can score high: that is what exclusions are for.",
    "The middle of values above 64 KiB is not read.",
    "Trained on English and Spanish attack lists and a generator of ours; scripts beyond Latin count as one letter.",
    "Values are seen alone: header, cookie and body structure are for other detectors.",
];

const ATTACKS_TRIED: [&str; 2] = [
    "Appending text to an attack: the score never falls (property test, by construction).",
    "Re-encoding (percent, double percent, %u, HTML entities, full width, overlong UTF-8, comments, case, white space): one canonical form (property tests).",
];

fn sources_of(rows: &[Row]) -> Vec<Source> {
    let mut found: Vec<(Source, Sha256)> = Vec::new();
    for row in rows {
        let at = found.iter().position(|(source, _)| source.name == row.source).unwrap_or_else(|| {
            let (origin, licence) = provenance(&row.source);
            let source = Source {
                name: row.source.clone(),
                origin: origin.into(),
                licence: licence.into(),
                attacks: 0,
                benign: 0,
                sha256: String::new(),
            };
            found.push((source, Sha256::new()));
            found.len() - 1
        });
        let (source, hash) = &mut found[at];
        match row.label {
            Label::Attack => source.attacks += 1,
            Label::Benign => source.benign += 1,
        }
        hash.update(row.payload.as_bytes());
        hash.update([0]);
    }
    found.into_iter().map(|(source, hash)| Source { sha256: hex(&hash.finalize()), ..source }).collect()
}

/// Origin and licence of the sources we know; a user's own table is the user's.
fn provenance(source: &str) -> (&'static str, &'static str) {
    match source.trim_end_matches("/value") {
        "httpparams" => ("Morzeux/HttpParamsDataset @ 926670a7", "MIT"),
        "grananqvist" => ("grananqvist/Machine-Learning-Web-Application-Firewall-and-Dataset @ 5f660d91", "MIT"),
        "libinjection" => ("client9/libinjection data @ e86ff401", "BSD-3-Clause"),
        "modsec-learn" => ("pralab/modsec-learn @ 10b8f538", "MIT"),
        "payloadsallthethings" => ("swisskyrepo/PayloadsAllTheThings @ f9fa5141", "MIT"),
        "fuzzdb" => ("fuzzdb-project/fuzzdb @ 5656ab25", "BSD-3-Clause AND CC-BY-3.0"),
        "payloadbox" => ("payloadbox/sql-injection-payload-list @ 6e554579, xss-payload-list @ d473925e", "MIT"),
        generated::SOURCE => ("this program's generator, crates/learn/src/generate", "Apache-2.0"),
        _ => ("table of the user", "LicenseRef-user"),
    }
}
