//! Pieces that several pages are made of.

pub(crate) mod forecast;
pub(crate) mod proof;
pub(crate) mod reasons;
pub(crate) mod response;

use std::borrow::Cow;

use event::incident::{Outcome, Status};
use event::{Entity, Incident, Severity, Time, Verdict};
use maud::{Markup, html};

use crate::href::Href;
use crate::page::Ctx;
use crate::shown::{self, CELL_MAX};
use crate::svg;

/// Hostile text in a line. Text that could change the direction of what stands beside it is kept to itself.
pub(crate) fn text(text: &str) -> Markup {
    words(text, CELL_MAX)
}

/// From our own configuration: made visible, not defanged.
pub(crate) fn own(text: &str) -> Markup {
    html! { (shown::shown(text, CELL_MAX)) }
}

/// Hostile text in full.
pub(crate) fn long(text: &str) -> Markup {
    words(text, shown::FIELD_MAX)
}

fn words(text: &str, max: usize) -> Markup {
    let shown = shown::defanged(text, max);
    if matches!(shown, Cow::Borrowed(_)) {
        html! { (shown) }
    } else {
        html! { bdi { (shown) } }
    }
}

/// Colour, glyph and word: never colour alone.
pub(crate) fn severity(severity: Severity) -> Markup {
    html! { span class={ "sev " (severity.word()) } { span aria-hidden="true" { (severity.glyph()) } " " (severity.word()) } }
}

pub(crate) fn entity(entity: &Entity) -> Markup {
    html! { a.entity href=(entity_href(entity)) { (text(&entity.name)) } }
}

pub(crate) fn entity_href(entity: &Entity) -> Href {
    Href::to("/entities").part(entity.kind.word()).part(&entity.name)
}

pub(crate) fn incident_href(uid: &str) -> Href {
    Href::to("/incidents").part(uid)
}

pub(crate) fn status(incident: &Incident) -> Markup {
    let (class, word) = match (&incident.status, &incident.merged_into) {
        (_, Some(_)) => ("chip", "merged"),
        (Status::Open, _) => ("chip open", "open"),
        (Status::Closed { outcome: Outcome::True }, _) => ("chip", "closed: true"),
        (Status::Closed { outcome: Outcome::False }, _) => ("chip", "closed: false alarm"),
        (Status::Closed { outcome: Outcome::BenignButOdd }, _) => ("chip", "closed: benign but odd"),
    };
    html! { span class=(class) { (word) } }
}

/// Glyph, and the word for people.
pub(crate) fn verdict(verdict: Verdict) -> Markup {
    let (glyph, class) = match verdict {
        Verdict::Blocked => (svg::shield::whole(), "blocked"),
        Verdict::WouldBlock => (svg::shield::dashed(), "would"),
        Verdict::Challenged => (html! { "?" }, "other"),
        Verdict::Limited => (html! { "≈" }, "other"),
        Verdict::Allowed => (html! { "→" }, "allowed"),
    };
    html! { span class={ "verdict " (class) } { span aria-hidden="true" { (glyph) } " " (verdict.word().replace('_', " ")) } }
}

/// `2026-10-12` and `19:12:31` of a time, UTC.
fn civil(time: Time) -> (String, String) {
    let text = time.to_string();
    let date = text.split('T').next().unwrap_or_default().to_owned();
    (date, time.clock())
}

/// Time of day; the script turns it into the viewer's zone, UTC stays in the attribute.
pub(crate) fn clock(time: Time) -> Markup {
    html! { time datetime=(stamp(time)) data-as="clock" { (time.clock()) } }
}

/// Date and time of day.
pub(crate) fn moment(time: Time) -> Markup {
    let (date, clock) = civil(time);
    html! { time datetime=(stamp(time)) data-as="moment" { (date) " " (clock) } }
}

/// Today the time of day, before that the date too.
pub(crate) fn lately(time: Time, now: Time) -> Markup {
    let (date, hms) = civil(time);
    if date == civil(now).0 {
        clock(time)
    } else {
        let day = date.get(5..).unwrap_or(&date);
        html! { time datetime=(stamp(time)) data-as="lately" { (day) " " (hms.get(..5).unwrap_or(&hms)) } }
    }
}

/// What is left until a moment, counted down by the script.
pub(crate) fn left(until: Time, now: Time) -> Markup {
    html! { time datetime=(stamp(until)) data-as="left" { (span(until.since_s(now).max(0.0))) } }
}

pub(crate) fn ago(time: Time, now: Time) -> Markup {
    html! { time datetime=(stamp(time)) data-as="ago" { (span(now.since_s(time).max(0.0))) " ago" } }
}

/// To the second: nobody reads more, and it is what `datetime` wants.
fn stamp(time: Time) -> String {
    Time::from_s(time.s()).to_string()
}

/// `45 s`, `12 min`, `22 h 48 min`, `3 d 4 h`.
pub(crate) fn span(seconds: f64) -> String {
    let s = seconds.max(0.0) as u64;
    let two =
        |a: u64, unit_a: &str, b: u64, unit_b: &str| if b == 0 { format!("{a} {unit_a}") } else { format!("{a} {unit_a} {b} {unit_b}") };
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min", s / 60),
        3_600..86_400 => two(s / 3_600, "h", s % 3_600 / 60, "min"),
        _ => two(s / 86_400, "d", s % 86_400 / 3_600, "h"),
    }
}

/// `1,204`
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 request`, `143 requests`
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1_024 => format!("{number} B"),
        1_024..1_048_576 => format!("{:.1} KB", number as f64 / 1_024.0),
        1_048_576..1_073_741_824 => format!("{:.0} MB", number as f64 / 1_048_576.0),
        _ => format!("{:.1} GB", number as f64 / 1_073_741_824.0),
    }
}

/// A form that asks for something and comes back to this page.
pub(crate) fn form(ctx: &Ctx, what: &'static str, fields: &[(&'static str, &str)], inner: &Markup) -> Markup {
    html! {
        form method="post" action=(Href::to("/do").part(what)) {
            input type="hidden" name="csrf" value=(ctx.who.csrf);
            input type="hidden" name="back" value=(ctx.path);
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            (inner)
        }
    }
}

/// A button that first shows what it will do. Opens without script too.
pub(crate) fn confirm(id: &str, class: &'static str, label: &Markup, key: Option<&'static str>, sheet: &Markup) -> Markup {
    html! {
        details.act id=(id) {
            summary class={ "button " (class) } data-key=[key] aria-keyshortcuts=[key] { (label) @if let Some(key) = key { kbd { (key) } } }
            div.sheet { (sheet) }
        }
    }
}

/// Nothing here: why, and what to do next.
pub(crate) fn empty(why: &str, next: &Markup) -> Markup {
    html! { div.empty { p { (why) } (next) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_counts_are_short() {
        for (seconds, expected) in
            [(0.0, "0 s"), (59.9, "59 s"), (720.0, "12 min"), (82_080.0, "22 h 48 min"), (7_200.0, "2 h"), (273_600.0, "3 d 4 h")]
        {
            assert_eq!(span(seconds), expected);
        }
        for (number, expected) in [(0, "0"), (999, "999"), (1_204, "1,204"), (41_900_000, "41,900,000")] {
            assert_eq!(count(number), expected);
        }
        assert_eq!(counted(1, "request", "requests"), "1 request");
    }

    #[test]
    fn hostile_text_is_text() {
        assert_eq!(text("<script>alert(1)</script>").into_string(), "&lt;script&gt;alert(1)&lt;/script&gt;");
        assert_eq!(text("a\u{202e}b").into_string(), "<bdi>a⟨U+202E⟩b</bdi>");
        assert_eq!(text(&"x".repeat(1_000)).into_string().chars().count(), CELL_MAX + 1 + "<bdi></bdi>".len());
    }
}
