//! Text from a grammar: named rules with alternatives, written as plain tables.
//!
//! `«rule»` in an alternative stands for one alternative of that rule; a rule's name may also be one of the built-in draws of
//! [`Grammar::expand`] (`«n»` a number, `«hex»`, `«base64»`, ..). Guillemets, because braces are what half of the values are made of.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::Random;

/// A rule: its name and its alternatives.
pub(crate) type Rule = (&'static str, &'static [&'static str]);

/// Deepest nesting of rules; deeper ones expand to nothing (a fault in a table, caught by its test).
const DEPTH_MAX: u32 = 12;
/// Longest text that one expansion makes, in bytes.
const TEXT_BYTES_MAX: usize = 4_096;

/// Rules by name.
pub(crate) struct Grammar {
    rules: HashMap<&'static str, &'static [&'static str], FixedState>,
}

impl Grammar {
    pub(crate) fn new(tables: &[&'static [Rule]]) -> Grammar {
        let mut rules = HashMap::with_hasher(FixedState::with_seed(5));
        rules.extend(tables.iter().flat_map(|table| table.iter().copied()));
        Grammar { rules }
    }

    /// One text of the rule.
    pub(crate) fn text(&self, rule: &str, random: &mut Random) -> String {
        let mut out = String::new();
        self.expand(rule, random, &mut out, 0);
        out
    }

    fn expand(&self, rule: &str, random: &mut Random, out: &mut String, depth: u32) {
        if depth > DEPTH_MAX || out.len() > TEXT_BYTES_MAX {
            return;
        }
        let Some(alternatives) = self.rules.get(rule) else { return draw(rule, random, out) };
        let mut rest = random.pick(alternatives);
        while let Some((before, after)) = rest.split_once('«') {
            out.push_str(before);
            let (name, after) = after.split_once('»').unwrap_or((after, ""));
            match name.strip_suffix('^') {
                // `«word^»`: capitalised.
                Some(name) => {
                    let at = out.len();
                    self.expand(name, random, out, depth + 1);
                    if let Some(first) = out[at..].chars().next() {
                        let upper: String = first.to_uppercase().collect();
                        out.replace_range(at..at + first.len_utf8(), &upper);
                    }
                }
                None => self.expand(name, random, out, depth + 1),
            }
            rest = after;
        }
        out.push_str(rest);
    }

    /// Names that are used but neither rules nor draws (tests).
    #[cfg(test)]
    pub(crate) fn unknown(&self) -> Vec<String> {
        let mut unknown = Vec::new();
        for text in self.rules.values().flat_map(|alternatives| alternatives.iter()) {
            for piece in text.split('«').skip(1) {
                let name = piece.split('»').next().unwrap_or("").trim_end_matches('^');
                if !self.rules.contains_key(name) && !DRAWS.contains(&name) {
                    unknown.push(name.to_owned());
                }
            }
        }
        unknown
    }
}

#[cfg(test)]
const DRAWS: [&str; 14] = ["n", "n1", "n2", "n4", "n10", "hex", "hex2", "hex32", "base64", "uuid", "letters", "letters4", "alnum", "space"];

/// Built-in draws. An unknown name gives nothing.
fn draw(name: &str, random: &mut Random, out: &mut String) {
    let digits = |random: &mut Random, out: &mut String, count: usize| {
        out.push((b'1' + random.below(9) as u8) as char);
        (1..count).for_each(|_| out.push((b'0' + random.below(10) as u8) as char));
    };
    let from = |random: &mut Random, out: &mut String, alphabet: &[u8], count: usize| {
        (0..count).for_each(|_| out.push(alphabet[random.below(alphabet.len())] as char));
    };
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
    const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const HEX: &[u8] = b"0123456789abcdef";
    match name {
        "n" => {
            let count = random.between(1, 4);
            digits(random, out, count);
        }
        "n1" => digits(random, out, 1),
        "n2" => digits(random, out, 2),
        "n4" => digits(random, out, 4),
        "n10" => digits(random, out, 10),
        "hex" => {
            let count = random.between(4, 24);
            from(random, out, HEX, count);
        }
        "hex2" => from(random, out, HEX, 2),
        "hex32" => from(random, out, HEX, 32),
        "base64" => {
            let count = random.between(5, 40) * 4;
            from(random, out, BASE64, count);
            out.push_str(random.pick(&["", "=", "=="]));
        }
        "uuid" => {
            for (at, count) in [8, 4, 4, 4, 12].into_iter().enumerate() {
                if at > 0 {
                    out.push('-');
                }
                from(random, out, HEX, count);
            }
        }
        "letters" => {
            let count = random.between(3, 10);
            from(random, out, LETTERS, count);
        }
        "letters4" => from(random, out, LETTERS, 4),
        "alnum" => {
            let count = random.between(6, 32);
            from(random, out, ALNUM, count);
        }
        "space" => out.push(' '),
        _ => {}
    }
}
