//! One incident on one screen: what happened, what we did, why we say so, what you can do, raw proof.

use std::sync::Arc;

use event::incident::{Outcome, Status};
use event::{EntityKind, Incident, Response};
use maud::{Markup, html};

use super::{Ctx, Gone, Here, layout};
use crate::href::Href;
use crate::part::proof::{self, View};
use crate::part::{
    clock, confirm, count, counted, entity, form, incident_href, lately, long, moment, reasons, response, severity, status, text,
};
use crate::{read, svg};

pub(crate) fn page(ctx: &Ctx, id: &str) -> Result<Markup, Gone> {
    let incident = ctx.log().incident(id).ok_or_else(|| Gone::new("There is no incident of that name."))?;
    let responses = read::responses_of(ctx.log(), &incident.uid);
    let active: Vec<&Response> = responses.iter().filter(|r| r.is_active(ctx.now)).map(Arc::as_ref).collect();
    let view = View::parse(ctx.asked("view"));
    let title = format!("{} {}", incident.uid, incident.title);
    Ok(layout(
        ctx,
        Here::Incidents,
        &title,
        &html! {
            div.crumbs {
                nav aria-label="Breadcrumb" { a href=(Href::to("/incidents")) { "Incidents" } " / " b { (text(&incident.uid)) } }
                (neighbours(ctx, &incident))
            }
            div id="incident" data-live="incident response order" data-only=(incident.uid) {
                section.what data-q="what" aria-labelledby="title" {
                    div.line {
                        (severity(incident.severity)) (status(&incident))
                        h1 id="title" { (text(&incident.title)) }
                    }
                    p.story { (long(&incident.story)) }
                    p.facts {
                        "Confidence " b { (format!("{:.2}", incident.score.value())) } " · risk " b { (incident.risk) } " of 100 · "
                        (agreement(&incident)) " · " (counted(incident.event_count, "event", "events")) " · "
                        (moment(incident.first_seen)) " – " (clock(incident.last_seen))
                        @if let Some(actor) = incident.actor() { " · actor " (entity(actor)) }
                    }
                    @if let Some(into) = &incident.merged_into { p.banner { "This incident was merged into " a href=(incident_href(into)) { (text(into)) } "." } }
                    (monitor(ctx, &incident, &active))
                    @if incident.succeeded { p.banner.bad { span aria-hidden="true" { "▲ " } b { "It succeeded:" } " the attacker got what it tried for. Blocking does not undo that." } }
                }
                (can(ctx, &incident, &responses, &active))
                div.two {
                    div {
                        section.panel data-q="why" aria-labelledby="why" {
                            h2 id="why" { "Why we say so" }
                            (reasons::table(&incident.reasons, incident.score, &incident.would_change))
                            (knowledge(ctx, &incident))
                        }
                        section.panel aria-labelledby="line" {
                            h2 id="line" { "Timeline" }
                            (svg::timeline::chart(&incident, &responses.iter().map(Arc::as_ref).collect::<Vec<_>>()))
                        }
                    }
                    div {
                        section.panel data-q="did" aria-labelledby="did" {
                            h2 id="did" { "What we did" }
                            (did(ctx, &incident, &responses))
                        }
                        section.panel data-q="proof" aria-labelledby="proof" {
                            (proof(ctx, &incident, view))
                        }
                    }
                }
                div.two.even {
                    section.panel aria-labelledby="stages" { h2 id="stages" { "Stages" } (stages(ctx, &incident)) }
                    section.panel aria-labelledby="trail" { h2 id="trail" { "Trail" } (trail(&incident)) }
                }
                @if let Some(forecast) = &incident.forecast {
                    section.panel aria-labelledby="next" { h2 id="next" { "What may come next" } (crate::part::forecast::panel(forecast)) }
                }
                div.two.even {
                    section.panel aria-labelledby="parties" { h2 id="parties" { "Who and what" } (parties(&incident)) }
                    section.panel aria-labelledby="similar" { h2 id="similar" { "Similar earlier incidents" } (super::incidents::similar(ctx, &incident)) }
                }
                @if incident.evidence.len() > 1 {
                    section.panel aria-labelledby="more-proof" {
                        h2 id="more-proof" { "More proof" span.sub { (counted(incident.evidence.len() as u64 - 1, "record", "records")) } }
                        @for (_, piece) in incident.evidence.iter().enumerate().filter(|(at, _)| Some(*at) != best(&incident)).take(9) { (proof::evidence(piece, view)) }
                    }
                }
            }
        },
    ))
}

fn neighbours(ctx: &Ctx, incident: &Incident) -> Markup {
    let all = read::incidents(ctx.log());
    let open: Vec<_> = all.iter().filter(|i| i.is_open() || i.uid == incident.uid).collect();
    let place = open.iter().position(|i| i.uid == incident.uid);
    let newer = place.and_then(|p| p.checked_sub(1)).and_then(|p| open.get(p));
    let older = place.and_then(|p| open.get(p + 1));
    html! {
        nav.near aria-label="Neighbours" {
            @if let Some(i) = newer { a href=(incident_href(&i.uid)) data-key="[" { kbd { "[" } " newer" } }
            @if let Some(i) = older { a href=(incident_href(&i.uid)) data-key="]" { "older " kbd { "]" } } }
        }
    }
}

fn agreement(incident: &Incident) -> Markup {
    let mut rules: Vec<u32> = incident.stages.iter().flat_map(|s| s.rules.iter().copied()).collect();
    rules.sort_unstable();
    rules.dedup();
    let mut models: Vec<&str> = incident.stages.iter().flat_map(|s| &s.models).map(|m| m.split(' ').next().unwrap_or(m)).collect();
    models.sort_unstable();
    models.dedup();
    html! {
        @match (rules.len(), models.len()) {
            (0, 0) => { (counted(incident.stages.len() as u64, "detector", "detectors")) },
            (r, 0) => { (counted(r as u64, "rule", "rules")) },
            (0, m) => { (counted(m as u64, "model", "models")) },
            (r, m) => { (counted(r as u64, "rule", "rules")) " + " (counted(m as u64, "model", "models")) " agree" },
        }
    }
}

/// Recorded is not blocked, and nobody may have to work that out.
fn monitor(ctx: &Ctx, incident: &Incident, active: &[&Response]) -> Markup {
    let records = active.iter().any(|r| r.mode == event::response::Mode::Monitor);
    let held = incident.blocked_count > 0 || active.iter().any(|r| r.mode == event::response::Mode::Enforce);
    let passed = incident.passed_count;
    html! {
        @if !held && (records || !ctx.about.enforces()) {
            p.banner {
                (svg::shield::dashed()) " " b { "Recorded only: nothing was blocked." }
                @if passed > 0 { " " (counted(passed, "flagged request", "flagged requests")) " passed." }
                @if records { " With blocking on, the actor would have been blocked." }
                @else if passed > 0 { " With blocking on, requests above the threshold would have been refused." }
            }
        }
    }
}

/// Undo is always the first button.
fn can(ctx: &Ctx, incident: &Incident, responses: &[Arc<Response>], active: &[&Response]) -> Markup {
    let undone = responses.iter().find(|r| r.phase.word() == "undone" && ctx.now < r.until);
    let actor = incident.actor().filter(|a| a.kind == EntityKind::Address);
    html! {
        section.can data-q="can" aria-label="What you can do" id="actions" {
            @if let [one] = active { (response::undo(ctx, "act-undo", &one.uid, active, Some("u"), "primary")) }
            @else if !active.is_empty() { (response::undo(ctx, "act-undo", &incident.uid, active, Some("u"), "primary")) }
            @else if let Some(undone) = undone { (response::redo(ctx, "act-redo", undone, Some("u"))) }
            @if active.is_empty() && undone.is_none() && let Some(actor) = actor { (block(ctx, actor, incident)) }
            @if incident.is_open() { (close(ctx, incident)) } @else {
                (form(ctx, "reopen", &[("incident", &incident.uid)], &html! { button type="submit" { "Reopen" } }))
            }
            (note(ctx, incident))
            @if let Some(request) = read::request_of(ctx.log(), incident) {
                a.button href=(Href::to("/requests").part(&request)) { "Look at the request" }
            }
            a.button href=(Href::to("/search").query("q", &incident.actor().map_or_else(|| incident.uid.to_string(), |a| format!("entity:{a}")))) { "Search the log" }
        }
    }
}

fn block(ctx: &Ctx, actor: &event::Entity, incident: &Incident) -> Markup {
    let reason = format!("by hand, for {}", incident.uid);
    let sheet = html! {
        p { b { "This blocks " (text(&actor.name)) } " at the gateway" @if !ctx.about.enforces() { " (monitor mode: it is recorded only)" } "." }
        (form(ctx, "block", &[("entity", &actor.to_string()), ("reason", &reason)], &html! {
            label for="hours" { "For " } select id="hours" name="hours" { option value="1" { "1 hour" } option value="24" selected { "24 hours" } option value="168" { "7 days" } }
            " " button.primary type="submit" { "Block" }
        }))
        p.muted { "It ends by itself, and can be undone before. Addresses on the never-block list are refused." }
    };
    confirm("act-block", "", &html! { "Block…" }, Some("b"), &sheet)
}

fn close(ctx: &Ctx, incident: &Incident) -> Markup {
    let sheet = html! {
        (form(ctx, "close", &[("incident", &incident.uid)], &html! {
            fieldset { legend { "How did it end?" }
                @for (outcome, value) in Outcome::ALL {
                    label.choice { input type="radio" name="outcome" value=(value) required checked[outcome == Outcome::True]; (word(outcome)) }
                }
            }
            label for="close-note" { "Note (may be empty)" }
            input id="close-note" name="note" type="text" maxlength="2000" autocomplete="off";
            button.primary type="submit" { "Close incident" }
        }))
        p.muted { "The word is kept as a label for the models." }
    };
    confirm("act-close", "", &html! { "Close…" }, Some("e"), &sheet)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::True => "true: an attack",
        Outcome::False => "false: no attack",
        Outcome::BenignButOdd => "benign but odd",
    }
}

fn note(ctx: &Ctx, incident: &Incident) -> Markup {
    let sheet = form(
        ctx,
        "note",
        &[("incident", &incident.uid)],
        &html! {
            label for="note-text" { "Note for the trail" }
            input id="note-text" name="text" type="text" maxlength="2000" required autocomplete="off";
            button.primary type="submit" { "Add note" }
        },
    );
    confirm("act-note", "", &html! { "Note" }, Some("n"), &sheet)
}

fn did(ctx: &Ctx, incident: &Incident, responses: &[Arc<Response>]) -> Markup {
    html! {
        @if responses.is_empty() {
            p {
                @if incident.blocked_count > 0 {
                    "Each request was judged alone: " b { (count(incident.blocked_count)) " refused" } ", " (count(incident.passed_count)) " passed. The actor is not blocked."
                } @else if ctx.about.enforces() {
                    b { "Nothing was blocked." } " No playbook asked for it."
                } @else {
                    b { "Recorded only: nothing was blocked." }
                }
            }
        } @else {
            ul.dids { @for response in responses.iter().take(3) { (response::entry(ctx, response)) } }
            @if responses.len() > 3 { p.more { a href=(Href::to("/response").query("incident", &incident.uid)) { "All " (responses.len()) } } }
        }
        @if incident.blocked_count + incident.passed_count > 0 {
            p.tally { "Judged on their content, " b { (count(incident.blocked_count)) } " requests were refused and " b { (count(incident.passed_count)) } " passed." }
        }
    }
}

fn knowledge(ctx: &Ctx, incident: &Incident) -> Markup {
    let rules = read::rules_of(ctx.log(), incident);
    let mut models: Vec<&event::Text> = incident.stages.iter().flat_map(|s| &s.models).collect();
    models.sort();
    models.dedup();
    html! {
        dl.known {
            @if !rules.is_empty() { div { dt { "Rules" } dd { @for (id, message) in rules.iter().take(6) { span.rule { code { (id) } " " (text(message)) } } @if rules.len() > 6 { span.muted { "+ " (rules.len() - 6) } } } } }
            @if !models.is_empty() { div { dt { "Models" } dd { @for model in models.iter().take(4) { a href=(Href::to("/models").part(model.split(' ').next().unwrap_or(model))) { (text(model)) } " " } } } }
            @if !incident.techniques.is_empty() { div { dt { "ATT&CK" } dd { @for t in incident.techniques.iter().take(5) { span.technique title=(t.tactic.named().1) { code { (t.uid) } " " (t.name) } } @if incident.techniques.len() > 5 { span.muted { "+ " (incident.techniques.len() - 5) } } } } }
        }
    }
}

/// The first record in which something is marked.
fn best(incident: &Incident) -> Option<usize> {
    let marked = incident.evidence.iter().position(|e| !e.matches.is_empty());
    marked.or((!incident.evidence.is_empty()).then_some(0))
}

fn proof(ctx: &Ctx, incident: &Incident, view: View) -> Markup {
    let link = |v: View| incident_href(&incident.uid).query("view", v.word()).hash("proof");
    html! {
        h2 id="proof" { "Proof"
            @if !incident.evidence.is_empty() {
                span.toggle {
                    @for v in [View::Raw, View::Decoded] { a href=(link(v)) aria-current=[(v == view).then_some("true")] { (v.word()) } }
                }
            }
        }
        @match best(incident).and_then(|at| incident.evidence.get(at)) {
            Some(first) => {
                (proof::evidence(first, view))
                @if let Some(request) = read::request_of(ctx.log(), incident) { p.more { a href=(Href::to("/requests").part(&request)) { "The whole request " code { (text(&request)) } } } }
            }
            None => p.muted { "No record was kept with this incident; its findings name the events." },
        }
    }
}

fn stages(ctx: &Ctx, incident: &Incident) -> Markup {
    html! {
        table.rows.stages {
            thead { tr { th scope="col" { "Stage" } th.n scope="col" { "Score" } th.n scope="col" { "Events" } th scope="col" { "From" } th scope="col" { "To" } } }
            tbody { @for stage in &incident.stages { tr {
                th scope="row" { b { (text(&stage.title)) } p.muted { (text(&stage.text)) " " code { (text(&stage.analytic)) } } }
                td.n { (format!("{:.2}", stage.score.value())) }
                td.n { (count(stage.count)) }
                td.when { (lately(stage.first_seen, ctx.now)) }
                td.when { (lately(stage.last_seen, ctx.now)) }
            } } }
        }
    }
}

fn trail(incident: &Incident) -> Markup {
    let hidden = incident.trail.len().saturating_sub(50);
    html! {
        @if incident.trail.is_empty() { p.muted { "Nobody has touched it yet." } } @else {
            @if hidden > 0 { p.muted { (hidden) " earlier entries are not shown." } }
            ol.trail { @for entry in incident.trail.iter().skip(hidden) {
                li { (moment(entry.time)) " " b { (text(&entry.by)) } " " (long(&entry.text)) }
            } }
        }
    }
}

fn parties(incident: &Incident) -> Markup {
    html! {
        ul.plain.parties { @for (place, e) in incident.entities.iter().enumerate().take(25) {
            li { span.kind { (if place == 0 { "actor" } else { e.kind.word() }) } " " (entity(e)) }
        } }
        @if incident.entities.len() > 25 { p.muted { "+ " (incident.entities.len() - 25) " more" } }
        @if matches!(incident.status, Status::Closed { .. }) { p.muted { "Closed incidents take no new findings." } }
    }
}
