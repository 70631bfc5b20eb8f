//! Reads queries as people type them.

use std::net::IpAddr;

use event::field::{self, Kind};
use event::{Entity, EntityKind, Severity, Time, Uid};

use super::{Compare, Net, Query, QueryError, Term, Test};
use crate::tally::Tally;
use crate::{Classes, class};

/// Bytes of a query, and of one value in it.
const TEXT_MAX: usize = 16 << 10;
const VALUE_MAX: usize = 1 << 10;
/// Parentheses and `not` inside each other.
const DEPTH_MAX: u32 = 32;
const TERMS_MAX: usize = 256;
/// Fields that are counted by together.
const BY_MAX: usize = 4;

impl Query {
    /// Understands a query as a person types it. An empty text finds everything.
    pub fn parse(text: &str) -> Result<Query, QueryError> {
        let mut parser = Parser { text, at: 0, depth: 0, terms: 0, from: None, to: None };
        if text.len() > TEXT_MAX {
            return Err(parser.error(TEXT_MAX, "", format!("a query has at most {TEXT_MAX} bytes")));
        }
        let term = parser.or()?;
        let tally = if parser.at_pipe() { Some(parser.tally()?) } else { None };
        if parser.at < text.len() {
            return Err(parser.error(parser.at, ")", "no parenthesis is open here; to search for it, put it in quotes"));
        }
        let mut query = Query { text: text.to_owned(), from: parser.from, to: parser.to, tally, ..Query::default() };
        let all = match term {
            Term::All(all) => all,
            one => vec![one],
        };
        for term in all {
            match term {
                Term::Field { field: "class", test: Test::Is(word) } => {
                    query.classes = query.classes.and(Classes::parse(&word).unwrap_or(Classes::NONE));
                }
                Term::Entity(entity) if query.entity.is_none() => query.entity = Some(entity),
                term => query.terms.push(term),
            }
        }
        Ok(query)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    terms: usize,
    from: Option<Time>,
    to: Option<Time>,
}

/// A value as written.
struct Written {
    at: usize,
    text: String,
    quoted: bool,
}

impl<'a> Parser<'a> {
    fn error(&self, at: usize, found: &str, help: impl Into<String>) -> QueryError {
        QueryError { at, found: found.chars().take(80).collect(), help: help.into() }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Up to a space or a parenthesis.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).unwrap_or(rest.len())]
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        self.skip_space();
        let is = self.word().eq_ignore_ascii_case(keyword);
        if is {
            self.at += keyword.len();
        }
        is
    }

    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.rest().is_empty() || self.rest().starts_with(')') || self.at_pipe()
    }

    /// Here the query ends and what is done with it begins.
    fn at_pipe(&self) -> bool {
        self.depth == 0 && self.word() == "|"
    }

    fn or(&mut self) -> Result<Term, QueryError> {
        let mut any = vec![self.and()?];
        loop {
            let at = self.at;
            if !self.take_keyword("or") {
                break;
            }
            if any.iter().any(|term| *term == Term::All(Vec::new())) {
                return Err(self.error(at, "or", "needs a term on its left"));
            }
            let right = self.and()?;
            if right == Term::All(Vec::new()) {
                return Err(self.error(self.at, "", "or needs a term on its right"));
            }
            any.push(right);
        }
        let first = any.swap_remove(0);
        if any.is_empty() {
            return Ok(first);
        }
        any.insert(0, first);
        Ok(Term::Any(any))
    }

    /// `All` of any number of terms, even none and one.
    fn and(&mut self) -> Result<Term, QueryError> {
        let mut all = Vec::new();
        while !self.at_end() && !self.word().eq_ignore_ascii_case("or") {
            let at = self.at;
            let joined = self.take_keyword("and");
            if joined && (all.is_empty() || self.at_end() || self.word().eq_ignore_ascii_case("or")) {
                return Err(self.error(at, "and", "needs a term on both sides; to search for the word, put it in quotes"));
            }
            if let Some(term) = self.unary()? {
                all.push(term);
            }
        }
        Ok(Term::All(all))
    }

    /// `None`: `from:` or `to:`, which belong to the query.
    fn unary(&mut self) -> Result<Option<Term>, QueryError> {
        self.skip_space();
        let (at, word) = (self.at, self.word());
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(self.error(at, word, format!("a query has at most {TERMS_MAX} terms")));
        }
        let opened = self.rest().starts_with('(');
        if !opened && !self.take_keyword("not") {
            return self.term();
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(
                at,
                if opened { "(" } else { word },
                format!("at most {DEPTH_MAX} parentheses and nots stand inside each other"),
            ));
        }
        let term = if opened {
            self.at += 1;
            let term = self.or()?;
            if !self.rest().starts_with(')') {
                return Err(self.error(at, "(", "is not closed"));
            }
            if term == Term::All(Vec::new()) {
                return Err(self.error(at, "()", "there is nothing in these parentheses"));
            }
            self.at += 1;
            match term {
                Term::All(mut one) if one.len() == 1 => one.swap_remove(0),
                term => term,
            }
        } else {
            if self.at_end() {
                return Err(self.error(at, "not", "needs a term behind it; to search for the word, put it in quotes"));
            }
            match self.unary()? {
                Some(term) => Term::Not(Box::new(term)),
                None => return Err(self.error(at, "not", "from: and to: hold for the whole query")),
            }
        };
        self.depth -= 1;
        Ok(Some(term))
    }

    fn term(&mut self) -> Result<Option<Term>, QueryError> {
        let (at, word) = (self.at, self.word());
        if self.rest().starts_with('"') {
            let written = self.value()?;
            return Ok(Some(Term::Text(written.text.to_ascii_lowercase())));
        }
        if let Some(term) = bare(word) {
            self.at += word.len();
            return Ok(Some(term));
        }
        if word.starts_with('|') {
            return Err(self.error(
                at,
                "|",
                "is followed by a space and count, top or timechart, outside of parentheses; to search for it, put it in quotes",
            ));
        }
        let name_end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
        let (name, behind) = word.split_at(name_end);
        let lower = name.to_ascii_lowercase();
        let known = field::by_name(&lower);
        let colon = behind.starts_with(':');
        let assigned = behind.starts_with(['=', '<', '>']) && (known.is_some() || lower == "entity");
        let behind_word = &self.rest()[word.len()..];
        if known.is_some() && name.len() == word.len() && in_follows(behind_word) {
            self.at += word.len();
            self.skip_space();
            self.at += 2;
            self.skip_space();
            let Some(field) = known else { return Ok(None) };
            return self.field_term(field).map(Some);
        }
        if name.is_empty() || !(colon || assigned) {
            self.at += word.len();
            self.check_length(at, word)?;
            let lower = word.to_ascii_lowercase();
            let globbed = lower.contains('*');
            return Ok(Some(if globbed {
                Term::Field { field: "raw", test: Test::Glob(format!("*{lower}*")) }
            } else {
                Term::Text(lower)
            }));
        }
        self.at += name.len() + usize::from(colon);
        match (known, lower.as_str()) {
            (Some(field), _) => self.field_term(field).map(Some),
            (None, "entity") => {
                self.at += usize::from(self.rest().starts_with('='));
                self.entity_term("").map(Some)
            }
            (None, "from" | "to") => {
                let value = self.value()?;
                let time = time(&value.text).ok_or_else(|| {
                    self.error(value.at, &value.text, format!("is not a time, write {lower}:2026-01-31 or {lower}:2026-01-31T12:00:00Z"))
                })?;
                if self.depth > 0 {
                    return Err(self.error(at, name, "holds for the whole query and stands outside of parentheses and not"));
                }
                *(if lower == "from" { &mut self.from } else { &mut self.to }) = Some(time);
                Ok(None)
            }
            (None, kind) if EntityKind::parse(kind).is_some() => self.entity_term(&format!("{kind}:")).map(Some),
            (None, _) => {
                let near = field::nearest(&lower).map_or_else(String::new, |near| format!(", did you mean {near}?"));
                Err(self.error(at, name, format!("there is no such field{near} to search for text with a colon, put it in quotes")))
            }
        }
    }

    fn check_length(&self, at: usize, text: &str) -> Result<(), QueryError> {
        if text.len() > VALUE_MAX { Err(self.error(at, text, format!("has more than {VALUE_MAX} bytes"))) } else { Ok(()) }
    }

    fn entity_term(&mut self, kind: &str) -> Result<Term, QueryError> {
        let start = self.at;
        // entity:user:"ada lovelace"
        let mut kind = kind.to_owned();
        if kind.is_empty()
            && let Some((word, _)) = self.word().split_once(':')
            && EntityKind::parse(word).is_some()
        {
            kind = format!("{word}:");
            self.at += kind.len();
        }
        let value = self.value()?;
        let entity = format!("{kind}{}", value.text).parse().map_err(|help| self.error(start, &value.text, help))?;
        Ok(Term::Entity(entity))
    }

    fn field_term(&mut self, field: &'static field::Field) -> Result<Term, QueryError> {
        let op_at = self.at;
        let rest = self.rest();
        let (sign, compare) =
            [(">=", Compare::AtLeast), ("<=", Compare::AtMost), (">", Compare::More), ("<", Compare::Less), ("=", Compare::Equal)]
                .into_iter()
                .find(|(sign, _)| rest.starts_with(sign))
                .unwrap_or(("", Compare::Equal));
        self.at += sign.len();
        let value = self.value()?;
        let name = field.name;
        let wrong = |help: String| Err(self.error(value.at, &value.text, help));
        if value.text == "*" && !value.quoted && compare == Compare::Equal {
            return Ok(Term::Field { field: name, test: Test::Present });
        }
        let test = match field.kind {
            Kind::Text if name == "severity" => match Severity::parse(&value.text.to_ascii_lowercase()) {
                Some(severity) => Test::Severity(compare, severity),
                None => return wrong("severities are info, low, medium, high and critical".to_owned()),
            },
            Kind::Text if compare != Compare::Equal => {
                return Err(self.error(op_at, sign, format!("{name} is text: write {name}:value or {name}:begin*")));
            }
            Kind::Text if name == "class" => match Classes::parse(&value.text.to_ascii_lowercase()) {
                Some(class) => Test::Is(class.words().next().unwrap_or_default().to_owned()),
                None => return wrong(format!("classes are {}", class::WORDS.join(", "))),
            },
            Kind::Text if !value.quoted && value.text.contains(['*', '?']) => Test::Glob(value.text.to_ascii_lowercase()),
            Kind::Text => Test::Is(value.text),
            Kind::Number => match value.text.split_once("..").filter(|_| sign.is_empty()) {
                Some((least, most)) => match (number(least), number(most)) {
                    (Some(least), Some(most)) if least <= most => Test::Range(least, most),
                    _ => return wrong(format!("is not a range, write {name}:400..499")),
                },
                None => match number(&value.text) {
                    Some(number) => Test::Number(compare, number),
                    None => return wrong(format!("{name} is a number: write {name}:500, {name}:>=500 or {name}:400..499")),
                },
            },
            Kind::Address => match Net::parse(&value.text).filter(|_| compare == Compare::Equal) {
                Some(net) => Test::Net(net),
                None => return wrong(format!("{name} is an address: write {name}:203.0.113.9 or {name}:10.0.0.0/8")),
            },
            Kind::Bool => match value.text.to_ascii_lowercase().as_str() {
                "true" | "yes" if compare == Compare::Equal => Test::Bool(true),
                "false" | "no" if compare == Compare::Equal => Test::Bool(false),
                _ => return wrong(format!("{name} is true or false")),
            },
        };
        Ok(Term::Field { field: name, test })
    }

    /// Up to a space or a parenthesis, or in quotes, where `\"` and `\\` stand for themselves.
    fn value(&mut self) -> Result<Written, QueryError> {
        let at = self.at;
        if !self.rest().starts_with('"') {
            let text = self.word().to_owned();
            self.at += text.len();
            if text.is_empty() {
                return Err(self.error(at, self.rest(), "a value is missing here; values with spaces or parentheses go in quotes"));
            }
            self.check_length(at, &text)?;
            return Ok(Written { at, text, quoted: false });
        }
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += i + 1;
                    self.check_length(at, &text)?;
                    return Ok(Written { at, text, quoted: true });
                }
                '\\' => match chars.next() {
                    Some((_, c @ ('"' | '\\'))) => text.push(c),
                    Some((_, c)) => text.extend(['\\', c]),
                    None => text.push('\\'),
                },
                c => text.push(c),
            }
        }
        Err(self.error(at, self.rest(), "the quote is not closed"))
    }
}

impl Parser<'_> {
    /// What stands behind the query: `| count by status, 5m`.
    fn tally(&mut self) -> Result<Tally, QueryError> {
        self.at += 1;
        self.skip_space();
        let (at, verb) = (self.at, self.word().to_ascii_lowercase());
        self.at += verb.len();
        let mut tally = match verb.as_str() {
            "count" => Tally { by: Vec::new(), every_s: None, top: Tally::ROWS },
            "top" => {
                self.skip_space();
                let number = self.word().parse::<usize>().ok().filter(|n| (1..=Tally::ROWS_MAX).contains(n));
                if number.is_some() {
                    self.at += self.word().len();
                }
                Tally { by: vec![self.counted()?], every_s: None, top: number.unwrap_or(10) }
            }
            "timechart" => Tally { by: Vec::new(), every_s: Some(self.span().unwrap_or(3_600)), top: Tally::ROWS },
            _ => {
                return Err(self.error(
                    at,
                    &verb,
                    "after | comes count, top or timechart: | count by status, 5m  | top 20 path  | timechart 1h",
                ));
            }
        };
        self.skip_space();
        if verb != "top" && self.take_keyword("by") {
            loop {
                self.skip_space();
                match self.span() {
                    Some(every) => tally.every_s = Some(every),
                    None if tally.by.len() < BY_MAX => tally.by.push(self.counted()?),
                    None => return Err(self.error(self.at, self.word(), format!("at most {BY_MAX} fields are counted by together"))),
                }
                self.skip_space();
                if !self.rest().starts_with(',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.skip_space();
        if !self.rest().is_empty() {
            let found: String = self.rest().chars().take_while(|c| !c.is_whitespace()).collect();
            return Err(self.error(
                self.at,
                &found,
                "write | count by status, 5m, or | top 20 path, or | timechart 1h; nothing stands behind it",
            ));
        }
        Ok(tally)
    }

    /// `5m`, `1h`, `30s`, `1d`.
    fn span(&mut self) -> Option<i64> {
        self.skip_space();
        let word = self.word().trim_end_matches(',');
        let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        let span = number.parse::<u32>().ok().filter(|n| *n > 0)?;
        self.at += word.len();
        Some(i64::from(span) * unit)
    }

    /// A field that values are counted of.
    fn counted(&mut self) -> Result<&'static str, QueryError> {
        self.skip_space();
        let at = self.at;
        let word = self.word().split(',').next().unwrap_or_default();
        let name = word.to_ascii_lowercase();
        self.at += word.len();
        match field::by_name(&name) {
            Some(field) => Ok(field.name),
            None => {
                let near = field::nearest(&name).map_or_else(String::new, |near| format!(", did you mean {near}?"));
                Err(self.error(at, &name, format!("there is no such field to count by{near}")))
            }
        }
    }
}

/// ` in ` follows, and something behind it.
fn in_follows(rest: &str) -> bool {
    let mut words = rest.split_whitespace();
    rest.starts_with(char::is_whitespace) && words.next().is_some_and(|word| word.eq_ignore_ascii_case("in")) && words.next().is_some()
}

/// What is known by its form alone: an address, a network, an id.
fn bare(word: &str) -> Option<Term> {
    if let Ok(ip) = word.parse::<IpAddr>() {
        return Some(Term::Entity(Entity::address(ip)));
    }
    if let Some(net) = Net::parse(word) {
        return Some(Term::Field { field: "src_ip", test: Test::Net(net) });
    }
    let (kind, name) = word.split_once('-').unwrap_or(("", ""));
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let is_id = match kind {
        "INC" => digits > 0 && digits == name.len(),
        "F" | "R" | "r" | "rcpt" | "O" => digits > 0 && name.len() >= 6 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
        _ => Uid::parse(word).is_some(),
    };
    is_id.then(|| Term::Id(word.to_owned()))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// RFC 3339, or a day in UTC.
fn time(text: &str) -> Option<Time> {
    Time::parse_rfc3339(text).or_else(|| Time::parse_rfc3339(&format!("{text}T00:00:00Z")))
}
