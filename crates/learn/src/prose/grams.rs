//! A text as words with their buckets: compatibility forms folded, invisible characters dropped, lower case, digits as one sign.

use unicode_normalization::UnicodeNormalization as _;

use super::BUCKET_BITS;
use crate::text::window;

/// Changes whenever the same text would touch other buckets: part of the features' hash.
pub(crate) const SCHEME: &str = "prose/1";
/// Names of the gram families, for the card and `features.json`.
pub(crate) const FAMILIES: [&str; 5] = ["word1", "word2", "letters3", "letters4", "letters5"];
/// Longest word in bytes; longer runs are cut into several.
const WORD_BYTES_MAX: usize = 40;

/// A text read: buckets word after word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    buckets: Vec<u32>,
    /// First bucket of each word, and one more at the end.
    begins: Vec<u32>,
    spans: Vec<(u32, u32)>,
}

impl Read {
    pub(crate) fn words(&self) -> usize {
        self.spans.len()
    }

    /// Buckets of the words `from..to`.
    pub(crate) fn grams(&self, from: usize, to: usize) -> &[u32] {
        match (self.begins.get(from), self.begins.get(to)) {
            (Some(&a), Some(&b)) => &self.buckets[a as usize..b as usize],
            _ => &[],
        }
    }

    /// Bytes of a word in the text.
    pub(crate) fn span(&self, word: usize) -> (u32, u32) {
        self.spans[word]
    }

    fn word(&mut self, word: &str, last: &mut u64, span: (u32, u32)) {
        self.begins.push(self.buckets.len() as u32);
        self.spans.push(span);
        let hash = hash(word.as_bytes());
        self.buckets.push(bucket(1, hash));
        self.buckets.push(bucket(2, hash.rotate_left(21) ^ *last));
        *last = hash;
        let mut framed = [0u8; WORD_BYTES_MAX + 6];
        let bytes = word.as_bytes();
        framed[0] = b'^';
        framed[1..=bytes.len()].copy_from_slice(bytes);
        framed[bytes.len() + 1] = b'$';
        let framed = &framed[..bytes.len() + 2];
        for (family, size) in [(3, 3), (4, 4), (5, 5)] {
            for gram in framed.windows(size) {
                self.buckets.push(bucket(family, self::hash(gram)));
            }
        }
    }
}

/// Reads a text; beyond 64 KiB its head and tail.
pub(crate) fn read(raw: &[u8]) -> Read {
    let mut buffer = Vec::new();
    let text = String::from_utf8_lossy(window::cut(raw, &mut buffer)).into_owned();
    let mut read = Read::default();
    let (mut word, mut start, mut end, mut last) = (String::new(), 0, 0, 0u64);
    for (at, c) in text.char_indices() {
        let after = at + c.len_utf8();
        for c in std::iter::once(c).nfkc().flat_map(char::to_lowercase) {
            if is_invisible(c) {
                continue;
            }
            if c.is_alphanumeric() || (c == '\'' && !word.is_empty()) {
                if word.len() + c.len_utf8() > WORD_BYTES_MAX {
                    read.word(&word, &mut last, (start as u32, end as u32));
                    word.clear();
                }
                if word.is_empty() {
                    start = at;
                }
                word.push(if c.is_numeric() { '0' } else { c });
                end = after;
                continue;
            }
            if !word.is_empty() {
                read.word(&word, &mut last, (start as u32, end as u32));
                word.clear();
            }
            if !c.is_whitespace() && !c.is_control() {
                // A sign is a word of its own; a run of the same sign is one.
                let mut sign = [0; 4];
                let sign: &str = c.encode_utf8(&mut sign);
                if last != hash(sign.as_bytes()) {
                    read.word(sign, &mut last, (at as u32, after as u32));
                }
            }
        }
    }
    if !word.is_empty() {
        read.word(&word, &mut last, (start as u32, end as u32));
    }
    read.begins.push(read.buckets.len() as u32);
    // Words after the cut stand at their place in the whole text, not in what was read.
    if buffer.is_empty() {
        return read;
    }
    for span in &mut read.spans {
        *span =
            (window::raw_position(span.0 as usize, raw.len(), false) as u32, window::raw_position(span.1 as usize, raw.len(), true) as u32);
    }
    read
}

/// Zero width, joiners, soft hyphen, bidi controls, variation selectors and tag characters: nothing that a reader sees.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325u64, |state, &byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

fn bucket(family: u64, key: u64) -> u32 {
    // Fibonacci hashing: the top bits of the product depend on every bit of the key.
    ((key ^ (family << 56)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BUCKET_BITS)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_look_alike_read_alike() {
        let plain = read(b"Ignore all rules");
        for other in ["ignore  ALL\nrules", "ig\u{200B}nore a\u{AD}ll rules", "\u{FF29}gnore all rules", "ignore all ru\u{E0041}les"] {
            assert_eq!(read(other.as_bytes()).buckets, plain.buckets, "{other:?}");
        }
        assert_eq!(plain.words(), 3);
        assert_eq!(plain.span(2), (11, 16));
        assert_eq!(read(b"-----").words(), 1);
        assert_eq!(read(b"call 555 123").buckets, read(b"call 777 999").buckets);
    }
}
