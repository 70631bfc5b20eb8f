//! Speed of the text model on varied input: values/s, bytes/s, p50 and p99 in nanoseconds for each kind of value.
//!
//!     cargo bench -p learn --bench text
//!
//! Uses the shipped model when `content/models/web-payload` is there, else one trained on generated rows.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::disallowed_types)] // a tool around the pure crate: it reads and writes files

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use learn::sign::Folder;
use learn::{Scratch, TextModel, generate, train};

fn main() {
    let model = shipped().unwrap_or_else(|| {
        let rows: Vec<_> = [generate::web::benign(1, 5_000), generate::web::attacks(1, 5_000)].concat();
        train::web_payload(&rows, &[], 1).expect("invariant: generated rows hold both labels").model
    });
    println!("model {} {}", model.name(), model.version());
    // Fresh rows for every kind, so that no branch predictor learns a short list by heart.
    let benign: Vec<String> = generate::web::benign(77, 20_000).into_iter().map(|row| row.payload).collect();
    let attacks: Vec<String> = generate::web::attacks(78, 20_000).into_iter().map(|row| row.payload).collect();
    let joined = |bytes: usize, count: usize| -> Vec<String> {
        (0..count)
            .map(|i| {
                (0..)
                    .map(|j| benign[(i * 37 + j * 101) % benign.len()].as_str())
                    .scan(0, |n, text| {
                        *n += text.len() + 1;
                        (*n < bytes + text.len()).then_some(text)
                    })
                    .collect::<Vec<_>>()
                    .join(" ")
                    .chars()
                    .take(bytes)
                    .collect()
            })
            .collect()
    };
    let plain: Vec<String> = (0..20_000u32).map(|i| if i % 2 == 0 { format!("{i}") } else { format!("word{}", i % 1_000) }).collect();
    let requests: Vec<Vec<&str>> = (0..8_000)
        .map(|i| {
            (0..5)
                .map(|j| if j < 2 { plain[(i * 7 + j) % plain.len()].as_str() } else { benign[(i * 13 + j * 31) % benign.len()].as_str() })
                .collect()
        })
        .collect();

    run(&model, "plain (fast path)", &plain);
    run(&model, "benign, generated", &benign);
    run(&model, "attack, generated", &attacks);
    run(&model, "2 KB benign", &joined(2_000, 3_000));
    run(&model, "4 KB benign", &joined(4_000, 2_000));
    run(&model, "64 KB benign", &joined(64_000, 100));

    let mut scratch = Scratch::default();
    let mut times = Vec::with_capacity(requests.len());
    for request in &requests {
        let start = Instant::now();
        for value in request {
            black_box(model.score(value.as_bytes(), &mut scratch));
        }
        times.push(start.elapsed().as_nanos() as u64);
    }
    print("request of 5 values", requests.len(), requests.iter().flatten().map(|value| value.len()).sum(), &mut times);
}

fn run(model: &TextModel, what: &str, values: &[String]) {
    let mut scratch = Scratch::default();
    values.iter().take(500).for_each(|value| {
        black_box(model.score(value.as_bytes(), &mut scratch));
    });
    let mut times: Vec<u64> = values
        .iter()
        .map(|value| {
            let start = Instant::now();
            black_box(model.score(black_box(value.as_bytes()), &mut scratch));
            start.elapsed().as_nanos() as u64
        })
        .collect();
    print(what, values.len(), values.iter().map(String::len).sum(), &mut times);
}

fn print(what: &str, count: usize, bytes: usize, times: &mut [u64]) {
    let seconds = times.iter().sum::<u64>() as f64 / 1e9;
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{what:<22} n {count:>6}  mean {:>6} B  {:>10.0}/s  {:>7.1} MB/s  p50 {:>8} ns  p99 {:>8} ns",
        bytes / count.max(1),
        count as f64 / seconds,
        bytes as f64 / seconds / 1e6,
        at(0.5),
        at(0.99)
    );
}

fn shipped() -> Option<TextModel> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/models/web-payload");
    let mut folder = Folder::new();
    for entry in std::fs::read_dir(path).ok()? {
        let entry = entry.ok()?;
        folder.insert(&entry.file_name().to_string_lossy(), std::fs::read(entry.path()).ok()?).ok()?;
    }
    learn::load_unverified(&folder).ok()
}
