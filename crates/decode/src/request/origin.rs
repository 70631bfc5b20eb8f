//! From decoded bytes back to the raw ones: which raw bytes a match inside a decoded value stands for.

use std::ops::Range;

use super::urlencoded::digit;

/// The raw bytes within `raw` (the raw text of one value) that `matched` came from, after percent-decoding in any depth up to three and
/// without regard to case; all of `raw` when the value was transformed beyond that.
pub fn locate(raw: &[u8], matched: &[u8]) -> Range<usize> {
    if matched.is_empty() {
        return 0..raw.len();
    }
    // Each byte of `text` with the raw byte where it begins; the last one is the end.
    let mut text: Vec<u8> = raw.to_vec();
    let mut from: Vec<usize> = (0..=raw.len()).collect();
    for depth in 0..4 {
        if let Some(at) = text.windows(matched.len()).position(|w| same(w, matched)) {
            return from[at]..from[at + matched.len()];
        }
        if depth == 3 || !text.iter().any(|b| matches!(b, b'%' | b'+')) {
            break;
        }
        (text, from) = once(&text, &from);
    }
    0..raw.len()
}

/// Equal but for case, and for `+` against space.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.eq_ignore_ascii_case(b) || matches!((a, b), (b'+', b' ')))
}

fn once(text: &[u8], from: &[usize]) -> (Vec<u8>, Vec<usize>) {
    let (mut out, mut out_from) = (Vec::with_capacity(text.len()), Vec::with_capacity(from.len()));
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        out_from.push(from[at]);
        match (byte, text.get(at + 1).copied().and_then(digit), text.get(at + 2).copied().and_then(digit)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out_from.push(from[text.len()]);
    (out, out_from)
}
