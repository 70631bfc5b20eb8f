//! SQL injection: number forms, true conditions, invariants, comments with words in them, blanks, strings, what follows the comment.

use super::Family::Sql;
use super::{Operator, replace_one};
use crate::generate::web::training_step;

/// One step of the generator that training rows come from.
pub(super) static TRAINED: Operator = Operator { name: "sql.trained_step", families: &[Sql], apply: training_step };

/// A number in another form: `(2-1)`, `1e0`, `0x1`, `~-2`.
pub(super) static NUMBERS: Operator = Operator {
    name: "sql.numbers",
    families: &[Sql],
    apply: |text, random| {
        let bytes = text.as_bytes();
        // A number by itself, outside a word, a string or a longer number.
        let places: Vec<(usize, usize)> = (0..bytes.len())
            .filter(|&at| {
                bytes[at].is_ascii_digit() && (at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || b"_.'\"%#!".contains(&bytes[at - 1])))
            })
            .map(|at| (at, at + bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count()))
            .filter(|&(from, to)| to - from <= 5 && bytes.get(to).is_none_or(|b| !(b.is_ascii_alphanumeric() || b"_.'\"".contains(b))))
            .collect();
        if places.is_empty() {
            return text.to_owned();
        }
        let (from, to) = places[random.below(places.len())];
        let number: u32 = text[from..to].parse().unwrap_or(1);
        let form = match random.below(6) {
            0 => format!("({}-{})", number + 3, 3),
            1 => format!("{number}e0"),
            2 => format!("{number:#x}"),
            3 => format!("~-{}", number + 1),
            4 => format!("{number}.0"),
            _ => format!("(select {number})"),
        };
        format!("{}{form}{}", &text[..from], &text[to..])
    },
};

/// `1=1` becomes another condition that always holds.
pub(super) static TAUTOLOGY: Operator = Operator {
    name: "sql.tautology",
    families: &[Sql],
    apply: |text, random| {
        let n = random.between(2, 99);
        let truth = match random.below(9) {
            0 => "true".into(),
            1 => format!("{n} in ({n})"),
            2 => format!("length('ab')={}", 2),
            3 => format!("{n} is not null"),
            4 => "exists(select 7)".into(),
            5 => format!("not {n}<{n}"),
            6 => format!("coalesce(null,{n})"),
            7 => format!("{n} between {} and {}", n - 1, n + 1),
            _ => format!("greatest({n},3)>2"),
        };
        for known in ["1=1", "'1'='1'", "'a'='a'", "1 = 1", "'x'='x'", "2>1", "1 like 1", "2=2", "\"1\"=\"1\""] {
            // `11=12` is another condition.
            let lower = text.to_ascii_lowercase();
            let alone = |at: usize| {
                let around = [at.checked_sub(1).map(|before| lower.as_bytes()[before]), lower.as_bytes().get(at + known.len()).copied()];
                around.into_iter().flatten().all(|b| !b.is_ascii_alphanumeric())
            };
            if let Some((at, _)) = lower.match_indices(known).find(|(at, _)| alone(*at)) {
                return format!("{}{truth}{}", &text[..at], &text[at + known.len()..]);
            }
        }
        text.to_owned()
    },
};

/// A condition that changes nothing, beside one that is there.
pub(super) static INVARIANT: Operator = Operator {
    name: "sql.invariant",
    families: &[Sql],
    apply: |text, random| {
        let n = random.between(10, 999);
        let (word, more) = if random.one_in(2) {
            (" or ", [" or false or ", " or null or ", " or not true or "][random.below(3)].to_owned())
        } else {
            (" and ", [format!(" and {n} and "), " and true and ".into(), format!(" and not {n} is null and ")][random.below(3)].clone())
        };
        replace_one(text, word, &more, random)
    },
};

const WORDS: [&str; 16] = [
    "hello",
    "our new garden",
    "thanks",
    "see you on monday",
    "blue shirt",
    "size m",
    "the river",
    "good morning",
    "price list",
    "for anna",
    "summer sale",
    "best wishes",
    "page two",
    "coffee",
    "order more",
    "music",
];

/// Between two words of the statement, ordinary words in a comment.
pub(super) static COMMENT_WORDS: Operator = Operator {
    name: "sql.comment_with_words",
    families: &[Sql],
    apply: |text, random| {
        let words = format!("{} {}", random.pick(&WORDS), random.pick(&WORDS));
        replace_one(text, " ", &format!("/* {words} */"), random)
    },
};

/// A comment to the end of the line, and the statement on the next.
pub(super) static COMMENT_LINE: Operator = Operator {
    name: "sql.comment_line",
    families: &[Sql],
    apply: |text, random| {
        let word = random.pick(&WORDS);
        replace_one(text, " ", &format!("-- {word}\n"), random)
    },
};

/// Blanks that the lexers of databases take for a space.
pub(super) static BLANKS: Operator = Operator {
    name: "sql.blanks",
    families: &[Sql],
    apply: |text, random| text.replace(' ', random.pick(&["\u{c}", "\r\n", " \t ", "\n\n", "/**//**/", "\r"])),
};

/// `'admin'` in two halves.
pub(super) static STRINGS: Operator = Operator {
    name: "sql.strings",
    families: &[Sql],
    apply: |text, random| {
        let parts: Vec<&str> = text.split('\'').collect();
        // The inner of a string stands at an odd place, when the text begins outside of one.
        let inner: Vec<usize> = (1..parts.len().saturating_sub(1))
            .filter(|&at| parts[at].len() >= 2 && parts[at].bytes().all(|b| b.is_ascii_alphanumeric()))
            .collect();
        if inner.is_empty() {
            return text.to_owned();
        }
        let at = inner[random.below(inner.len())];
        let (a, b) = parts[at].split_at(parts[at].len() / 2);
        let joint = random.pick(&["'||'", "' '", "'/**/'"]);
        let mut out: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        out[at] = format!("{a}{joint}{b}");
        out.join("'")
    },
};

/// Ordinary words behind the comment that ends the statement.
pub(super) static TAIL: Operator = Operator {
    name: "sql.tail",
    families: &[Sql],
    apply: |text, random| {
        let words: Vec<&str> = (0..random.between(1, 6)).map(|_| random.pick(&WORDS)).collect();
        let ends = ["--", "#", "-- -", "-- "].iter().any(|end| text.trim_end().ends_with(end.trim_end()));
        format!("{text}{}{}", if ends { " " } else { " -- " }, words.join(" "))
    },
};

/// `union select` with a word between, or turned into a statement of its own.
pub(super) static UNION: Operator = Operator {
    name: "sql.union",
    families: &[Sql],
    apply: |text, random| {
        let to = random.pick(&["union distinct select", "union all select all", "union(select", "union\nselect\ndistinct"]);
        if to.ends_with('(') {
            return text.to_owned();
        }
        if to.contains('(') {
            // The bracket is closed before the comment at the end.
            let opened = replace_one(text, "union select", to, random);
            if opened == text {
                return opened;
            }
            let at = ["--", "#", "/*"].iter().filter_map(|end| opened.rfind(end)).max().unwrap_or(opened.len());
            return format!("{}){}", &opened[..at], &opened[at..]);
        }
        replace_one(text, "union select", to, random)
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Random;

    #[test]
    fn numbers_keep_their_value_and_strings_their_letters() {
        let mut random = Random::new(3);
        for _ in 0..50 {
            let out = (NUMBERS.apply)("1 or 17", &mut random);
            assert_ne!(out, "1 or 17");
            assert!(out.starts_with("1 or ") || out.ends_with(" or 17"), "{out}");
        }
        assert_eq!((NUMBERS.apply)("abc '12' 0x33", &mut random), "abc '12' 0x33");
        let out = (STRINGS.apply)("x' or 'admin'='y", &mut random);
        assert!(out.contains("'ad'") && out.contains("'min'"), "{out}");
    }
}
