//! `forecast`: which techniques come next, and which measures would stop most of them.

use std::path::{Path, PathBuf};

use clap::Args;
use event::{Severity, Text};
use incident::forecast::{Open, Wanted};
use serde_json::{Value, json};

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::knowledge::Content;

/// What an attacker does next, and what would stop most of it
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan forecast --techniques T1190,T1505.003\n  bartizan forecast --techniques T1059,T1003 --top 20 --json\n\nExit codes: 0 answered; 2 usage; 3 the model was refused."
)]
pub(super) struct Forecast {
    /// ATT&CK ids that were seen, with commas between them
    #[arg(long, required = true, value_delimiter = ',', value_name = "T1059,..")]
    techniques: Vec<String>,
    /// Techniques to list
    #[arg(long, default_value_t = 20)]
    top: usize,
    /// Measures of this framework
    #[arg(long, default_value = "nist_800_53")]
    framework: String,
    /// A result of `posture --json`: what is open there is told with the techniques and measures
    #[arg(long, value_name = "FILE")]
    posture: Option<PathBuf>,
}

pub(super) fn run(args: &Forecast, global: &Global) -> Result<Exit, Fail> {
    let (forecaster, why) = Content::load(global.content.as_deref())?.forecaster();
    let forecaster = forecaster.ok_or_else(|| Fail::new("E0504", why.unwrap_or_default()).fix("bartizan model verify forecast"))?;
    let known = forecaster.frameworks();
    if !known.contains(&args.framework.as_str()) {
        return Err(Fail::new("E0105", format!("no framework {}; there are {}", args.framework, known.join(", "))).exit(Exit::Usage));
    }
    let seen: Vec<String> = args.techniques.iter().map(|t| t.trim().to_ascii_uppercase()).filter(|t| !t.is_empty()).collect();
    let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
    let (mut forecast, unknown) = forecaster.forecast(&seen, &Wanted { top: args.top, framework: &args.framework });
    if let Some(path) = &args.posture {
        open(path)?.mark(&mut forecast);
    }
    unknown.iter().for_each(|id| out::note(format!("{} is not known and was left out", out::shown(id))));
    if global.json {
        let control = |c: &event::incident::Control| json!({"framework": c.framework.as_str(), "control": c.control.as_str(), "name": c.name, "covers": c.covers, "gain": six(c.gain), "open": c.open});
        out::json(&json!({
            "schema": "bartizan.forecast/1", "model": forecast.model.as_str(), "basis": forecast.basis.as_str(),
            "techniques": forecast.next.iter().map(|n| json!({
                "uid": n.technique.as_str(), "name": n.name.as_str(), "tactic": n.tactic.as_str(), "probability": six(n.probability), "because": n.because, "open": n.open,
            })).collect::<Vec<_>>(),
            "controls": forecast.controls.iter().map(control).collect::<Vec<_>>(),
            "general": forecast.general.iter().map(control).collect::<Vec<_>>(),
            "unknown": unknown,
        }));
        return Ok(Exit::Fine);
    }
    if forecast.basis == "popular" {
        out::line(" fewer than two known techniques were given: this is what is seen most, not a forecast from yours");
    }
    for n in &forecast.next {
        let because = n.because.iter().map(event::Text::as_str).collect::<Vec<_>>().join(", ");
        out::line(format!(
            " {:>5.1} %  {:<10} {:<46} {}",
            n.probability * 100.0,
            n.technique,
            n.name,
            if because.is_empty() { String::new() } else { format!("because of {because}") }
        ));
        left_open(&n.open);
    }
    out::line(" measures that take most of it away, each beyond those before it");
    for c in &forecast.controls {
        out::line(format!(
            " {:>6.2}   {:<10} {:<46} {}",
            c.gain,
            c.control,
            c.name,
            c.covers.iter().map(event::Text::as_str).collect::<Vec<_>>().join(", ")
        ));
        left_open(&c.open);
    }
    if !forecast.general.is_empty() {
        let names: Vec<&str> = forecast.general.iter().map(|c| c.control.as_str()).collect();
        out::line(format!(" general measures, mapped to nearly everything and therefore not ranked: {}", names.join(", ")));
    }
    Ok(Exit::Fine)
}

fn left_open(open: &[Text]) {
    if !open.is_empty() {
        let all: Vec<&str> = open.iter().map(Text::as_str).collect();
        out::line(format!("            open here: {}", out::shown(&all.join(", "))));
    }
}

/// The findings of an earlier scan that nobody suppressed.
fn open(path: &Path) -> Result<Open, Fail> {
    if path.is_dir() {
        return Err(Fail::new("E0511", format!("{} is a folder, not the result of looking at one", path.display()))
            .fix(format!("bartizan posture {} --json > posture.json, and give that file", path.display())));
    }
    let bytes = std::fs::read(path).map_err(|e| Fail::unreadable(path, &e))?;
    let result: Value = serde_json::from_slice(&bytes).ok().filter(|result: &Value| result["findings"].is_array()).ok_or_else(|| {
        Fail::new("E0511", format!("{} is no result of posture --json", path.display()))
            .fix("bartizan posture DIR --json > posture.json, and give that file")
    })?;
    let mut open = Open::default();
    for found in result["findings"].as_array().map(Vec::as_slice).unwrap_or_default().iter().filter(|f| f["suppressed"].is_null()) {
        let text = |key: &str| found[key].as_str().unwrap_or_default();
        let severities = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        let severity = severities.into_iter().find(|s| s.word() == text("severity")).unwrap_or_default();
        let list = |key: &str| found[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let techniques: Vec<&str> = list("techniques").iter().filter_map(Value::as_str).collect();
        let requirements: Vec<String> =
            list("frameworks").iter().filter_map(|f| Some(format!("{}:{}", f["id"].as_str()?, f["requirement"].as_str()?))).collect();
        let requirements: Vec<&str> = requirements.iter().map(String::as_str).collect();
        let line = found["line"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        open.add(text("rule"), text("file"), line, severity, &techniques, &requirements);
    }
    Ok(open)
}

fn six(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}
