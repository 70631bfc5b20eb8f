//! The hourly look at what the serving model of the gateway sees: a drift is a finding about the model, and a drift with a risen alert rate
//! takes it back to the version before.
//!
//! The rows come from the log: some of each hour of the last day against some of each hour of the week before, so that each hour
//! of the day weighs alike on both sides. Cost: at most 192 bounded look-ups an hour, on a thread of its own.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use event::analytic::AnalyticKind;
use event::finding::Reason;
use event::{Analytic, Body, Entity, EntityKind, Finding, Score, Severity, Time};
use learn::drift::{PageHinkley, Reference, Report, TEXT_COLUMNS, describe};

use crate::clock;
use crate::engine::Input;

/// The model of the gateway: it judges every request, so what it sees is in the log.
const MODEL: &str = "web-payload";
/// Hours of today and of before, and rows of each.
const NOW_H: i64 = 24;
const NOW_ROWS: usize = 400;
const BEFORE_H: i64 = 7 * 24;
const BEFORE_ROWS: usize = 120;
/// From this score on a request was worth an alert.
const ALERT: f32 = 0.5;

/// Columns, rows of before, rows of today in order of time, and whether each of today's was worth an alert.
pub struct Windows {
    pub names: Vec<&'static str>,
    pub before: Vec<Vec<f32>>,
    pub now: Vec<Vec<f32>>,
    pub alerts: Vec<bool>,
    /// What was compared, in words.
    pub from: String,
}

impl Windows {
    /// The report, and whether the share of alerts has risen and stayed.
    pub fn check(&self, seed: u64) -> (Report, bool) {
        let report = Reference::new(&self.names, &self.before).check(&self.names, &self.now, seed);
        let mut test = PageHinkley::default();
        let risen = self.alerts.iter().filter(|alert| test.see(f64::from(u8::from(**alert)))).count() > 0;
        (report, risen)
    }
}

/// Looks every `every` until the engine is gone.
pub fn watch(log: store::Log, models: PathBuf, engine: SyncSender<Input>, every: Duration, stopped: Receiver<()>) {
    let run = move || {
        while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            let now = clock::now();
            let Ok(windows) = of_log(&log, now) else { continue };
            let (report, risen) = windows.check(1);
            if report.enough && (report.drift || risen) {
                let found = finding(MODEL, &windows.from, &report, is_young(&models, MODEL, now), risen, now);
                if engine.send(Input::Found(vec![found])).is_err() {
                    return;
                }
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("drift".into()).spawn(run) {
        crate::cli::out::note(format!("nobody looks whether the model drifts: {error}"));
    }
}

/// Whether the version that serves took its place within the time that is looked at.
pub fn is_young(models: &Path, name: &str, now: Time) -> bool {
    const WITHIN_S: f64 = ((NOW_H + BEFORE_H) * 3_600) as f64;
    let changed = std::fs::metadata(models.join(name).join("serving.json")).and_then(|facts| facts.modified());
    let since = changed.ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.is_some_and(|since| now.s() as f64 - since.as_secs_f64() < WITHIN_S)
}

/// Requests that the gateway's model judged, some of each hour.
fn of_log(log: &store::Log, now: Time) -> Result<Windows, store::Error> {
    let classes = store::Classes::parse("http").unwrap_or_default();
    let hour = |back: i64, rows: usize| -> Result<Vec<Vec<f32>>, store::Error> {
        let (from, to) = (now.plus_s(-back * 3_600), now.plus_s((1 - back) * 3_600));
        let page = log.query(&store::Query { classes, from: Some(from), to: Some(to), limit: rows, ..store::Query::default() })?;
        let judged = page.rows.iter().rev().filter_map(|(_, event)| match &event.body {
            Body::Http(http) if http.verdict.is_some() => Some(describe(&http.target, http.score)),
            _ => None,
        });
        Ok(judged.collect())
    };
    let mut windows = Windows {
        names: TEXT_COLUMNS.to_vec(),
        before: Vec::new(),
        now: Vec::new(),
        alerts: Vec::new(),
        from: "the last day against the week before".into(),
    };
    for back in (NOW_H + 1..=NOW_H + BEFORE_H).rev() {
        windows.before.extend(hour(back, BEFORE_ROWS)?);
    }
    for back in (1..=NOW_H).rev() {
        windows.now.extend(hour(back, NOW_ROWS)?);
    }
    windows.alerts = windows.now.iter().map(|row| row.last().is_some_and(|score| *score >= ALERT)).collect();
    Ok(windows)
}

/// What a drift is as a finding: on the model, one a day.
const ANALYTIC: Analytic =
    Analytic { uid: "model.drift", name: "Model drift", version: "1.0", kind: AnalyticKind::Statistical, techniques: &[] };

/// A drift alone is told; a drift of the score with a risen alert rate asks for the version before, when this one is `young`: what served
/// well for weeks does not become wrong because somebody attacks.
pub fn finding(name: &str, from: &str, report: &Report, young: bool, risen: bool, now: Time) -> Finding {
    let day = now.s() / 86_400;
    let moved = report.columns.iter().any(|column| column.drifted && column.column == "score");
    let score = if risen && moved && young { 0.75 } else { 0.5 };
    let mut reasons: Vec<Reason> = report
        .faults
        .iter()
        .map(|fault| Reason {
            code: format!("model.{}", fault.kind).into(),
            text: fault.text.clone(),
            usual: "as in the rows of before".into(),
            now: fault.column.clone(),
            push: 2.0,
        })
        .collect();
    reasons.extend(report.columns.iter().filter(|column| column.drifted).take(10).map(|column| Reason {
        code: "model.stability".into(),
        text: format!("{} of {name} is no longer spread as it was", column.column),
        usual: format!("stability index below {:.3}", column.limit),
        now: format!("{:.3}", column.psi),
        push: (column.psi / column.limit) as f32,
    }));
    if risen {
        let usual = "a steady share".to_owned();
        reasons.push(Reason {
            code: "model.alert_rate".into(),
            text: "the share of alerts has risen and stayed".into(),
            usual,
            now: "risen".into(),
            push: 2.0,
        });
    }
    let first = report.first().unwrap_or_else(|| "the share of alerts has risen and stayed".into());
    Finding {
        title: format!("{name} sees other rows than before"),
        text: format!("{first} ({} rows against {}; {from})", report.rows, report.reference),
        severity: Severity::Medium,
        entities: vec![Entity::new(EntityKind::Model, name)],
        first_seen: now,
        last_seen: now,
        count: report.rows,
        would_change: "rows as before; or a new reference, when the change is meant: bartizan model drift NAME --data NEW --reference NEW"
            .into(),
        ..Finding::of(&ANALYTIC, format!("{name}\0{day}").as_bytes())
    }
    .explained(Score::new(score), reasons)
}
