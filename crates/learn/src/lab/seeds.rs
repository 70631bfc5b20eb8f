//! What attacks begin with, from our own generators: no shared data is needed. Plain texts, each with its family.

use super::operator::Family;
use crate::generate::mail::{Generator, Half};
use crate::generate::{Random, url, web};

/// One text to rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Which operators keep its meaning.
    pub family: Family,
    /// Plain text.
    pub text: String,
}

/// Shares of the families among web seeds.
const WEB: [(&str, Family, usize); 4] =
    [("sqli", Family::Sql, 60), ("xss", Family::Html, 20), ("cmdi", Family::Shell, 10), ("path-traversal", Family::Path, 10)];

/// The family of a class as tables name it.
pub fn family_of(class: &str) -> Option<Family> {
    match class {
        "sqli" | "sql" => Some(Family::Sql),
        "xss" | "html" => Some(Family::Html),
        "cmdi" | "shell" => Some(Family::Shell),
        "path-traversal" | "lfi" | "path" => Some(Family::Path),
        _ => None,
    }
}

/// Hostile values of web requests.
pub fn web(seed: u64, count: usize) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (at, (rule, family, share)) in WEB.iter().enumerate() {
        let texts = web::plain_attacks(rule, seed.wrapping_mul(977).wrapping_add(at as u64) ^ 0x1AB, 4 * count);
        let kept = texts.into_iter().filter(|text| !text.contains('%') && (6..=2_000).contains(&text.len()) && plausible(*family, text));
        seeds.extend(kept.take((count * share).div_ceil(100)).map(|text| Seed { family: *family, text }));
    }
    seeds.truncate(count);
    seeds
}

/// Ordinary values of web requests.
pub fn web_benign(seed: u64, count: usize) -> Vec<String> {
    web::benign(seed ^ 0xBE9, count).into_iter().map(|row| row.payload).collect()
}

/// Lures and, beside them, their honest twins.
pub fn mail(seed: u64, count: usize) -> (Vec<Seed>, Vec<String>) {
    let generator = Generator::new(Half::All);
    let mut random = Random::new(seed ^ 0x3A11);
    let pairs: Vec<_> = (0..count).map(|_| generator.pair(&mut random)).collect();
    (
        pairs.iter().map(|(lure, _)| Seed { family: Family::Mail, text: lure.text() }).collect(),
        pairs.iter().map(|(_, twin)| twin.text()).collect(),
    )
}

/// Ordinary mail.
pub fn small_talk(seed: u64, count: usize) -> Vec<String> {
    let generator = Generator::new(Half::All);
    let mut random = Random::new(seed ^ 0x7A1C);
    (0..count).map(|_| generator.small_talk(&mut random).text()).collect()
}

/// Made-up addresses of phishing pages, and honest ones.
pub fn url(seed: u64, count: usize) -> (Vec<Seed>, Vec<String>) {
    let mut random = Random::new(seed ^ 0x0421);
    let bad = (0..count).map(|_| Seed { family: Family::Url, text: url::key(true, false, &mut random) }).collect();
    (bad, (0..count).map(|_| url::key(false, false, &mut random)).collect())
}

/// A text that the re-check can follow: it has what makes its family.
fn plausible(family: Family, text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    match family {
        Family::Sql => {
            let compares =
                [" or ", " and ", "||", "&&"].iter().any(|sign| lower.contains(sign)) && (lower.contains('=') || lower.contains(" like "));
            let reads = lower.contains("select ") && (lower.contains("union") || lower.contains(" from "));
            compares
                || reads
                || ["waitfor delay", "; drop ", ";drop ", "' and sleep(", " or sleep(", "exec xp_"].iter().any(|sign| lower.contains(sign))
        }
        Family::Html => lower.contains('<') || lower.contains("javascript:"),
        Family::Path => lower.contains("../"),
        _ => true,
    }
}
