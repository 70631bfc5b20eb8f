//! `model drift NAME`: do the rows of today look like those of before? Schema, missing values and units first, then stability.

mod record;

use std::path::PathBuf;

use clap::Args;
use event::{Body, Time};
use learn::drift::{Report, TEXT_COLUMNS, describe};
use serde_json::json;

use super::scorer::Scorer;
use super::table;
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, out, text};
use crate::drift::{Windows, finding, is_young};
use crate::{clock, paths};

/// Whether the rows that a model sees have changed
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan model drift web-payload --since 7d --json\n  bartizan model drift web-payload --data this-week.jsonl --reference last-month.jsonl\n\nWithout --data the log's own requests; without --reference the first half of the table.\n\nExit codes: 0 as before, or too few rows to say; 1 drifted; 3 could not."
)]
pub(super) struct Drift {
    name: String,
    /// Rows of today, in order of time
    #[arg(long)]
    data: Vec<PathBuf>,
    /// Rows of before
    #[arg(long, requires = "data")]
    reference: Vec<PathBuf>,
    /// How far back today reaches: 7d, 12h
    #[arg(long, default_value = "7d")]
    since: String,
    /// Keep what was found in the log, where it becomes an incident
    #[arg(long)]
    record: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(args: &Drift, global: &Global) -> Result<Exit, Fail> {
    let windows = if args.data.is_empty() { of_log(args, global)? } else { of_tables(args, global)? };
    let (report, risen) = windows.check(args.seed);
    say(args, &windows, &report, risen, global);
    if args.record && (report.drift || risen) {
        let (models, now) = (paths::data_dir(global.data_dir.as_ref()).join("models"), clock::now());
        record::keep(finding(&args.name, &windows.from, &report, is_young(&models, &args.name, now), risen, now), global)?;
    }
    Ok(if report.drift || risen { Exit::Found } else { Exit::Fine })
}

fn say(args: &Drift, windows: &Windows, report: &Report, risen: bool, global: &Global) {
    if global.json {
        let mut object = serde_json::to_value(report).unwrap_or_else(|_| json!({}));
        object["schema"] = "bartizan.model_drift/1".into();
        object["model"] = args.name.as_str().into();
        object["from"] = windows.from.as_str().into();
        object["alert_rate_risen"] = risen.into();
        object["drift"] = (report.drift || risen).into();
        return out::json(&object);
    }
    let word = if report.drift || risen { "DRIFTED" } else { "as before" };
    out::line(format!(" {word}  {}: {} rows against {} before, {}", out::shown(&args.name), report.rows, report.reference, windows.from));
    if !report.enough {
        out::line(format!(" fewer than {} rows on one side: only the columns' names were compared", learn::drift::ROWS_MIN));
    }
    report.faults.iter().for_each(|fault| out::line(format!(" {:<8} {}", fault.kind, out::shown(&fault.text))));
    for column in &report.columns {
        let mark = if column.drifted { "moved" } else { "ok" };
        out::line(format!(" {mark:<8} {:<28} stability index {:.4}, limit {:.4}", out::shown(&column.column), column.psi, column.limit));
    }
    if risen {
        out::line(" alerts   the share of alerts has risen within these rows and stayed");
    }
}

fn of_tables(args: &Drift, global: &Global) -> Result<Windows, Fail> {
    let today = table::read(&args.data)?;
    let judge = Scorer::load(&args.name, global)?;
    let (names, mut now, mut alerts) = judge.rows(&today)?;
    if args.reference.is_empty() {
        // The earlier half is what today is compared with.
        let before = now.drain(..now.len() / 2).collect::<Vec<_>>();
        alerts.drain(..before.len().min(alerts.len()));
        return Ok(Windows { names, before, now, alerts, from: "the first half of the table against the second".into() });
    }
    let before = judge.rows(&table::read(&args.reference)?)?.1;
    Ok(Windows { names, before, now, alerts, from: "two tables".into() })
}

/// Requests of the log with their scores, older and newer than `since`; for other models the scores that stand in findings.
fn of_log(args: &Drift, global: &Global) -> Result<Windows, Fail> {
    let dir = paths::data_dir(global.data_dir.as_ref());
    let log = store::open_read_only(&dir).map_err(|e| text::cannot_open(&dir, &e))?;
    let border = clock::now().plus_s(-seconds(&args.since)?);
    let web = args.name == "web-payload";
    let (mut before, mut now, mut alerts) = (Vec::new(), Vec::new(), Vec::new());
    let mut from = 0;
    loop {
        let page = log.read(from, 4_096).map_err(|e| text::cannot_open(&dir, &e))?;
        let Some((last, _)) = page.last() else { break };
        from = last + 1;
        for (_, event) in &page {
            let (row, at): (Vec<f32>, Time) = match &event.body {
                Body::Http(http) if web => (describe(&http.target, http.score), event.meta.time),
                Body::Finding(finding) if !web => match finding.models.iter().find(|model| model.name == args.name.as_str()) {
                    Some(model) => (vec![model.score], finding.last_seen),
                    None => continue,
                },
                _ => continue,
            };
            if at < border {
                before.push(row);
            } else {
                alerts.push(row.last().is_some_and(|score| *score >= 0.5));
                now.push(row);
            }
        }
    }
    if now.is_empty() && before.is_empty() {
        return Err(Fail::new("E0512", format!("the log in {} holds no row that {} judged", dir.display(), out::shown(&args.name)))
            .fix("--data FILE, or let it run for a while"));
    }
    let names = if web { TEXT_COLUMNS.to_vec() } else { vec!["score"] };
    Ok(Windows { names, before, now, alerts, from: format!("the log, before and since {}", args.since) })
}

fn seconds(text: &str) -> Result<i64, Fail> {
    let bad = || Fail::new("E0201", format!("{} is no length of time", out::shown(text))).fix("7d, 12h, 90m").exit(Exit::Usage);
    let unit = text.chars().last().ok_or_else(bad)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| bad())?;
    let each = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return Err(bad()),
    };
    number.checked_mul(each).filter(|s| (1..=3_660 * 86_400).contains(s)).ok_or_else(bad)
}
