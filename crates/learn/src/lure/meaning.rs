//! What words mean to a mail that asks: the kinds of `content/frameworks/lure_words.toml`, in seven languages.
//!
//! The grammars hold some phrasings in four languages; "something of the account" near "something of confirming" near "or it ends" is the same
//! ask in any of them. A word has a bit for each kind; the model reads kinds, and kinds that stand near one another.
//! Bounds:     a word is cut at 64 bytes before it comes here; one look-up for each of its beginnings.

use std::collections::HashMap;
use std::sync::OnceLock;

use foldhash::fast::FixedState;

use super::words::{Word, hash, mix};

const SOURCE: &str = include_str!("../../../../content/frameworks/lure_words.toml");
/// Words back to which kinds are near.
const NEAR: usize = 8;
/// Letters of the shortest beginning in the list.
const STEM_MIN: usize = 3;
/// Most kinds; a word holds them as bits.
const KINDS_MAX: usize = 32;

/// Bits of the kinds of a word.
pub(crate) type Kinds = u32;

/// A kind, behind the words that must stand before, nearest first.
struct Entry {
    before: Vec<u64>,
    kind: u32,
}

#[derive(Default)]
struct Lexicon {
    names: Vec<&'static str>,
    whole: HashMap<&'static str, Vec<Entry>, FixedState>,
    /// Beginnings of words.
    stems: HashMap<&'static str, Vec<Entry>, FixedState>,
    languages: Vec<&'static str>,
}

fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(|| read(SOURCE))
}

fn read(source: &'static str) -> Lexicon {
    let mut lexicon = Lexicon::default();
    for line in source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            lexicon.names.push(name);
            continue;
        }
        let Some((language, list)) = line.split_once('=') else { continue };
        let language = language.trim();
        if !lexicon.languages.contains(&language) {
            lexicon.languages.push(language);
        }
        let kind = (lexicon.names.len().saturating_sub(1) % KINDS_MAX) as u32;
        for phrase in list.trim().trim_matches('"').split_whitespace() {
            let mut parts: Vec<&'static str> = phrase.split('_').filter(|part| !part.is_empty()).collect();
            let Some(last) = parts.pop() else { continue };
            let entry = Entry { before: parts.iter().rev().map(|part| hash(part)).collect(), kind };
            let (table, key) = match last.strip_suffix('*') {
                Some(stem) => (&mut lexicon.stems, stem),
                None => (&mut lexicon.whole, last),
            };
            table.entry(key).or_default().push(entry);
        }
    }
    lexicon
}

/// Names of the kinds, by bit.
pub fn names() -> &'static [&'static str] {
    &lexicon().names
}

/// Languages that have words here, ISO 639-1.
pub fn languages() -> &'static [&'static str] {
    &lexicon().languages
}

/// A number that changes with the list: a model that learned with other words is refused.
pub(crate) fn stamp() -> u32 {
    hash(SOURCE) as u32
}

/// The kinds of `word`, which follows `before`.
pub(crate) fn of(word: &str, before: &[Word]) -> Kinds {
    let lexicon = lexicon();
    let mut kinds = 0;
    let mut add = |entries: Option<&Vec<Entry>>| {
        for entry in entries.into_iter().flatten() {
            let stands =
                entry.before.len() <= before.len() && entry.before.iter().zip(before.iter().rev()).all(|(one, word)| *one == word.whole);
            kinds |= u32::from(stands) << entry.kind;
        }
    };
    add(lexicon.whole.get(word));
    for (at, c) in word.char_indices().skip(STEM_MIN - 1) {
        add(lexicon.stems.get(&word[..at + c.len_utf8()]));
    }
    kinds
}

/// Features of the kinds of word `at`: each, and each with every other kind of the words before it.
pub(crate) fn features(words: &[Word], at: usize, mut each: impl FnMut(u64)) {
    let own = words[at].kinds;
    if own == 0 {
        return;
    }
    let near = words[at.saturating_sub(NEAR)..at].iter().fold(own, |near, word| near | word.kinds);
    for kind in bits(own) {
        each(mix(0xC1A5 ^ u64::from(kind)));
        for other in bits(near).filter(|&other| other != kind) {
            let (low, high) = (kind.min(other), kind.max(other));
            each(mix(0x9A12_0000 ^ u64::from(low) << 8 ^ u64::from(high)));
        }
    }
}

/// The kinds among these words, most frequent first.
pub fn told(words: &[Word]) -> Vec<&'static str> {
    let mut counts = [0_u32; KINDS_MAX];
    words.iter().for_each(|word| bits(word.kinds).for_each(|kind| counts[kind as usize] += 1));
    let mut order: Vec<usize> = (0..names().len()).filter(|&kind| counts[kind] > 0).collect();
    order.sort_by_key(|&kind| (std::cmp::Reverse(counts[kind]), kind));
    order.into_iter().map(|kind| names()[kind]).collect()
}

fn bits(kinds: Kinds) -> impl Iterator<Item = u32> {
    (0..KINDS_MAX as u32).filter(move |kind| kinds >> kind & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::super::{View, Words};
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        told(&Words::read(text, View::Undone).words)
    }

    #[test]
    fn the_same_ask_in_other_words_has_the_same_kinds() {
        for text in [
            "Please confirm your account or it will be suspended",
            "Bitte bestätigen Sie Ihr Konto, sonst wird es gesperrt",
            "Veuillez confirmer votre compte, sinon il sera suspendu",
            "Confirme su cuenta o será suspendida",
            "Confirme a sua conta ou será suspensa",
            "Confermi il suo conto o verrà sospeso",
            "Bevestig uw account, anders wordt het geblokkeerd",
        ] {
            let found = kinds(text);
            for kind in ["verify", "account", "cut_off", "yours"] {
                assert!(found.contains(&kind), "{text}: {kind} is not in {found:?}");
            }
        }
    }

    #[test]
    fn a_phrase_needs_all_of_its_words() {
        assert!(kinds("buy two gift cards").contains(&"gift_card"));
        assert!(!kinds("a gift and some cards").contains(&"gift_card"));
        assert!(kinds("the library fixes a bug in the parser").is_empty());
        assert!(kinds("pаsswоrd").contains(&"secret"), "disguised letters are read");
    }

    #[test]
    fn the_list_is_whole() {
        assert!(names().len() <= KINDS_MAX && names().len() >= 20);
        assert_eq!(languages(), ["en", "de", "fr", "es", "pt", "it", "nl"]);
        for line in SOURCE.lines().filter(|line| line.contains('=') && !line.starts_with('#')) {
            for word in line.split_once('=').unwrap_or_default().1.trim().trim_matches('"').split_whitespace() {
                let plain = word.strip_suffix('*').unwrap_or(word);
                assert!(plain.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit()), "{word}");
                assert!(
                    !word.ends_with('*') || plain.rsplit('_').next().is_some_and(|stem| stem.len() >= STEM_MIN),
                    "{word} stands for too much"
                );
            }
        }
    }
}
