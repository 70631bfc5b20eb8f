//! The text of a mail: letters that look alike, characters without width, slips of typing, fillers, other words, ordinary sentences between.

use super::Family::Mail;
use super::{Operator, replace_one};
use crate::generate::Random;

/// Rewrites words of at least five letters, one in `share`.
fn words(text: &str, share: usize, random: &mut Random, rewrite: impl Fn(&[char], &mut Random) -> String) -> String {
    text.split(' ')
        .map(|word| {
            let letters: Vec<char> = word.chars().collect();
            let plain = letters.len() >= 5 && letters.iter().all(|c| c.is_alphabetic());
            if plain && random.one_in(share) { rewrite(&letters, random) } else { word.to_owned() }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// A letter of another script in its place.
pub(super) static LOOK_ALIKE: Operator = Operator {
    name: "mail.look_alike",
    families: &[Mail],
    apply: |text, random| {
        words(text, 3, random, |letters, _| {
            letters
                .iter()
                .map(|c| match c {
                    'a' => 'а',
                    'e' => 'е',
                    'o' => 'о',
                    'c' => 'с',
                    'p' => 'р',
                    'i' => 'і',
                    other => *other,
                })
                .collect()
        })
    },
};

/// Soft hyphens and characters without width inside words.
pub(super) static NO_WIDTH: Operator = Operator {
    name: "mail.no_width",
    families: &[Mail],
    apply: |text, random| {
        words(text, 3, random, |letters, random| {
            let at = 1 + random.below(letters.len() - 1);
            let hidden = ['\u{200b}', '\u{ad}', '\u{200d}', '\u{2060}'][random.below(4)];
            letters[..at].iter().chain([&hidden]).chain(&letters[at..]).collect()
        })
    },
};

/// Two letters changed about, or one too many.
pub(super) static TYPING: Operator = Operator {
    name: "mail.typing",
    families: &[Mail],
    apply: |text, random| {
        words(text, 4, random, |letters, random| {
            let mut letters = letters.to_vec();
            let at = 1 + random.below(letters.len() - 2);
            if random.one_in(2) {
                letters.swap(at, at + 1);
            } else {
                letters.insert(at, letters[at]);
            }
            letters.into_iter().collect()
        })
    },
};

/// Words that say nothing, inside a sentence.
pub(super) static FILLER: Operator = Operator {
    name: "mail.filler",
    families: &[Mail],
    apply: |text, random| {
        let filler =
            random.pick(&["kindly", "actually", "as it were", "today", "if you would", "perhaps", "so to speak", "once more", "simply"]);
        replace_one(text, " ", &format!(" {filler} "), random)
    },
};

/// Other words for the same.
pub(super) static OTHER_WORDS: Operator = Operator {
    name: "mail.other_words",
    families: &[Mail],
    apply: |text, random| {
        const PAIRS: [(&str, &str); 26] = [
            ("please", "kindly"),
            ("password", "passphrase"),
            ("account", "profile"),
            ("click", "press"),
            ("immediately", "straight away"),
            ("verify", "check"),
            ("confirm", "bear out"),
            ("urgent", "pressing"),
            ("bank", "house bank"),
            ("transfer", "send over"),
            ("invoice", "bill"),
            ("payment", "sum"),
            ("log in", "enter"),
            ("sign in", "enter"),
            ("open", "have a look at"),
            ("link", "address"),
            ("attached", "enclosed"),
            ("buy", "pick up"),
            ("gift cards", "vouchers"),
            ("secret", "between us"),
            ("suspended", "put on hold"),
            ("bitte", "seien sie so gut"),
            ("konto", "zugang"),
            ("sofort", "gleich"),
            ("mot de passe", "code d'accès"),
            ("cuenta", "perfil"),
        ];
        let lower = text.to_ascii_lowercase();
        let there: Vec<&(&str, &str)> = PAIRS.iter().filter(|(from, _)| lower.contains(from)).collect();
        if there.is_empty() {
            return text.to_owned();
        }
        let (from, to) = there[random.below(there.len())];
        replace_one(text, from, to, random)
    },
};

/// Words in two, at a hyphen or the end of a line.
pub(super) static BROKEN: Operator = Operator {
    name: "mail.broken",
    families: &[Mail],
    apply: |text, random| {
        words(text, 4, random, |letters, random| {
            let at = 2 + random.below(letters.len() - 3);
            let joint = random.pick(&["-", "-\n", ".", "_"]);
            format!("{}{joint}{}", letters[..at].iter().collect::<String>(), letters[at..].iter().collect::<String>())
        })
    },
};

/// An ordinary sentence between two others.
pub(super) static BETWEEN: Operator = Operator {
    name: "mail.between",
    families: &[Mail],
    apply: |text, random| {
        let more = random.pick(&[
            "The weather was lovely at the weekend.",
            "Anna says hello from the third floor.",
            "We are still looking for somebody who plays the piano.",
            "The minutes of the last meeting are on the shared drive.",
            "Der Aufzug ist wieder in Ordnung.",
            "Lunch is at half past twelve.",
        ]);
        replace_one(text, ". ", &format!(". {more} "), random)
    },
};
