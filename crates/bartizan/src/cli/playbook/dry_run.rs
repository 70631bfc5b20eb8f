//! `playbook test`: what a playbook would have done about the findings of the log, had it enforced. Nothing is written or carried out.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use event::response::{Mode, Phase};
use event::{Body, Finding, Incident, Response, Text};
use incident::{Never, Plan, Planner, Playbooks};
use serde_json::json;

use super::super::fail::{Exit, Fail};
use super::super::{Global, cannot_open, out};
use crate::points::Points;
use crate::{blast, clock, paths};

const FINDINGS_MAX: usize = 20_000;
const LINES_MAX: usize = 50;

pub(super) fn run(file: &Path, last_s: u32, global: &Global) -> Result<Exit, Fail> {
    let playbooks = Playbooks::parse([(file.display().to_string().as_str(), super::text(file)?.as_str())]).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Fail::new("E0506", lines.join("\n")).exit(Exit::Found)
    })?;
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    let log = store::open_read_only(&data_dir).map_err(|e| cannot_open(&data_dir, &e))?;
    let now = clock::now();
    let (findings, whole) = findings(&log, now.plus_s(-i64::from(last_s)))?;
    let incidents = log.incidents(&store::IncidentFilter::default());
    let told = incidents.iter().filter(|i| i.merged_into.is_none());
    let of: HashMap<&Text, &Arc<Incident>> = told.flat_map(|i| i.findings.iter().map(move |uid| (uid, i))).collect();
    let points = Points { nftables: None, data_dir };
    let never = points.near(Never::default());
    let mut planner = Planner::new(playbooks);
    planner.points = incident::Points { nftables: true, quarantine: true };
    let (mut planned, mut left, mut told): (Vec<Response>, Vec<String>, Vec<String>) = (Vec::new(), Vec::new(), Vec::new());
    for finding in &findings {
        let Some(incident) = of.get(&finding.uid) else { continue };
        // As it was then: whether somebody closed it later says nothing about the playbook.
        let incident = Incident { status: event::incident::Status::Open, ..(***incident).clone() };
        for plan in planner.plan(&incident, finding, Mode::Enforce, &never, finding.last_seen) {
            match plan {
                Plan::Do(response) => planned.push(*response),
                Plan::Tell(ask) => told.push(format!("{}: {}", ask.channel, ask.incident)),
                Plan::Leave { target, why } => left.push(format!("{}: {why}", target.name)),
            }
        }
    }
    told.sort();
    told.dedup();
    let fault = |e: store::Error| Fail::new("E0507", format!("cannot count in the log: {e}"));
    let mut met = HashMap::new();
    for response in &planned {
        if !met.contains_key(&response.target) {
            met.insert(response.target.clone(), blast::of(&log, &response.target, now).map_err(fault)?);
        }
    }
    let total = |count: fn(&blast::Blast) -> u64| met.values().map(count).sum::<u64>();
    let (requests, sign_ins) = (total(|b| b.requests), total(|b| b.sign_ins));
    if global.json {
        let listed: Vec<_> = planned
            .iter()
            .map(|r| {
                json!({"do": r.action, "target": r.target.name, "incident": r.incident, "at": r.requested.to_string(), "until": r.until.to_string(),
                    "waits": matches!(r.phase, Phase::Waiting { .. }), "reason": r.reason, "inverse": r.inverse, "blast": met.get(&r.target)})
            })
            .collect();
        out::json(
            &json!({"schema": "bartizan.playbook_test/1", "findings": findings.len(), "whole": whole, "would": listed, "left": left, "tell": told,
            "targets": met.len(), "requests": requests, "sign_ins": sign_ins}),
        );
        return Ok(Exit::Fine);
    }
    for r in planned.iter().take(LINES_MAX) {
        let waits = if matches!(r.phase, Phase::Waiting { .. }) { ", after an approval" } else { "" };
        let blast = met.get(&r.target).map(ToString::to_string).unwrap_or_default();
        let line = format!(
            "would {} {} by {} for {:.0} s{waits} ({}, {}): {blast}",
            r.verb(),
            r.target.name,
            r.action,
            r.until.since_s(r.requested),
            r.incident,
            r.reason
        );
        out::line(out::shown(&line));
    }
    left.iter().take(LINES_MAX).for_each(|why| out::line(format!("would leave {}", out::shown(why))));
    told.iter().take(LINES_MAX).for_each(|who| out::line(format!("would tell {}", out::shown(who))));
    let more = planned.len().saturating_sub(LINES_MAX) + left.len().saturating_sub(LINES_MAX);
    if more > 0 {
        out::line(format!("and {more} more; --json lists all"));
    }
    out::line(format!(
        "{}{} findings: {} responses to {} targets, {} left alone; they made {requests} requests and {sign_ins} sign-ins in the last 24 h",
        if whole { "" } else { "the latest " },
        findings.len(),
        planned.len(),
        met.len(),
        left.len()
    ));
    Ok(Exit::Fine)
}

/// Latest states of the findings since then, in the order in which they happened.
fn findings(log: &store::Log, from: event::Time) -> Result<(Vec<Finding>, bool), Fail> {
    let classes = store::Classes::parse("finding").unwrap_or_default();
    let mut query = store::Query { classes, from: Some(from), limit: 10_000, ..store::Query::default() };
    let (mut found, mut seen, mut whole) = (Vec::new(), HashSet::new(), true);
    loop {
        let page = log.query(&query).map_err(|e| Fail::new("E0507", format!("cannot read the findings: {e}")))?;
        whole &= page.stopped_early.is_none();
        for (_, event) in page.rows {
            if let Body::Finding(finding) = event.body
                && seen.insert(finding.uid.clone())
            {
                found.push(*finding);
            }
        }
        query.before = page.next;
        if page.next.is_none() || found.len() >= FINDINGS_MAX {
            whole &= page.next.is_none();
            break;
        }
    }
    found.sort_by(|a, b| (a.last_seen, &a.uid).cmp(&(b.last_seen, &b.uid)));
    Ok((found, whole))
}
