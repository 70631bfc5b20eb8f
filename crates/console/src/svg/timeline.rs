//! What happened when: a lane for each stage of the incident, our own actions on theirs.

use event::response::{Mode, Phase};
use event::{Incident, Response, Time};
use maud::{Markup, html};

use crate::part::{clock, count, moment};
use crate::shown::shown;

const WIDTH: f64 = 640.0;
const LABEL: f64 = 152.0;
const LANE: u32 = 22;
const LANES_MAX: usize = 6;
/// Dots of one lane.
const BINS: usize = 60;

pub(crate) fn chart(incident: &Incident, responses: &[&Response]) -> Markup {
    let first = incident.first_seen;
    let ours = responses.iter().flat_map(|r| moments(r)).map(|(at, ..)| at);
    let last = incident.last_seen.max(first.plus_s(1));
    let span = last.since_s(first);
    let ours_last = ours.max().filter(|at| *at > last);
    // What we did long after (a log that was read later) stands behind a break: it may not press the attack into one dot.
    let is_broken = ours_last.is_some_and(|at| at.since_s(last) > span);
    let end = if is_broken { last } else { ours_last.unwrap_or(last) };
    let width = WIDTH - LABEL - 24.0;
    let x = |at: Time| {
        let share = match is_broken {
            true if at > last => 0.96,
            true => at.since_s(first) / span * 0.84,
            false => at.since_s(first) / end.since_s(first).max(1.0),
        };
        (LABEL + 8.0 + share.clamp(0.0, 1.0) * width).round() as u32
    };
    let stages = &incident.stages[..incident.stages.len().min(LANES_MAX)];
    let folded = incident.stages.len() - stages.len();
    let lanes = stages.len() as u32 + 1;
    let height = lanes * LANE + 6;
    let most = stages.iter().flat_map(|s| &s.spark).map(|(_, n)| *n).max().unwrap_or(1).max(1);
    let middle = |lane: usize| lane as u32 * LANE + LANE / 2 + 2;
    html! {
        figure.timeline {
            div.wide tabindex="0" role="region" aria-label="Timeline" {
                svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby="timeline-title timeline-desc" {
                    title id="timeline-title" { "Timeline" }
                    desc id="timeline-desc" { (count(incident.event_count)) " events in " (incident.stages.len()) " stages, and what was done about them." }
                    @for (lane, stage) in stages.iter().enumerate() {
                        text.label x=(LABEL as u32) y=(middle(lane) + 4) text-anchor="end" { (shown(&stage.title, 19)) }
                        path.lane d=(format!("M{} {}H{}", LABEL as u32 + 8, middle(lane), WIDTH as u32 - 8)) {}
                        @if stage.spark.is_empty() {
                            path.stage d=(format!("M{} {}H{}", x(stage.first_seen), middle(lane), x(stage.last_seen).max(x(stage.first_seen) + 3))) {}
                        }
                        @for (at, number) in stage.spark.iter().take(BINS) {
                            circle.event cx=(x(*at)) cy=(middle(lane)) r=(radius(*number, most)) { title { (at.clock()) " UTC: " (count(u64::from(*number))) } }
                        }
                    }
                    @if is_broken { path.cut d=(format!("M{} 0l-4 {height}m6 0l4 -{height}", (LABEL + 8.0 + 0.9 * width).round() as u32)) {} }
                    @let lane = stages.len();
                    text.label.us x=(LABEL as u32) y=(middle(lane) + 4) text-anchor="end" { "Bartizan" }
                    path.lane d=(format!("M{} {}H{}", LABEL as u32 + 8, middle(lane), WIDTH as u32 - 8)) {}
                    @for response in responses {
                        @for (at, class, word) in moments(response) {
                            @let (cx, cy) = (x(at), middle(lane));
                            path class={ "us " (class) } d=(format!("M{cx} {}l6 6l-6 6l-6 -6z", cy - 6)) { title { (at.clock()) " UTC: " (word) } }
                        }
                    }
                }
            }
            div.axis aria-hidden="true" { (moment(first)) (clock(end)) @if is_broken && let Some(at) = ours_last { (clock(at)) } }
            @if folded > 0 { p.muted { "+ " (folded) " more stages below" } }
        }
    }
}

fn radius(number: u32, most: u32) -> u32 {
    2 + (f64::from(number) / f64::from(most) * 4.0).round() as u32
}

fn moments(response: &Response) -> Vec<(Time, &'static str, &'static str)> {
    let held = |at| match response.mode {
        Mode::Enforce => (at, "held", "blocked"),
        Mode::Monitor => (at, "record", "recorded: would have blocked"),
    };
    match response.phase {
        Phase::Applied { at, .. } => vec![held(at)],
        Phase::Undone { at, .. } => vec![held(response.requested), (at, "back", "undone")],
        Phase::Expired { at } => vec![held(response.requested), (at, "back", "ended by itself")],
        Phase::Waiting { .. } => vec![(response.requested, "record", "waits for approval")],
        Phase::Rejected { at, .. } => vec![(response.requested, "record", "asked for"), (at, "back", "rejected")],
        Phase::Requested => vec![(response.requested, "record", "asked for")],
        Phase::Refused { .. } | Phase::Failed { .. } => vec![(response.requested, "record", "not done")],
    }
}
