//! Prompts of our own: attacks on a language model in six families, and honest prompts that use the same words.
//!
//! Grammars in `content/generators/prompt/`, one file a language; a rule `bad_FAMILY` or `good_FAMILY` is a family. Honest documents and mails
//! come from the generator of mails as well. Same seed, same rows.

use std::collections::BTreeMap;

use super::Random;
use super::mail::{self, Half};

const LANGUAGES: [(&str, &str); 2] = [
    ("en", include_str!("../../../../content/generators/prompt/en.txt")),
    ("de", include_str!("../../../../content/generators/prompt/de.txt")),
];
/// Families of attacks and their share.
const BAD: [(&str, usize); 5] = [("override", 5), ("persona", 5), ("leak", 3), ("tool", 2), ("indirect", 4)];
/// Families of honest prompts and their share.
const GOOD: [(&str, usize); 6] = [("question", 5), ("task", 5), ("mention", 4), ("security", 3), ("code", 2), ("document", 2)];
/// Deepest nesting of rules.
const DEPTH_MAX: u32 = 8;
/// Longest text that one expansion makes, in bytes.
const TEXT_BYTES_MAX: usize = 8_192;

/// One prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The text.
    pub text: String,
    /// An attack.
    pub bad: bool,
    /// `override`, `persona`, ..
    pub family: &'static str,
    /// `en`, `de`.
    pub language: &'static str,
}

type Rules = BTreeMap<&'static str, Vec<&'static str>>;

/// The grammars, parsed.
pub struct Generator {
    rules: Vec<Rules>,
}

impl Generator {
    /// All alternatives, or every second one, so that a model is judged on phrasings it never saw.
    pub fn new(half: Half) -> Generator {
        Generator { rules: LANGUAGES.iter().map(|(_, text)| mail::parse(text, half)).collect() }
    }

    /// One prompt; a family that a language lacks is taken in English.
    pub fn prompt(&self, bad: bool, random: &mut Random) -> Prompt {
        let families: &[(&str, usize)] = if bad { &BAD } else { &GOOD };
        let mut at = random.below(families.iter().map(|(_, share)| share).sum());
        let mut family = families[0].0;
        for &(name, share) in families {
            family = name;
            if at < share {
                break;
            }
            at -= share;
        }
        let rule = format!("{}_{family}", if bad { "bad" } else { "good" });
        let language = usize::from(random.one_in(3) && self.rules[1].contains_key(rule.as_str()));
        let mut text = self.text(language, &rule, random);
        match random.below(8) {
            0 => text = text.to_lowercase(),
            1 if bad => text = text.to_uppercase(),
            2 => text = text.trim_end_matches(['.', '!', '?']).to_owned(),
            _ => {}
        }
        Prompt { text, bad, family, language: LANGUAGES[language].0 }
    }

    fn text(&self, language: usize, rule: &str, random: &mut Random) -> String {
        let mut out = String::new();
        self.expand(language, rule, random, &mut out, 0);
        out
    }

    fn expand(&self, language: usize, rule: &str, random: &mut Random, out: &mut String, depth: u32) {
        let Some(list) = self.rules[language].get(rule).filter(|_| depth < DEPTH_MAX && out.len() < TEXT_BYTES_MAX) else { return };
        let mut rest = random.pick(list);
        while let Some((before, after)) = rest.split_once('«') {
            out.push_str(before);
            let (name, after) = after.split_once('»').unwrap_or((after, ""));
            let at = out.len();
            self.expand(language, name.trim_end_matches('^'), random, out, depth + 1);
            if let Some(first) = out[at..].chars().next().filter(|_| name.ends_with('^')) {
                let upper: String = first.to_uppercase().collect();
                out.replace_range(at..at + first.len_utf8(), &upper);
            }
            rest = after;
        }
        out.push_str(rest);
    }
}

/// `count` attacks and as many honest prompts; a fifth of these are mails and small talk.
pub fn rows(seed: u64, count: usize) -> Vec<Prompt> {
    let (generator, mails) = (Generator::new(Half::All), mail::Generator::new(Half::All));
    let mut random = Random::new(seed ^ 0x9807);
    let mut rows = Vec::with_capacity(2 * count);
    for _ in 0..count {
        rows.push(generator.prompt(true, &mut random));
        if !random.one_in(5) {
            rows.push(generator.prompt(false, &mut random));
            continue;
        }
        let document = if random.one_in(2) { mails.small_talk(&mut random) } else { mails.pair(&mut random).1 };
        if let Some((language, _)) = LANGUAGES.iter().find(|(name, _)| *name == document.language) {
            rows.push(Prompt { text: document.text(), bad: false, family: "mail", language });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_there_and_nothing_stays_unexpanded() {
        let generator = Generator::new(Half::All);
        for (rules, (language, _)) in generator.rules.iter().zip(LANGUAGES) {
            for text in rules.values().flatten() {
                for piece in text.split('«').skip(1) {
                    let name = piece.split('»').next().unwrap_or_default().trim_end_matches('^');
                    assert!(rules.contains_key(name), "{language}: no rule {name} in {text}");
                }
            }
            for (family, _) in BAD {
                assert!(rules.contains_key(format!("bad_{family}").as_str()), "{language} {family}");
            }
        }
        let all = rows(1, 300);
        assert_eq!(all, rows(1, 300));
        assert_ne!(all, rows(2, 300));
        assert!(all.iter().all(|prompt| !prompt.text.is_empty() && !prompt.text.contains(['«', '»'])));
        assert!(all.iter().filter(|prompt| prompt.language == "de").count() > 100);
    }
}
