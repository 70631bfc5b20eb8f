//! The model folder of a forecast: model, card and features, not yet signed.

use sha2::{Digest as _, Sha256};

use super::{Bag, Evaluation, ForecastModel, NAME, Trained, VERSION};
use crate::card::{Calibration, Card, Feature, Features, Figure, Source, json_bytes};
use crate::measure::wilson;
use crate::sign::{Folder, hex};
use crate::text::Thresholds;

/// Where the reports of the shipped model come from.
const ORIGIN: (&str, &str, &str) =
    ("tie_reports", "center-for-threat-informed-defense/technique-inference-engine @ 832aabf6 (2024-03-19)", "Apache-2.0");

/// `model.bin`, `card.json`, `features.json`, `thresholds.json`.
pub fn folder(trained: &Trained, bags: &[Bag], seed: u64) -> (Folder, Card) {
    let card = card(&trained.model, &trained.evaluation, bags, seed);
    let names = trained.model.techniques();
    let feature = |id: &String| Feature {
        name: id.clone(),
        unit: "seen or not".into(),
        class: "public".into(),
        forge: "some".into(),
        direction: "none".into(),
    };
    let features = Features {
        hash: sha256_hex(names.join("\n").as_bytes()),
        buckets: names.len() as u64,
        features: names.iter().map(feature).collect(),
    };
    let mut folder = Folder::new();
    let files = [
        ("model.bin", trained.model.to_bytes()),
        ("card.json", card.to_bytes()),
        ("features.json", json_bytes(&features)),
        ("thresholds.json", json_bytes(&card.thresholds)),
    ];
    for (name, bytes) in files {
        folder.insert(name, bytes).expect("invariant: these names are plain");
    }
    (folder, card)
}

fn card(model: &ForecastModel, evaluation: &Evaluation, bags: &[Bag], seed: u64) -> Card {
    let all: Vec<u8> = bags.iter().flat_map(|bag| [bag.join(" ").into_bytes(), vec![0]].concat()).collect();
    let figure = |what: &str, hits: u64| Figure { what: what.into(), share: wilson(hits, evaluation.hidden) };
    Card {
        schema: "bartizan.card/1".into(),
        name: NAME.into(),
        version: VERSION.into(),
        purpose: "Says which ATT&CK techniques come next, given those that were seen.".into(),
        method: format!("Item-item weights in closed form (EASE) over {} techniques; probabilities by a rising curve.", model.techniques().len()),
        ships: true,
        sources: vec![Source {
            name: ORIGIN.0.into(),
            origin: ORIGIN.1.into(),
            licence: ORIGIN.2.into(),
            attacks: bags.len() as u64,
            benign: 0,
            sha256: sha256_hex(&all),
        }],
        rows: bags.len() as u64,
        dropped: Vec::new(),
        split: "Five folds; reports that share 60 % of their techniques stand in one fold. Half of a report's techniques are given, the other half is to be found.".into(),
        seed,
        base_rate: f64::from(evaluation.base_rate),
        figures: vec![
            figure("hidden techniques among the first twenty, reports left out", evaluation.hits),
            figure("the same for the techniques that most reports name, those given left out", evaluation.popular_hits),
        ],
        left_out: Vec::new(),
        calibration: Calibration { error: evaluation.calibration_error, table: Vec::new() },
        thresholds: Thresholds { alone: 1.0, alert: 1.0, veto: 0.0 },
        budget: None,
        trivial: "the techniques that most reports name".into(),
        auc: None,
        trivial_auc: None,
        beside: Vec::new(),
        blind_spots: [
            "Reports name what an analyst tagged: a technique that is missing was not necessarily absent.",
            "No order is known: what is called next may have happened before.",
            "Techniques that no report names are never expected; sub-techniques and parents stand in for each other.",
            "Ids are of ATT&CK 15 and before; renamed ones are mapped by a short list.",
        ]
        .map(String::from)
        .to_vec(),
        attacks_tried: vec!["An attacker who plants findings of other techniques moves the forecast; it changes no verdict and starts no response.".into()],
        command_eval: "bartizan model eval forecast --data tie_reports.jsonl --json".into(),
        command_train: format!("bartizan model train forecast --data tie_reports.jsonl --seed {seed} --out DIR"),
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
