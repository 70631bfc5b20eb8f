//! Grouping accuracy and exact templates over logs with known templates: `templates FOLDER` with `*_2k.log` and its structured table beside it.
//!
//! Prints message part and raw lines for each system, the two halves used for choosing the settings (the settings are the same for all
//! systems), and lines a second.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use learn::template::Source;

const HALF: [&str; 5] = ["HDFS", "OpenSSH", "Hadoop", "Apache", "Windows"];

fn main() {
    let folder = std::env::args().nth(1).expect("folder");
    let show = std::env::args().nth(2);
    let mut logs = Vec::new();
    find(Path::new(&folder), &mut logs);
    logs.sort();
    let mut all = Vec::new();
    println!("{:<10} {:>8} {:>8} {:>9} {:>9}", "system", "message", "raw", "exact", "lines/s");
    for path in logs {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().split('_').next().unwrap_or_default().to_owned();
        let raw = String::from_utf8_lossy(&std::fs::read(&path).expect("log")).into_owned();
        let table = ["_structured_corrected.csv", "_structured.csv"].map(|s| PathBuf::from(format!("{}{s}", path.display())));
        let table = table.iter().find(|p| p.exists()).expect("structured table");
        let mut rows = csv::Reader::from_path(table).expect("table");
        let column = |rows: &mut csv::Reader<std::fs::File>, name: &str| {
            rows.headers().expect("head").iter().position(|h| h == name).expect("column")
        };
        let (content, event, template) = (column(&mut rows, "Content"), column(&mut rows, "EventId"), column(&mut rows, "EventTemplate"));
        let rows: Vec<(String, String, String)> =
            rows.records().flatten().map(|r| (r[content].to_owned(), r[event].to_owned(), r[template].to_owned())).collect();
        let lines: Vec<&str> = raw.lines().collect();
        let messages: Vec<&str> = rows.iter().map(|r| r.0.as_str()).collect();
        let truth: Vec<&str> = rows.iter().map(|r| r.1.as_str()).collect();
        let (of_messages, texts, per_s) = mine(&messages);
        let (of_lines, ..) = mine(&lines[..rows.len().min(lines.len())]);
        let exact = texts.iter().zip(&rows).filter(|(found, row)| squeeze(found) == squeeze(&row.2)).count() as f64 / rows.len() as f64;
        let figures = (name.clone(), grouping(&of_messages, &truth), grouping(&of_lines, &truth), exact);
        println!("{:<10} {:>8.3} {:>8.3} {:>9.3} {per_s:>9.0}", name, figures.1, figures.2, figures.3);
        if show.as_deref() == Some(name.as_str()) {
            wrong(&of_messages, &truth, &messages, &texts);
        }
        if show.as_deref() == Some(&format!("{name}-raw")) {
            wrong(&of_lines, &truth, &lines, &texts);
        }
        if show.as_deref() == Some(&format!("{name}-exact")) {
            let mut pairs: HashMap<(String, String), usize> = HashMap::new();
            for (found, row) in texts.iter().zip(&rows).filter(|(found, row)| squeeze(found) != squeeze(&row.2)) {
                *pairs.entry((found.clone(), row.2.clone())).or_default() += 1;
            }
            let mut pairs: Vec<_> = pairs.into_iter().collect();
            pairs.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            pairs.iter().take(12).for_each(|((found, truth), n)| println!("  {n:>5}x  {found:.150}\n          {truth:.150}"));
        }
        all.push(figures);
    }
    for (label, keep) in [("all", None), ("half A", Some(true)), ("half B", Some(false))] {
        let of: Vec<_> = all.iter().filter(|f| keep.is_none_or(|k| HALF.contains(&f.0.as_str()) == k)).collect();
        let mean = |get: fn(&(String, f64, f64, f64)) -> f64| of.iter().map(|f| get(f)).sum::<f64>() / of.len().max(1) as f64;
        println!("{label:<10} {:>8.3} {:>8.3} {:>9.3}", mean(|f| f.1), mean(|f| f.2), mean(|f| f.3));
    }
}

fn find(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, out);
        } else if path.to_string_lossy().ends_with("_2k.log") {
            out.push(path);
        }
    }
}

fn mine(lines: &[&str]) -> (Vec<u32>, Vec<String>, f64) {
    let begin = std::time::Instant::now();
    let (mut source, mut ids) = (Source::default(), Vec::new());
    lines.iter().for_each(|line| source.push(line, &mut ids));
    source.flush(&mut ids);
    let ids: Vec<u32> = ids.into_iter().map(|id| source.miner.now(id)).collect();
    let per_s = lines.len() as f64 / begin.elapsed().as_secs_f64();
    let texts = ids.iter().map(|id| source.miner.text(*id)).collect();
    (ids, texts, per_s)
}

/// Share of lines whose group is exactly the group of their event.
fn grouping(found: &[u32], truth: &[&str]) -> f64 {
    right(found, truth).iter().filter(|r| **r).count() as f64 / truth.len() as f64
}

fn right(found: &[u32], truth: &[&str]) -> Vec<bool> {
    let mut of_truth: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut of_found: HashMap<u32, Vec<usize>> = HashMap::new();
    for (n, (f, t)) in found.iter().zip(truth).enumerate() {
        of_truth.entry(t).or_default().push(n);
        of_found.entry(*f).or_default().push(n);
    }
    found.iter().zip(truth).map(|(f, t)| of_found[f] == of_truth[t]).collect()
}

fn wrong(found: &[u32], truth: &[&str], lines: &[&str], texts: &[String]) {
    let right = right(found, truth);
    let mut seen: HashMap<(u32, &str), usize> = HashMap::new();
    let mut first: Vec<(u32, &str, usize)> = Vec::new();
    for n in 0..found.len() {
        if right[n] {
            continue;
        }
        *seen.entry((found[n], truth[n])).or_insert_with(|| {
            first.push((found[n], truth[n], n));
            0
        }) += 1;
    }
    first.sort_by_key(|(f, t, _)| (*t, *f));
    for (f, t, n) in first {
        println!("  {t:<6} {f:>5} {:>5}x  {:.110}   <- {:.110}", seen[&(f, t)], texts.get(n).map_or("", String::as_str), lines[n]);
    }
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
