//! Text of others (an attacker writes half of an incident) made harmless before it is put into a message.
//!
//! Three steps: what cannot be seen or turns text around becomes an escape, links are broken (`hxxp://evil[.]example`), and what the place of
//! the message would take for markup or a mention is taken apart.

use serde::Deserialize;

/// Of one field.
pub(super) const FIELD_BYTES_MAX: usize = 2 * 1024;

/// What the far side makes of special characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Markup {
    /// None.
    Plain,
    /// `<!channel>`, `&lt;`.
    Slack,
    /// Backslashes before what Markdown means; `@` as its full-width twin, since a backslash does not stop every mention.
    Markdown,
}

/// Of one field, ready to be put into a message.
pub(super) fn field(text: &str, markup: Markup) -> String {
    let cut = cut(text, FIELD_BYTES_MAX);
    marked(&defanged(&visible(&cut)), markup)
}

/// Control, bidirectional and invisible characters as `\u{202e}`, a line's end as a space.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || is_hidden(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// Formats, bidirectional marks, joiners, tags, fillers, variation selectors, private use: nothing that a person sees.
fn is_hidden(c: char) -> bool {
    matches!(c as u32,
        0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        | 0x3164 | 0xe000..=0xf8ff | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0xe0000..=0xe0fff | 0xf0000..=0x10ffff)
}

/// No program makes a link of it: `http` is `hxxp`, other schemes lose their colon, names of hosts have `[.]`.
fn defanged(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 16);
    for (n, &c) in chars.iter().enumerate() {
        let next = |k: usize| chars.get(n + k).copied().unwrap_or(' ');
        let before = if n == 0 { ' ' } else { chars[n - 1] };
        match c {
            '.' if before.is_alphanumeric() && next(1).is_alphabetic() => out.push_str("[.]"),
            ':' if next(1) == '/' && next(2) == '/' => {
                let at = out.len().saturating_sub(5);
                match out.get(at..).map(str::to_ascii_lowercase) {
                    Some(end) if end.ends_with("http") => out.replace_range(out.len() - 4.., "hxxp"),
                    Some(end) if end.ends_with("https") => out.replace_range(out.len() - 5.., "hxxps"),
                    _ => {
                        out.push_str("[:]");
                        continue;
                    }
                }
                out.push(':');
            }
            ':' if ["mailto", "javascript", "data", "tel", "sms"].iter().any(|scheme| ends_with(&out, scheme)) => out.push_str("[:]"),
            c => out.push(c),
        }
    }
    out
}

fn ends_with(text: &str, end: &str) -> bool {
    text.len() >= end.len() && text.is_char_boundary(text.len() - end.len()) && text[text.len() - end.len()..].eq_ignore_ascii_case(end)
}

fn marked(text: &str, markup: Markup) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match (markup, c) {
            (Markup::Slack, '&') => out.push_str("&amp;"),
            (Markup::Slack, '<') => out.push_str("&lt;"),
            (Markup::Slack, '>') => out.push_str("&gt;"),
            (Markup::Slack | Markup::Markdown, '@') => out.push('＠'),
            (
                Markup::Markdown,
                '\\' | '`' | '*' | '_' | '~' | '|' | '<' | '>' | '[' | ']' | '(' | ')' | '#' | '!' | '&' | '{' | '}' | '$',
            ) => {
                out.push('\\');
                out.push(c);
            }
            (_, c) => out.push(c),
        }
    }
    out
}

/// At most so many bytes, cut between characters, and said.
pub(super) fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mut end = bytes_max.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_an_attacker_writes_links_to_nothing_calls_nobody_and_hides_nothing() {
        for (text, markup, expected) in [
            ("see HTTPS://evil.example/a?b", Markup::Plain, "see hxxps://evil[.]example/a?b"),
            ("http://203.0.113.9/x", Markup::Plain, "hxxp://203.0.113.9/x"),
            ("ftp://a.b javascript:alert(1)", Markup::Plain, "ftp[:]//a[.]b javascript[:]alert(1)"),
            ("user\u{202e}gpj.exe\r\nSTATUS: fine\u{0}", Markup::Plain, "user\\u{202e}gpj[.]exe  STATUS: fine\\u{0}"),
            ("<!channel> & @here <@U1>", Markup::Slack, "&lt;!channel&gt; &amp; ＠here &lt;＠U1&gt;"),
            ("@everyone **[x](y)** `rm`", Markup::Markdown, "＠everyone \\*\\*\\[x\\]\\(y\\)\\*\\* \\`rm\\`"),
            ("1' OR '1'='1", Markup::Markdown, "1' OR '1'='1"),
        ] {
            assert_eq!(field(text, markup), expected);
        }
        assert!(field(&"ä".repeat(5_000), Markup::Plain).len() <= FIELD_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn nothing_hidden_and_no_link_survives(text in "\\PC{0,60}|(\\x00|\u{202e}|https?://|[a-z.@<>*\\[\\]() \n]){0,60}") {
            for markup in [Markup::Plain, Markup::Slack, Markup::Markdown] {
                let made = field(&text, markup);
                prop_assert!(!made.chars().any(|c| c.is_control() || is_hidden(c)));
                prop_assert!(!made.to_ascii_lowercase().contains("http://") && !made.to_ascii_lowercase().contains("https://"));
                prop_assert!(markup == Markup::Plain || !made.contains('@'));
                prop_assert!(markup != Markup::Slack || !made.contains('<'));
            }
        }
    }
}
