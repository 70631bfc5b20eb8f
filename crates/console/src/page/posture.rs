//! How things are configured: what is wrong, worst first, with the fix, and which requirements it touches.

mod crosswalk;

use std::collections::{BTreeMap, BTreeSet};

use event::finding::Compliance;
use event::{Body, Finding, Severity};
use maud::{Markup, html};
use store::Query;

use super::{Ctx, Gone, Here, ROWS_MAX, layout};
use crate::href::Href;
use crate::part::{count, counted, empty, lately, severity, text};

/// Findings that are looked at, newest first.
const FINDINGS_MAX: usize = 5_000;

struct Rule<'f> {
    id: &'f str,
    findings: Vec<(&'f Finding, &'f Compliance)>,
    severity: Severity,
}

pub(crate) fn page(ctx: &Ctx) -> Result<Markup, Gone> {
    let query = Query::parse("class:finding resource:*").unwrap_or_default();
    let query = Query { limit: FINDINGS_MAX, rows_max: 2_000_000, time_max: std::time::Duration::from_millis(500), ..query };
    let found = ctx.log().query(&query)?;
    let mut seen = BTreeSet::new();
    let findings: Vec<&Finding> = found
        .rows
        .iter()
        .filter_map(|(_, event)| match &event.body {
            Body::Finding(finding) => Some(finding.as_ref()),
            _ => None,
        })
        .filter(|f| seen.insert(f.uid.clone()))
        .collect();
    let rules = by_rule(&findings);
    if let Some(framework) = ctx.asked("framework").and_then(|id| ctx.about.frameworks.iter().find(|f| f.id == id)) {
        return Ok(crosswalk::page(ctx, framework, &rules));
    }
    let frameworks = frameworks(&findings);
    Ok(layout(
        ctx,
        Here::Posture,
        "Posture",
        &html! {
            div.head { h1 { "Posture" } p.sub { "how things are configured, worst first" } }
            div id="posture" data-live="finding" data-every="10" {
                @if rules.is_empty() {
                    section.panel aria-label="Posture" {
                        (empty("No configuration was scanned into this log, or nothing was found.", &html! {
                            p.muted { code { "bartizan posture infra/ --record" } " scans Terraform, Kubernetes, CloudFormation and Dockerfiles; " code { "bartizan posture host --record" } " this machine." }
                        }))
                    }
                } @else {
                    section.panel aria-labelledby="fix" {
                        h2 id="fix" { "Fix first" span.sub { (counted(findings.len() as u64, "finding", "findings")) " of " (counted(rules.len() as u64, "rule", "rules")) } }
                        table.rows.list {
                            thead { tr { th scope="col" { "Severity" } th scope="col" { "What" } th scope="col" { "Where" } th scope="col" { "Fix" } th.n scope="col" { "Places" } } }
                            tbody { @for rule in rules.iter().take(ROWS_MAX) { (row(ctx, rule)) } }
                        }
                    }
                    section.panel aria-labelledby="requirements" {
                        h2 id="requirements" { "Requirements touched" }
                        @if !ctx.about.frameworks.is_empty() { p { "Requirement by requirement: " @for (at, f) in ctx.about.frameworks.iter().enumerate() { @if at > 0 { ", " } (crosswalk::link(f)) } } }
                        p.muted { "Only what a check looked at can be touched; a requirement that is not listed is not thereby met." }
                        table.rows {
                            thead { tr { th scope="col" { "Framework" } th.n scope="col" { "Requirements" } th scope="col" { "Which" } } }
                            tbody { @for (framework, requirements) in &frameworks { tr {
                                td.what { (text(framework)) }
                                td.n data-label="requirements" { (count(requirements.len() as u64)) }
                                td { @for (at, r) in requirements.iter().take(12).enumerate() { @if at > 0 { ", " } (text(r)) } @if requirements.len() > 12 { " and " (requirements.len() - 12) " more" } }
                            } } }
                        }
                    }
                }
            }
        },
    ))
}

fn row(ctx: &Ctx, rule: &Rule<'_>) -> Markup {
    let (first, compliance) = rule.findings[0];
    html! {
        tr data-row=(crate::shown::shown(rule.id, 64)) {
            td.s { (severity(rule.severity)) }
            td.what {
                b { (text(rule.id)) } " " (text(untold(&first.title, rule.id))) " " span.muted { (lately(first.last_seen, ctx.now)) }
                @if !compliance.aliases.is_empty() { " " span.muted { "also known as " (text(&compliance.aliases.iter().map(event::Text::as_str).collect::<Vec<_>>().join(", "))) } }
            }
            td.why { @for (at, (_, c)) in rule.findings.iter().take(3).enumerate() { @if at > 0 { br; } code { (text(&c.file)) @if c.line > 0 { ":" (c.line) } } " " (text(&c.resource)) } }
            td.why { (text(&compliance.fix)) }
            td.n data-label="places" { a href=(Href::to("/search").query("q", &format!("class:finding resource:* \"{}\"", rule.id))) { (count(rule.findings.len() as u64)) } }
        }
    }
}

/// Worst first, then the most places.
fn by_rule<'f>(findings: &[&'f Finding]) -> Vec<Rule<'f>> {
    let mut by_id: BTreeMap<&str, Vec<(&Finding, &Compliance)>> = BTreeMap::new();
    for finding in findings {
        if let Some(compliance) = finding.compliance.as_deref() {
            by_id.entry(compliance.rule.as_str()).or_default().push((finding, compliance));
        }
    }
    let mut rules: Vec<Rule<'f>> = by_id
        .into_iter()
        .map(|(id, findings)| Rule { id, severity: findings.iter().map(|(f, _)| f.severity).max().unwrap_or_default(), findings })
        .collect();
    rules.sort_by(|a, b| (b.severity, b.findings.len()).cmp(&(a.severity, a.findings.len())).then(a.id.cmp(b.id)));
    rules
}

/// Requirements by framework, each once.
fn frameworks<'f>(findings: &[&'f Finding]) -> BTreeMap<&'f str, BTreeSet<&'f str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for requirement in findings.iter().filter_map(|f| f.compliance.as_deref()).flat_map(|c| &c.requirements) {
        if let Some((framework, requirement)) = requirement.split_once(':') {
            all.entry(framework).or_default().insert(requirement);
        }
    }
    all
}

/// A title without the name of its rule in front, which stands beside it already.
fn untold<'t>(title: &'t str, rule: &str) -> &'t str {
    title.strip_prefix(rule).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(title)
}
