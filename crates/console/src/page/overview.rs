//! Do I have to act?

use event::Severity;
use event::response::{Mode, Phase};
use maud::{Markup, html};

use super::{Ctx, Gone, Here, layout};
use crate::about::About;
use crate::href::Href;
use crate::part::{ago, bytes, count, counted, entity, incident_href, lately, left, response, severity, span, text};
use crate::{read, svg};

const NEEDS_YOU: usize = 6;

pub(crate) fn page(ctx: &Ctx) -> Result<Markup, Gone> {
    let facts = ctx.log().facts();
    let all = read::incidents(ctx.log());
    let need = read::needs_you(ctx.log(), 1_000);
    Ok(layout(
        ctx,
        Here::Overview,
        "Overview",
        &html! {
            h1.hidden { "Overview" }
            section.panel.needs id="needs" data-live="incident response order" aria-labelledby="needs-title" {
                h2 id="needs-title" { "Needs you" @if !need.is_empty() { " " span.need { (count(need.len() as u64)) } } }
                @if need.is_empty() {
                    (quiet(ctx))
                } @else {
                    table.rows.queue {
                        thead.hidden { tr { th scope="col" { "Severity" } th scope="col" { "Incident" } th scope="col" { "Actor" } th scope="col" { "What we did" } th scope="col" { "Last seen" } } }
                        tbody {
                            @for incident in need.iter().take(NEEDS_YOU) {
                                tr data-row=(incident.uid) {
                                    td.s { (severity(incident.severity)) }
                                    td.what { a.title href=(incident_href(&incident.uid)) { span.id { (text(&incident.uid)) } " " (text(&incident.title)) } p.story { (text(&incident.story)) } }
                                    td.who { @if let Some(actor) = incident.actor() { (entity(actor)) } }
                                    td.did { (super::incidents::did(ctx, incident)) }
                                    td.when { (lately(incident.last_seen, ctx.now)) }
                                }
                            }
                        }
                    }
                    @if need.len() > NEEDS_YOU { p.more { a href=(Href::to("/incidents")) { "All " (count(need.len() as u64)) " that need you" } } }
                }
                (warnings(&ctx.about))
            }
            section.panel id="traffic" data-live="request incident" data-every="10" aria-labelledby="traffic-head" {
                h2 id="traffic-head" { "Traffic" span.sub { "last " (span(svg::traffic::covers_s(&facts.minutes, ctx.now))) } }
                (svg::traffic::chart(&facts.minutes, ctx.now))
            }
            div.thirds {
                section.panel id="by-severity" data-live="incident order" aria-labelledby="severity-head" {
                    h2 id="severity-head" { "Incidents" span.sub { (counted(all.iter().filter(|i| i.is_open()).count() as u64, "open", "open")) } }
                    (by_severity(&all))
                }
                section.panel id="done" data-live="response order" aria-labelledby="done-head" {
                    h2 id="done-head" { "What we did" }
                    (done(ctx))
                }
                section.panel id="standing" data-live="incident" data-every="10" aria-labelledby="standing-head" {
                    h2 id="standing-head" { "Standing" }
                    (standing(ctx, facts.records, facts.bytes))
                }
            }
        },
    ))
}

/// Quiet is proven, not assumed.
fn quiet(ctx: &Ctx) -> Markup {
    let about = &ctx.about;
    let sending = about.sources.iter().filter(|s| s.last_event.is_some()).count() + about.sites.len();
    let latest = about.sources.iter().filter_map(|s| s.last_event).max();
    html! {
        div.quiet {
            span.glyph aria-hidden="true" { "✓" }
            p {
                b { "No incidents." } " " (counted(sending as u64, "source", "sources")) " sending, " (counted(about.events(), "event", "events")) " read"
                @if let Some(latest) = latest { ", the latest " (ago(latest, ctx.now)) }
                "."
            }
            @if sending == 0 {
                p.muted { "Nothing is connected yet. Protect a site: " code { "bartizan protect http://127.0.0.1:3000" } }
            }
        }
    }
}

/// Losses and silences are said, never left to be found.
fn warnings(about: &About) -> Markup {
    let unsigned: Vec<&str> = about.models.iter().filter(|m| !m.signed).map(|m| m.name.as_str()).collect();
    let silent: Vec<&str> = about.sources.iter().filter(|s| s.last_event.is_none()).map(|s| s.name.as_str()).collect();
    html! {
        @for name in silent.iter().take(5) { p.warning { span aria-hidden="true" { "! " } "Source " b { (text(name)) } " has sent nothing yet. " a href=(Href::to("/settings")) { "Health" } } }
        @if about.shed > 0 { p.warning { span aria-hidden="true" { "! " } b { (count(about.shed)) " events were dropped under load" } " since the start. " a href=(Href::to("/settings")) { "Health" } } }
        @for name in unsigned { p.warning { span aria-hidden="true" { "! " } "Model " b { (text(name)) } " is not signed. " a href=(Href::to("/models").part(name)) { "Look" } } }
    }
}

fn by_severity(all: &[std::sync::Arc<event::Incident>]) -> Markup {
    let most = Severity::ALL.iter().map(|s| all.iter().filter(|i| i.severity == *s).count()).max().unwrap_or(0).max(1);
    html! {
        table.bars {
            thead.hidden { tr { th scope="col" { "Severity" } th scope="col" { "Bar" } th scope="col" { "All" } th scope="col" { "Open" } } }
            tbody {
                @for level in Severity::ALL.into_iter().rev() {
                    @let number = all.iter().filter(|i| i.severity == level).count();
                    @let open = all.iter().filter(|i| i.severity == level && i.is_open()).count();
                    tr {
                        th scope="row" { a href=(Href::to("/incidents").query("severity", level.word()).query("state", "all")) { (severity(level)) } }
                        td { svg.meter viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                            rect.rail width="100" height="8" {}
                            rect class={ "fill " (level.word()) } width=(number * 100 / most) height="8" {}
                        } }
                        td.n { (number) }
                        td.n.muted { (open) " open" }
                    }
                }
            }
        }
    }
}

fn done(ctx: &Ctx) -> Markup {
    let day = ctx.now.plus_s(-86_400);
    let all = read::responses(ctx.log());
    let recent = || all.iter().filter(move |r| r.requested >= day);
    let active: Vec<_> = all.iter().filter(|r| r.is_active(ctx.now)).collect();
    let enforced = active.iter().filter(|r| r.mode == Mode::Enforce).count();
    let undone = recent().filter(|r| matches!(r.phase, Phase::Undone { .. })).count();
    let failed = recent().filter(|r| matches!(r.phase, Phase::Failed { .. })).count();
    let refused: u64 = active.iter().filter(|r| r.mode == Mode::Enforce).filter_map(|r| ctx.about.refused.get(&r.uid)).sum();
    html! {
        dl.figures {
            div { dt { "in force" } dd { (count(enforced as u64)) } }
            div { dt { "refused" } dd { (count(refused)) } }
            @if active.len() > enforced { div { dt { "recorded only" } dd { (count((active.len() - enforced) as u64)) } } }
            div { dt { "undone, 24 h" } dd { (count(undone as u64)) } }
            div { dt { "failed, 24 h" } dd { (count(failed as u64)) } }
        }
        @if active.is_empty() {
            p.muted { @if ctx.about.enforces() { "Nothing is blocked at the moment." } @else { "Monitor mode: attacks are recorded, nothing is blocked." } }
        } @else {
            ul.plain {
                @for r in active.iter().take(4) {
                    li { (response::chip(r, ctx.now)) " " (entity(&r.target)) " " span.muted { (left(r.until, ctx.now)) " left" } }
                }
            }
        }
        p.more { a href=(Href::to("/response")) { "Response" } }
    }
}

fn standing(ctx: &Ctx, records: u64, log_bytes: u64) -> Markup {
    let about = &ctx.about;
    let undecoded: u64 = about.sources.iter().map(|s| s.undecoded).sum();
    let signed = about.models.iter().filter(|m| m.signed).count();
    html! {
        dl.lines {
            @for site in about.sites.iter().take(3) { div { dt { "site " (text(&site.name)) } dd { (counted(site.requests, "request", "requests")) } } }
            div { dt { "sources" } dd { (count(about.sources.len() as u64)) " · " (counted(about.sources.iter().map(|s| s.events).sum(), "event", "events")) } }
            div { dt { "not decoded" } dd { (count(undecoded)) } }
            div { dt { "models" } dd { (about.models.len()) @if !about.models.is_empty() { ", " (signed) " signed" } } }
            div { dt { "rules" } dd { (count(u64::from(about.rules))) } }
            div { dt { "log" } dd { (count(records)) " records · " (bytes(log_bytes)) } }
            div { dt { "memory" } dd { (bytes(about.rss_bytes)) } }
            div { dt { "running for" } dd { (span(about.uptime_s as f64)) } }
        }
    }
}
