//! Trains `web-payload`, prints how it does on each source left out, and writes the model folder.
//!
//!     BARTIZAN_DATA=../shared/data cargo run --release -p learn --example train_web -- [--out DIR] [--key PRIVATE.pem] [--seed N] [--dev]
//!
//! Reads `$BARTIZAN_DATA/http/payloads.jsonl` (decompress the `.zst` first) or the file named by `BARTIZAN_TABLE`.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::disallowed_types)] // a tool around the pure crate: it reads and writes files

use std::error::Error;
use std::path::PathBuf;

use learn::card::LeftOut;
use learn::measure::{self, Scored};
use learn::sign::{self, SigningKey};
use learn::train::{self, Label, Row, table};
use learn::{Scratch, TextModel, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)).cloned();
    let flag = |name: &str| arguments.iter().any(|a| a == name);
    let seed: u64 = option("--seed").map_or(Ok(1), |text| text.parse())?;
    let table_path = std::env::var("BARTIZAN_TABLE").map_or_else(
        |_| PathBuf::from(std::env::var("BARTIZAN_DATA").unwrap_or_else(|_| "../shared/data".into())).join("http/payloads.jsonl"),
        PathBuf::from,
    );
    let rows = table::parse(&std::fs::read_to_string(&table_path).map_err(|error| format!("{}: {error}", table_path.display()))?)?;
    let training: Vec<Row> = rows.iter().filter(|row| row.split != "dev").cloned().collect();
    println!("{} rows, {} for training", rows.len(), training.len());

    let left_out = if flag("--no-left-out") { Vec::new() } else { leave_each_out(&training, seed) };
    let started = std::time::Instant::now();
    let trained = train::web_payload(&rows, &left_out, seed)?;
    println!(
        "trained in {:.1} s, held AUC {:.5}, calibration error {:.4}",
        started.elapsed().as_secs_f64(),
        trained.figures.held_auc,
        trained.figures.calibration_error
    );
    println!("thresholds {:?}", trained.model.thresholds());
    for figure in &trained.figures.held {
        println!("{:>8.3} %  {:>6} of {:>6}  {}", figure.share.share * 100.0, figure.share.hits, figure.share.of, figure.what);
    }
    if flag("--suspects") {
        let all = train::augmented(&training, seed);
        for suspect in trained.suspects.iter().take(400) {
            // Rows of the one source with real traffic are not printed: they may carry people's ids.
            let row = &all[suspect.row];
            let text =
                if row.source.starts_with("modsec") { "(real traffic)".into() } else { row.payload.chars().take(140).collect::<String>() };
            println!("suspect {:.5} {:?} {} {} {text:?}", suspect.score, suspect.label, row.source, row.class);
        }
    }
    if flag("--dev") {
        dev(&trained.model, &rows);
    }
    generated(&trained.model, seed + 1_000, flag("--show"));
    if let Some(out) = option("--out") {
        let mut folder = trained.folder.clone();
        if let Some(key) = option("--key") {
            let key = SigningKey::from_pem(&std::fs::read_to_string(key)?)?;
            let signature = sign::sign(&folder, trained.model.name(), &key);
            folder.insert(sign::SIGNATURE_NAME, signature)?;
        }
        let out = PathBuf::from(out);
        std::fs::create_dir_all(&out)?;
        for (name, bytes) in folder.files() {
            std::fs::write(out.join(name), bytes)?;
        }
        println!("wrote {}", out.display());
    }
    Ok(())
}

fn leave_each_out(rows: &[Row], seed: u64) -> Vec<LeftOut> {
    let all = train::augmented(rows, seed);
    let sources = train::sources(rows);
    // Two at a time; the result does not depend on it.
    let mut table: Vec<LeftOut> = Vec::new();
    for pair in sources.chunks(2) {
        std::thread::scope(|scope| {
            let running: Vec<_> = pair.iter().map(|source| scope.spawn(|| train::leave_source_out(&all, source, seed))).collect();
            table.extend(running.into_iter().filter_map(|thread| thread.join().expect("invariant: training does not panic")));
        });
    }
    println!(
        "{:<22} {:>7} {:>7}      {:>7} {:>7} {:>7} {:>7}  signs@.5%",
        "source left out", "attack", "benign", "@.1%", "@.5%", "@1%", "AUC"
    );
    for line in &table {
        println!(
            "{:<22} {:>7} {:>7} {:<4} {:>7.4} {:>7.4} {:>7.4} {:>7.5}  {:.4}",
            line.source,
            line.attacks,
            line.benign,
            line.benign_from,
            line.tpr_at_fpr_01.share,
            line.tpr_at_fpr_05.share,
            line.tpr_at_fpr_1.share,
            line.auc,
            line.trivial_at_fpr_05.share
        );
    }
    table
}

/// Families of the generator under a seed that training did not see: same tables, so a floor for errors, not an estimate of them.
fn generated(model: &TextModel, seed: u64, show: bool) {
    let mut scratch = Scratch::default();
    for (rows, what) in [(generate::web::benign(seed, 40_000), "benign"), (generate::web::attacks(seed, 40_000), "attack")] {
        let mut families: std::collections::BTreeMap<&str, Vec<(f32, &str)>> = Default::default();
        for row in &rows {
            families.entry(&row.class).or_default().push((model.score(row.payload.as_bytes(), &mut scratch), &row.payload));
        }
        for (family, mut scores) in families {
            let at = |limit: f32| {
                measure::wilson(scores.iter().filter(|score| score.0 >= limit).count() as u64, scores.len() as u64).share * 100.0
            };
            println!(
                "generated {what:<6} {family:<16} n {:>6}  alone {:>7.3} %  alert {:>7.3} %",
                scores.len(),
                at(model.thresholds().alone),
                at(model.thresholds().alert)
            );
            if show {
                scores.sort_by(|a, b| a.0.total_cmp(&b.0));
                let worst: Vec<_> = if what == "benign" { scores.iter().rev().take(4).collect() } else { scores.iter().take(4).collect() };
                worst.iter().for_each(|(score, text)| println!("      {score:.5} {:?}", text.chars().take(150).collect::<String>()));
            }
        }
    }
}

fn dev(model: &TextModel, rows: &[Row]) {
    let mut scratch = Scratch::default();
    let scored: Vec<Scored> = rows
        .iter()
        .filter(|row| row.split == "dev")
        .map(|row| Scored { score: model.score(row.payload.as_bytes(), &mut scratch), positive: row.label == Label::Attack })
        .collect();
    println!("dev: {} rows, AUC {:.5}", scored.len(), measure::auc(&scored).unwrap_or(0.0));
    for rate in [0.001, 0.005, 0.01] {
        println!("dev: hits at {rate} false positives {:?}", measure::tpr_at_fpr(&scored, rate));
    }
    for (name, limit) in [("alone", model.thresholds().alone), ("alert", model.thresholds().alert)] {
        println!("dev: {name} hits {:?} false {:?}", measure::tpr_at(&scored, limit), measure::fpr_at(&scored, limit));
    }
}
