//! What did the machine do, and what of it still holds?

use event::Response;
use event::response::{Mode, Phase};
use maud::{Markup, html};

use super::{Ctx, Gone, Here, ROWS_MAX, layout};
use crate::href::Href;
use crate::part::{confirm, count, empty, entity, form, incident_href, lately, left, response, text};
use crate::read;

pub(crate) fn page(ctx: &Ctx) -> Result<Markup, Gone> {
    let only = ctx.asked("incident");
    let mut all = read::responses(ctx.log());
    all.retain(|r| only.is_none_or(|id| r.incident == id));
    let (waiting, all): (Vec<_>, Vec<_>) = all.into_iter().partition(|r| response::waits(r, ctx.now));
    let (active, past): (Vec<_>, Vec<_>) = all.iter().partition(|r| r.is_active(ctx.now));
    Ok(layout(
        ctx,
        Here::Response,
        "Response",
        &html! {
            div.head { h1 { "Response" } @if let Some(id) = only { p.sub { "of " a href=(incident_href(id)) { (text(id)) } " · " a href=(Href::to("/response")) { "show all" } } } }
            (mode(ctx))
            @if !waiting.is_empty() {
                section.panel id="waiting" data-live="response order" aria-labelledby="waiting-head" {
                    h2 id="waiting-head" { "Waits for your word" span.sub { (count(waiting.len() as u64)) } }
                    ul.dids { @for r in waiting.iter().take(ROWS_MAX) { (response::entry(ctx, r)) } }
                }
            }
            section.panel id="active" data-live="response order" aria-labelledby="active-head" {
                h2 id="active-head" { "Active" span.sub { (count(active.len() as u64)) } }
                @if active.is_empty() {
                    (empty("Nothing is blocked at the moment.", &html! { p.muted { "Blocks appear here with what is left of them. Each ends by itself." } }))
                } @else {
                    table.rows.list {
                        thead { tr { th scope="col" { "What" } th scope="col" { "State" } th scope="col" { "Left" } th.n scope="col" { "Refused" } th scope="col" { "Why" } th scope="col" { "Incident" } th scope="col" { "By" } th scope="col" { span.hidden { "Undo" } } } }
                        tbody { @for (place, r) in active.iter().take(ROWS_MAX).enumerate() { tr data-row=(r.uid) {
                            td.what { b { (response::verb(r)) } " " (entity(&r.target)) }
                            td.state { (response::chip(r, ctx.now)) }
                            td.when data-label="left" { (left(r.until, ctx.now)) }
                            td.n data-label="refused" { (refused(ctx, r)) }
                            td.why { (text(&r.reason)) }
                            td { @if !r.incident.is_empty() { a href=(incident_href(&r.incident)) { (text(&r.incident)) } } @else { span.muted { "by hand" } } }
                            td { (text(&r.by)) }
                            td.undo { (response::undo(ctx, &format!("undo-{place}"), &r.uid, &[r.as_ref()], None, "")) }
                        } } }
                    }
                }
            }
            section.panel id="past" data-live="response order" aria-labelledby="past-head" {
                h2 id="past-head" { "Before" span.sub { (count(past.len() as u64)) } }
                @if past.is_empty() { p.muted { "Nothing has ended, been undone or refused yet." } } @else {
                    table.rows.list {
                        thead { tr { th scope="col" { "What" } th scope="col" { "State" } th scope="col" { "Asked for" } th scope="col" { "What came of it" } th scope="col" { "Incident" } th scope="col" { span.hidden { "Put back" } } } }
                        tbody { @for (place, r) in past.iter().take(ROWS_MAX).enumerate() { tr data-row=(r.uid) {
                            td.what { b { (response::verb(r)) } " " (entity(&r.target)) }
                            td.state { (response::chip(r, ctx.now)) }
                            td.when { (lately(r.requested, ctx.now)) }
                            td.why { (outcome(ctx, r)) }
                            td { @if !r.incident.is_empty() { a href=(incident_href(&r.incident)) { (text(&r.incident)) } } @else { span.muted { "by hand" } } }
                            td.undo { @if matches!(r.phase, Phase::Undone { .. }) && ctx.now < r.until { (response::redo(ctx, &format!("redo-{place}"), r, None)) } }
                        } } }
                    }
                }
            }
        },
    ))
}

fn refused(ctx: &Ctx, r: &Response) -> Markup {
    let number = ctx.about.refused.get(&r.uid).copied().unwrap_or(0);
    html! { (count(number)) @if r.mode == Mode::Monitor { span.muted { " would be" } } }
}

fn outcome(ctx: &Ctx, r: &Response) -> Markup {
    html! {
        @match &r.phase {
            Phase::Undone { receipt, at, by } => { "undone " (lately(*at, ctx.now)) " by " (text(by)) " · receipt " code { (text(receipt)) } },
            Phase::Expired { at } => { "ended by itself " (lately(*at, ctx.now)) },
            Phase::Applied { receipt, .. } => { "ended " (lately(r.until, ctx.now)) " · receipt " code { (text(receipt)) } },
            Phase::Refused { why } | Phase::Failed { why } => { (text(why)) },
            Phase::Waiting { deadline } => { "nobody approved it by " (lately(*deadline, ctx.now)) },
            Phase::Rejected { at, by } => { "rejected " (lately(*at, ctx.now)) " by " (text(by)) },
            Phase::Requested => { "not confirmed" },
        }
    }
}

/// Start or stop refusing.
fn mode(ctx: &Ctx) -> Markup {
    let on = ctx.about.enforces();
    let sheet = html! {
        @if on { p { b { "Stop blocking." } " Every request passes from then on; attacks are still recorded and shown as “would block”." } }
        @else { p { b { "Start blocking." } " Requests that are now shown as “would block” get 403 from then on." } }
        (form(ctx, "enforce", &[("on", if on { "no" } else { "yes" })], &html! { button.primary type="submit" { @if on { "Stop blocking" } @else { "Start blocking" } } }))
    };
    html! {
        section.panel.modeline aria-label="Mode" {
            p { @if on { b { "Enforcing." } " Attacks are refused at the gateway." } @else { b { "Monitor." } " Attacks are recorded, nothing is blocked." } }
            (confirm("act-mode", "", &html! { @if on { "Stop blocking…" } @else { "Start blocking…" } }, None, &sheet))
        }
    }
}
