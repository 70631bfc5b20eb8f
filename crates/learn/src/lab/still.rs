//! Whether a rewritten text is still the attack it was: read as the receiver would read it, not as our models do.
//!
//! SQL: a small tokenizer after the wire's decoding; comments go, and the words that make the statement stand in the same order, outside of
//! comments. Others: tag and call, command, steps of the path. Deliberately apart from `canonical`, so that a hole there does not hide here.

use super::operator::Family;

/// Words that make an SQL injection what it is.
const SQL_WORDS: [&str; 34] = [
    "union",
    "select",
    "from",
    "sleep",
    "benchmark",
    "waitfor",
    "delay",
    "insert",
    "update",
    "delete",
    "drop",
    "into",
    "outfile",
    "load_file",
    "extractvalue",
    "updatexml",
    "information_schema",
    "xp_cmdshell",
    "exec",
    "having",
    "order",
    "group",
    "concat",
    "database",
    "version",
    "user",
    "pg_sleep",
    "case",
    "when",
    "procedure",
    "dbms_pipe",
    "randomblob",
    "table",
    "where",
];

/// Whether `mutant` still does what `seed` does.
pub(crate) fn still(family: Family, seed: &str, mutant: &str) -> bool {
    if mutant.trim().is_empty() || mutant.len() > 16_384 {
        return false;
    }
    match family {
        Family::Sql => sql(seed, mutant),
        Family::Html => html(seed, mutant),
        Family::Shell => shell(seed, mutant),
        Family::Path => path(seed, mutant),
        // Whoever reads it reads the same; the operators see to that. It may not become another mail altogether.
        Family::Mail => mutant.chars().count() * 2 >= seed.chars().count(),
        Family::Url => {
            let host = mutant.split('/').next().unwrap_or("");
            host.contains('.') && host.split('.').all(|label| !label.is_empty() && label.len() < 64) && !mutant.contains(' ')
        }
    }
}

/// `%XX` once, `+` stays, and full-width letters as plain ones.
pub(crate) fn received(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3).and_then(|two| u8::from_str_radix(two, 16).ok())).flatten();
        match hex {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    text.chars().map(|c| if matches!(c as u32, 0xFF01..=0xFF5E) { char::from_u32(c as u32 - 0xFEE0).unwrap_or(c) } else { c }).collect()
}

/// Words outside of comments and of what follows a closing comment; `||` and `&&` as words; numbers and blanks left out.
fn sql_words(text: &str) -> Vec<String> {
    let text = received(text).to_lowercase().replace("0x61646d696e", "'admin'");
    let bytes = text.as_bytes();
    let (mut words, mut word, mut at) = (Vec::new(), String::new(), 0);
    let mut flush = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"/*") {
            flush(&mut word);
            if rest.get(2) == Some(&b'!') {
                // A versioned comment is code.
                at += 3 + rest[3..].iter().take_while(|b| b.is_ascii_digit()).count();
                continue;
            }
            let end = rest.windows(2).skip(2).position(|two| two == b"*/");
            at += end.map_or(rest.len(), |end| end + 4);
        } else if rest.starts_with(b"*/") {
            flush(&mut word);
            at += 2;
        } else if rest.starts_with(b"--") || rest[0] == b'#' {
            flush(&mut word);
            at += rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        } else if rest.starts_with(b"||") || rest.starts_with(b"&&") {
            flush(&mut word);
            words_push(&mut word, if rest[0] == b'|' { "or" } else { "and" });
            flush(&mut word);
            at += 2;
        } else {
            if rest[0].is_ascii_alphanumeric() || rest[0] == b'_' {
                word.push(rest[0] as char);
            } else {
                flush(&mut word);
            }
            at += 1;
        }
    }
    flush(&mut word);
    words
}

fn words_push(word: &mut String, text: &str) {
    word.push_str(text);
}

/// Words and numbers that rewriting may add, take away or put another way.
const SQL_FREE: [&str; 24] = [
    "or", "and", "xor", "not", "true", "false", "null", "is", "in", "like", "rlike", "between", "length", "exists", "select", "coalesce",
    "greatest", "all", "distinct", "char", "ab", "x", "a", "e0",
];

/// What is left of the statement: no word may come in from a comment that was torn open, none may be lost in one.
fn rest_of(words: &[String]) -> String {
    let free = |word: &String| SQL_FREE.contains(&word.as_str()) || word.starts_with(|c: char| c.is_ascii_digit());
    words.iter().filter(|word| !free(word)).map(String::as_str).collect()
}

fn sql(seed: &str, mutant: &str) -> bool {
    let strong = |words: Vec<String>| -> Vec<String> { words.into_iter().filter(|word| SQL_WORDS.contains(&word.as_str())).collect() };
    let joins = |words: &[String]| words.iter().any(|word| matches!(word.as_str(), "or" | "and" | "xor"));
    let (before, after) = (sql_words(seed), sql_words(mutant));
    if joins(&before) && !joins(&after) {
        return false;
    }
    // The first quote closes the literal of the application: it has to stand.
    let quote = |text: &str| received(text).chars().find(|c| matches!(c, '\'' | '"' | '`'));
    let first = quote(seed);
    if first.is_some() && first != quote(mutant) {
        return false;
    }
    if rest_of(&before) != rest_of(&after) {
        return false;
    }
    let (before, after) = (strong(before), strong(after));
    let mut rest = after.iter();
    before.iter().all(|word| rest.any(|other| other == word))
}

fn html(seed: &str, mutant: &str) -> bool {
    let plain = |text: &str| -> String {
        let text = received(text).to_lowercase().replace("&colon;", ":").replace("&tab;", "").replace("&newline;", "");
        text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
    };
    let (before, after) = (plain(seed), plain(mutant));
    let tags = |text: &str| text.matches('<').count();
    let acts = |text: &str| ["<script", "javascript:", "on"].iter().any(|sign| text.contains(sign));
    tags(&after) >= tags(&before) && (!acts(&before) || acts(&after))
}

/// The command line after the shell has taken quotes, empty parameters and blanks apart.
fn shell(seed: &str, mutant: &str) -> bool {
    let plain = |text: &str| -> String {
        let mut text = received(text);
        for nothing in ["''", "\"\"", "$@", "${x}", "\\"] {
            text = text.replace(nothing, "");
        }
        for blank in ["${IFS}", "$IFS$9", "\t"] {
            text = text.replace(blank, " ");
        }
        for (glob, plain) in [("/e?c/", "/etc/"), ("p?ss?d", "passwd"), ("/b?n/", "/bin/"), ("sh*w", "shadow"), ("/t??/", "/tmp/")] {
            text = text.replace(glob, plain);
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    plain(seed) == plain(mutant)
}

/// Steps up, less steps down, and the file at the end.
fn path(seed: &str, mutant: &str) -> bool {
    let walk = |text: &str| {
        let text = received(text).replace('\\', "/");
        let mut up = 0_i32;
        let mut names: Vec<String> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if names.pop().is_none() {
                        up += 1;
                    }
                }
                name => names.push(name.to_owned()),
            }
        }
        (up, names)
    };
    walk(seed) == walk(mutant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_an_attack_is_seen() {
        let same = |family, seed: &str, mutant: &str| still(family, seed, mutant);
        assert!(same(Family::Sql, "1' union select a from b -- ", "1'/*x y*/UNION%0aselect/**/a from b -- "));
        assert!(same(Family::Sql, "1' or 1=1 -- ", "1' || 2=2 #"));
        assert!(same(Family::Sql, "1' union select 2 -- ", "1'/*!50000union*/ select 2 -- "));
        assert!(!same(Family::Sql, "1' union select a from b", "1' -- union select a from b"), "behind a comment");
        assert!(!same(Family::Sql, "1' or 1=1", "1 or 1=1"), "the quote is gone");
        assert!(!same(Family::Sql, "1' union select a", "1' select union a"));
        assert!(!same(Family::Sql, "1'; drop table b", "1'; drop-- see\nyou\ntable b"), "words out of a comment");
        assert!(same(Family::Shell, "; cat /etc/passwd", ";  c''at${IFS}/e?c/passwd"));
        assert!(!same(Family::Shell, "; cat /etc/passwd", "; cat /etc/hosts"));
        assert!(same(Family::Path, "../../etc/passwd", "..%2f.././/etc/passwd"));
        assert!(!same(Family::Path, "../../etc/passwd", "../etc/passwd"));
        assert!(same(Family::Html, "<img src=x onerror=alert(1)>", "<IMG/src=x title=\"a b\" onerror=(alert)(1)>"));
        assert!(!same(Family::Html, "<script>alert(1)</script>", "alert(1)"));
    }
}
