//! Operators: what a value is compared with. All linear in the value.

use std::ops::Range;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use memchr::memmem;
use regex::bytes::{Regex, RegexBuilder};

use super::literal;
use super::parse::Fault;

const SUPPORTED: &str = "@rx @pm @contains @beginsWith @endsWith @within @streq @eq @gt @ge @lt @le @unconditionalMatch";
/// Compiled size of one regular expression.
const REGEX_BYTES_MAX: usize = 2 << 20;

#[derive(Clone, Debug)]
pub(super) enum Operator {
    Rx {
        regex: Regex,
        literals: Option<Vec<Vec<u8>>>,
    },
    Pm {
        words: Vec<Vec<u8>>,
        matcher: Arc<AhoCorasick>,
    },
    Contains(Vec<u8>),
    BeginsWith(Vec<u8>),
    EndsWith(Vec<u8>),
    /// The value stands in this text.
    Within(Vec<u8>),
    StrEq(Vec<u8>),
    Number(Compare, i64),
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Eq,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    pub(super) fn parse(text: &str) -> Result<Operator, Fault> {
        let Some(rest) = text.strip_prefix('@') else { return Operator::regex(text) };
        let (word, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let bytes = || argument.as_bytes().to_vec();
        let number = |compare| {
            let limit = argument.trim().parse().map_err(|_| Fault::new("operator", text, "a whole number".to_owned()))?;
            Ok(Operator::Number(compare, limit))
        };
        match word {
            "rx" => Operator::regex(argument.trim_start()),
            "pm" => {
                let words: Vec<Vec<u8>> = argument.split_whitespace().map(|w| w.to_ascii_lowercase().into_bytes()).collect();
                let matcher = AhoCorasick::builder().ascii_case_insensitive(true).build(&words);
                match matcher {
                    Ok(matcher) if !words.is_empty() => Ok(Operator::Pm { words, matcher: Arc::new(matcher) }),
                    _ => Err(Fault::new("operator", text, "words after @pm".to_owned())),
                }
            }
            "contains" if !argument.is_empty() => Ok(Operator::Contains(bytes())),
            "beginsWith" => Ok(Operator::BeginsWith(bytes())),
            "endsWith" => Ok(Operator::EndsWith(bytes())),
            "within" => Ok(Operator::Within(bytes())),
            "streq" => Ok(Operator::StrEq(bytes())),
            "eq" => number(Compare::Eq),
            "gt" => number(Compare::Gt),
            "ge" => number(Compare::Ge),
            "lt" => number(Compare::Lt),
            "le" => number(Compare::Le),
            "unconditionalMatch" => Ok(Operator::Always),
            _ => Err(Fault::new("operator", text, SUPPORTED.to_owned())),
        }
    }

    fn regex(pattern: &str) -> Result<Operator, Fault> {
        let regex = RegexBuilder::new(pattern)
            .unicode(false)
            .dot_matches_new_line(true)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_BYTES_MAX)
            .build();
        match regex {
            Ok(regex) => Ok(Operator::Rx { regex, literals: literal::required(pattern) }),
            Err(why) => {
                let why = why.to_string();
                let why = why.lines().last().unwrap_or("").trim_start_matches("error: ");
                Err(Fault::new("regex", pattern, format!("a regular expression without look-around and back references ({why})")))
            }
        }
    }

    /// Texts of which one must stand in a value (without regard to case) before this operator can match; `None`: it has to be tried.
    pub(super) fn literals(&self) -> Option<Vec<Vec<u8>>> {
        match self {
            Operator::Rx { literals, .. } => literals.clone(),
            Operator::Pm { words, .. } => Some(words.clone()),
            Operator::Contains(text) | Operator::BeginsWith(text) | Operator::EndsWith(text) | Operator::StrEq(text)
                if !text.is_empty() =>
            {
                Some(vec![text.to_ascii_lowercase()])
            }
            _ => None,
        }
    }

    /// Where the operator matches.
    pub(super) fn find(&self, value: &[u8]) -> Option<Range<usize>> {
        let whole = 0..value.len();
        match self {
            Operator::Rx { regex, .. } => regex.find(value).map(|m| m.range()),
            Operator::Pm { matcher, .. } => matcher.find(value).map(|m| m.range()),
            Operator::Contains(text) => memmem::find(value, text).map(|at| at..at + text.len()),
            Operator::BeginsWith(text) => value.starts_with(text).then_some(0..text.len()),
            Operator::EndsWith(text) => value.ends_with(text).then(|| value.len() - text.len()..value.len()),
            Operator::Within(text) => (!value.is_empty() && memmem::find(text, value).is_some()).then_some(whole),
            Operator::StrEq(text) => (value == text.as_slice()).then_some(whole),
            Operator::Number(compare, limit) => {
                let number = number(value);
                let holds = match compare {
                    Compare::Eq => number == *limit,
                    Compare::Gt => number > *limit,
                    Compare::Ge => number >= *limit,
                    Compare::Lt => number < *limit,
                    Compare::Le => number <= *limit,
                };
                holds.then_some(whole)
            }
            Operator::Always => Some(whole),
        }
    }
}

/// The number at the beginning; 0 when there is none, as in C.
fn number(value: &[u8]) -> i64 {
    let text = value.trim_ascii_start();
    let (sign, digits) = text.strip_prefix(b"-").map_or((1, text), |rest| (-1, rest));
    sign * digits.iter().take_while(|b| b.is_ascii_digit()).fold(0i64, |sum, b| sum.saturating_mul(10).saturating_add(i64::from(b - b'0')))
}
