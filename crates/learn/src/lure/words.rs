//! Words of a text as the lure model reads them: as sent, and with the tricks undone.
//!
//! As sent:    lower case, accents dropped, numbers one word, addresses one word.
//! Undone:     compatibility forms, look-alike letters of other scripts inside a Latin word, characters without width, tag characters,
//!             digits and signs in place of letters, letters set apart. A word of one honest script stays what it is.
//! Linear in the text; at most [`WORDS_MAX`] words.

use unicode_normalization::char::{decompose_canonical, decompose_compatible, is_combining_mark};

/// Most words of one text that are read.
pub const WORDS_MAX: usize = 200_000;

/// Longest word that is read letter by letter, in bytes.
const WORD_BYTES_MAX: usize = 64;

/// One word: hashes of it and of its beginning, its kinds, and where it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub(crate) whole: u64,
    pub(crate) stem: u64,
    pub(crate) kinds: super::meaning::Kinds,
    pub start: u32,
    pub end: u32,
}

/// A text in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub words: Vec<Word>,
    /// Words whose letters were disguised: look-alikes, no width, tags. Zero in the view as sent.
    pub disguised: u32,
    /// Words with digits in place of letters.
    pub leet: u32,
}

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    AsSent,
    Undone,
}

impl Words {
    /// The words of `text`.
    pub fn read(text: &str, view: View) -> Words {
        let mut prose = Words::default();
        let mut letters = String::new();
        let mut single: Option<(String, u32, u32, u32)> = None;
        for (start, token) in tokens(text) {
            if prose.words.len() >= WORDS_MAX {
                break;
            }
            if is_address(token) {
                prose.push("\u{1}url", start, start + token.len());
                continue;
            }
            if token.contains('@') && token.rsplit('@').next().is_some_and(|host| host.contains('.')) {
                prose.push("\u{1}mail", start, start + token.len());
                continue;
            }
            // `v e r i f y`: four letters or more, each alone.
            if view == View::Undone && token.chars().count() == 1 && token.chars().all(char::is_alphabetic) {
                let end = (start + token.len()) as u32;
                let run = single.get_or_insert_with(|| (String::new(), start as u32, 0, 0));
                run.0.push_str(&token.to_lowercase());
                (run.2, run.3) = (end, run.3 + 1);
            } else {
                prose.flush(&mut single);
            }
            prose.token(token, start, view, &mut letters);
        }
        prose.flush(&mut single);
        prose
    }

    fn flush(&mut self, single: &mut Option<(String, u32, u32, u32)>) {
        if let Some((word, start, end, count)) = single.take().filter(|run| run.3 >= 4) {
            let _ = count;
            self.disguised += 1;
            self.push(&word, start as usize, end as usize);
        }
    }

    fn token(&mut self, token: &str, start: usize, view: View, letters: &mut String) {
        let mut begin: Option<usize> = None;
        let undone = view == View::Undone;
        let has_letter = token.bytes().any(|b| b.is_ascii_alphabetic()) || !token.is_ascii();
        for (at, c) in token.char_indices().chain([(token.len(), ' ')]) {
            let inside = at < token.len()
                && (c.is_alphanumeric() || is_combining_mark(c) || (undone && (is_widthless(c) || (has_letter && matches!(c, '@' | '$')))));
            if inside {
                begin.get_or_insert(at);
            } else if let Some(from) = begin.take_if(|_| !(matches!(c, '\'' | '’') && at < token.len())) {
                self.word(&token[from..at], start + from, undone, letters);
            }
        }
    }

    fn word(&mut self, word: &str, start: usize, undone: bool, letters: &mut String) {
        letters.clear();
        let end = start + word.len();
        let word = floor(word, WORD_BYTES_MAX);
        if word.is_ascii() {
            letters.extend(word.chars().filter(|&c| c != '\'').map(|c| c.to_ascii_lowercase()));
        } else {
            let latin = word.chars().any(|c| c.is_ascii_alphabetic());
            let mut disguised = false;
            for c in word.chars() {
                if undone && is_widthless(c) {
                    disguised |= latin;
                    if let Some(hidden) = tag(c) {
                        letters.push(hidden);
                    }
                    continue;
                }
                if undone {
                    disguised |= latin && matches!(c as u32, 0xFF21..=0xFF5A | 0x1D400..=0x1D7FF);
                }
                let mut base = |part: char| {
                    if is_combining_mark(part) || part == '’' {
                        return;
                    }
                    for lower in part.to_lowercase() {
                        let twin = if undone && latin { look_alike(lower) } else { None };
                        disguised |= twin.is_some();
                        letters.push(twin.unwrap_or(lower));
                    }
                };
                if undone {
                    decompose_compatible(c, &mut base);
                } else {
                    decompose_canonical(c, &mut base);
                }
            }
            self.disguised += u32::from(undone && disguised);
        }
        if letters.is_empty() {
            return;
        }
        let digits = letters.chars().filter(|c| !c.is_alphabetic()).count();
        if digits == letters.chars().count() {
            letters.clear();
            letters.push('0');
        } else if undone && digits > 0 && is_leet(letters) {
            self.leet += 1;
            let plain: String = letters.chars().map(unleet).collect();
            letters.clear();
            letters.push_str(&plain);
        }
        let word = std::mem::take(letters);
        self.push(&word, start, end);
        *letters = word;
    }

    fn push(&mut self, word: &str, start: usize, end: usize) {
        let stem = word.char_indices().nth(5).map_or(word, |(at, _)| &word[..at]);
        let kinds = super::meaning::of(word, &self.words);
        self.words.push(Word { whole: hash(word), stem: hash(stem) ^ 0x5EED, kinds, start: start as u32, end: end as u32 });
    }
}

/// Tokens between white space, with their place.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(char::is_whitespace)
        .filter(|token| !token.is_empty())
        .map(move |token| (token.as_ptr() as usize - text.as_ptr() as usize, token))
}

fn is_address(token: &str) -> bool {
    token.contains("://") || token.contains("www.")
}

/// Digits stand between letters: `acc0unt`, `p@ssw0rd`, not `b2b` or `covid19`.
pub(crate) fn is_leet(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let signs = word.chars().filter(|c| !c.is_alphabetic()).count();
    letters >= 3 && signs * 2 <= letters && word.chars().zip(word.chars().skip(1)).any(|(a, b)| !a.is_alphabetic() && b.is_alphabetic())
}

pub(crate) fn unleet(c: char) -> char {
    match c {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        other => other,
    }
}

pub(crate) fn is_widthless(c: char) -> bool {
    matches!(c as u32, 0xAD | 0x34F | 0x61C | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF | 0xE0000..=0xE01EF)
}

fn tag(c: char) -> Option<char> {
    (0xE0061..=0xE007A).contains(&(c as u32)).then(|| char::from((c as u32 - 0xE0000) as u8))
}

/// Latin letters that letters of other scripts are taken for.
pub(crate) fn look_alike(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'ь' | 'в' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'є' | 'ε' => 'e',
        'ɡ' => 'g',
        'һ' | 'н' | 'η' => 'h',
        'і' | 'ι' | 'ı' | 'ӏ' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ⅼ' => 'l',
        'м' => 'm',
        'п' | 'ո' => 'n',
        'о' | 'ο' | 'օ' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' | 'ц' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' | 'ш' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ү' => 'y',
        _ => return None,
    })
}

pub(crate) fn hash(text: &str) -> u64 {
    let mut state = 0xCBF2_9CE4_8422_2325_u64;
    for byte in text.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    mix(state)
}

pub(crate) fn mix(state: u64) -> u64 {
    let state = (state ^ state >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    state ^ state >> 29
}

fn floor(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hashes(text: &str, view: View) -> Vec<u64> {
        Words::read(text, view).words.iter().map(|word| word.whole).collect()
    }

    #[test]
    fn tricks_are_undone() {
        let plain = hashes("please verify your password account now", View::AsSent);
        for trick in [
            "please vеrify your pаsswоrd account now",
            "please ver\u{200b}ify your pass\u{ad}word account now",
            "please ver1fy your p@ssw0rd acc0unt now",
            "ｐｌｅａｓｅ verify your password account now",
        ] {
            assert_eq!(hashes(trick, View::Undone), plain, "{trick}");
            assert_ne!(hashes(trick, View::AsSent), plain, "{trick}");
        }
        assert!(hashes("now v e r i f y this", View::Undone).contains(&hash("verify")));
    }

    #[test]
    fn honest_scripts_and_names_are_no_trick() {
        for text in ["Привет, Анна", "Žofie Dvořák und José", "Καλημέρα κόσμε", "covid19 b2b 2nd mp3", "naïve façade"]
        {
            let prose = Words::read(text, View::Undone);
            assert_eq!((prose.disguised, prose.leet), (0, 0), "{text}");
        }
        assert_eq!(hashes("Don’t e-mail 17:30", View::AsSent), hashes("dont E mail 9 1", View::Undone));
    }

    proptest! {
        #[test]
        fn any_text_has_words_inside_it(text in "\\PC{0,200}") {
            for view in [View::AsSent, View::Undone] {
                for word in Words::read(&text, view).words {
                    prop_assert!(word.start < word.end && word.end as usize <= text.len());
                }
            }
        }
    }
}
