//! NAB score of the streaming series score, with one threshold by cross-validation over groups: `series FOLDER` (with `windows.json`).
//!
//! Beside it the same for a windowed Gaussian. A held-out group gets the threshold that was best on the other groups, a half that of the other half; what is best on
//! all groups together is printed as well and named so. Scoring: Lavin and Ahmad, ICMLA 2015.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::Path;

use learn::series::Stream;

struct Series {
    group: String,
    name: String,
    values: Vec<f64>,
    /// First and last row of each window.
    windows: Vec<(usize, usize)>,
}

#[derive(Clone, Copy)]
struct Profile {
    name: &'static str,
    false_alarm: f64,
    missed: f64,
}

const PROFILES: [Profile; 3] = [
    Profile { name: "standard", false_alarm: 0.11, missed: 1.0 },
    Profile { name: "reward low FP", false_alarm: 0.22, missed: 1.0 },
    Profile { name: "reward low FN", false_alarm: 0.11, missed: 2.0 },
];

fn main() {
    let folder = std::env::args().nth(1).expect("folder");
    let show = std::env::args().nth(2);
    let all = read(Path::new(&folder));
    let rows: usize = all.iter().map(|s| s.values.len()).sum();
    println!("{} series, {rows} rows, {} windows", all.len(), all.iter().map(|s| s.windows.len()).sum::<usize>());
    let begin = std::time::Instant::now();
    let ours: Vec<Vec<f64>> = all
        .iter()
        .map(|s| {
            let mut stream = Stream::default();
            s.values.iter().map(|v| stream.push(*v)).collect()
        })
        .collect();
    println!("{:.0} rows/s", rows as f64 / begin.elapsed().as_secs_f64());
    let gauss: Vec<Vec<f64>> = all.iter().map(|s| gaussian(&s.values)).collect();
    report("bartizan", &all, &ours, show.as_deref());
    report("windowed Gaussian", &all, &gauss, None);
}

fn read(folder: &Path) -> Vec<Series> {
    let text = std::fs::read(folder.join("windows.json")).expect("windows.json");
    let windows: BTreeMap<String, Vec<[String; 2]>> = serde_json::from_slice(&text).expect("windows");
    let mut all = Vec::new();
    for (path, windows) in windows {
        let Ok(text) = std::fs::read_to_string(folder.join(&path)) else { continue };
        let rows: Vec<(&str, f64)> =
            text.lines().skip(1).filter_map(|l| l.split_once(',')).map(|(t, v)| (t, v.trim().parse().unwrap_or(f64::NAN))).collect();
        let windows = windows
            .iter()
            .filter_map(|[from, to]| {
                let inside = |t: &str| t >= &from[..t.len().min(from.len())] && t <= &to[..t.len().min(to.len())];
                Some((rows.iter().position(|r| inside(r.0))?, rows.iter().rposition(|r| inside(r.0))?))
            })
            .collect();
        let (group, name) = path.split_once('/').expect("group");
        all.push(Series { group: group.into(), name: name.into(), values: rows.iter().map(|r| r.1).collect(), windows });
    }
    all
}

/// Tail probability of each value under a normal of the last rows.
fn gaussian(values: &[f64]) -> Vec<f64> {
    const WINDOW: usize = 6_400;
    let (mut sum, mut square) = (0.0, 0.0);
    (0..values.len())
        .map(|n| {
            let count = n.min(WINDOW) as f64;
            let z = if count > 30.0 {
                let mean = sum / count;
                let spread = (square / count - mean * mean).max(1e-12).sqrt();
                ((values[n] - mean) / spread).abs()
            } else {
                0.0
            };
            sum += values[n];
            square += values[n] * values[n];
            if n >= WINDOW {
                sum -= values[n - WINDOW];
                square -= values[n - WINDOW] * values[n - WINDOW];
            }
            z / (z + 4.0)
        })
        .collect()
}

fn sigmoid(x: f64) -> f64 {
    if x > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * x).exp()) - 1.0 }
}

/// One half of the groups.
fn in_half(group: &str) -> bool {
    ["realAWSCloudwatch", "realTraffic", "artificialWithAnomaly"].contains(&group)
}

/// Sum of the gains and costs of one series.
fn gain(series: &Series, scores: &[f64], threshold: f64, profile: Profile) -> f64 {
    let probation = (series.values.len() * 15 / 100).min(750);
    let mut total = 0.0;
    let mut found = vec![false; series.windows.len()];
    for (n, _) in scores.iter().enumerate().skip(probation).filter(|(_, s)| **s >= threshold) {
        if let Some(w) = series.windows.iter().position(|(from, to)| (*from..=*to).contains(&n)) {
            if !found[w] {
                found[w] = true;
                let (from, to) = series.windows[w];
                let at = -((to - n + 1) as f64) / (to - from + 1) as f64;
                total += sigmoid(at) / sigmoid(-1.0);
            }
            continue;
        }
        let before = series.windows.iter().filter(|(_, to)| *to < n).max_by_key(|(_, to)| *to);
        let cost = before.map_or(-1.0, |(from, to)| sigmoid((n - to) as f64 / (to - from).max(1) as f64));
        total += cost * profile.false_alarm;
    }
    total - found.iter().filter(|f| !**f).count() as f64 * profile.missed
}

fn scaled(total: f64, windows: usize, profile: Profile) -> f64 {
    let null = -(windows as f64) * profile.missed;
    100.0 * (total - null) / (windows as f64 - null)
}

fn report(name: &str, all: &[Series], scores: &[Vec<f64>], show: Option<&str>) {
    let mut groups: Vec<&str> = all.iter().map(|s| s.group.as_str()).collect();
    groups.dedup();
    let windows: usize = all.iter().map(|s| s.windows.len()).sum();
    let grid: Vec<f64> = (1..1_000).map(|k| f64::from(k) / 1_000.0).collect();
    let sum = |t: f64, p: Profile, keep: &dyn Fn(&Series) -> bool| -> f64 {
        all.iter().zip(scores).filter(|(s, _)| keep(s)).map(|(s, v)| gain(s, v, t, p)).sum()
    };
    let best = |p: Profile, keep: &dyn Fn(&Series) -> bool| -> f64 {
        grid.iter().copied().map(|t| (t, sum(t, p, keep))).max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0.5, |b| b.0)
    };
    for profile in PROFILES {
        // One threshold for every profile, chosen by the standard one.
        let held: f64 = groups
            .iter()
            .map(|g| {
                let t = best(PROFILES[0], &|s| s.group != *g);
                sum(t, profile, &|s| s.group == *g)
            })
            .sum();
        let halves: f64 = [true, false]
            .iter()
            .map(|half| {
                let t = best(PROFILES[0], &|s| in_half(&s.group) != *half);
                sum(t, profile, &|s| in_half(&s.group) == *half)
            })
            .sum();
        let at = best(PROFILES[0], &|_| true);
        let seen = sum(at, profile, &|_| true);
        println!(
            "{name:<18} {:<14} held-out groups {:>5.1}   halves swapped {:>5.1}   best on all {:>5.1} (threshold {at:.3})",
            profile.name,
            scaled(held, windows, profile),
            scaled(halves, windows, profile),
            scaled(seen, windows, profile)
        );
    }
    if show.is_some() {
        let t = best(PROFILES[0], &|_| true);
        for (s, v) in all.iter().zip(scores) {
            let alarms: Vec<usize> = v.iter().enumerate().filter(|(_, x)| **x >= t).map(|(n, _)| n).collect();
            println!(
                "  {:<22} {:<36} {:>6} rows {:>6.2} of {} windows {:?} alarms {:?}",
                s.group,
                s.name,
                s.values.len(),
                gain(s, v, t, PROFILES[0]),
                s.windows.len(),
                s.windows,
                &alarms[..alarms.len().min(14)]
            );
        }
    }
}
