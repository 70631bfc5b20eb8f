//! Sites and their requests.

use event::{Body, Event};
use maud::{Markup, html};
use store::{Classes, Query};

use super::{Ctx, Gone, Here, layout};
use crate::href::Href;
use crate::part::{count, empty, entity, moment, own, span, text, verdict};
use crate::svg;

pub(crate) fn page(ctx: &Ctx) -> Result<Markup, Gone> {
    let which = ctx.asked("verdict").filter(|v| matches!(*v, "blocked" | "would_block" | "all")).unwrap_or("judged");
    let before = ctx.asked("before").and_then(|b| b.parse::<u64>().ok());
    let text = match which {
        "blocked" => "class:http verdict:blocked",
        "would_block" => "class:http verdict:would_block",
        "all" => "class:http",
        _ => "class:http (verdict:blocked or verdict:would_block or verdict:challenged or verdict:limited)",
    };
    let query = Query::parse(text).unwrap_or(Query { classes: Classes::parse("http").unwrap_or(Classes::ALL), ..Query::default() });
    let query = Query { before, limit: 100, rows_max: 500_000, time_max: std::time::Duration::from_millis(80), ..query };
    let found = ctx.log().query(&query)?;
    let facts = ctx.log().facts();
    let facets = [("judged", "flagged"), ("blocked", "blocked"), ("would_block", "would be blocked"), ("all", "all requests")];
    Ok(layout(
        ctx,
        Here::Web,
        "Web",
        &html! {
            div.head { h1 { "Web" } p.sub { "protected sites and their requests" } }
            section.panel id="sites" data-live="request" data-every="10" aria-labelledby="sites-head" {
                h2 id="sites-head" { "Sites" }
                @if ctx.about.sites.is_empty() {
                    (empty("No site is protected.", &html! { p.muted { code { "bartizan protect http://127.0.0.1:3000" } " puts one behind the gateway, in monitor mode." } }))
                } @else {
                    table.rows.list {
                        thead { tr { th scope="col" { "Site" } th scope="col" { "Listens on" } th scope="col" { "Application" } th scope="col" { "Mode" } th.n scope="col" { "Requests" } th.n scope="col" { "Blocked" } th.n scope="col" { "Would block" } th.n scope="col" { "Sign-ins asked again" } th.n scope="col" { "Sign-ins refused" } } }
                        tbody { @for s in &ctx.about.sites { tr {
                            td.what { b { (crate::part::text(&s.name)) } } td { code { (own(&s.listen)) } } td { code { (own(&s.upstream)) } }
                            td { @if ctx.about.enforces() { span.chip.force { "enforcing" } } @else { span.chip.record { "monitor" } } }
                            td.n data-label="requests" { (count(s.requests)) } td.n data-label="blocked" { (count(s.blocked)) } td.n data-label="would block" { (count(s.would_block)) }
                            td.n data-label="sign-ins asked again" { (count(s.stepped_up)) } td.n data-label="sign-ins refused" { (count(s.logins_refused)) }
                        } } }
                    }
                }
                h2 { "Traffic" span.sub { "last " (span(svg::traffic::covers_s(&facts.minutes, ctx.now))) } }
                (svg::traffic::chart(&facts.minutes, ctx.now))
            }
            div.with-facets {
                nav.facets aria-label="Filters" {
                    h2 { "Verdict" }
                    @for (value, word) in facets { a href=(Href::to("/web").query("verdict", value)) aria-current=[(value == which).then_some("true")] { (word) } }
                }
                section.panel id="requests" data-live="request" data-hold="" aria-labelledby="requests-head" {
                    h2 id="requests-head" { "Requests" }
                    @if found.rows.is_empty() { (empty("No request fits.", &html! { p.muted { (count(found.scanned)) " records looked at." } })) } @else {
                        table.rows.list {
                            thead { tr { th scope="col" { "Time" } th scope="col" { "Verdict" } th scope="col" { "Request" } th scope="col" { "From" } th.n scope="col" { "Status" } th.n scope="col" { "Score" } } }
                            tbody { @for (offset, event) in &found.rows { (row(*offset, event)) } }
                        }
                        @if let Some(next) = found.next { p.more { a href=(Href::to("/web").query("verdict", which).query("before", &next.to_string())) { "Older" } } }
                    }
                }
            }
        },
    ))
}

fn row(offset: u64, event: &Event) -> Markup {
    let Body::Http(h) = &event.body else { return html! {} };
    html! {
        tr data-row=(offset) {
            td.when { (moment(event.meta.time)) }
            td.s { @if let Some(v) = h.verdict { (verdict(v)) } }
            td.what.mono { @match &h.request_id {
                Some(id) => a.title href=(Href::to("/requests").part(id)) { (text(&h.method)) " " (text(&h.target)) },
                None => { (text(&h.method)) " " (text(&h.target)) },
            } }
            td.who { @if let Some(client) = h.client { (entity(&event::Entity::address(client))) } }
            td.n data-label="status" { @if let Some(status) = h.status { (status) } }
            td.n data-label="score" { @if h.score > 0.0 { (format!("{:.2}", h.score)) } }
        }
    }
}
