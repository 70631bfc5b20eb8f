//! How likely each letter of a name is after the two before it: a table over honest names, smoothed towards shorter contexts
//! (Witten and Bell 1991).

/// a-z, 0-9, everything else, and the edge of the name.
const SIGNS: usize = 38;
const OTHER: usize = 36;
const EDGE: usize = 37;
/// Entries of the table.
pub(super) const ENTRIES: usize = SIGNS * SIGNS * SIGNS;
/// One unit of the table in bits.
const UNIT: f32 = 1.0 / 256.0;

/// Minus log2 of the third sign after the first two, in units.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Letters {
    pub(super) table: Vec<u16>,
}

fn sign(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => usize::from(byte - b'a'),
        b'0'..=b'9' => usize::from(byte - b'0') + 26,
        _ => OTHER,
    }
}

fn each(label: &[u8], mut with: impl FnMut(usize, usize, usize)) {
    let (mut a, mut b) = (EDGE, EDGE);
    for c in label.iter().map(|&byte| sign(byte)).chain(std::iter::once(EDGE)) {
        with(a, b, c);
        (a, b) = (b, c);
    }
}

impl Letters {
    /// From honest labels.
    pub(super) fn fit<'a>(labels: impl Iterator<Item = &'a str>) -> Letters {
        let mut three = vec![0u32; ENTRIES];
        let mut two = vec![0u32; SIGNS * SIGNS];
        let mut one = vec![0u32; SIGNS];
        for label in labels {
            each(label.as_bytes(), |a, b, c| {
                three[(a * SIGNS + b) * SIGNS + c] += 1;
                two[b * SIGNS + c] += 1;
                one[c] += 1;
            });
        }
        let smooth = |counts: &[u32], below: &dyn Fn(usize) -> f32| -> Vec<f32> {
            let all: u32 = counts.iter().sum();
            let kinds = counts.iter().filter(|&&count| count > 0).count() as f32;
            let total = all as f32 + kinds;
            (0..SIGNS).map(|c| if all == 0 { below(c) } else { (counts[c] as f32 + kinds * below(c)) / total }).collect()
        };
        let first = smooth(&one, &|_| 1.0 / SIGNS as f32);
        let second: Vec<Vec<f32>> = (0..SIGNS).map(|b| smooth(&two[b * SIGNS..][..SIGNS], &|c| first[c])).collect();
        let table = (0..SIGNS * SIGNS)
            .flat_map(|ab| smooth(&three[ab * SIGNS..][..SIGNS], &|c| second[ab % SIGNS][c]))
            .map(|p| (-p.max(1e-12).log2() / UNIT).round().min(f32::from(u16::MAX)) as u16)
            .collect();
        Letters { table }
    }

    /// log2 of each letter, and of the end.
    pub(super) fn of(&self, label: &[u8]) -> Vec<f32> {
        let mut out = Vec::with_capacity(label.len() + 1);
        each(label, |a, b, c| out.push(-f32::from(self.table[(a * SIGNS + b) * SIGNS + c]) * UNIT));
        out
    }
}
