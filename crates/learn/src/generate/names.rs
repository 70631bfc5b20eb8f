//! Names as programs make them that look for their controller: families of random letters and families of joined words.
//!
//! Families: letters drawn alike from whole and partial alphabets, by linear congruential generators, from hashes of a date, hex and base32,
//! syllables, words with letters exchanged; words joined by two, three, with hyphens, until a length, cut. Same seed, same names.
//! Method:     kinds of generators after Plohmann et al. 2016 ("A comprehensive measurement study of domain generating malware"); no list
//!             of a real family and no word of one was read for it.

use super::Random;

const WORDS: &str = include_str!("../../../../content/generators/names/words.txt");
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const ALNUM: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const CONSONANTS: &[u8] = b"bcdfghjklmnpqrstvwxz";
const VOWELS: &[u8] = b"aeiouy";

/// One made name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its registered label.
    pub label: String,
    /// Its family.
    pub family: &'static str,
}

impl Made {
    /// Whether its family joins words.
    pub fn is_words(&self) -> bool {
        is_words(self.family)
    }
}

/// Whether a family of that name joins words.
pub fn is_words(family: &str) -> bool {
    family.starts_with("words")
}

type Maker = fn(&[&str], &mut Random) -> String;

/// Every family.
const FAMILIES: &[(&str, Maker)] = &[
    ("letters short", |_, r| drawn(LETTERS, 7, 12, r)),
    ("letters middle", |_, r| drawn(LETTERS, 8, 16, r)),
    ("letters long", |_, r| drawn(LETTERS, 12, 28, r)),
    ("letters and digits", |_, r| drawn(ALNUM, 8, 16, r)),
    ("letters and digits long", |_, r| drawn(ALNUM, 16, 32, r)),
    ("hex", |_, r| drawn(b"0123456789abcdef", 8, 32, r)),
    ("base32", |_, r| drawn(b"abcdefghijklmnopqrstuvwxyz234567", 10, 26, r)),
    ("part of the alphabet", part_of_the_alphabet),
    ("congruential", congruential),
    ("date hash", date_hash),
    ("syllables", syllables),
    ("consonant and vowel", |_, r| (0..r.between(4, 8)).flat_map(|_| [one(CONSONANTS, r), one(VOWELS, r)]).collect()),
    ("exchanged letters", exchanged),
    ("words two", |w, r| joined(w, 2, "", r)),
    ("words three", |w, r| joined(w, 3, "", r)),
    ("words hyphen", |w, r| {
        let count = r.between(2, 3);
        joined(w, count, "-", r)
    }),
    ("words to a length", |w, r| to_length(w, 12, 30, r)),
    ("words cut", |w, r| {
        let mut name = to_length(w, 12, 28, r);
        name.truncate(r.between(11, 24));
        name
    }),
    ("words and digits", |w, r| format!("{}{}", joined(w, 2, "", r), r.between(10, 9_999))),
];

/// `each` names of every family.
pub fn rows(seed: u64, each: usize) -> Vec<Made> {
    let words = words();
    let mut all = Vec::with_capacity(each * FAMILIES.len());
    for (at, (family, make)) in FAMILIES.iter().enumerate() {
        let mut random = Random::new(seed ^ (at as u64 + 1).wrapping_mul(0x51AB_7E55_0C3D_9E11));
        // A family of words knows a part of them, as a real one carries its own list.
        let mut own = words.clone();
        random.shuffle(&mut own);
        own.truncate(words.len() / 3);
        all.extend((0..each).map(|_| Made { label: make(&own, &mut random), family }));
    }
    all
}

/// Honest names made of one or two words, for tests.
#[cfg(test)]
pub(crate) fn honest(seed: u64, count: usize) -> Vec<String> {
    let (words, mut random) = (words(), Random::new(seed));
    (0..count)
        .map(|_| {
            let tail = if random.one_in(2) { random.pick(&words) } else { "" };
            format!("{}{tail}", random.pick(&words))
        })
        .collect()
}

fn words() -> Vec<&'static str> {
    WORDS.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect()
}

fn one(from: &[u8], random: &mut Random) -> char {
    char::from(from[random.below(from.len())])
}

fn drawn(from: &[u8], least: usize, most: usize, random: &mut Random) -> String {
    (0..random.between(least, most)).map(|_| one(from, random)).collect()
}

/// A few letters only: what a modulus that is too small leaves.
fn part_of_the_alphabet(_: &[&str], random: &mut Random) -> String {
    // The same alphabet for some hundred names: the seed of a week.
    let mut week = Random::new(random.below(40) as u64 + 77);
    let mut letters = LETTERS.to_vec();
    week.shuffle(&mut letters);
    letters.truncate(week.between(12, 20));
    let least = week.between(8, 13);
    drawn(&letters, least, least + week.between(0, 6), random)
}

/// `x = a x + c` modulo 2^31, a letter from the upper bits of each, as in many a kit; the length from the first.
fn congruential(_: &[&str], random: &mut Random) -> String {
    let mut state = random.bits() as u32 & 0x7FFF_FFFF;
    let mut next = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7FFF_FFFF;
        state >> 8
    };
    let length = 9 + next() % 8;
    (0..length).map(|_| char::from(LETTERS[(next() % 25) as usize])).collect()
}

/// Letters from the bytes of a hash over a date and a counter.
fn date_hash(_: &[&str], random: &mut Random) -> String {
    let (day, count) = (random.below(4_000) as u64, random.below(1_000) as u64);
    let mut hash = Random::new(day << 20 | count);
    let length = 11 + (hash.bits() % 5) as usize;
    (0..length).map(|_| char::from(b'a' + (hash.bits() % 26) as u8)).collect()
}

fn syllables(_: &[&str], random: &mut Random) -> String {
    const SHAPES: [&str; 4] = ["cv", "cvc", "vc", "cvv"];
    let mut name = String::new();
    for _ in 0..random.between(3, 6) {
        for kind in random.pick(&SHAPES).bytes() {
            name.push(one(if kind == b'c' { CONSONANTS } else { VOWELS }, random));
        }
    }
    name.truncate(random.between(8, 16));
    name
}

fn exchanged(words: &[&str], random: &mut Random) -> String {
    let count = random.between(1, 2);
    let mut letters = joined(words, count, "", random).into_bytes();
    for _ in 0..random.between(2, 4) {
        let at = random.below(letters.len());
        letters[at] = LETTERS[random.below(26)];
    }
    letters.into_iter().map(char::from).collect()
}

fn joined(words: &[&str], count: usize, with: &str, random: &mut Random) -> String {
    (0..count).map(|_| random.pick(words)).collect::<Vec<_>>().join(with)
}

fn to_length(words: &[&str], least: usize, most: usize, random: &mut Random) -> String {
    let length = random.between(least, most);
    let mut name = String::new();
    while name.len() < length {
        name.push_str(random.pick(words));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_names_and_every_name_is_a_label() {
        assert!(words().len() > 3_000 && words().iter().all(|w| w.bytes().all(|b| b.is_ascii_lowercase())));
        let all = rows(1, 50);
        assert_eq!(all, rows(1, 50));
        assert_ne!(all, rows(2, 50));
        for made in &all {
            assert!((4..=63).contains(&made.label.len()), "{made:?}");
            assert_eq!(crate::names::label(&format!("{}.example", made.label)).as_deref(), Some(made.label.as_str()), "{made:?}");
        }
        assert!(all.iter().filter(|made| made.is_words()).count() >= 300);
    }
}
