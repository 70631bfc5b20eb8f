//! What one request costs: ns at p50 and p99 and requests/s, over many different requests, none of them repeated one after the other.
//! With a row file as argument (`BARTIZAN_ROWS`), its payloads are used; else generated ones.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::Instant;

use detect::web::request::{Config, Decide, Inspector, Place, Scratch, row_event};
use detect::{Knowledge, web};
use event::{Body, Event};

fn main() {
    let rules = Arc::new(detect::rule_set(web::RULES).unwrap_or_default());
    let model = std::env::var_os("BARTIZAN_MODEL").as_deref().and_then(model_in).map(Arc::new);
    let events: Vec<Event> = (0..4_000u64).map(typical).collect();
    let many: Vec<Event> = payloads().iter().map(|p| row_event(p.as_bytes(), Place::Query)).collect();
    for (name, decide) in [("rules", Decide::Rules), ("model", Decide::Model), ("both", Decide::Both)] {
        if decide != Decide::Rules && model.is_none() {
            println!("{name}: skipped: BARTIZAN_MODEL names no model folder");
            continue;
        }
        let config = detect::Config { request: Config { decide }, ..detect::Config::default() };
        let inspector =
            Inspector::new(&Knowledge { web_rules: Arc::clone(&rules), web_model: model.clone(), config, ..Knowledge::default() });
        for (what, events) in [("typical requests", &events), ("rows", &many)] {
            measure(name, what, &inspector, events);
        }
    }
}

fn measure(name: &str, what: &str, inspector: &Inspector, events: &[Event]) {
    let mut scratch = Scratch::default();
    let mut times: Vec<u64> = Vec::with_capacity(events.len() * 5);
    for round in 0..6 {
        for event in events {
            let begin = Instant::now();
            std::hint::black_box(inspector.inspect(event, &mut scratch));
            if round > 0 {
                times.push(begin.elapsed().as_nanos() as u64);
            }
        }
    }
    let total: u64 = times.iter().sum();
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(0);
    println!(
        "{name:6} {what:17} p50 {:6} ns  p99 {:7} ns  {:8.0} requests/s",
        at(0.5),
        at(0.99),
        times.len() as f64 * 1e9 / total.max(1) as f64
    );
}

/// Five parameters, two cookies, a browser's headers.
fn typical(n: u64) -> Event {
    let mut event = row_event(b"x", Place::Query);
    if let Body::Http(http) = &mut event.body {
        let r = |k: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left((k * 7) as u32) % 100_000;
        http.target = format!(
            "/shop/items/{}/view?q=blue+shoes+{}&page={}&sort=price_asc&ref=mail%2Dnews%2D{}&session={:x}{:x}",
            r(1),
            r(2),
            r(3) % 40,
            r(4),
            r(5),
            r(6)
        );
        http.headers.push(("accept-language".into(), "en-GB,en;q=0.9,de;q=0.7".into()));
        http.headers.push(("accept-encoding".into(), "gzip, deflate, br".into()));
        http.headers.push(("referer".into(), format!("https://www.example/shop/list/{}?page={}", r(7), r(8))));
        http.headers.push(("cookie".into(), format!("sid={:x}{:x}; theme=dark{}", r(9), r(10), r(11) % 3)));
    }
    event
}

fn payloads() -> Vec<String> {
    let rows = std::env::var_os("BARTIZAN_ROWS").and_then(|path| std::fs::read_to_string(path).ok());
    let Some(rows) = rows else {
        return (0..4_000).map(|n| format!("item {n} of the list, {}", n * 31 % 977)).collect();
    };
    rows.lines()
        .step_by(11)
        .take(20_000)
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok()?["payload"].as_str().map(str::to_owned))
        .collect()
}

fn model_in(folder: &std::ffi::OsStr) -> Option<learn::TextModel> {
    let mut model = learn::sign::Folder::new();
    for file in std::fs::read_dir(folder).ok()?.filter_map(Result::ok) {
        let name = file.file_name().into_string().ok()?;
        model.insert(&name, std::fs::read(file.path()).ok()?).ok()?;
    }
    Some(learn::load_unverified(&model).unwrap_or_else(|why| panic!("model: {why}")))
}
