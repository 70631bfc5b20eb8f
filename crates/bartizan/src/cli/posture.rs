//! `posture PATH`: what is wrong in configuration, with the line, the reason and the fix. What could not be evaluated is counted, never reported.

mod folder;
mod framework;
mod host;
mod record;
mod sarif;
mod suppress;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use decode::posture::{Item, Scan};
use event::Severity;
use rule::posture::{Known, Rules, Verdict, fingerprint, place};
use serde_json::{Value, json};

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::knowledge::Content;

/// Find what is wrong in Terraform, plans, CloudFormation, Kubernetes, Dockerfiles, compose files, or on this machine (`host`)
///
/// Nothing is fetched, run or changed. What cannot be known is counted as not evaluated and never reported.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan posture infra/\n  bartizan posture infra/ --sarif out.sarif --fail-on high\n  bartizan posture host\n  bartizan posture infra/ --framework cis_aws_3.0\n  bartizan posture --list-rules\n\nExit codes: 0 nothing at or above --fail-on; 1 found; 3 it could not be read."
)]
pub(super) struct Posture {
    /// A folder or a file, or `host` for this machine (a folder of that name: ./host)
    #[arg(required_unless_present = "list_rules")]
    path: Option<PathBuf>,
    /// With `host`: also write the facts to a file, to look at or to judge elsewhere
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Also the report of a compliance framework, requirement by requirement
    #[arg(long, value_name = "ID")]
    framework: Option<String>,
    /// Every rule, and nothing else
    #[arg(long)]
    list_rules: bool,
    /// Only these rules, by id or by the id of another scanner's check that means the same
    #[arg(long = "rule", value_name = "ID")]
    rules: Vec<String>,
    /// All but these rules
    #[arg(long, value_name = "ID")]
    skip: Vec<String>,
    /// An earlier --json: only what is new since is reported
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// From which severity on the exit code is 1: info, low, medium, high, critical, never
    #[arg(long, default_value = "high", value_parser = fail_on)]
    fail_on: FailOn,
    /// Also as SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Keep it in the data directory: what is found becomes an incident
    #[arg(long)]
    record: bool,
}

#[derive(Clone, Copy)]
struct FailOn(Option<Severity>);

fn fail_on(word: &str) -> Result<FailOn, String> {
    if word == "never" {
        return Ok(FailOn(None));
    }
    let all = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    all.into_iter()
        .find(|s| s.word() == word)
        .map(|s| FailOn(Some(s)))
        .ok_or_else(|| "words are info, low, medium, high, critical, never".into())
}

/// One rule that one resource breaks.
struct Found<'s> {
    item: &'s Item,
    verdict: Verdict,
    line: u32,
    end_line: u32,
    fingerprint: String,
    suppressed: Option<Value>,
}

pub(super) fn run(args: &Posture, global: &Global) -> Result<Exit, Fail> {
    let start = Instant::now();
    let content = Content::load(global.content.as_deref())?;
    let rules = content.posture_rules()?;
    if args.list_rules {
        list(&rules, global);
        return Ok(Exit::Fine);
    }
    if let Some(name) = args.rules.iter().chain(&args.skip).find(|name| !rules.all().iter().any(|r| r.is_named(name))) {
        return Err(Fail::new("E0510", format!("no rule is called {}", out::shown(name)))
            .fix("bartizan posture --list-rules")
            .exit(Exit::Usage));
    }
    let path = args.path.as_deref().unwrap_or(".".as_ref());
    let framework = args.framework.as_deref().map(|id| framework::named(&content, id)).transpose()?;
    let files = if path == std::path::Path::new("host") { host::read(args.save.as_deref())? } else { folder::read(path)? };
    let mut scan = decode::posture::read(&files.files);
    for (file, text) in files.notices {
        scan.notices.push(decode::posture::Notice { file, line: 0, text });
    }
    let known = match &args.baseline {
        Some(file) => baseline(file)?,
        None => BTreeSet::new(),
    };
    let wanted = |rule: &rule::posture::Rule| {
        (args.rules.is_empty() || args.rules.iter().any(|n| rule.is_named(n))) && !args.skip.iter().any(|n| rule.is_named(n))
    };
    let mut suppressions = suppress::Suppressions::of(&files.files);
    let (mut found, mut not_evaluated) = (Vec::new(), 0_u64);
    let mut verdicts = Vec::new();
    for item in &scan.items {
        for verdict in rules.judge(item) {
            let rule = &rules.all()[verdict.rule];
            if framework.is_some() {
                verdicts.push((item.address.clone(), verdict.clone()));
            }
            match verdict.known {
                _ if !wanted(rule) => {}
                Known::Unknown => not_evaluated += 1,
                Known::False => {}
                Known::True => {
                    let fingerprint = fingerprint(rule, &item.address, &verdict.evidence);
                    if known.contains(&fingerprint) {
                        continue;
                    }
                    let (line, end_line) = place(item, &verdict.evidence);
                    let suppressed = suppressions.of_finding(rule, item, line);
                    found.push(Found { item, verdict, line, end_line, fingerprint, suppressed });
                }
            }
        }
    }
    let report = framework.map(|framework| {
        let accepted = found.iter().filter(|f| f.suppressed.is_some()).map(|f| (f.verdict.rule, f.item.address.clone())).collect();
        framework::Told::new(framework, &rules, &verdicts, &accepted)
    });
    let wall_ms = start.elapsed().as_millis() as u64;
    let findings: Vec<Value> = found.iter().map(|f| object(&rules, f)).collect();
    if let Some(file) = &args.sarif {
        let text = serde_json::to_vec_pretty(&sarif::log(&rules, &found)).unwrap_or_default();
        std::fs::write(file, text).map_err(|e| Fail::unreadable(file, &e))?;
    }
    if args.record {
        record::keep(&content, &scan, path, global)?;
    }
    if global.json {
        let notices: Vec<Value> = scan.notices.iter().map(|n| json!({"file": n.file, "line": n.line, "text": n.text})).collect();
        let mut object = json!({
            "schema": "bartizan.posture/1", "files": scan.files, "resources": scan.items.len(), "undecoded": scan.undecoded,
            "not_evaluated": not_evaluated, "wall_ms": wall_ms, "findings": findings, "notices": notices,
        });
        if let Some(report) = &report {
            object["framework"] = report.object();
        }
        out::json(&object);
    } else {
        people(&rules, &found, &scan, not_evaluated, wall_ms);
        report.iter().for_each(framework::Told::people);
    }
    let bad =
        found.iter().any(|f| f.suppressed.is_none() && args.fail_on.0.is_some_and(|least| rules.all()[f.verdict.rule].severity >= least));
    // A file that was asked for by name and cannot be read is no pass.
    let unread = scan.undecoded > 0 && path.is_file();
    Ok(if bad {
        Exit::Found
    } else if unread {
        Exit::CouldNot
    } else {
        Exit::Fine
    })
}

fn object(rules: &Rules, found: &Found<'_>) -> Value {
    let rule = &rules.all()[found.verdict.rule];
    let evidence: Vec<Value> =
        found.verdict.evidence.iter().map(|e| json!({"path": e.path, "value": e.value, "expected": e.expected})).collect();
    let techniques: Vec<&str> = rule.techniques.iter().map(|t| t.uid).collect();
    json!({
        "rule": rule.id, "aliases": rule.aliases, "severity": rule.severity.word(), "file": found.item.file, "line": found.line,
        "end_line": found.end_line, "resource": found.item.address, "title": rule.title, "why": rule.why, "evidence": evidence,
        "fix": rule.fix, "fixable": false, "frameworks": frameworks(rules, found.verdict.rule), "techniques": techniques, "fingerprint": found.fingerprint,
        "suppressed": found.suppressed, "drift": null,
    })
}

/// The requirements that a rule stands for.
fn frameworks(rules: &Rules, rule: usize) -> Vec<Value> {
    let pairs = rules.requirements(rule).iter().filter_map(|r| r.split_once(':'));
    pairs.map(|(id, requirement)| json!({"id": id, "requirement": requirement})).collect()
}

/// Fingerprints of an earlier result.
fn baseline(file: &std::path::Path) -> Result<BTreeSet<String>, Fail> {
    let bytes = std::fs::read(file).map_err(|e| Fail::unreadable(file, &e))?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|e| Fail::new("E0511", format!("{} is no result of posture --json: {e}", file.display())))?;
    let Some(all) = value["findings"].as_array() else {
        return Err(Fail::new("E0511", format!("{} is JSON, but no result of posture --json: it has no findings", file.display()))
            .fix("bartizan posture PATH --json > baseline.json"));
    };
    Ok(all.iter().filter_map(|f| Some(f["fingerprint"].as_str()?.to_owned())).collect())
}

fn list(rules: &Rules, global: &Global) {
    if global.json {
        let all: Vec<Value> = rules
            .all()
            .iter()
            .enumerate()
            .map(|(n, r)| {
                let techniques: Vec<&str> = r.techniques.iter().map(|t| t.uid).collect();
                json!({"id": r.id, "title": r.title, "severity": r.severity.word(), "inputs": r.inputs(rules), "resources": r.resources,
                    "aliases": r.aliases, "frameworks": frameworks(rules, n), "techniques": techniques, "fixable": false})
            })
            .collect();
        return out::json(&json!({"schema": "bartizan.posture-rules/1", "rules": all}));
    }
    for rule in rules.all() {
        out::line(format!(" {:<16} {:<9} {}  {}", rule.id, rule.severity.word(), rule.title, rule.aliases.join(" ")));
    }
}

fn people(rules: &Rules, found: &[Found<'_>], scan: &Scan, not_evaluated: u64, wall_ms: u64) {
    out::line(format!(" scanned {} files, {} resources in {:.1} s", scan.files, scan.items.len(), wall_ms as f64 / 1000.0));
    let mut open: Vec<&Found<'_>> = found.iter().filter(|f| f.suppressed.is_none()).collect();
    open.sort_by_key(|f| std::cmp::Reverse(rules.all()[f.verdict.rule].severity));
    let count = |s: Severity| open.iter().filter(|f| rules.all()[f.verdict.rule].severity == s).count();
    let all = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let line: Vec<String> = all.into_iter().filter(|s| count(*s) > 0).map(|s| format!("{} {}", out::severity(s), count(s))).collect();
    out::line(format!(
        " {}   {} suppressed, {not_evaluated} not evaluated, {} files not read",
        line.join("   "),
        found.len() - open.len(),
        scan.undecoded
    ));
    const SHOWN_MAX: usize = 50;
    for one in open.iter().take(SHOWN_MAX) {
        let rule = &rules.all()[one.verdict.rule];
        out::line(format!(
            " {} {}  {}:{}  {}: {}",
            out::severity(rule.severity),
            rule.id,
            out::shown(&one.item.file),
            one.line,
            out::shown(&one.item.address),
            rule.title
        ));
        out::line(format!("     fix: {}", rule.fix));
    }
    if open.len() > SHOWN_MAX {
        out::line(format!(" and {} more (--json shows all)", open.len() - SHOWN_MAX));
    }
    for notice in scan.notices.iter().take(10) {
        out::note(format!(" {}:{} {}", out::shown(&notice.file), notice.line, out::shown(&notice.text)));
    }
}
