//! Rows that are attacks only in their context: they teach a model of single values that ordinary words are attacks.
//!
//! Payload lists hold probes such as `true`, `index.html`, `mvn:`, a lone `'` or a script's address with a placeholder. Whether such a
//! value is an attack depends on where it is sent, which a value model does not see. Each rule says why; rows are dropped, never
//! turned into benign rows, because in the right place they are attacks.

use super::table::Row;

/// Rules with their reasons, in the order in which they are tried.
pub(super) const RULES: [&str; 6] = [
    "plain text: only word characters, spaces and . , - : (a bare word or file name is an attack only in context)",
    "at most two canonical bytes (a lone sign is a probe, and part of ordinary text)",
    "an address with a placeholder instead of the hostile target",
    "an ordinary address as a value: redirect and file inclusion depend on who follows it",
    "a file path without traversal, wrapper or sensitive target",
    "a list entry without the sign that its attack class needs (header names, number formats)",
];

/// Index of the rule that drops this attack row, if any. `canonical` is the canonical form of the payload.
pub(super) fn rule(row: &Row, canonical: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(canonical);
    let text = text.trim();
    let has = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b >= 0x80 || b" _.,-:".contains(&b)) && !text.contains("..") {
        return Some(0);
    }
    if canonical.len() <= 2 {
        return Some(1);
    }
    if has(&["xxpathxx", "{target}"]) {
        return Some(2);
    }
    if matches!(row.class.as_str(), "redirect" | "rfi") && is_plain_address(text) {
        return Some(3);
    }
    const SENSITIVE: &[&str] = &[
        "..", "etc", "proc/", "var/", "win", "boot", "web-inf", "://", "\0", ":\\", "passwd", "shadow", ".ini", ".ht", "php:", "%", "\\\\",
        "./.", ".ssh", ".git", ".env", "{file}", "//",
    ];
    if row.class == "path-traversal" && !has(SENSITIVE) {
        return Some(4);
    }
    let lacks = match row.class.as_str() {
        "crlf" => !has(&["\n", "%0", "\\r", "\\n", "set-cookie", "<"]),
        "xxe" => !has(&["<", "&", "%"]),
        "xss" => !has(&["<", "(", "javascript", "=", "`", "&", "\\", "/*", "expression", "\"", "'"]),
        _ => false,
    };
    lacks.then_some(5)
}

/// Why benign rows are dropped.
pub(super) const MISLABELLED: &str =
    "labelled benign but plainly a probe (code execution functions, system files, scanner marks): found by models that did not see the row";

/// Whether a row that is labelled benign holds what no ordinary value holds. Each mark was found in reviewed rows of the table.
pub(super) fn is_mislabelled(canonical: &[u8]) -> bool {
    const MARKS: [&str; 22] = [
        "passthru(",
        "system(",
        "exit()",
        "print(md0(",
        "acunetix",
        "|ping",
        "|sleep",
        "type \\boot",
        "boot.ini",
        "dir c:\\",
        "/bin/id",
        "/etc/passwd",
        "ipconfig /all",
        "chr(0)",
        "chr(0),",
        "char(0)",
        "web-inf",
        "\\windows\\system",
        "| dir",
        "|dir",
        "rem\\x",
        "<script>alert",
    ];
    let text = String::from_utf8_lossy(canonical);
    MARKS.iter().any(|mark| text.contains(mark))
}

/// `http://host/path?query` without user part, encoding tricks or dots that climb.
fn is_plain_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/?=&".contains(&b)) && !rest.contains("//") && !rest.contains("..")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::canonicalise;
    use crate::train::table::Label;

    fn check(class: &str, payload: &str, expected: Option<usize>) {
        let row = Row {
            payload: payload.into(),
            label: Label::Attack,
            class: class.into(),
            source: String::new(),
            split: String::new(),
            batch: String::new(),
            time: String::new(),
            line: 1,
        };
        assert_eq!(rule(&row, canonicalise(payload.as_bytes()).bytes()), expected, "{payload}");
    }

    #[test]
    fn context_only_rows() {
        check("nosqli", "true", Some(0));
        check("path-traversal", "index.html", Some(0));
        check("path-traversal", "../x", None);
        check("sqli", "'", Some(1));
        check("rfi", "/a.php?b=XXpathXX", Some(2));
        check("redirect", "https://example.com/a?b=c", Some(3));
        check("redirect", "https://example.com\\@evil.test", None);
        check("path-traversal", "/usr/share/x", Some(4));
        check("path-traversal", "/etc/passwd", None);
        check("crlf", "%0d%0aSet-Cookie: a=b", None);
        check("sqli", "1' or '1'='1", None);
    }
}
