//! Prints how well attackers on accounts are told from owners, on our own generator: `cargo run --release -p learn --example login -- SEED MIX`.
#![allow(clippy::print_stdout)]

use learn::generate::logins::{Config, logins};
use learn::login::evaluate::{BASELINES, examples, figures};

#[allow(clippy::disallowed_methods)]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seed = arguments.first().and_then(|s| s.parse().ok()).unwrap_or(1);
    let mix = arguments.get(1).cloned().unwrap_or_else(|| "home".into());
    for plain in [true, false] {
        let config = Config { seed, mix: mix.clone(), plain, ..Config::default() };
        let Some(rows) = logins(&config) else {
            println!("unknown mix {mix}");
            return;
        };
        let start = std::time::Instant::now();
        let examples = examples(&rows);
        let us = start.elapsed().as_secs_f64() * 1e6 / rows.len() as f64;
        println!(
            "seed {seed}, mix {mix}, {}: {} rows, {us:.1} us a row",
            if plain { "plain fields" } else { "device and round trip" },
            rows.len()
        );
        for (name, score) in BASELINES {
            for f in figures(&examples, score) {
                println!(
                    "  {name:<22} {:<9} AUC {:.4}  at 1 %: {:.3}  at 5 %: {:.3} [{:.3}, {:.3}]  {} against {} owners",
                    f.kind.word(),
                    f.auc,
                    f.at_1.share,
                    f.at_5.share,
                    f.at_5.low,
                    f.at_5.high,
                    f.at_5.of,
                    f.owners
                );
            }
        }
    }
}
