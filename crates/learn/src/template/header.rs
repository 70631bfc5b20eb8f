//! What a logger writes before each message: time, host, level, process. Learned from the first lines of a source, checked again later.
//!
//! A line is cut at blanks into columns (a bracketed text is one column). A column is an anchor when nearly all lines have the same type there:
//! time, number, level, a dash, a bracketed text, a name that ends with a colon. The header reaches to the last anchor of an unbroken
//! beginning; a name that changes in between (a host) belongs to it.

use serde::{Deserialize, Serialize};

/// Lines that are looked at before the first one is cut.
pub const LINES: usize = 200;
/// Columns that can be a header.
const COLUMNS_MAX: usize = 14;
/// Share of the lines that must agree, in percent.
const AGREE_PERCENT: usize = 85;
/// Columns without a type that may stand between two anchors (host, node, facility, ..).
const GAP_MAX: usize = 3;
/// A level or a time in that many of the lines: below, there is no header.
const LEVELS: [&str; 21] = [
    "trace", "debug", "info", "notice", "warn", "warning", "error", "err", "fatal", "critical", "crit", "alert", "emerg", "severe",
    "failure", "v", "d", "i", "w", "e", "f",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Time,
    Number,
    Level,
    Dash,
    Bracket,
    /// `sshd[12]:`, `dfs.DataNode:`
    Colon,
    Other,
}

/// How many columns the header has and what stands in its anchors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    columns: Vec<Kind>,
}

impl Header {
    /// From the first lines of a source.
    pub fn detect<'l>(lines: impl IntoIterator<Item = &'l str>) -> Header {
        let mut counts = [[0usize; 7]; COLUMNS_MAX];
        let mut padded = [0usize; COLUMNS_MAX];
        let mut total = 0usize;
        for line in lines.into_iter().take(LINES).filter(|l| !l.trim().is_empty()) {
            total += 1;
            for (column, (from, to)) in columns(line).take(COLUMNS_MAX).enumerate() {
                counts[column][kind(&line[from..to]) as usize] += 1;
                padded[column] += usize::from(line[to..].starts_with("  "));
            }
        }
        let agree = |n: usize| total > 0 && n * 100 >= total * AGREE_PERCENT;
        let kinds: Vec<Kind> = counts
            .iter()
            .map(|of| {
                let all = [Kind::Time, Kind::Number, Kind::Level, Kind::Dash, Kind::Bracket, Kind::Colon];
                all.into_iter().find(|k| agree(of[*k as usize])).unwrap_or(Kind::Other)
            })
            .collect();
        let (mut end, mut gap, mut timed) = (0, 0, false);
        for (column, kind) in kinds.iter().enumerate() {
            // A number alone may already be the message: it belongs to the header when something surer follows.
            if matches!(kind, Kind::Other | Kind::Number) {
                gap += usize::from(*kind == Kind::Other);
                if gap > GAP_MAX {
                    break;
                }
                continue;
            }
            timed |= *kind == Kind::Time;
            if timed {
                (end, gap) = (column + 1, 0);
            }
            if *kind == Kind::Colon {
                break;
            }
        }
        // A padded name after the level: a component in a table-like log.
        if end > 0 && end < COLUMNS_MAX && kinds[end - 1] == Kind::Level && kinds[end] == Kind::Other && agree(padded[end]) {
            end += 1;
        }
        Header { columns: kinds[..end].to_vec() }
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The message of a line; `None` when the line does not begin with this header (a stack trace, another logger).
    pub fn message<'l>(&self, line: &'l str) -> Option<&'l str> {
        let mut end = 0;
        let mut all = columns(line);
        let mut wrong = 0;
        for (n, expected) in self.columns.iter().enumerate() {
            let (from, to) = all.next()?;
            let found = kind(&line[from..to]);
            let fits = *expected == Kind::Other || found == *expected;
            if n == 0 && !fits {
                return None;
            }
            if *expected == Kind::Colon && !fits {
                // A name of several words, or none at all: the message begins where the header would end.
                let name = std::iter::once((from, to)).chain(all.by_ref().take(2)).find(|(f, t)| kind(&line[*f..*t]) == Kind::Colon);
                end = name.map_or(from, |(_, to)| to);
                return Some(line[end..].trim_start());
            }
            wrong += usize::from(!fits);
            if wrong * 3 > self.columns.len().max(3) {
                return None;
            }
            end = to;
        }
        Some(line[end..].trim_start())
    }
}

/// Byte ranges between blanks; what begins with a bracket reaches to its partner.
fn columns(line: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    const BRACKET_MAX: usize = 256;
    let bytes = line.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let from = at;
        if from >= bytes.len() {
            return None;
        }
        if bytes[from] == b'[' {
            let mut depth = 0i32;
            for (n, byte) in bytes[from..].iter().enumerate().take(BRACKET_MAX) {
                depth += i32::from(*byte == b'[') - i32::from(*byte == b']');
                if depth == 0 {
                    at = from + n + 1;
                    break;
                }
            }
        }
        while at < bytes.len() && !bytes[at].is_ascii_whitespace() {
            at += 1;
        }
        Some((from, at))
    })
}

fn kind(token: &str) -> Kind {
    const NAMES: [&str; 19] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    ];
    if token == "-" {
        return Kind::Dash;
    }
    let plain = token.trim_matches(['[', ']', '(', ')', '<', '>', ',', ':', '|']);
    let lower = plain.to_ascii_lowercase();
    if LEVELS.contains(&lower.as_str()) && !(token.ends_with(':') && plain.len() == 1) {
        return Kind::Level;
    }
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    if !plain.is_empty() && digits == plain.len() {
        // Seconds since 1970, yymmdd, hhmmss.
        return if digits >= 6 { Kind::Time } else { Kind::Number };
    }
    let marks = plain.bytes().filter(|b| matches!(b, b':' | b'-' | b'/' | b'.' | b',' | b'+' | b'T' | b'Z')).count();
    if digits >= 4 && marks >= 1 && digits + marks == plain.len() || NAMES.contains(&lower.as_str()) {
        return Kind::Time;
    }
    if token.starts_with('[') && token.ends_with(']') {
        let first = plain.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let timed = NAMES.contains(&first.as_str()) || first.len() >= 8 && kind(&first) == Kind::Time;
        return if timed { Kind::Time } else { Kind::Bracket };
    }
    if token.len() > 1 && token.ends_with(':') {
        return Kind::Colon;
    }
    Kind::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], messages: &[&str]) {
        let header = Header::detect(lines.iter().copied());
        let found: Vec<&str> = lines.iter().map(|l| header.message(l).unwrap_or(l)).collect();
        assert_eq!(found, messages, "{header:?}");
    }

    #[test]
    fn headers_of_common_loggers() {
        check(
            &[
                "Jun 14 15:16:01 web1 sshd[19939]: check pass",
                "Jun 14 15:16:02 web2 cron: job done",
                "Jun  9 15:16:02 web2 su(pam)[3]: opened",
            ],
            &["check pass", "job done", "opened"],
        );
        check(
            &["2024-01-02 10:00:00,747 INFO [main thread] a.b.C: ready", "2024-01-02 10:00:00,748 WARN [x] a.D: slow 3"],
            &["ready", "slow 3"],
        );
        check(
            &["[Sun Dec 04 04:47:44 2005] [notice] child ok", "[Sun Dec 04 04:47:45 2005] [error] child died"],
            &["child ok", "child died"],
        );
        check(&["03-17 16:13:38.811  1702  2395 D Window: lock=1", "03-17 16:13:38.819  1702  8671 I Power: on"], &["lock=1", "on"]);
    }

    #[test]
    fn without_a_header_nothing_is_cut() {
        check(
            &["service started", "user bob logged in", "12 files removed"],
            &["service started", "user bob logged in", "12 files removed"],
        );
        assert!(Header::detect([]).is_empty());
    }
}
