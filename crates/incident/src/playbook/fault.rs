//! What is wrong with a playbook: code, where, what was found, what to write.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `P001` no YAML, `P002` unknown key, `P003` missing, `P004` wrong value, `P005` twice.
    pub code: &'static str,
    pub file: String,
    pub line: usize,
    pub found: String,
    pub write: String,
}

impl Fault {
    pub(super) fn new(code: &'static str, line: usize, found: impl Into<String>, write: impl Into<String>) -> Fault {
        Fault { code, file: String::new(), line: line.max(1), found: found.into(), write: write.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{}: {}; write {}", self.code, self.file, self.line, self.found, self.write)
    }
}

/// The known word that is closest to what was written, when it is close at all.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(40).collect();
    let (distance, near) = known.iter().map(|k| (distance(&word, k), *k)).min_by_key(|(d, _)| *d)?;
    (distance <= 1 + near.len() / 3).then_some(near)
}

/// Levenshtein, one row at a time.
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
