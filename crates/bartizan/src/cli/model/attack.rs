//! `model attack [NAME] --evade|--poison|--steal|--infer|--drift`: attacks on one's own models, and what held.

mod victim;

use std::path::PathBuf;

use clap::Args;
use learn::lab::{self, Outcome};
use serde_json::json;

use super::table;
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, out};
use crate::knowledge::Content;
use victim::Victim;

/// Attack a model of one's own and see what holds
#[derive(Args, Clone)]
#[command(
    after_help = "Examples:\n  bartizan model attack web-payload --evade --json\n  bartizan model attack --evade --ndjson\n  bartizan model attack my-model --evade --data headers.csv\n\nWithout NAME every model that ships; where an attack makes no sense, it says why.\n\nExit codes: 0 every pass figure met; 1 one was missed; 3 data is missing."
)]
pub(super) struct AttackArgs {
    /// A model's name, or a folder that `model train --out` wrote; without it every model that ships
    name: Option<String>,
    /// Rewrite hostile inputs, their meaning kept, until they get through
    #[arg(long)]
    evade: bool,
    /// Bad rows in a training table: does the gate stop them?
    #[arg(long)]
    poison: bool,
    /// Copy the model by asking: does the alarm come first?
    #[arg(long)]
    steal: bool,
    /// Tell whether a row was learned from
    #[arg(long)]
    infer: bool,
    /// Thirty days with planted faults: found in time, and no alarm without cause?
    #[arg(long)]
    drift: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Questions that the attacker may ask for each seed
    #[arg(long, default_value_t = 100)]
    queries: usize,
    /// Cases
    #[arg(long, default_value_t = 100)]
    seeds: usize,
    /// A table of one's own to attack with, instead of our generators; also .zst
    #[arg(long)]
    data: Vec<PathBuf>,
    /// One JSON object a line, for each attack and model
    #[arg(long)]
    ndjson: bool,
}

pub(super) fn run(args: &AttackArgs, global: &Global) -> Result<Exit, Fail> {
    let content = Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?;
    let data = if args.data.is_empty() { None } else { Some(table::read(&args.data)?) };
    let names = match &args.name {
        Some(name) => vec![name.clone()],
        None => content.folders("models"),
    };
    let attacks = chosen(args)?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for name in &names {
        let victim = Victim::load(name, &content, global)?;
        for attack in &attacks {
            match victim.attack(attack, args, data.as_ref()) {
                Ok(outcome) => outcomes.push(outcome),
                // One model was asked for: that it cannot be done is the answer.
                Err(fail) if args.name.is_some() && attacks.len() == 1 => return Err(fail),
                Err(fail) => out::note(format!(" {name} --{attack}: {fail}")),
            }
        }
    }
    say(&outcomes, args, global);
    if outcomes.is_empty() {
        return Err(Fail::new("E0510", "no attack could be carried out").fix("the lines above say what each needs"));
    }
    Ok(if outcomes.iter().all(|outcome| outcome.pass) { Exit::Fine } else { Exit::Found })
}

fn chosen(args: &AttackArgs) -> Result<Vec<&'static str>, Fail> {
    let flags = [("evade", args.evade), ("poison", args.poison), ("steal", args.steal), ("infer", args.infer), ("drift", args.drift)];
    let chosen: Vec<&'static str> = flags.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    if chosen.is_empty() {
        let all: Vec<String> = lab::ALL.iter().map(|attack| format!("--{}", attack.name)).collect();
        return Err(Fail::new("E0201", "which attack?").fix(all.join(", ")).exit(Exit::Usage));
    }
    Ok(chosen)
}

fn say(outcomes: &[Outcome], args: &AttackArgs, global: &Global) {
    let object = |outcome: &Outcome| {
        json!({
            "schema": "bartizan.model_attack/1", "attack": outcome.attack, "model": outcome.model, "seeds": outcome.seeds, "passed": outcome.passed,
            "figures": outcome.figures, "pass": outcome.pass, "worst": outcome.worst,
        })
    };
    if args.ndjson || (global.json && outcomes.len() == 1) {
        outcomes.iter().for_each(|outcome| out::json(&object(outcome)));
        return;
    }
    if global.json {
        out::json(&json!({"schema": "bartizan.model_attacks/1", "attacks": outcomes.iter().map(object).collect::<Vec<_>>()}));
        return;
    }
    for outcome in outcomes {
        let word = if outcome.pass { "held  " } else { "MISSED" };
        let goal = lab::ALL.iter().find(|attack| attack.name == outcome.attack).map_or("", |attack| attack.pass);
        out::line(format!(
            " {word} {:<8} {:<20} held in {} of {} cases; to pass: {goal}",
            outcome.attack, outcome.model, outcome.passed, outcome.seeds
        ));
        for (name, value) in &outcome.figures {
            out::line(format!("   {name:<40} {}", out::shown(&words(value))));
        }
        for worst in outcome.worst.iter().take(3) {
            out::line(format!("   {:.4}  {}  ->  {}", worst.score, out::shown(&worst.seed), out::shown(&worst.r#final)));
        }
    }
}

/// A share with its interval in one line; anything else as JSON.
fn words(value: &serde_json::Value) -> String {
    let number = |key: &str| value.get(key).and_then(serde_json::Value::as_f64);
    match (number("hits"), number("of"), number("share"), number("low"), number("high")) {
        (Some(hits), Some(of), Some(share), Some(low), Some(high)) => {
            format!("{:.1} %  ({:.1} to {:.1}), {hits} of {of}", share * 100.0, low * 100.0, high * 100.0)
        }
        _ => value.to_string(),
    }
}
