//! Local addresses: the only thing that a template may put in `href` or `action`.

use std::fmt;

use maud::Render;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but unreserved characters.
const ENCODE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest value of one part.
const PART_MAX: usize = 512;

/// A path on this console. It begins with one `/`, its parts are percent-encoded, so that no text can turn it into another origin, a
/// scheme or an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Href(String);

impl Href {
    /// A path written in the source.
    pub(crate) fn to(path: &'static str) -> Href {
        debug_assert!(path.starts_with('/') && !path.starts_with("//"));
        Href(path.to_owned())
    }

    /// One more path segment.
    #[must_use]
    pub(crate) fn part(mut self, part: &str) -> Href {
        if !self.0.ends_with('/') {
            self.0.push('/');
        }
        // "." and ".." would be taken as steps in the path.
        match part {
            "." => self.0.push_str("%2E"),
            ".." => self.0.push_str("%2E%2E"),
            _ => self.push(part),
        }
        self
    }

    #[must_use]
    pub(crate) fn query(mut self, name: &'static str, value: &str) -> Href {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        self.push(value);
        self
    }

    #[must_use]
    pub(crate) fn hash(mut self, id: &'static str) -> Href {
        self.0.push('#');
        self.0.push_str(id);
        self
    }

    /// A path that came from outside (`next=`, `back=`): `None` unless it surely stays here.
    pub(crate) fn local(text: &str) -> Option<Href> {
        let bytes = text.as_bytes();
        let plain = bytes.len() <= 1024 && bytes.iter().all(|b| b.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(b));
        let local = bytes.first() == Some(&b'/') && bytes.get(1) != Some(&b'/');
        (plain && local).then(|| Href(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn push(&mut self, text: &str) {
        let end = text.floor_char_boundary(PART_MAX);
        self.0.extend(utf8_percent_encode(&text[..end], ENCODE));
    }
}

impl fmt::Display for Href {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Render for Href {
    fn render_to(&self, out: &mut String) {
        self.0.render_to(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_encoded() {
        let check = |part: &str, expected: &str| assert_eq!(Href::to("/entities").part(part).as_str(), expected);
        check("203.0.113.9", "/entities/203.0.113.9");
        check("2001:db8::1", "/entities/2001%3Adb8%3A%3A1");
        check("..", "/entities/%2E%2E");
        check("//evil.example", "/entities/%2F%2Fevil.example");
        check("a\" onclick=x", "/entities/a%22%20onclick%3Dx");
        check("\u{202e}", "/entities/%E2%80%AE");
    }

    #[test]
    fn next_stays_here() {
        for good in ["/", "/incidents/INC-1?x=1&y=%2F", "/search?q=a+b"] {
            assert!(Href::local(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x",
            "/\t/evil",
            "/ü",
            "x",
        ] {
            assert_eq!(Href::local(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_stays_one_part(text in "\\PC{0,60}") {
            let href = Href::to("/entities").part(&text).query("q", &text);
            prop_assert!(href.as_str().starts_with("/entities/"));
            prop_assert!(href.as_str().bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\".contains(&b)));
            prop_assert_eq!(href.as_str().matches('/').count(), 2);
        }

        #[test]
        fn what_is_accepted_is_local(text in "\\PC{0,40}|[/\\\\:a-z]{0,8}") {
            if let Some(href) = Href::local(&text) {
                prop_assert!(href.as_str().starts_with('/') && !href.as_str().starts_with("//") && !href.as_str().contains('\\'));
            }
        }
    }
}
