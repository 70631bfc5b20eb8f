//! A response: what was done, whether it still holds, and how to take it back.

use event::decision::Disposition;
use event::response::{Mode, Phase};
use event::{Response, Time};
use maud::{Markup, html};

use super::{clock, confirm, count, entity, form, lately, left, text};
use crate::page::Ctx;
use crate::{read, svg};

/// `Block`, `Would block`
pub(crate) fn verb(response: &Response) -> &'static str {
    match (response.disposition, response.mode) {
        _ if response.action == "quarantine" => {
            if response.mode == Mode::Enforce {
                "Quarantine"
            } else {
                "Would quarantine"
            }
        }
        _ if response.action == "notify" => {
            if response.mode == Mode::Enforce {
                "Tell"
            } else {
                "Would tell"
            }
        }
        (Disposition::Block, Mode::Enforce) => "Block",
        (Disposition::Block, Mode::Monitor) => "Would block",
        (Disposition::Limit, Mode::Enforce) => "Slow down",
        (Disposition::Limit, Mode::Monitor) => "Would slow down",
        (Disposition::Challenge, Mode::Enforce) => "Check the browser of",
        (Disposition::Challenge, Mode::Monitor) => "Would check the browser of",
        (Disposition::Allow, _) => "Let through",
    }
}

pub(crate) fn chip(response: &Response, now: Time) -> Markup {
    let standing = read::standing(response, now);
    let class = match standing {
        "in force" => "chip force",
        "recorded only" => "chip record",
        "undone" => "chip good",
        "failed" | "refused" => "chip warn",
        _ => "chip",
    };
    html! { span class=(class) { (standing) } }
}

/// The whole of it, for an incident.
pub(crate) fn entry(ctx: &Ctx, response: &Response) -> Markup {
    let refused = ctx.about.refused.get(&response.uid).copied().unwrap_or(0);
    html! {
        li.did {
            div.line {
                span.glyph aria-hidden="true" { @if response.disposition == Disposition::Allow { "→" } @else if response.mode == Mode::Monitor { (svg::shield::dashed()) } @else { (svg::shield::whole()) } }
                span { b { (verb(response)) } " " (entity(&response.target)) }
                (chip(response, ctx.now))
            }
            p {
                @match &response.phase {
                    Phase::Applied { receipt, at, points } => {
                        "since " (clock(*at))
                        @if response.action == "notify" {} @else if response.is_active(ctx.now) { ", ends in " b { (left(response.until, ctx.now)) } } @else { ", ended " (lately(response.until, ctx.now)) }
                        @if !matches!(response.action.as_str(), "quarantine" | "notify") {
                            " · "
                            @if response.mode == Mode::Monitor { "would have refused " } @else { "refused " }
                            b { (count(refused)) }
                        }
                        @if !points.is_empty() { " · at " (text(&points.join(", "))) }
                        " · receipt " code { (text(receipt)) }
                    }
                    Phase::Undone { receipt, at, by } => {
                        "undone " (lately(*at, ctx.now)) " by " (text(by)) " · receipt " code { (text(receipt)) }
                    }
                    Phase::Expired { at } => { "ended by itself " (lately(*at, ctx.now)) }
                    Phase::Refused { why } | Phase::Failed { why } => { (text(why)) }
                    Phase::Waiting { deadline } => { "waits for approval until " (clock(*deadline)) ", then it is rejected; it would end after " (super::span(response.until.since_s(response.requested))) " · " (text(&response.reason)) }
                    Phase::Rejected { at, by } => { "rejected " (lately(*at, ctx.now)) " by " (text(by)) }
                    Phase::Requested => { "asked for " (lately(response.requested, ctx.now)) ", not confirmed yet" }
                }
                @if !response.by.is_empty() { " · by " (text(&response.by)) }
            }
            @if waits(response, ctx.now) { (decide(ctx, response)) }
        }
    }
}

pub(crate) fn waits(response: &Response, now: Time) -> bool {
    matches!(response.phase, Phase::Waiting { deadline } if now < deadline)
}

/// Yes, with its plan first; no at once, since it changes nothing.
fn decide(ctx: &Ctx, response: &Response) -> Markup {
    let plan = html! {
        p { b { "This will be done:" } }
        ul.plan { li { (verb(response)) " " (text(&response.target.name)) "; taken back by: " code { (text(&response.inverse)) } } }
        (form(ctx, "approve", &[("target", &response.uid)], &html! { button.primary type="submit" { "Approve now" } }))
    };
    html! {
        div.line {
            (confirm(&format!("yes-{}", response.uid), "primary", &html! { "Approve…" }, None, &plan))
            (form(ctx, "reject", &[("target", &response.uid)], &html! { button type="submit" { "Reject" } }))
        }
    }
}

/// Undo, with its plan first.
pub(crate) fn undo(ctx: &Ctx, id: &str, target: &str, responses: &[&Response], key: Option<&'static str>, class: &'static str) -> Markup {
    let only_records = responses.iter().all(|r| r.mode == Mode::Monitor);
    let label = match (responses, only_records) {
        (_, true) => "Stop recording".to_owned(),
        ([one], _) if one.disposition == Disposition::Block => "Undo block".to_owned(),
        ([_], _) => "Undo".to_owned(),
        _ => format!("Undo all {}", responses.len()),
    };
    let plan = html! {
        p { b { "This takes back:" } }
        ul.plan { @for r in responses { li { (verb(r)) " " (text(&r.target.name)) " (" code { (text(&r.inverse)) } ")" } } }
        p.muted { "The next request passes at once. The same trigger will not block this target again by itself until the block would have ended." }
        (form(ctx, "undo", &[("target", target)], &html! { button.primary type="submit" { "Undo now" } }))
    };
    confirm(id, class, &html! { (label) }, key, &plan)
}

pub(crate) fn redo(ctx: &Ctx, id: &str, response: &Response, key: Option<&'static str>) -> Markup {
    let Some(receipt) = response.phase.receipt() else { return html! {} };
    let plan = html! {
        p { b { "This puts in force again:" } }
        ul.plan { li { (verb(response)) " " (text(&response.target.name)) } }
        (form(ctx, "redo", &[("receipt", receipt)], &html! { button.primary type="submit" { "Put back now" } }))
    };
    confirm(id, "", &html! { "Put block back" }, key, &plan)
}
