//! What is likely to come next in an incident, and what would stop most of it.

use event::incident::{Control, Forecast};
use maud::{Markup, html};

use super::text;

pub(crate) fn panel(forecast: &Forecast) -> Markup {
    html! {
        @if forecast.basis == "popular" { p.muted { "Too little was seen for a forecast of its own: this is what is seen most." } }
        table.rows {
            thead { tr { th scope="col" { "Likely next" } th scope="col" { "Because of" } th.n scope="col" { "Share" } } }
            tbody { @for next in &forecast.next { tr {
                td.what { b { (text(&next.technique)) } " " (text(&next.name)) " " span.muted { (text(&next.tactic)) } }
                td { (list(&next.because)) @if !next.open.is_empty() { " · open here: " (list(&next.open)) } }
                td.n data-label="share" { (format!("{:.0} %", next.probability * 100.0)) }
            } } }
        }
        @if !forecast.controls.is_empty() {
            table.rows {
                thead { tr { th scope="col" { "Would stop most of it" } th scope="col" { "Covers" } th.n scope="col" { "Gain" } } }
                tbody { @for control in &forecast.controls { (row(control)) } }
            }
        }
        p.muted {
            "Shares are how often it followed in published reports; gain is the share that a measure takes away beyond those above it. " (text(&forecast.model))
            @if !forecast.general.is_empty() { ". General measures, not ranked: " @for (at, c) in forecast.general.iter().enumerate() { @if at > 0 { ", " } (text(&c.control)) } }
        }
    }
}

fn row(control: &Control) -> Markup {
    html! { tr {
        td.what { b { (text(&control.control)) } " " (text(&control.name)) }
        td { (list(&control.covers)) @if !control.open.is_empty() { " · open here: " (list(&control.open)) } }
        td.n data-label="gain" { (format!("{:.2}", control.gain)) }
    } }
}

fn list(ids: &[event::Text]) -> Markup {
    html! { @for (at, id) in ids.iter().enumerate() { @if at > 0 { ", " } (text(id)) } }
}
