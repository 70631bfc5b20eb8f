//! The features of a text model: which buckets a canonical text touches, position by position.
//!
//! Families (named on the card): `char2`..`char5` end at a byte; `token1`..`token3` and `class3`..`class5` end at a token.
//! A token is a run of word characters or one sign; its class is `w`, `0` or the sign itself. Everything is emitted at the byte
//! where it is complete, never by looking ahead, which is what makes the score monotone under appending. A word is complete when
//! the byte after it arrives; a word at the very end counts through its characters.

use super::BUCKET_BITS;

/// Names of the gram families, for the card and `features.json`.
pub(crate) const FAMILIES: [&str; 10] = ["char2", "char3", "char4", "char5", "token1", "token2", "token3", "class3", "class4", "class5"];

/// Changes whenever the same text would touch other buckets: part of the features' hash.
pub(crate) const SCHEME: &str = "fibonacci/1";

/// Bucket mask.
pub(crate) const MASK: usize = (1 << BUCKET_BITS) - 1;

/// Most grams that end at one position.
const GRAMS_MAX: usize = 16;

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline]
fn bucket(family: u64, key: u64) -> u32 {
    // Fibonacci hashing: the top bits of the product depend on every bit of the key.
    ((key ^ (family << 56)).wrapping_mul(MULTIPLIER) >> (64 - BUCKET_BITS)) as u32
}

/// Byte classes: 0 space, 1 word character, 2 sign.
const CLASS: [u8; 256] = {
    let mut table = [2u8; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80 {
            table[byte] = 1;
        }
        if b == b' ' || b == b'\n' {
            table[byte] = 0;
        }
        byte += 1;
    }
    table
};

/// Calls `see(position, buckets)` once for each byte of `canonical`, in order.
#[inline]
pub(crate) fn for_each_position(canonical: &[u8], mut see: impl FnMut(usize, &[u32])) {
    let mut bytes = 0u64; // the last eight bytes, newest lowest
    let mut word = 0u64; // hash of the running word, 0 when outside
    let mut tokens = [0u64; 3]; // hashes of the last finished tokens, newest first
    let mut classes = 0u64; // classes of the last tokens that began, newest lowest
    let mut same = 0u32; // repeats of the byte before
    let mut buckets = [0u32; GRAMS_MAX];
    for (at, &raw) in canonical.iter().enumerate() {
        // Writing beyond ASCII is one letter to the model: it never saw enough of any script to weigh single characters.
        let byte = if raw >= 0x80 { 0x80 } else { raw };
        same = if at > 0 && bytes as u8 == byte { same + 1 } else { 0 };
        let mut count = 0;
        bytes = bytes << 8 | u64::from(byte);
        // From the fourth equal byte on nothing is added: rulers like `-----` are no growing evidence.
        if same < 3 {
            if at >= 1 {
                buckets[0] = bucket(1, bytes & 0xFFFF);
                count = 1;
            }
            if at >= 2 {
                buckets[1] = bucket(2, bytes & 0xFF_FFFF);
                count = 2;
            }
            if at >= 3 {
                buckets[2] = bucket(3, bytes & 0xFFFF_FFFF);
                count = 3;
            }
            if at >= 4 {
                buckets[3] = bucket(4, bytes & 0xFF_FFFF_FFFF);
                count = 4;
            }
        }
        let class = CLASS[byte as usize];
        if class == 1 {
            if word == 0 {
                let kind = if byte.is_ascii_digit() {
                    b'0'
                } else if byte == 0x80 {
                    b'u'
                } else {
                    b'w'
                };
                count = push_classes(&mut classes, kind, &mut buckets, count);
            }
            word = (word ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3).wrapping_add(1);
        } else {
            if word != 0 {
                count = push_token(&mut tokens, word, &mut buckets, count);
                word = 0;
            }
            if class == 2 && same < 3 {
                count = push_token(&mut tokens, u64::from(byte), &mut buckets, count);
                count = push_classes(&mut classes, byte, &mut buckets, count);
            }
        }
        see(at, &buckets[..count]);
    }
}

#[inline]
fn push_token(tokens: &mut [u64; 3], token: u64, buckets: &mut [u32; GRAMS_MAX], count: usize) -> usize {
    *tokens = [token, tokens[0], tokens[1]];
    let two = token.wrapping_mul(31).wrapping_add(tokens[1].rotate_left(17));
    let three = two.wrapping_mul(31).wrapping_add(tokens[2].rotate_left(34));
    buckets[count] = bucket(5, token);
    buckets[count + 1] = bucket(6, two);
    buckets[count + 2] = bucket(7, three);
    count + 3
}

#[inline]
fn push_classes(classes: &mut u64, class: u8, buckets: &mut [u32; GRAMS_MAX], count: usize) -> usize {
    *classes = *classes << 8 | u64::from(class);
    buckets[count] = bucket(8, *classes & 0xFF_FFFF);
    buckets[count + 1] = bucket(9, *classes & 0xFFFF_FFFF);
    buckets[count + 2] = bucket(10, *classes & 0xFF_FFFF_FFFF);
    count + 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appending_keeps_what_was_emitted() {
        let collect = |text: &str| {
            let mut all = Vec::new();
            for_each_position(text.as_bytes(), |at, buckets| all.push((at, buckets.to_vec())));
            all
        };
        let short = collect("' or 0=0 --");
        let long = collect("' or 0=0 -- and then some");
        assert_eq!(short[..], long[..short.len()]);
        assert!(long.iter().all(|(_, buckets)| buckets.len() <= GRAMS_MAX));
    }
}
