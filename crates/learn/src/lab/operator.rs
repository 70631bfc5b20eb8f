//! Operators of mutation: each rewrites a hostile text into another spelling of the same thing.
//!
//! In the manner of WAF-A-MoLE (Demetrio et al., SAC 2020). [`Operator::TRAIN`] are those that the generators of training rows use;
//! [`Operator::TEST`] are for measuring alone. Texts are plain, not encoded for the wire; the encoding comes last.

mod encoding;
mod html;
mod mail;
mod shell;
mod sql;
mod url;

use crate::generate::Random;

/// What a text is, and so which operators keep its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// SQL injection.
    Sql,
    /// Script injection.
    Html,
    /// Command injection.
    Shell,
    /// Path traversal.
    Path,
    /// The text of a mail.
    Mail,
    /// The address of a page that its owner may choose.
    Url,
}

/// One way to rewrite.
pub struct Operator {
    /// Name, unique.
    pub name: &'static str,
    /// Texts that it may be used on.
    pub families: &'static [Family],
    /// Rewrites; gives the text itself when there is nothing to do.
    pub apply: fn(&str, &mut Random) -> String,
}

impl Operator {
    /// Operators that training rows were made with.
    pub const TRAIN: &'static [&'static Operator] = &[&sql::TRAINED, &html::CASE];

    /// Operators that no training row has seen.
    pub const TEST: &'static [&'static Operator] = &[
        &sql::NUMBERS,
        &sql::TAUTOLOGY,
        &sql::INVARIANT,
        &sql::COMMENT_WORDS,
        &sql::COMMENT_LINE,
        &sql::BLANKS,
        &sql::STRINGS,
        &sql::TAIL,
        &sql::UNION,
        &html::SEPARATOR,
        &html::CALL,
        &html::SCHEME,
        &html::ATTRIBUTES,
        &shell::QUOTES,
        &shell::BLANKS,
        &shell::GLOB,
        &shell::PATH,
        &encoding::PARTLY,
        &mail::LOOK_ALIKE,
        &mail::NO_WIDTH,
        &mail::TYPING,
        &mail::FILLER,
        &mail::OTHER_WORDS,
        &mail::BROKEN,
        &mail::BETWEEN,
        &url::WORD,
        &url::ENDING,
        &url::PATH,
        &url::HYPHENS,
        &url::BELOW,
    ];

    /// Those of a list that keep the meaning of a family's texts.
    pub fn of(list: &[&'static Operator], family: Family) -> Vec<&'static Operator> {
        list.iter().copied().filter(|operator| operator.families.contains(&family)).collect()
    }
}

/// Replaces the `n`-th place where `from` stands, whatever its case, `n` drawn; the text itself where it stands nowhere.
fn replace_one(text: &str, from: &str, to: &str, random: &mut Random) -> String {
    let lower = text.to_ascii_lowercase();
    let places: Vec<usize> = lower.match_indices(from).map(|(at, _)| at).collect();
    if places.is_empty() {
        return text.to_owned();
    }
    let at = places[random.below(places.len())];
    format!("{}{to}{}", &text[..at], &text[at + from.len()..])
}
