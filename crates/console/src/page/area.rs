//! Identity and network: what the detectors of one area found, and the activity that they read.

use maud::{Markup, html};
use store::Query;

use super::{Ctx, Gone, Here, layout, search};
use crate::href::Href;
use crate::part::{count, empty, incident_href, lately, severity, text};
use crate::read;

/// One area of detectors and its classes of activity.
pub(crate) struct Area {
    title: &'static str,
    about: &'static str,
    /// Analytics begin with one of these.
    analytics: &'static [&'static str],
    /// Word and query of each kind of activity; the first is shown unless asked otherwise.
    activity: &'static [(&'static str, &'static str)],
    path: &'static str,
    nothing: &'static str,
    command: &'static str,
}

pub(crate) const IDENTITY: Area = Area {
    title: "Identity",
    about: "who signs in, and who tries to",
    analytics: &["identity.", "web.login"],
    activity: &[
        ("failures", "class:authentication outcome:failure"),
        ("sign-ins", "class:authentication outcome:success"),
        ("all", "class:authentication"),
    ],
    path: "/identity",
    nothing: "Nobody signed in that Bartizan saw.",
    command: "bartizan watch /var/log/auth.log --follow",
};

pub(crate) const NETWORK: Area = Area {
    title: "Network",
    about: "who talks to whom, and in which way",
    analytics: &["network."],
    activity: &[("flows", "class:network"), ("DNS", "class:dns"), ("all", "class:network or class:dns")],
    path: "/network",
    nothing: "No traffic was read.",
    command: "bartizan watch capture.pcap",
};

pub(crate) fn page(ctx: &Ctx, area: &Area) -> Result<Markup, Gone> {
    let which = area.activity.iter().find(|(word, _)| Some(*word) == ctx.asked("show")).unwrap_or(&area.activity[0]);
    let query = Query::parse(which.1).unwrap_or_default();
    let before = ctx.asked("before").and_then(|b| b.parse::<u64>().ok());
    let query = Query { before, limit: 100, rows_max: 500_000, time_max: std::time::Duration::from_millis(500), ..query };
    let found = ctx.log().query(&query)?;
    let mut incidents = read::incidents(ctx.log());
    incidents.retain(|i| i.stages.iter().any(|s| area.analytics.iter().any(|a| s.analytic.starts_with(a))));
    Ok(layout(
        ctx,
        Here::Entities,
        area.title,
        &html! {
            div.head { h1 { (area.title) } p.sub { (area.about) } }
            section.panel id="found" data-live="incident" aria-labelledby="found-head" {
                h2 id="found-head" { "Found" span.sub { (count(incidents.len() as u64)) } }
                @if incidents.is_empty() { (empty("Nothing was found.", &html! {})) } @else {
                    table.rows.list {
                        thead { tr { th scope="col" { "Severity" } th scope="col" { "What" } th scope="col" { "How" } th scope="col" { "Last seen" } } }
                        tbody { @for i in incidents.iter().take(50) { tr data-row=(i.uid) {
                            td.s { (severity(i.severity)) }
                            td.what { a.title href=(incident_href(&i.uid)) { (text(&i.uid)) " " (text(&i.title)) } }
                            td.why { @for (at, s) in i.stages.iter().filter(|s| area.analytics.iter().any(|a| s.analytic.starts_with(a))).take(3).enumerate() { @if at > 0 { br; } (text(&s.text)) } }
                            td.when { (lately(i.last_seen, ctx.now)) }
                        } } }
                    }
                }
            }
            div.with-facets {
                nav.facets aria-label="Filters" {
                    h2 { "Show" }
                    @for (word, _) in area.activity { a href=(Href::to(area.path).query("show", word)) aria-current=[(*word == which.0).then_some("true")] { (word) } }
                }
                section.panel aria-labelledby="activity" {
                    h2 id="activity" { "Activity" }
                    @if found.rows.is_empty() { (empty(area.nothing, &html! { p.muted { code { (area.command) } } })) } @else {
                        (search::rows(ctx, &found))
                        @if let Some(next) = found.next { p.more { a href=(Href::to(area.path).query("show", which.0).query("before", &next.to_string())) { "Older" } } }
                    }
                }
            }
        },
    ))
}
