//! Benign and hostile web values of our own, to fill the holes of the public data: free text, code, JSON, languages, real-looking
//! query strings on one side; rare attack classes and rewritten SQL and script injections on the other.
//!
//! Own work: no line is copied from a payload list or a rule set. Tables are grammars ([`super::grammar`]); [`mutate`] rewrites.

mod benign_code;
mod benign_prose;
mod benign_request;
mod mutate;
mod other_attack;
mod script_attack;
mod sql_attack;

use super::Random;
use super::grammar::Grammar;
use crate::train::{Label, Row};

/// Source name of generated rows.
pub const SOURCE: &str = "bartizan";

/// Benign families: rule (also the class of its rows), share.
pub const BENIGN: [(&str, usize); 26] = [
    ("name", 5),
    ("address", 3),
    ("prose", 10),
    ("sqlish_prose", 10),
    ("german", 4),
    ("spanish", 3),
    ("french", 3),
    ("other_language", 4),
    ("search", 9),
    ("email", 3),
    ("url", 6),
    ("query", 14),
    ("json", 7),
    ("xml", 2),
    ("graphql", 2),
    ("markdown", 4),
    ("code", 5),
    ("css", 2),
    ("token", 4),
    ("path", 5),
    ("quantity", 5),
    ("phone", 2),
    ("emoticon", 3),
    ("agent", 3),
    ("cookie", 5),
    ("filter", 4),
];

/// Attack families: rule (also the class of its rows), share.
pub const ATTACKS: [(&str, usize); 21] = [
    ("sqli", 26),
    ("xss", 14),
    ("cmdi", 12),
    ("path-traversal", 8),
    ("ssti", 7),
    ("ssrf", 6),
    ("xxe", 5),
    ("nosqli", 6),
    ("ldapi", 5),
    ("xpathi", 4),
    ("log4shell", 4),
    ("crlf", 4),
    ("ssi", 3),
    ("prototype", 3),
    ("php", 5),
    ("jsp", 3),
    ("deserialization", 3),
    ("rfi", 3),
    ("mail", 2),
    ("format", 1),
    ("shellshock", 2),
];

/// `count` benign rows; the class of each is its family.
pub fn benign(seed: u64, count: usize) -> Vec<Row> {
    let grammar = Grammar::new(&[benign_prose::RULES, benign_code::RULES, benign_request::RULES]);
    rows(&grammar, &BENIGN, Label::Benign, seed, count, mutate::ordinary_encoding)
}

/// `count` attack rows.
pub fn attacks(seed: u64, count: usize) -> Vec<Row> {
    let grammar = Grammar::new(&[sql_attack::RULES, script_attack::RULES, other_attack::RULES]);
    rows(&grammar, &ATTACKS, Label::Attack, seed, count, mutate::attack)
}

/// One rewriting step of the SQL rows that train.
pub(crate) fn training_step(text: &str, random: &mut Random) -> String {
    mutate::sql_step(text, random)
}

/// Letters large and small, as in the script rows that train.
pub(crate) fn mixed_case(text: &str, random: &mut Random) -> String {
    mutate::mixed_case(text, random)
}

/// `count` attacks as plain text, neither rewritten nor encoded, of one family.
pub(crate) fn plain_attacks(family: &str, seed: u64, count: usize) -> Vec<String> {
    let grammar = Grammar::new(&[sql_attack::RULES, script_attack::RULES, other_attack::RULES]);
    let mut random = Random::new(seed);
    (0..count).map(|_| grammar.text(family, &mut random)).collect()
}

fn rows(
    grammar: &Grammar,
    families: &[(&'static str, usize)],
    label: Label,
    seed: u64,
    count: usize,
    finish: fn(&str, &str, &mut Random) -> String,
) -> Vec<Row> {
    let mut random = Random::new(seed);
    let total: usize = families.iter().map(|family| family.1).sum();
    (0..count)
        .map(|_| {
            let mut at = random.below(total);
            let family = families
                .iter()
                .find(|family| {
                    let found = at < family.1;
                    at = at.saturating_sub(family.1);
                    found
                })
                .map_or("prose", |family| family.0);
            let text = grammar.text(family, &mut random);
            let payload = finish(&text, family, &mut random);
            let class = family.to_owned();
            Row { payload, label, class, source: SOURCE.into(), split: String::new(), batch: String::new(), time: String::new(), line: 0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_rows_and_no_hole_in_the_tables() {
        assert_eq!(benign(1, 500), benign(1, 500));
        assert_ne!(attacks(1, 50), attacks(2, 50));
        for tables in [
            Grammar::new(&[benign_prose::RULES, benign_code::RULES, benign_request::RULES]),
            Grammar::new(&[sql_attack::RULES, script_attack::RULES, other_attack::RULES]),
        ] {
            assert_eq!(tables.unknown(), Vec::<String>::new());
        }
        for rows in [benign(3, 3_000), attacks(3, 3_000)] {
            assert!(rows.iter().filter(|row| row.payload.trim().is_empty()).count() == 0);
        }
    }

    #[test]
    fn every_family_makes_rows() {
        let (benign, attacks) = (benign(5, 4_000), attacks(5, 4_000));
        for (family, _) in BENIGN {
            assert!(benign.iter().any(|row| row.class == family), "{family}");
        }
        for (family, _) in ATTACKS {
            assert!(attacks.iter().any(|row| row.class == family), "{family}");
        }
    }
}
