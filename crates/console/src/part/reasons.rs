//! Reason - usual here - this time - push: why we say so, in words before figures.

use event::Score;
use event::finding::Reason;
use maud::{Markup, html};

use super::text;
use crate::svg;

/// Reasons shown at once; the rest is one click away.
const TOP: usize = 4;

/// Pushes in hundredths that add up to the score in hundredths: rounding each alone would be off by one now and then.
fn hundredths(reasons: &[Reason], score: Score) -> Vec<i32> {
    let exact: Vec<f64> = reasons.iter().map(|r| f64::from(r.push) * 100.0).collect();
    let mut rounded: Vec<i32> = exact.iter().map(|e| e.floor() as i32).collect();
    let sum: f64 = exact.iter().sum();
    // Only when they do add up; else the difference is shown as it is.
    if (sum - f64::from(score.value()) * 100.0).abs() > 1.0 {
        return exact.iter().map(|e| e.round() as i32).collect();
    }
    let target = (f64::from(score.value()) * 100.0).round() as i32;
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|a, b| (exact[*b] - exact[*b].floor()).total_cmp(&(exact[*a] - exact[*a].floor())));
    let missing = usize::try_from(target - rounded.iter().sum::<i32>()).unwrap_or(0);
    for place in order.into_iter().cycle().take(if exact.is_empty() { 0 } else { missing }) {
        rounded[place] += 1;
    }
    rounded
}

fn signed(hundredths: i32) -> String {
    let sign = if hundredths < 0 { "−" } else { "+" };
    format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
}

pub(crate) fn table(reasons: &[Reason], score: Score, would_change: &str) -> Markup {
    let pushes = hundredths(reasons, score);
    let rows: Vec<(&Reason, i32)> = reasons.iter().zip(pushes).collect();
    let (top, rest) = rows.split_at(rows.len().min(if rows.len() == TOP + 1 { TOP + 1 } else { TOP }));
    let rest_sum: i32 = rest.iter().map(|(_, push)| push).sum();
    let total: i32 = rows.iter().map(|(_, push)| push).sum();
    html! {
        @if rows.is_empty() {
            p.muted { "No reasons were recorded for this score." }
        } @else {
            table.reasons {
                thead { tr { th scope="col" { "Reason" } th scope="col" { "Usual here" } th scope="col" { "This time" } th.push scope="col" { "Push" } } }
                tbody { @for (reason, push) in top { (row(reason, *push)) } }
                @if !rest.is_empty() {
                    tbody.rest id="more-reasons" {
                        tr { td colspan="4" { details id="rest-of-reasons" {
                            summary { (rest.len()) " more (" (signed(rest_sum)) ")" }
                            table.reasons { tbody { @for (reason, push) in rest { (row(reason, *push)) } } }
                        } } }
                    }
                }
                tfoot { tr {
                    th scope="row" colspan="3" { "Score: the sum of all pushes" }
                    td.push data-sum=(format!("{}.{:02}", total / 100, total.abs() % 100)) data-score=(format!("{:.4}", score.value())) { b { (format!("{}.{:02}", total / 100, total.abs() % 100)) } }
                } }
            }
        }
        @if !would_change.is_empty() { p.change { span.label { "Would change it:" } " " (text(would_change)) } }
    }
}

fn row(reason: &Reason, push: i32) -> Markup {
    html! {
        tr title=(reason.code) {
            th scope="row" { (text(&reason.text)) }
            td data-label="usual" { @if reason.usual.is_empty() { span.muted { "–" } } @else { (text(&reason.usual)) } }
            td data-label="now" { @if reason.now.is_empty() { span.muted { "–" } } @else { (text(&reason.now)) } }
            td.push data-push=(format!("{:.4}", reason.push)) { (svg::push::bar(reason.push)) span.number { (signed(push)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_adds_up() {
        for (pushes, score) in [
            (vec![0.333, 0.333, 0.334], 1.0),
            (vec![0.5, 0.3, 0.2, -0.02], 0.98),
            (vec![0.4449, 0.2449, 0.1902, 0.1], 0.98),
            (vec![], 0.0),
            (vec![0.125; 7], 0.875),
        ] {
            let reasons: Vec<Reason> = pushes.iter().map(|push| Reason { push: *push, ..Reason::default() }).collect();
            let sum: i32 = hundredths(&reasons, Score::new(score)).iter().sum();
            let expected = (f64::from(Score::new(score).value()) * 100.0).round() as i32;
            assert!((sum - expected).abs() <= 1 && (sum - expected == 0 || pushes.len() == 7), "{pushes:?}: {sum}");
        }
        assert_eq!(signed(-2), "−0.02");
        assert_eq!(signed(104), "+1.04");
    }
}
