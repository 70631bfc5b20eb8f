//! Changed inputs, the same for the same seed: a small stand-in for a fuzzer, for every test run.

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 for an empty range.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }
}

/// Bytes that formats give a meaning to: signs, brackets, ends, and numbers at the edge of their types.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"<",
    b">",
    b":",
    b"=",
    b",",
    b";",
    b"%",
    b"%u",
    b"&",
    b"--",
    b"-",
    b"0",
    b"1e999",
    b"-1",
    b"99999999999999999999",
    b"\xc3",
    b"\xf0\x9f",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"null",
    b"true",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"\xff\xff\xff\x7f",
    b"*",
    b"${",
    b"|",
    b"\t",
    b" ",
];
/// What is repeated to nest deeply or to be long.
const NESTS: &[&[u8]] = &[b"[", b"{\"a\":", b"(", b"<a>", b"not ", b"- ", b"a", b"\0", b"%25", b"<<", b"[[", b"${", b"(?:", b"\n "];
const LONG_MAX: usize = 4_000;

/// Changes one of `seeds` a few times; at most `bytes_max` long.
pub fn changed(seeds: &[Vec<u8>], random: &mut Random, bytes_max: usize) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(6) {
        once(&mut bytes, seeds, random);
    }
    bytes.truncate(bytes_max);
    bytes
}

fn once(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = at + random.below((bytes.len() - at).min(64) + 1);
    match random.below(12) {
        0 => drop(bytes.drain(at..end)),
        1 => bytes.truncate(at),
        2 => drop(bytes.splice(at..at, [random.number() as u8])),
        3 | 4 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        5 if at < bytes.len() => bytes[at] = random.number() as u8,
        // A number of two, four or eight bytes, at or beside an edge.
        6 => {
            let edges = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX >> 1, u64::MAX, bytes.len() as u64];
            let number = edges[random.below(edges.len())].wrapping_add(random.below(3) as u64).wrapping_sub(1);
            let size = 1 << random.below(4);
            let encoded =
                if random.below(2) == 0 { number.to_le_bytes()[..size].to_vec() } else { number.to_be_bytes()[8 - size..].to_vec() };
            let to = (at + size).min(bytes.len());
            bytes.splice(at..to, encoded);
        }
        7 => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        8 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            let to = from + random.below(other.len() - from + 1);
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        9 => {
            let nest = NESTS[random.below(NESTS.len())].repeat(1 + random.below(LONG_MAX));
            bytes.splice(at..at, nest);
        }
        _ => {
            let token = TOKENS[random.below(TOKENS.len())];
            bytes.splice(at..end.min(at + random.below(4)), token.iter().copied());
        }
    }
}
