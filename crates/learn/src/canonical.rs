//! The canonical form of a web value: what a parser behind us would see, in one spelling.
//!
//! Reads:      raw bytes of one value (at most what the caller cuts; linear in their length).
//! Gives:      canonical bytes, a raw byte span for each of them, and which [`Steps`] changed something.
//! Steps:      percent, `%uXXXX`, `\xHH`, `\uXXXX`, HTML entities, `+`, overlong UTF-8, NFKD, case, zero width and tag
//!             characters, typographic quotes, control characters, short SQL comments, whitespace runs, numbers -> `0`, hex -> `0x0`.
//! Method:     two stack machines ([`decode`], then [`fold`]). A rule fires when its last byte arrives and rewrites the tail of the
//!             output, so nested encodings unwind to a fixed point in linear time: each rule removes more bytes than it adds, save
//!             for compatibility decompositions, which grow one character to at most 36 bytes once.
//! Property:   idempotent. The output of each machine holds nothing that a rule would rewrite, and what the second removes never
//!             joins two bytes into something that the first would decode (it always leaves a space or a `0` between).
//! Left alone: comments with code-like content. Dropping `/*<script>*/` would hide an attack from a model that reads HTML.

mod decode;
mod entity;
mod fold;
mod unicode;

/// Which steps changed something, as a set of flags. Each is also a feature of the text model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps(u32);

/// Names of the flags, by bit number.
pub const STEP_NAMES: [&str; 14] = [
    "percent",
    "percent_twice",
    "percent_u",
    "backslash_escape",
    "html_entity",
    "overlong_utf8",
    "confusable",
    "zero_width",
    "tag_character",
    "nul",
    "control",
    "sql_comment",
    "sql_versioned_comment",
    "hex_literal",
];

impl Steps {
    /// `%41`.
    pub const PERCENT: Steps = Steps(1);
    /// `%2541`: an encoded percent sign that itself began an escape.
    pub const PERCENT_TWICE: Steps = Steps(1 << 1);
    /// `%u0041`.
    pub const PERCENT_U: Steps = Steps(1 << 2);
    /// `\x41` or `\u0041`.
    pub const BACKSLASH_ESCAPE: Steps = Steps(1 << 3);
    /// `&lt;`, `&#60;`, `&#x3c`.
    pub const HTML_ENTITY: Steps = Steps(1 << 4);
    /// A character written in more bytes than UTF-8 allows, such as `C0 AE`.
    pub const OVERLONG_UTF8: Steps = Steps(1 << 5);
    /// A full-width, mathematical or best-fit look-alike of an ASCII character.
    pub const CONFUSABLE: Steps = Steps(1 << 6);
    /// A character without width was removed.
    pub const ZERO_WIDTH: Steps = Steps(1 << 7);
    /// A Unicode tag character (invisible ASCII) was made visible.
    pub const TAG_CHARACTER: Steps = Steps(1 << 8);
    /// A NUL byte is present (it is kept).
    pub const NUL: Steps = Steps(1 << 9);
    /// A control character other than tab, CR and LF became a space.
    pub const CONTROL: Steps = Steps(1 << 10);
    /// `/**/` became a space.
    pub const SQL_COMMENT: Steps = Steps(1 << 11);
    /// `/*!50000union*/` lost its wrapping.
    pub const SQL_VERSIONED_COMMENT: Steps = Steps(1 << 12);
    /// `0x7171` became `0x0`.
    pub const HEX_LITERAL: Steps = Steps(1 << 13);

    /// Whether all flags of `other` are set.
    pub fn contains(self, other: Steps) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags as bits; bit n is `STEP_NAMES[n]`.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Names of the set flags.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        STEP_NAMES.iter().enumerate().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| *name)
    }

    fn add(&mut self, other: Steps) {
        self.0 |= other.0;
    }
}

/// A half-open range of raw bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First raw byte.
    pub start: u32,
    /// One past the last raw byte.
    pub end: u32,
}

/// A canonical value. Reuse one for many values: its buffers keep their capacity.
#[derive(Clone, Debug, Default)]
pub struct Canonical {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    pending: Vec<(u8, Span)>,
    steps: Steps,
}

impl Canonical {
    /// The canonical bytes: mostly UTF-8, but stray bytes of the input stay as they are.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// For each canonical byte the raw bytes that made it. Empty after [`Canonical::set_without_spans`].
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// What changed.
    pub fn steps(&self) -> Steps {
        self.steps
    }

    /// Canonicalises `raw`, keeping spans.
    pub fn set(&mut self, raw: &[u8]) {
        self.run::<true>(raw);
    }

    /// Canonicalises `raw` without spans: the same bytes and steps for about two thirds of the time.
    pub fn set_without_spans(&mut self, raw: &[u8]) {
        self.run::<false>(raw);
    }

    fn run<const SPANS: bool>(&mut self, raw: &[u8]) {
        self.bytes.clear();
        self.spans.clear();
        self.pending.clear();
        self.steps = Steps::default();
        decode::run::<SPANS>(self, raw);
        fold::run::<SPANS>(self);
    }
}

/// The canonical form of `raw` with spans, in a fresh buffer.
///
/// ```
/// let value = learn::canonical::canonicalise(b"1%2527/**/UnIoN%0aSELECT");
/// assert_eq!(value.bytes(), b"0' union\nselect");
/// ```
pub fn canonicalise(raw: &[u8]) -> Canonical {
    let mut canonical = Canonical::default();
    canonical.set(raw);
    canonical
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(raw: &str, expected: &str) {
        let value = canonicalise(raw.as_bytes());
        assert_eq!(String::from_utf8_lossy(value.bytes()), expected, "{raw}");
        assert_eq!(value.bytes().len(), value.spans().len());
    }

    #[test]
    fn one_spelling() {
        check("plain text", "plain text");
        check("UNION  \t SELECT", "union select");
        check("%3Cscript%3E", "<script>");
        check("%253Cscript%253E", "<script>");
        check("%25252541", "a");
        check("%u003cb%uff1e", "<b>");
        check("\\x3cimg\\u003e", "<img>");
        check("&lt;a&gt;&#x3c;&#60;&#106&#97x", "<a><<jax");
        check("&#0000000000000106;", "j");
        check("a+b", "a b");
        check("1 or 11=11", "0 or 0=0");
        check("0x7171706a71,0xAf", "0x0,0x0");
        check("un/**/ion/*a b*/select", "un ion select");
        check("/*!50000union*/select", " 0union select");
        check("/*<b>*/", "/*<b>*/");
        check("/* a /*b*/ c*/", " ");
        check("..%c0%af..%e0%80%af", "../../");
        check("＜ｓｃｒｉｐｔ＞", "<script>");
        check("O’Brien “x” été ﬁn", "o'brien \"x\" ete fin");
        check("se\u{200b}lect", "select");
        check("\u{e0061}\u{e0062}", "ab");
        check("it\\'s \\/etc", "it's /etc");
        check("a\r\n b", "a\nb");
        check("Привет 你好", "привет 你好");
        check("100% sure %zz %", "0% sure %zz %");
    }

    #[test]
    fn spans_point_at_raw_bytes() {
        let raw = b"a%2527/**/OR";
        let value = canonicalise(raw);
        assert_eq!(value.bytes(), b"a' or");
        let text: Vec<&[u8]> = value.spans().iter().map(|s| &raw[s.start as usize..s.end as usize]).collect();
        assert_eq!(text, [&b"a"[..], b"%2527", b"/**/", b"O", b"R"]);
    }

    #[test]
    fn steps_are_named() {
        let names: Vec<_> = canonicalise("%2527\u{200b}\0/**/ 0xff".as_bytes()).steps().names().collect();
        assert_eq!(names, ["percent", "percent_twice", "zero_width", "nul", "sql_comment", "hex_literal"]);
        assert_eq!(canonicalise(b"O'Brien 12").steps(), Steps::default());
    }

    #[test]
    fn deep_nesting_is_linear_and_flat() {
        // Each level decodes into the digit that completes the level before: 16,000 levels, one stack frame.
        let mut deep = b"%3".repeat(32_000);
        deep.push(b'1');
        assert_eq!(canonicalise(&deep).bytes(), b"0");
        let deep = [b"\xef\xbc%9".repeat(16_000), b"1".to_vec()].concat();
        assert_eq!(canonicalise(&deep).bytes(), b"0");
    }

    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"%".to_vec()),
            Just(b"%25".to_vec()),
            Just(b"u".to_vec()),
            Just(b"\\".to_vec()),
            Just(b"x".to_vec()),
            Just(b"&#".to_vec()),
            Just(b"&#x".to_vec()),
            Just(b";".to_vec()),
            Just(b"lt".to_vec()),
            Just(b"&".to_vec()),
            Just(b"/*".to_vec()),
            Just(b"*/".to_vec()),
            Just(b"/*!".to_vec()),
            Just(b"0x".to_vec()),
            Just(b"+".to_vec()),
            Just(b"'".to_vec()),
            Just(b"\xc0\xae".to_vec()),
            Just("％".as_bytes().to_vec()),
            Just("ﬁ".as_bytes().to_vec()),
            Just("\u{200b}".as_bytes().to_vec()),
            Just(b"\xef\xbc".to_vec()),
            "[0-9a-fA-F]{1,3}".prop_map(String::into_bytes),
            "\\PC".prop_map(String::into_bytes),
            any::<u8>().prop_map(|b| vec![b]),
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn idempotent_and_spans_in_range(raw in hostile()) {
            let once = canonicalise(&raw);
            let twice = canonicalise(once.bytes());
            prop_assert_eq!(twice.bytes(), once.bytes());
            prop_assert_eq!(once.spans().len(), once.bytes().len());
            for span in once.spans() {
                prop_assert!(span.start < span.end && span.end as usize <= raw.len());
            }
            let mut fast = Canonical::default();
            fast.set_without_spans(&raw);
            prop_assert_eq!(fast.bytes(), once.bytes());
            prop_assert_eq!(fast.steps(), once.steps());
        }
    }
}
