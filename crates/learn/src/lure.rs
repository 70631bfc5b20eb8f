//! A linear model over hashed features with several answers ("heads") at once: the intents of a mail, the spelling of a URL.
//!
//! Mail:       words, beginnings of words, their pairs and triples, and what they mean ([`meaning`]); for each head the segment of [`SEGMENT_MIN`]..=[`SEGMENT_MAX`] words with
//!             the largest sum counts, so that words before or after it change nothing: adding text never lowers a head (test).
//! URL:        character 3-5-grams of the whole key.
//! Cost:       linear; one cache line a feature.

use words::mix;

mod file;
pub mod mail;
pub mod meaning;
mod train;
pub mod url;
pub mod words;

pub use file::HeadsError;
pub(crate) use train::Row as TrainRow;
pub use words::{View, Words};

/// Buckets of the weight table, as a power of two.
pub const BITS: u32 = 16;
/// Most heads of a model.
pub const HEADS_MAX: usize = 16;
/// Shortest and longest stretch of words that is judged as one.
pub const SEGMENT_MIN: usize = 12;
pub const SEGMENT_MAX: usize = 60;
const MASK: usize = (1 << BITS) - 1;

/// What mails are asked about, in the order of the heads; the last two are not intents.
pub const INTENTS: [&str; 16] = [
    "credentials",
    "payment_change",
    "gift_card",
    "payroll_change",
    "code",
    "download",
    "call_number",
    "move_channel",
    "secrecy",
    "urgency",
    "threat",
    "authority",
    "reward",
    "pretext",
    "spam",
    "lure",
];
/// Intents that ask for something, as against how it is pressed.
pub const ASKS: [&str; 8] =
    ["credentials", "payment_change", "gift_card", "payroll_change", "code", "download", "call_number", "move_channel"];
/// Head that says: this asks for something that harms.
pub const LURE: usize = 15;
pub const SPAM: usize = 14;

/// A loaded model. Immutable.
#[derive(Clone, Debug, PartialEq)]
pub struct Heads {
    pub name: String,
    pub version: String,
    /// Names of the heads, at most [`HEADS_MAX`].
    pub heads: Vec<String>,
    /// Logit of a head without evidence.
    pub bias: Vec<f32>,
    /// Logit from which a head counts; set on held-back rows.
    pub threshold: Vec<f32>,
    /// One unit of the weights in logits.
    pub unit: f32,
    /// Languages it was trained on, ISO 639-1.
    pub languages: Vec<String>,
    /// `1 << BITS` times the number of heads.
    pub(crate) weights: Vec<i8>,
}

/// The worst stretch of words for one head.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Worst {
    pub logit: f32,
    /// Range of words.
    pub from: usize,
    pub to: usize,
}

impl Heads {
    /// For each head its worst segment. An empty text has the bias.
    pub fn worst(&self, prose: &Words) -> Vec<Worst> {
        let heads = self.heads.len();
        let words = prose.words.len();
        // Running sums, head by head.
        let mut sums = vec![0_i32; (words + 1) * heads];
        for at in 0..words {
            let (before, after) = sums.split_at_mut((at + 1) * heads);
            let row = &mut after[..heads];
            row.copy_from_slice(&before[at * heads..]);
            word_features(prose, at, |bucket| {
                let weights = &self.weights[bucket * heads..(bucket + 1) * heads];
                row.iter_mut().zip(weights).for_each(|(sum, &weight)| *sum += i32::from(weight));
            });
        }
        (0..heads).map(|head| self.worst_of(head, &sums, words)).collect()
    }

    fn worst_of(&self, head: usize, sums: &[i32], words: usize) -> Worst {
        let heads = self.heads.len();
        let sum = |at: usize| sums[at * heads + head];
        let logit = |gain: i32| self.bias[head] + gain as f32 * self.unit;
        if words <= SEGMENT_MIN {
            return Worst { logit: logit(sum(words)), from: 0, to: words };
        }
        let mut best = Worst { logit: f32::MIN, ..Worst::default() };
        // Least running sum in the window of allowed beginnings (sliding minimum).
        let mut least: std::collections::VecDeque<usize> = std::collections::VecDeque::with_capacity(SEGMENT_MAX);
        for end in SEGMENT_MIN..=words {
            let begin = end - SEGMENT_MIN;
            while least.back().is_some_and(|&at| sum(at) >= sum(begin)) {
                least.pop_back();
            }
            least.push_back(begin);
            while least.front().is_some_and(|&at| at + SEGMENT_MAX < end) {
                least.pop_front();
            }
            let from = least.front().copied().unwrap_or(begin);
            let value = logit(sum(end) - sum(from));
            if value > best.logit {
                best = Worst { logit: value, from, to: end };
            }
        }
        best
    }

    /// Words of a segment that push a head most: index of the word and logits, strongest first.
    pub fn strongest(&self, prose: &Words, head: usize, worst: Worst, most: usize) -> Vec<(usize, f32)> {
        let heads = self.heads.len();
        let mut pushes: Vec<(usize, f32)> = (worst.from..worst.to.min(prose.words.len()))
            .map(|at| {
                let mut push = 0;
                word_features(prose, at, |bucket| push += i32::from(self.weights[bucket * heads + head]));
                (at, push as f32 * self.unit)
            })
            .collect();
        pushes.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        pushes.truncate(most);
        pushes
    }

    /// Logit of the first head for a whole short string, such as the key of a URL.
    pub fn spelling(&self, text: &str) -> f32 {
        let heads = self.heads.len();
        let mut sum = 0;
        char_features(text, |bucket| sum += i32::from(self.weights[bucket * heads]));
        self.bias[0] + sum as f32 * self.unit
    }
}

/// Buckets of the features that end with word `at`.
pub(crate) fn word_features(prose: &Words, at: usize, mut each: impl FnMut(usize)) {
    meaning_features(prose, at, &mut each);
    spelled_features(prose, at, each);
}

/// What the word means, apart from which word it is; and that it is a word, so that plain words weigh against.
pub(crate) fn meaning_features(prose: &Words, at: usize, mut each: impl FnMut(usize)) {
    each(mix(0xA11) as usize & MASK);
    meaning::features(&prose.words, at, |feature| each(feature as usize & MASK));
}

/// The word itself, its beginning, and the words before it.
fn spelled_features(prose: &Words, at: usize, mut each: impl FnMut(usize)) {
    let words = &prose.words;
    let word = words[at];
    each(word.whole as usize & MASK);
    each(mix(word.stem) as usize & MASK);
    if at >= 1 {
        let pair = words[at - 1].stem.rotate_left(17) ^ word.stem;
        each(mix(pair) as usize & MASK);
        if at >= 2 {
            each(mix(words[at - 2].stem.rotate_left(34) ^ word.stem ^ 0x51) as usize & MASK);
            each(mix(words[at - 2].stem.rotate_left(34) ^ pair) as usize & MASK);
        }
    }
}

/// Buckets of the 3-, 4- and 5-grams of a string, digits as one.
pub(crate) fn char_features(text: &str, mut each: impl FnMut(usize)) {
    let fold = |b: u8| if b.is_ascii_digit() { b'0' } else { b.to_ascii_lowercase() };
    let bytes = text.as_bytes();
    let mut last = [0_u8; 5];
    for &byte in [b'^'].iter().chain(bytes.iter().take(256)).chain([b'$'].iter()) {
        last.rotate_left(1);
        last[4] = fold(byte);
        for length in 3..=5 {
            let gram = &last[5 - length..];
            if gram[0] != 0 {
                let state =
                    gram.iter().fold(length as u64, |state, &b| (state ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3).rotate_left(5));
                each(mix(state) as usize & MASK);
            }
        }
    }
}

/// The files of a model's folder without its signature.
fn folder(model: &Heads, card: &crate::card::Card, features: &crate::card::Features) -> crate::sign::Folder {
    let mut folder = crate::sign::Folder::new();
    let files = [
        ("model.bin", model.to_bytes()),
        ("card.json", card.to_bytes()),
        ("features.json", crate::card::json_bytes(features)),
        ("datasheet.json", crate::card::json_bytes(&card.sources)),
        ("thresholds.json", crate::card::json_bytes(&card.thresholds)),
    ];
    for (name, bytes) in files {
        folder.insert(name, bytes).expect("invariant: plain names");
    }
    folder
}

#[cfg(test)]
mod tests;
