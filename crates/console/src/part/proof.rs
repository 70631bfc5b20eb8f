//! Raw proof: the record as it came, with the bytes marked that a rule or a model points at.

use event::finding::{Evidence, Match};
use maud::{Markup, html};

use super::text;
use crate::shown::{self, Traced};

/// How bytes are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    #[default]
    Raw,
    Decoded,
}

impl View {
    pub(crate) fn parse(word: Option<&str>) -> View {
        if word == Some("decoded") { View::Decoded } else { View::Raw }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            View::Raw => "raw",
            View::Decoded => "decoded",
        }
    }
}

/// Bytes shown of one record.
const BYTES_MAX: usize = 16 * 1024;
const MATCHES_MAX: usize = 64;

pub(crate) fn pre(raw: &[u8], matches: &[Match], view: View, label: &str) -> Markup {
    let cut = raw.len() > BYTES_MAX;
    let raw = raw.get(..BYTES_MAX).unwrap_or(raw);
    let traced = match view {
        View::Raw => Traced::raw(raw),
        View::Decoded => Traced::raw(raw).decoded(),
    };
    let marks: Vec<_> = matches.iter().take(MATCHES_MAX).map(|m| m.start..m.end).collect();
    html! {
        pre.bytes tabindex="0" role="region" aria-label=(label) {
            @for piece in traced.pieces(&marks) {
                @if piece.marks.is_empty() { (piece.text) } @else {
                    mark data-m=(places(&piece.marks)) title=(by(matches, &piece.marks)) { (piece.text) }
                }
            }
        }
        @if cut { p.muted { "Cut at " (super::bytes(BYTES_MAX as u64)) "." } }
    }
}

fn places(marks: &[usize]) -> String {
    marks.iter().map(usize::to_string).collect::<Vec<_>>().join(" ")
}

fn by(matches: &[Match], marks: &[usize]) -> String {
    let mut names: Vec<&str> = marks.iter().filter_map(|m| matches.get(*m)).map(|m| m.by.as_str()).collect();
    names.dedup();
    shown::shown(&names.join(", "), 120).into_owned()
}

/// What each rule and model looked at, after all decoding.
pub(crate) fn matches(all: &[Match]) -> Markup {
    html! {
        @if !all.is_empty() {
            table.matches {
                thead { tr { th scope="col" { "Marked by" } th scope="col" { "In" } th scope="col" { "Value after decoding" } } }
                tbody { @for (place, m) in all.iter().enumerate().take(MATCHES_MAX) {
                    tr data-marks=(place) tabindex="0" {
                        td { (text(&m.by)) }
                        td { code { (text(&m.target)) } }
                        td { code { (text(&m.decoded)) } }
                    }
                } }
            }
        }
    }
}

/// One piece of evidence in a panel.
pub(crate) fn evidence(evidence: &Evidence, view: View) -> Markup {
    html! {
        (pre(&evidence.raw, &evidence.matches, view, "Record as it came"))
        p.source {
            span { (text(&evidence.source)) @if evidence.record > 0 { ", record " (super::count(evidence.record)) } }
            " · " (super::moment(evidence.time))
            @let by = by(&evidence.matches, &(0..evidence.matches.len()).collect::<Vec<_>>());
            @if !by.is_empty() { " · marked by " (by) }
        }
    }
}
