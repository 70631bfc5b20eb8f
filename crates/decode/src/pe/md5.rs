//! MD5 (RFC 1321), for the import hash alone: other tools name files by it. It proves nothing about integrity.

const SHIFTS: [u32; 16] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((bytes.len() as u64).wrapping_mul(8).to_le_bytes());
    let (blocks, _) = padded.as_chunks::<64>();
    for block in blocks {
        let word = |n: usize| u32::from_le_bytes([block[n * 4], block[n * 4 + 1], block[n * 4 + 2], block[n * 4 + 3]]);
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64_usize {
            let (mix, n) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            // Constants are the sines of the step's number.
            let sine = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mix).wrapping_add(sine).wrapping_add(word(n));
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[i / 16 * 4 + i % 4]));
        }
        for (held, new) in state.iter_mut().zip([a, b, c, d]) {
            *held = held.wrapping_add(new);
        }
    }
    let mut out = [0; 16];
    for (n, word) in state.iter().enumerate() {
        out[n * 4..n * 4 + 4].copy_from_slice(&word.to_le_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_vectors_of_the_rfc() {
        for (text, hash) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a"),
        ] {
            assert_eq!(crate::pe::hex(&super::md5(text.as_bytes())), hash);
        }
    }
}
