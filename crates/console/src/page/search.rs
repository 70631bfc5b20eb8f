//! Hunting: one box, one language, every record.

use std::time::Duration;

use event::{Body, Event, ocsf};
use maud::{Markup, html};
use store::{Page, Query, Table};

use super::{Ctx, Gone, Here, layout};
use crate::href::Href;
use crate::part::{count, empty, entity, incident_href, moment, text, verdict};
use crate::shown;

const EXAMPLES: [&str; 6] = [
    "class:http status:>=500",
    "src_ip:203.0.113.0/24",
    "class:finding severity:>=high",
    "verdict:blocked",
    "\"union select\"",
    "class:http | top 20 src_ip",
];

pub(crate) fn page(ctx: &Ctx) -> Result<Markup, Gone> {
    let asked: String = ctx.asked("q").unwrap_or_default().chars().take(2_000).collect();
    let before = ctx.asked("before").and_then(|b| b.parse::<u64>().ok());
    let parsed = Query::parse(&asked);
    Ok(layout(
        ctx,
        Here::Search,
        "Search",
        &html! {
            div.head { h1 { "Search" } }
            form.query method="get" action=(Href::to("/search")) role="search" {
                label.hidden for="q" { "Query" }
                input id="q" name="q" type="search" value=(asked) placeholder="field:value, words, an address" autocomplete="off" spellcheck="false" maxlength="2000" aria-invalid=[parsed.is_err().then_some("true")] aria-describedby=[parsed.is_err().then_some("query-error")];
                button.primary type="submit" { "Search" }
            }
            p.examples { span.label { "Examples" } @for example in EXAMPLES { " " a href=(Href::to("/search").query("q", example)) { code { (example) } } } }
            @match parsed {
                Err(error) => section.panel { div.empty {
                    p id="query-error" { b { "This query cannot be understood" } " at character " (error.at + 1) ": " code { (text(&error.found)) } }
                    p { (text(&error.help)) }
                } },
                Ok(query) => { (results(ctx, &asked, &query, before)?) },
            }
        },
    ))
}

/// How long a page is searched for. What lies further back comes in by itself, piece by piece.
const PIECE: Duration = Duration::from_millis(60);
const ROWS: usize = 50;

fn results(ctx: &Ctx, asked: &str, query: &Query, before: Option<u64>) -> Result<Markup, Gone> {
    if let Some(tally) = &query.tally {
        return Ok(table(&ctx.log().tally(query, tally)?));
    }
    let query = Query { before, limit: ROWS, time_max: PIECE, ..query.clone() };
    let page = ctx.log().query(&query)?;
    let further = page.stopped_early.is_some() && page.next.is_some();
    let shown = page.rows.len() as u64;
    Ok(html! {
        section.panel id="results" aria-labelledby="found" data-full=(ROWS) {
            h2 id="found" { "Records" span.sub { b data-sum="shown" data-n=(shown) { (count(shown)) } " shown, " b data-sum="looked" data-n=(page.scanned) { (count(page.scanned)) } " looked at" } }
            @if page.rows.is_empty() && further { p.muted { "Nothing yet." } } @else { (rows(ctx, &page)) }
            @if let Some(next) = page.next {
                p.more data-further=[further.then_some("")] {
                    a href=(Href::to("/search").query("q", asked).query("before", &next.to_string())) { @if further { "Look further back" } @else { "Older" } }
                }
            }
        }
    })
}

/// What `| count by ..` counted, with a bar for each row.
fn table(table: &Table) -> Markup {
    let most = table.rows.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    html! {
        section.panel aria-labelledby="found" {
            h2 id="found" { "Counted" span.sub {
                (count(table.total)) " records in " (count(table.rows.len() as u64)) " rows, " (count(table.scanned)) " looked at"
                @if table.others > 0 { ", " (count(table.others)) " records in rows not shown" }
                @if let Some(why) = table.stopped_early { ", stopped early: " (why) }
            } }
            @if table.rows.is_empty() {
                (empty("Nothing in the log fits.", &html! {}))
            } @else {
                table.rows.counted {
                    thead { tr { @for column in &table.columns { th scope="col" { (column) } } th.n scope="col" { "Records" } th scope="col" { span.hidden { "Share" } } } }
                    tbody { @for (values, n) in &table.rows { tr {
                        @for value in values { td { @if value.is_empty() { span.muted { "none" } } @else { (text(value)) } } }
                        td.n { (count(*n)) }
                        td { meter min="0" max=(most) value=(n) { (n) } }
                    } } }
                }
            }
        }
    }
}

pub(crate) fn rows(ctx: &Ctx, page: &Page) -> Markup {
    html! {
        @if page.rows.is_empty() {
            (empty("Nothing in the log fits.", &html! { p.muted { "The log holds " (count(ctx.log().end())) " records." } }))
        } @else {
            table.rows.records {
                thead { tr { th scope="col" { "Time" } th scope="col" { "Class" } th scope="col" { "Who" } th scope="col" { "What" } } }
                tbody { @for (offset, event) in &page.rows { (row(*offset, event)) } }
            }
        }
    }
}

fn row(offset: u64, event: &Event) -> Markup {
    html! {
        tr data-row=(offset) {
            td.when { (moment(event.meta.time)) }
            td { (event.body.word()) }
            td.who { @if let Some(first) = event.entities().first() { (entity(first)) } }
            td.what {
                (line(event))
                details id=(format!("at-{offset}")) {
                    summary { "record " (offset) @if !event.meta.source.is_empty() { ", " (text(&event.meta.source)) } }
                    @if !event.raw.is_empty() { pre.bytes tabindex="0" role="region" aria-label="Record as it came" { (shown::bytes(event.raw.get(..2_048).unwrap_or(&event.raw))) } }
                    @else { pre.bytes tabindex="0" role="region" aria-label="Record as OCSF" { (object(event)) } }
                }
            }
        }
    }
}

fn object(event: &Event) -> String {
    let json = serde_json::to_string_pretty(&ocsf::json(event)).unwrap_or_default();
    let end = json.floor_char_boundary(2_048);
    let more = if end < json.len() { "\n…" } else { "" };
    format!("{}{more}", shown::bytes(&json.as_bytes()[..end]))
}

/// One line for any event.
fn line(event: &Event) -> Markup {
    html! {
        @match &event.body {
            Body::Http(h) => {
                @if let Some(v) = h.verdict { (verdict(v)) " " }
                @let words = html! { (text(&h.method)) " " (text(&h.target)) };
                @match &h.request_id { Some(id) => a href=(Href::to("/requests").part(id)) { (words) }, None => { (words) } }
                @if let Some(status) = h.status { " " span.muted { (status) } }
            },
            Body::Authentication(a) => { (a.action.word()) " " (a.outcome.word()) ": " (text(&a.user)) " on " (text(&a.service)) @if !a.reason.is_empty() { " " span.muted { (text(&a.reason)) } } },
            Body::Process(p) => { (text(&p.command_line)) },
            Body::Network(n) => { (text(&n.transport)) " " @if let Some(server) = n.server { (server.to_string()) ":" (n.server_port) } " " (text(&n.server_name)) " " span.muted { (n.bytes_out) " B out, " (n.bytes_in) " B in" } },
            Body::Dns(d) => { (text(&d.kind)) " " (text(&d.name)) " " span.muted { (text(&d.rcode)) } },
            Body::Api(a) => { (text(&a.operation)) " by " (text(&a.user)) " " span.muted { (text(&a.service)) " " (text(&a.error)) } },
            Body::Mail(m) => { "mail from " (text(&m.from)) ": " (text(&m.subject)) },
            Body::File(f) => { (text(&f.action)) " " (text(&f.path)) " " span.muted { (text(&f.kind)) } },
            Body::Resource(r) => { (text(&r.address)) " " span.muted { (text(&r.file)) ":" (r.line) } },
            Body::Other { service, .. } => { span.muted { (text(service)) } },
            Body::Undecoded { reason } => { span.muted { "not decoded: " (text(reason)) } },
            Body::Finding(f) => { @match &f.request_id { Some(id) => a href=(Href::to("/requests").part(id)) { (text(&f.title)) }, None => { (text(&f.title)) } } " " span.muted { (format!("{:.2}", f.score.value())) } },
            Body::Incident(i) => { a href=(incident_href(&i.uid)) { (text(&i.uid)) " " (text(&i.title)) } " " span.muted { "revision " (i.revision) } },
            Body::Response(r) => { (r.disposition.word()) " " (entity(&r.target)) " " (r.phase.word()) @if !r.incident.is_empty() { " for " a href=(incident_href(&r.incident)) { (text(&r.incident)) } } },
            Body::Order(o) => { (text(&crate::read::order_text(&o.what))) " " span.muted { "by " (text(&o.by)) } },
        }
    }
}
