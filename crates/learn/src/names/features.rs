//! What a name model reads, and which part of a name is judged.

use super::heads::Heads;
use super::letters::Letters;
use crate::features::{Feature, Forge, feature};

/// Longest label, as in RFC 1035.
const LABEL_BYTES_MAX: usize = 63;
/// Suffixes below which anybody gets a name at once: there the name below the suffix is judged, as below `com`. Elsewhere below a suffix of
/// a company (content networks, clouds) names are made by programs for good reasons.
const GIVEN_AWAY: [&str; 16] = [
    "ddns.net",
    "duckdns.org",
    "dyndns.org",
    "dynu.net",
    "freeddns.org",
    "hopto.org",
    "mooo.com",
    "myftp.org",
    "no-ip.biz",
    "no-ip.info",
    "no-ip.org",
    "servebeer.com",
    "servehttp.com",
    "sytes.net",
    "yi.org",
    "zapto.org",
];

/// The features in order.
pub const FEATURES: &[Feature] = &[
    feature("length", "letters", Forge::Some),
    feature("likelihood", "mean log2 of a letter after the two before it", Forge::Hard),
    feature("likelihood_sum", "log2 of the whole name", Forge::Hard),
    feature("likelihood_worst", "mean log2 of the worst 5 letters in a row", Forge::Hard),
    feature("likelihood_best", "mean log2 of the best 5 letters in a row", Forge::Hard),
    feature("likelihood_low", "mean log2 of the least likely quarter", Forge::Hard),
    feature("vowels", "share of letters", Forge::Some),
    feature("digits", "share of letters", Forge::Some),
    feature("consonant_run", "letters", Forge::Some),
    feature("alternations", "changes between letters and digits", Forge::Some),
    feature("entropy", "bits a letter", Forge::Some),
    feature("hyphens", "signs", Forge::Free),
    feature("random_letters", "logit of runs of 2-4 letters", Forge::Hard),
    feature("joined_words", "logit of runs of 2-4 letters", Forge::Hard),
];

/// The label that somebody registered, in small letters: `example` of `www.Example.co.uk`. `None` for addresses, single labels, names in
/// another script (`xn--`) and names below the local ends.
pub fn label(name: &str) -> Option<String> {
    let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
    if name.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b':') || name.ends_with(".arpa") || name.ends_with(".local") {
        return None;
    }
    let mut suffix = psl::suffix(name.as_bytes())?;
    while suffix.typ() == Some(psl::Type::Private) && !GIVEN_AWAY.iter().any(|given| given.as_bytes() == suffix.as_bytes()) {
        let at = suffix.as_bytes().iter().position(|&b| b == b'.')?;
        let parent = name.get(name.len() - suffix.as_bytes().len() + at + 1..)?;
        suffix = psl::suffix(parent.as_bytes())?;
    }
    let below = name.get(..name.len().checked_sub(suffix.as_bytes().len())?)?.strip_suffix('.')?;
    let label = below.rsplit('.').next()?;
    let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    (plain && !label.is_empty() && label.len() <= LABEL_BYTES_MAX && !label.starts_with("xn--")).then(|| label.to_owned())
}

/// Bits a letter.
pub fn entropy(label: &str) -> f32 {
    let mut counts = [0u32; 256];
    label.bytes().for_each(|b| counts[usize::from(b)] += 1);
    let n = label.len().max(1) as f32;
    counts.iter().filter(|&&count| count > 0).map(|&count| count as f32 / n).map(|p| -p * p.log2()).sum()
}

pub(super) fn values(label: &str, letters: &Letters, heads: &Heads) -> Vec<f32> {
    let label = label.get(..label.len().min(LABEL_BYTES_MAX)).unwrap_or_default();
    let bytes = label.as_bytes();
    let likely = letters.of(bytes);
    let mean = |of: &[f32]| of.iter().sum::<f32>() / of.len().max(1) as f32;
    let runs = || likely.windows(5.min(likely.len()).max(1)).map(mean);
    let mut sorted = likely.clone();
    sorted.sort_by(f32::total_cmp);
    let share = |of: fn(u8) -> bool| bytes.iter().filter(|&&b| of(b)).count() as f32 / bytes.len().max(1) as f32;
    let consonant = |b: u8| b.is_ascii_alphabetic() && !b"aeiouy".contains(&b);
    let (mut run, mut longest) = (0u32, 0u32);
    for &b in bytes {
        run = if consonant(b) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let turns = bytes.windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    let [random, words] = heads.logits(bytes);
    vec![
        bytes.len() as f32,
        mean(&likely),
        likely.iter().sum(),
        runs().fold(0.0, f32::min),
        runs().fold(f32::MIN, f32::max),
        mean(&sorted[..(sorted.len() / 4).max(1).min(sorted.len())]),
        share(|b| b"aeiou".contains(&b)),
        share(|b| b.is_ascii_digit()),
        longest as f32,
        turns as f32,
        entropy(label),
        bytes.iter().filter(|&&b| b == b'-').count() as f32,
        random,
        words,
    ]
}
