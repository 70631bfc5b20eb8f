//! Suppressions in comments: `bartizan:ignore RULE reason=".." until=2027-01-01`, and those of other scanners. Ours needs a reason; one whose
//! day has passed no longer holds.

use std::collections::HashMap;

use decode::posture::Item;
use rule::posture::Rule;
use serde_json::{Value, json};

struct Comment {
    line: u32,
    /// Rule or alias.
    rule: String,
    reason: String,
    until: Option<String>,
}

pub(super) struct Suppressions {
    by_file: HashMap<String, Vec<Comment>>,
    today: String,
}

impl Suppressions {
    pub(super) fn of(files: &[(String, Vec<u8>)]) -> Suppressions {
        let mut by_file: HashMap<String, Vec<Comment>> = HashMap::new();
        for (name, bytes) in files {
            let Ok(text) = std::str::from_utf8(bytes) else { continue };
            for (line, number) in text.lines().zip(1_u32..) {
                if let Some(comment) = comment(line, number) {
                    by_file.entry(name.clone()).or_default().push(comment);
                }
            }
        }
        Suppressions { by_file, today: crate::clock::now().to_string().chars().take(10).collect() }
    }

    /// The comment that suppresses this finding: within the resource, or on the line above it or above the attribute.
    pub(super) fn of_finding(&mut self, rule: &Rule, item: &Item, line: u32) -> Option<Value> {
        let comment = self.by_file.get(&item.file)?.iter().find(|c| {
            let near = (item.line.saturating_sub(1)..=item.end_line).contains(&c.line) || c.line == line || c.line + 1 == line;
            near && (rule.is_named(&c.rule) || rule.related.contains(&c.rule))
        })?;
        if comment.until.as_ref().is_some_and(|until| *until < self.today) {
            return None;
        }
        Some(json!({"by": "comment", "line": comment.line, "reason": comment.reason, "until": comment.until}))
    }
}

fn comment(line: &str, number: u32) -> Option<Comment> {
    let made = |rule: &str, reason: &str| Comment { line: number, rule: rule.to_owned(), reason: reason.trim().to_owned(), until: None };
    let word = |text: &str| text.split(|c: char| c.is_whitespace() || c == ':').next().unwrap_or_default().to_owned();
    if let Some((_, rest)) = line.split_once("bartizan:ignore ") {
        let quoted = rest.split_once("reason=\"").and_then(|(_, r)| r.split_once('"')).map(|(r, _)| r).filter(|r| !r.trim().is_empty())?;
        let until = rest.split_once("until=").map(|(_, u)| u.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect::<String>());
        return Some(Comment { until, ..made(&word(rest.trim_start()), quoted) });
    }
    for mark in ["checkov:skip=", "trivy:ignore:", "tfsec:ignore:"] {
        if let Some((_, rest)) = line.split_once(mark) {
            let rule = word(rest);
            let reason = rest[rule.len()..].trim_start_matches(':');
            return Some(made(&rule, reason));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn ours_needs_a_reason_and_may_end() {
        let read = |line| super::comment(line, 1).map(|c| (c.rule, c.reason, c.until));
        assert_eq!(read("# bartizan:ignore AWS-S3-01"), None);
        let whole = read("# bartizan:ignore AWS-S3-01 reason=\"site\" until=2027-01-01");
        assert_eq!(whole, Some(("AWS-S3-01".into(), "site".into(), Some("2027-01-01".into()))));
        assert_eq!(read("  #checkov:skip=CKV_AWS_20:a web site"), Some(("CKV_AWS_20".into(), "a web site".into(), None)));
    }
}
