//! Events a minute over the last day: at most 320 columns, each with the smallest and the largest minute in it, since an average would hide
//! both bursts and gaps. Blocked and would-be-blocked requests stand on the same scale of columns, below.

use event::Time;
use maud::{Markup, html};
use store::{MINUTES, Minute};

use crate::part::{count, span};

const COLUMNS: i64 = 320;
const WIDTH: i64 = 960;
const TOP: i64 = 96;
const LOW: i64 = 24;

#[derive(Clone, Copy, Default)]
struct Column {
    min: u32,
    max: u32,
    blocked: u32,
    would: u32,
}

fn total(m: &Minute) -> u32 {
    m.http.saturating_add(m.authentication).saturating_add(m.other)
}

struct Columns {
    all: Vec<Column>,
    first: i64,
    step: i64,
}

fn columns(minutes: &[Minute], now: Time) -> Columns {
    let end = now.s().div_euclid(60).max(minutes.last().map_or(0, |m| m.minute)) + 1;
    let since = minutes.first().map_or(end - 60, |m| m.minute).clamp(end - MINUTES as i64, end - 60);
    let step = (end - since + COLUMNS - 1) / COLUMNS;
    let number = (end - since + step - 1) / step;
    let first = end - number * step;
    let mut all: Vec<(Column, i64)> = vec![(Column { min: u32::MAX, ..Column::default() }, 0); usize::try_from(number).unwrap_or(0)];
    for m in minutes {
        let Some((column, seen)) = usize::try_from((m.minute - first).div_euclid(step)).ok().and_then(|at| all.get_mut(at)) else {
            continue;
        };
        column.min = column.min.min(total(m));
        column.max = column.max.max(total(m));
        column.blocked = column.blocked.saturating_add(m.blocked);
        column.would = column.would.saturating_add(m.would_block);
        *seen += 1;
    }
    // Minutes without events are left out of the list: a column that misses some went down to nothing.
    let all = all.into_iter().map(|(c, seen)| if seen < step { Column { min: 0, ..c } } else { c }).collect();
    Columns { all, first, step }
}

/// Seconds that the chart covers.
pub(crate) fn covers_s(minutes: &[Minute], now: Time) -> f64 {
    let columns = columns(minutes, now);
    (columns.all.len() as i64 * columns.step * 60) as f64
}

/// A stepped area from the base line up to `value`.
fn area(values: impl Iterator<Item = i64>, base: i64, width: i64, number: i64) -> String {
    let mut path = format!("M0 {base}");
    let mut last = base;
    for (i, height) in (0..).zip(values) {
        let y = base - height;
        if y != last {
            path.push_str(&format!("H{}V{y}", i * width / number.max(1)));
            last = y;
        }
    }
    path.push_str(&format!("H{width}V{base}Z"));
    path
}

pub(crate) fn chart(minutes: &[Minute], now: Time) -> Markup {
    let Columns { all, first, step } = columns(minutes, now);
    let number = all.len() as i64;
    let peak = i64::from(all.iter().map(|c| c.max).max().unwrap_or(0)).max(1);
    let peak_low = i64::from(all.iter().map(|c| c.blocked.max(c.would)).max().unwrap_or(0)).max(1);
    let up = |value: u32| (i64::from(value) * (TOP - 6) + peak - 1) / peak;
    let down = |value: u32| (i64::from(value) * (LOW - 4) + peak_low - 1) / peak_low;
    let blocked: u64 = minutes.iter().map(|m| u64::from(m.blocked)).sum();
    let would: u64 = minutes.iter().map(|m| u64::from(m.would_block)).sum();
    let events: u64 = minutes.iter().map(|m| u64::from(total(m))).sum();
    let height = TOP + LOW;
    let hour = |at: i64| Time::from_s(at * 60).clock().get(..5).unwrap_or("").to_owned();
    let minute = |share: i64| first + number * step * share / 4;
    html! {
        figure.traffic {
            div.plot {
                span.scale { (count(peak as u64)) "/min" }
                svg viewBox=(format!("0 0 {WIDTH} {height}")) preserveAspectRatio="none" role="img" aria-labelledby="traffic-title traffic-desc" {
                    title id="traffic-title" { "Events a minute" }
                    desc id="traffic-desc" { (count(events)) " events in " (span((number * step * 60) as f64)) ", at most " (count(peak as u64)) " a minute; " (count(blocked)) " requests blocked, " (count(would)) " would have been." }
                    @for share in 1..4 { path.grid d=(format!("M{} 0V{height}", WIDTH * share / 4)) {} }
                    path.most d=(area(all.iter().map(|c| up(c.max)), TOP, WIDTH, number)) {}
                    path.least d=(area(all.iter().map(|c| up(c.min)), TOP, WIDTH, number)) {}
                    path.base d=(format!("M0 {TOP}H{WIDTH}")) {}
                    @if would > 0 { path.would d=(area(all.iter().map(|c| down(c.would)), height, WIDTH, number)) {} }
                    @if blocked > 0 { path.blocked d=(area(all.iter().map(|c| down(c.blocked)), height, WIDTH, number)) {} }
                }
            }
            div.axis aria-hidden="true" {
                @for share in 0..4 { @let at = minute(share); time datetime=(Time::from_s(at * 60)) data-as="hour" { (hour(at)) } }
                span { "now" }
            }
            figcaption {
                span.key.most { "events a minute" }
                span.key.blocked { "blocked " b { (count(blocked)) } }
                span.key.would { "would be blocked " b { (count(would)) } }
                details id="traffic-table" {
                    summary { "table" }
                    table {
                        thead { tr { th scope="col" { "from" } th scope="col" { "most a minute" } th scope="col" { "blocked" } th scope="col" { "would be blocked" } } }
                        tbody { @for (from, c) in quarters(&all, first, step) { tr {
                            td { time datetime=(Time::from_s(from * 60)) data-as="hour" { (hour(from)) } } td { (count(u64::from(c.max))) } td { (count(u64::from(c.blocked))) } td { (count(u64::from(c.would))) }
                        } } }
                    }
                }
            }
        }
    }
}

/// For reading aloud: 12 rows.
fn quarters(all: &[Column], first: i64, step: i64) -> Vec<(i64, Column)> {
    let size = all.len().div_ceil(12).max(1);
    all.chunks(size)
        .enumerate()
        .map(|(i, chunk)| {
            let sum = chunk.iter().fold(Column::default(), |sum, c| Column {
                min: sum.min.min(c.min),
                max: sum.max.max(c.max),
                blocked: sum.blocked.saturating_add(c.blocked),
                would: sum.would.saturating_add(c.would),
            });
            (first + (i * size) as i64 * step, sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64, http: u32) -> Minute {
        Minute { minute, http, blocked: http / 10, ..Minute::default() }
    }

    #[test]
    fn at_most_320_columns_and_nothing_lost() {
        let now = Time::from_s(1_999 * 60);
        for number in [0, 1, 59, 320, 321, 1_440] {
            let minutes: Vec<Minute> = (2_000 - number..2_000).map(|m| minute(m, 10)).collect();
            let columns = columns(&minutes, now);
            assert!(columns.all.len() as i64 <= COLUMNS, "{number}");
            let blocked: u32 = columns.all.iter().map(|c| c.blocked).sum();
            assert_eq!(i64::from(blocked), number, "{number} minutes");
        }
    }

    #[test]
    fn a_burst_of_one_minute_is_seen() {
        let mut minutes: Vec<Minute> = (560..2_000).map(|m| minute(m, 10)).collect();
        minutes[700].http = 900;
        let columns = columns(&minutes, Time::from_s(1_999 * 60));
        assert_eq!(columns.all.iter().map(|c| c.max).max(), Some(900));
    }

    #[test]
    fn it_is_small() {
        let minutes: Vec<Minute> = (560..2_000).map(|m| minute(m, (m * 7_919 % 1_000) as u32)).collect();
        let svg = chart(&minutes, Time::from_s(1_999 * 60)).into_string();
        assert!(svg.len() <= 12 * 1024 + 2_048, "{} bytes with its table", svg.len());
    }
}
