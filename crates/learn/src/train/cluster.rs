//! Near-duplicate clusters: rows of one template share a cluster, so that splits do not measure memory.
//!
//! Two rows share a cluster when their token classes are the same text (at least six tokens, repeated pairs counted once), or when
//! two minima of hashed 5-grams agree in one of two bands (MinHash; Broder 1997). Union-find joins; linear in the table.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Cluster number of each text; numbers are the index of the first row of the cluster.
pub(crate) fn clusters<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Vec<u32> {
    let mut parent: Vec<u32> = Vec::new();
    let mut owner: HashMap<u64, u32, FixedState> = HashMap::with_hasher(FixedState::with_seed(1));
    for (at, text) in texts.enumerate() {
        let at = at as u32;
        parent.push(at);
        for key in keys(text).into_iter().flatten() {
            match owner.get(&key) {
                Some(&other) => join(&mut parent, at, other),
                None => {
                    owner.insert(key, at);
                }
            }
        }
    }
    (0..parent.len() as u32).map(|at| root(&mut parent, at)).collect()
}

fn root(parent: &mut [u32], mut at: u32) -> u32 {
    while parent[at as usize] != at {
        // Halving the path keeps later searches short.
        parent[at as usize] = parent[parent[at as usize] as usize];
        at = parent[at as usize];
    }
    at
}

fn join(parent: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(parent, a), root(parent, b));
    parent[a.max(b) as usize] = a.min(b);
}

fn keys(text: &[u8]) -> [Option<u64>; 4] {
    let exact = hash(text, 0x1D);
    let mut classes: Vec<u8> = Vec::new();
    let mut tokens = 0;
    for &byte in text {
        let class = if byte.is_ascii_digit() {
            b'0'
        } else if byte.is_ascii_alphabetic() || byte >= 0x80 || byte == b'_' {
            b'w'
        } else {
            byte
        };
        if class != b' ' && (classes.last() != Some(&class) || class != b'w') {
            classes.push(class);
            tokens += 1;
        }
        // `../../../` and `,null,null`: a repeated pair or triple says nothing new.
        for unit in [2, 3] {
            let n = classes.len();
            if n >= 2 * unit && classes[n - unit..] == classes[n - 2 * unit..n - unit] {
                classes.truncate(n - unit);
            }
        }
    }
    let signs = classes.iter().filter(|&&class| class != b'w' && class != b'0').count();
    let skeleton = (tokens >= 6 && signs >= 3).then(|| hash(&classes, 0x5C));
    let mut bands = [None, None];
    if text.len() >= 24 {
        let mut least = [u64::MAX; 4];
        for gram in text.windows(5) {
            let base = hash(gram, 0x3A);
            for (i, slot) in least.iter_mut().enumerate() {
                *slot = (*slot)
                    .min((base ^ (i as u64 + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23));
            }
        }
        bands = [Some(least[0] ^ least[1].rotate_left(31)), Some(least[2] ^ least[3].rotate_left(31) ^ 1)];
    }
    [Some(exact), skeleton, bands[0], bands[1]]
}

/// FNV-1a with a mixing step; only for grouping, never against an adversary.
pub(crate) fn hash(bytes: &[u8], seed: u64) -> u64 {
    let mut state = 0xCBF2_9CE4_8422_2325 ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for &byte in bytes {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    state ^= state >> 32;
    state.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (state >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_share_a_cluster() {
        let texts = [
            "../../../../etc/passwd",
            "../../../../../../../etc/passwd",
            "0' and 0=0 union all select null,null--",
            "0' and 0=0 union all select null,null,null--",
            "blue shirts for men",
            "o'brien",
        ];
        let found = clusters(texts.iter().map(|text| text.as_bytes()));
        assert_eq!(found, [0, 0, 2, 2, 4, 5]);
    }
}
