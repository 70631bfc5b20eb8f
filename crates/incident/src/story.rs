//! One sentence from facts, and the parts of an incident that an analyst reads: stages, reasons, proof.
//!
//! No language model: each analytic has a verb, each outcome a clause.

use std::collections::BTreeMap;

use event::finding::{Evidence, Reason};
use event::incident::Stage;
use event::response::Phase;
use event::{Entity, EntityKind, Finding, Incident, Score, Text, Time};

const STAGES_MAX: usize = 20;
const REASONS_MAX: usize = 12;
const EVIDENCE_MAX: usize = 20;
const ENTITIES_MAX: usize = 64;
const SPARK_MAX: usize = 120;
/// Of the worst weakness in a title about configuration.
const TITLE_CHARS_MAX: usize = 64;

/// Actors first, strongest first, then what they acted on.
pub(crate) fn entities(findings: &[&Finding]) -> Vec<Entity> {
    let mut by_score: Vec<&Finding> = findings.to_vec();
    by_score.sort_by(|a, b| b.succeeded.cmp(&a.succeeded).then(b.score.value().total_cmp(&a.score.value())).then(a.uid.cmp(&b.uid)));
    let mut all: Vec<Entity> = Vec::new();
    let actors = by_score.iter().filter_map(|f| f.entities.first());
    let targets = by_score.iter().flat_map(|f| f.entities.iter().skip(1));
    for entity in actors.chain(targets) {
        if all.len() < ENTITIES_MAX && !all.contains(entity) {
            all.push(entity.clone());
        }
    }
    all
}

/// One stage for each analytic.
pub(crate) fn stages(findings: &[&Finding]) -> Vec<Stage> {
    let mut by_analytic: BTreeMap<&Text, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        by_analytic.entry(&finding.analytic.uid).or_default().push(finding);
    }
    let mut stages: Vec<Stage> = by_analytic.values().filter_map(|of_one| stage(of_one)).collect();
    stages.sort_by_key(|s| (s.first_seen, s.analytic.clone()));
    stages.truncate(STAGES_MAX);
    stages
}

fn stage(findings: &[&Finding]) -> Option<Stage> {
    let best = findings.iter().max_by(|a, b| a.succeeded.cmp(&b.succeeded).then(a.score.value().total_cmp(&b.score.value())))?;
    let mut rules: Vec<u32> = findings.iter().flat_map(|f| f.rules.iter().map(|r| r.id)).collect();
    rules.sort_unstable();
    rules.dedup();
    rules.truncate(20);
    let mut models: Vec<Text> = findings.iter().flat_map(|f| &f.models).map(|m| Text::from(format!("{} {}", m.name, m.version))).collect();
    models.sort_unstable();
    models.dedup();
    let mut titles: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in findings {
        *titles.entry(kind_of(&finding.title)).or_default() += finding.count;
    }
    let mut ranked: Vec<(&str, u64)> = titles.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let title =
        if findings.len() == 1 { best.title.clone() } else { ranked.iter().take(3).map(|(t, _)| *t).collect::<Vec<_>>().join(", ") };
    let mut spark: BTreeMap<Time, u32> = BTreeMap::new();
    for finding in findings {
        let times = finding.evidence.iter().map(|e| e.time);
        for time in times {
            *spark.entry(time).or_default() += 1;
        }
    }
    let step = spark.len().div_ceil(SPARK_MAX).max(1);
    Some(Stage {
        analytic: best.analytic.uid.clone(),
        title,
        text: best.text.clone(),
        first_seen: findings.iter().map(|f| f.first_seen).min()?,
        last_seen: findings.iter().map(|f| f.last_seen).max()?,
        count: findings.iter().map(|f| f.count).sum(),
        score: best.score,
        rules,
        models,
        finding: best.uid.clone(),
        spark: spark.into_iter().step_by(step).collect(),
    })
}

/// `SQL injection in q` and `SQL injection in id` are both SQL injection.
fn kind_of(title: &str) -> &str {
    title.split_once(" in ").map_or(title, |(kind, _)| kind)
}

/// The reasons of the strongest finding of each analytic, scaled so that they add up to the score of the incident.
pub(crate) fn reasons(findings: &[&Finding], score: Score) -> Vec<Reason> {
    let mut best: BTreeMap<&Text, &Finding> = BTreeMap::new();
    let mut seen: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for finding in findings {
        for reason in &finding.reasons {
            *seen.entry((&reason.code, &reason.text, &reason.now)).or_default() += 1;
        }
        let held = best.entry(&finding.analytic.uid).or_insert(finding);
        if (finding.succeeded, finding.score.value()) > (held.succeeded, held.score.value()) {
            *held = finding;
        }
    }
    let mut all: Vec<Reason> = Vec::new();
    for finding in best.values() {
        for reason in &finding.reasons {
            let mut reason = reason.clone();
            let times = seen.get(&(reason.code.as_str(), reason.text.as_str(), reason.now.as_str())).copied().unwrap_or(1);
            if times > 1 && reason.usual.is_empty() {
                reason.now = format!("{times} x {}", reason.now).trim_end_matches([' ', 'x']).to_owned();
            }
            all.push(reason);
        }
    }
    all.sort_by(|a, b| b.push.abs().total_cmp(&a.push.abs()));
    let rest: f32 = all.iter().skip(REASONS_MAX).map(|r| r.push).sum();
    let left_out = all.len().saturating_sub(REASONS_MAX);
    all.truncate(REASONS_MAX);
    if left_out > 0 {
        all.push(Reason { code: "more".into(), text: format!("{left_out} more reasons"), push: rest, ..Reason::default() });
    }
    let sum: f32 = all.iter().map(|r| r.push).sum();
    if sum.abs() > 1e-6 {
        for reason in &mut all {
            reason.push *= score.value() / sum;
        }
    }
    all
}

/// The strongest proof of each analytic first, then the next ones.
pub(crate) fn evidence(findings: &[&Finding]) -> Vec<Evidence> {
    let mut rank: BTreeMap<&Text, usize> = BTreeMap::new();
    let mut by_score: Vec<&Finding> = findings.to_vec();
    by_score.sort_by(|a, b| b.score.value().total_cmp(&a.score.value()).then(a.first_seen.cmp(&b.first_seen)));
    let mut ranked: Vec<(usize, &Finding)> = by_score
        .into_iter()
        .map(|f| {
            let place = rank.entry(&f.analytic.uid).or_default();
            *place += 1;
            (*place, f)
        })
        .collect();
    ranked.sort_by_key(|(place, _)| *place);
    ranked.iter().flat_map(|(_, f)| f.evidence.iter().take(3)).take(EVIDENCE_MAX).cloned().collect()
}

pub(crate) fn would_change(findings: &[&Finding]) -> String {
    let best = findings.iter().filter(|f| !f.would_change.is_empty()).max_by(|a, b| a.score.value().total_cmp(&b.score.value()));
    best.map(|f| f.would_change.clone()).unwrap_or_default()
}

pub(crate) fn title(incident: &Incident, findings: &[&Finding]) -> String {
    if findings.iter().all(|f| f.compliance.is_some())
        && let Some(worst) = findings.iter().max_by(|a, b| a.severity.cmp(&b.severity).then(b.uid.cmp(&a.uid)))
    {
        return weaknesses(worst, findings.len());
    }
    let strongest = incident.stages.iter().max_by(|a, b| a.score.value().total_cmp(&b.score.value()));
    let what = strongest.map_or("Suspicious activity", |s| s.title.as_str());
    let succeeded = findings.iter().find(|f| f.succeeded).map(|f| f.title.as_str());
    let what = succeeded.unwrap_or(what);
    match target(incident) {
        Some(target) if !what.contains(target.as_str()) => format!("{what} on {target}"),
        _ => what.to_owned(),
    }
}

/// `AWS-S3-01: bucket readable by anyone, and 41 more in shop/infra`
fn weaknesses(worst: &Finding, count: usize) -> String {
    let place = worst.entities.first().map(|e| e.name.as_str()).unwrap_or_default();
    let mut parts: Vec<&str> = place.rsplit('/').filter(|p| !p.is_empty()).take(2).collect();
    parts.reverse();
    let place = parts.join("/");
    let title: String = worst.title.chars().take(TITLE_CHARS_MAX).collect();
    let title = if title.len() < worst.title.len() { format!("{}…", title.trim_end()) } else { title };
    let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
    if place.is_empty() { format!("{title}{more}") } else { format!("{title}{more} in {place}") }
}

fn target(incident: &Incident) -> Option<&Text> {
    let of = |kind| incident.entities.iter().find(|e| e.kind == kind).map(|e| &e.name);
    of(EntityKind::Host).or_else(|| of(EntityKind::Service))
}

fn actors(incident: &Incident) -> String {
    let addresses: Vec<&Entity> = incident.entities.iter().filter(|e| e.kind == EntityKind::Address).collect();
    match (addresses.as_slice(), incident.actor()) {
        ([], Some(actor)) => format!("{} {}", actor.kind.word(), actor.name),
        ([], None) => "someone".to_owned(),
        ([one], _) => one.name.to_string(),
        ([one, another], _) => format!("{} and {}", one.name, another.name),
        ([one, rest @ ..], _) => format!("{} and {} more addresses", one.name, rest.len()),
    }
}

/// Who did what to whom, from when to when, how often, and what came of it.
pub(crate) fn tell(incident: &mut Incident) {
    incident.story = format!("{} {}", sentence(incident), outcome(incident)).trim_end().to_owned();
}

fn sentence(incident: &Incident) -> String {
    let mut parts: Vec<String> = incident.stages.iter().take(5).map(did).collect();
    if incident.stages.len() > 5 {
        parts.push(format!("{} more kinds of findings", incident.stages.len() - 5));
    }
    let on = target(incident).map(|t| format!(" on {t}")).unwrap_or_default();
    // A title is no verb.
    let colon = if incident.stages.first().is_some_and(is_named) { ":" } else { "" };
    format!("{}{colon} {}{on}, {}.", actors(incident), parts.join(", then "), span(incident.first_seen, incident.last_seen))
}

/// Told by the title of what was found, because no verb fits all that its analytic finds.
fn is_named(stage: &Stage) -> bool {
    let area = stage.analytic.split('.').next().unwrap_or_default();
    !matches!(area, "posture" | "content") && did(stage).starts_with(&lower_first(&stage.title))
}

/// Most analytics have their verb.
fn did(stage: &Stage) -> String {
    let times = |one: &str, many: &str| if stage.count == 1 { one.to_owned() } else { many.replace('#', &stage.count.to_string()) };
    match stage.analytic.as_str() {
        "web.request" => format!("sent {} with {}", times("a request", "# requests"), lower_first(&stage.title)),
        "web.scanner" => format!("looked for weak spots in {}", times("a request", "# requests")),
        "web.flood" => format!("flooded it with {}", times("a request", "# requests")),
        "web.exfiltration" => format!("took data in {}", times("an answer", "# answers")),
        "web.login" | "identity.brute_force" if stage.title.contains("succeeded") => {
            format!("guessed passwords {} and got in", times("once", "# times"))
        }
        "web.login" | "identity.brute_force" => format!("guessed passwords {}", times("once", "# times")),
        "identity.credential" if stage.title.contains("succeeded") => {
            format!("tried passwords of many accounts {} and got in", times("once", "# times"))
        }
        "identity.credential" => format!("tried passwords of many accounts {}", times("once", "# times")),
        analytic => match analytic.split('.').next().unwrap_or_default() {
            "posture" => format!("is open to {}", times("one weakness", "# weaknesses")),
            "content" => format!("was judged: {}", lower_first(&stage.title)),
            _ => format!("{} ({})", lower_first(&stage.title), times("once", "# times")),
        },
    }
}

fn span(first: Time, last: Time) -> String {
    let day = |t: Time| t.to_string().chars().take(10).collect::<String>();
    if first == last {
        format!("{} {} UTC", day(first), first.clock())
    } else if day(first) == day(last) {
        format!("{} from {} to {} UTC", day(first), first.clock(), last.clock())
    } else {
        format!("from {} {} to {} {} UTC", day(first), first.clock(), day(last), last.clock())
    }
}

/// Whether it came by the network, and so may have been kept out.
fn from_outside(incident: &Incident) -> bool {
    incident.entities.first().and_then(Entity::ip).is_some_and(|ip| !event::network::is_internal(ip))
}

fn outcome(incident: &Incident) -> String {
    match (incident.blocked_count, incident.passed_count, incident.succeeded) {
        (_, _, true) => "It got what it tried for.".to_owned(),
        (0, 0, false) if incident.stages.iter().all(|s| s.analytic.starts_with("posture.")) => {
            "Nothing was attacked: this is how it is configured.".to_owned()
        }
        (0, 0, false) if from_outside(incident) => "Nothing says that it got in.".to_owned(),
        (0, 0, false) => String::new(),
        (0, 1, false) => "Recorded only: the request would have been blocked, and reached the application.".to_owned(),
        (0, passed, false) => format!("Recorded only: {passed} requests would have been blocked, and all of them reached the application."),
        (1, 0, false) => "The request was blocked and did not reach the application.".to_owned(),
        (blocked, 0, false) => format!("All {blocked} requests were blocked; none reached the application."),
        (blocked, passed, false) => format!("{blocked} requests were blocked, {passed} reached the application."),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        // An abbreviation stays: SQL, XSS.
        (Some(a), Some(b)) if a.is_uppercase() && !b.is_uppercase() => a.to_lowercase().chain(text.chars().skip(1)).collect(),
        _ => text.to_owned(),
    }
}

/// `block 203.0.113.9 for 15 min`, for the trail.
/// As [`phase_words`]; what only tells is not in force.
pub fn state_words(response: &event::Response) -> String {
    match &response.phase {
        _ if response.action != crate::tell::NOTIFY => phase_words(&response.phase),
        Phase::Requested => "on its way".into(),
        Phase::Applied { points, receipt, .. } => format!("told, answered {} (receipt {receipt})", points.join(" + ")),
        phase => phase_words(phase),
    }
}

pub fn phase_words(phase: &Phase) -> String {
    match phase {
        Phase::Requested => "requested".into(),
        Phase::Applied { receipt, points, .. } => format!("in force at {} (receipt {receipt})", points.join(" + ")),
        Phase::Refused { why } => format!("not done: {why}"),
        Phase::Failed { why } => format!("failed: {why}"),
        Phase::Undone { by, receipt, .. } => format!("undone by {by} (receipt {receipt})"),
        Phase::Expired { .. } => "ended by itself".into(),
        Phase::Waiting { deadline } => format!("waits for approval until {deadline}, then it is rejected"),
        Phase::Rejected { by, .. } => format!("rejected by {by}"),
    }
}
