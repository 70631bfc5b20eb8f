//! The gateway by itself, for measuring: `proxy UPSTREAM LISTEN [--no-inspect] [--enforce] [--workers N] [--ndjson FILE]`.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use detect::Knowledge;
use detect::web::request::Inspector;
use event::{Decisions, Time};
use gateway::{Config, Counters, Links};

type Fault = Box<dyn std::error::Error>;

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_us(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The rules that ship, no model.
fn knowledge() -> Result<Knowledge, Fault> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/rules/web");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        files.push((path.display().to_string(), std::fs::read_to_string(&path)?));
    }
    let texts: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let rules = rule::Ruleset::parse(&texts).map_err(|errors| format!("{errors:?}"))?;
    Ok(Knowledge { web_rules: rules.into(), ..Knowledge::default() })
}

fn main() -> Result<(), Fault> {
    let mut words = Vec::new();
    let (mut inspect, mut enforce, mut workers, mut file) = (true, false, None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--no-inspect" => inspect = false,
            "--enforce" => enforce = true,
            "--workers" => workers = arguments.next().map(|n| n.parse::<usize>()).transpose()?,
            "--ndjson" => file = arguments.next().map(std::fs::File::create).transpose()?,
            _ => words.push(argument),
        }
    }
    let [upstream, listen] = &words[..] else { return Err("usage: proxy UPSTREAM LISTEN [--no-inspect] [--enforce]".into()) };
    let mut config = Config::new(listen.parse()?, upstream.parse()?);
    if let Some(workers) = workers {
        config.workers = workers;
    }
    let (out, mut events) = tokio::sync::mpsc::channel(65_536);
    let counters = Arc::new(Counters::default());
    let inspector = if inspect { Some(Arc::new(ArcSwap::from_pointee(Inspector::new(&knowledge()?)))) } else { None };
    let links = Links {
        decisions: Arc::new(ArcSwap::from_pointee(Decisions::default())),
        inspector,
        logins: None,
        enforce: Arc::new(AtomicBool::new(enforce)),
        out,
        now,
        counters: Arc::clone(&counters),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let bound = gateway::bind(&config).await?;
        tokio::spawn(async move {
            let mut batch = Vec::new();
            let mut file = file.map(std::io::BufWriter::new);
            while events.recv_many(&mut batch, 1024).await > 0 {
                for observed in batch.drain(..) {
                    if let Some(file) = &mut file {
                        let _ = writeln!(file, "{}", gateway::ndjson::line(&observed));
                    }
                }
            }
        });
        let stop = async {
            let _ = tokio::signal::ctrl_c().await;
        };
        bound.serve(links, stop).await;
        let mut stderr = std::io::stderr();
        writeln!(stderr, "{counters:?}")?;
        Ok::<_, Fault>(())
    })
}
