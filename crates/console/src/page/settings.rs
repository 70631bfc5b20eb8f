//! Health first: what runs, what sends, what was lost.

use std::time::Instant;

use maud::{Markup, html};

use super::{Ctx, Gone, Here, hidden, layout};
use crate::href::Href;
use crate::part::{ago, bytes, count, span, text};

pub(crate) fn page(ctx: &Ctx) -> Result<Markup, Gone> {
    let about = &ctx.about;
    let facts = ctx.log().facts();
    let ok = |good: bool| html! { @if good { span.chip.good { "✓ ok" } } @else { span.chip.warn { "! look" } } };
    let undecoded: u64 = about.sources.iter().map(|s| s.undecoded).sum();
    Ok(layout(
        ctx,
        Here::Settings,
        "Settings",
        &html! {
            div.head { h1 { "Settings" } p.sub { "health, sources, logins" } }
            section.panel id="health" data-live="incident" data-every="10" aria-labelledby="health-head" {
                h2 id="health-head" { "Health" }
                table.rows.list { thead { tr { th scope="col" { "Part" } th scope="col" { "State" } th scope="col" { "Figures" } } } tbody {
                    tr { td.what { "log" } td.state { (ok(facts.damage.is_empty() && facts.unreadable_records == 0)) } td.why { (count(facts.records)) " records, " (bytes(facts.bytes)) " in " (facts.segments) " segments" @if !facts.damage.is_empty() { ", " (count(facts.damaged_records)) " records damaged" } @if facts.torn_bytes > 0 { ", " (bytes(facts.torn_bytes)) " cut from the end at the start" } } }
                    tr { td.what { "losses" } td.state { (ok(about.shed == 0)) } td.why { (count(about.shed)) " events dropped under load" } }
                    tr { td.what { "decoding" } td.state { (ok(true)) } td.why { (count(undecoded)) " records no decoder could read; kept with their bytes" } }
                    tr { td.what { "models" } td.state { (ok(about.models.iter().all(|m| m.signed))) } td.why { (about.models.len()) " loaded, " (about.models.iter().filter(|m| m.signed).count()) " signed" } }
                    tr { td.what { "rules" } td.state { (ok(about.rules > 0)) } td.why { (count(u64::from(about.rules))) " in force" } }
                    tr { td.what { "process" } td.state { (ok(true)) } td.why { "version " (text(&about.version)) ", memory " (bytes(about.rss_bytes)) ", running for " (span(about.uptime_s as f64)) } }
                } }
            }
            section.panel aria-labelledby="sources" {
                h2 id="sources" { "Sources" }
                @if about.sources.is_empty() { p.muted { "No log source is connected." } } @else {
                    table.rows.list {
                        thead { tr { th scope="col" { "Source" } th scope="col" { "Format" } th.n scope="col" { "Events" } th.n scope="col" { "Not decoded" } th scope="col" { "Latest" } } }
                        tbody { @for s in &about.sources { tr {
                            td.what { (text(&s.name)) } td data-label="format" { (text(&s.format)) } td.n data-label="events" { (count(s.events)) } td.n data-label="not decoded" { (count(s.undecoded)) }
                            td.when { @match s.last_event { Some(at) => { (ago(at, ctx.now)) }, None => span.chip.warn { "! silent" } } }
                        } } }
                    }
                }
            }
            section.panel aria-labelledby="logins" {
                h2 id="logins" { "Logins" }
                p { (count(ctx.app.sessions.count(Instant::now()) as u64)) " open, this one included. A login ends after 60 minutes without use, and in any case after 12 hours or when Bartizan restarts." }
                form method="post" action=(Href::to("/settings/sessions")) { (hidden(ctx)) button type="submit" { "End all others" } }
            }
        },
    ))
}
