//! The search language: parsing, matching, and what of a query can be decided before a record is decoded.
//!
//! ```text
//! field:value  field:"any value"  status:>=500  status:400..499  src_ip:10.0.0.0/8  path:/health*  severity:>=high  user:*
//! class:http   entity:user:ada    from:2026-01-31  to:2026-01-31T12:00:00Z
//! word  "quoted text"  203.0.113.9  INC-42  F-..  R-..  r-..  rcpt-..  O-..
//! and (may be left out)  or  not  ( )
//! ```
//!
//! `=` may stand for `:`, and `status>=500` for `status:>=500`. Case does not matter, except in ids that stand alone. `from:` and `to:` hold for the
//! whole query. Fields are those of [`event::field::ALL`].

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use event::field::{self, Kind, Value};
use event::{Body, Entity, EntityKind, Event, Severity, Time, Uid};

use crate::index::{entity_key, id_key};
use crate::search::{Needle, Plan, bears, contains, is_about};
use crate::{Classes, class};

/// Bytes of a query, and of one value in it.
const TEXT_MAX: usize = 16 << 10;
const VALUE_MAX: usize = 1 << 10;
/// Parentheses and `not` inside each other.
const DEPTH_MAX: u32 = 32;
const TERMS_MAX: usize = 256;

/// What to look for; everything that is set must hold.
#[derive(Clone, Debug)]
pub struct Query {
    /// As typed.
    pub text: String,
    /// Event time, inclusive.
    pub from: Option<Time>,
    /// Event time, exclusive.
    pub to: Option<Time>,
    pub classes: Classes,
    pub entity: Option<Entity>,
    pub terms: Vec<Term>,
    /// Only offsets below this one: [`crate::Page::next`] of the page before.
    pub before: Option<u64>,
    /// Rows of a page, at most 10,000.
    pub limit: usize,
    /// Records looked at before the search stops early; a block that was begun is finished.
    pub rows_max: u64,
    /// Time before the search stops early; a block that was begun is finished.
    pub time_max: Duration,
}

impl Default for Query {
    fn default() -> Query {
        Query {
            text: String::new(),
            from: None,
            to: None,
            classes: Classes::ALL,
            entity: None,
            terms: Vec::new(),
            before: None,
            limit: 200,
            rows_max: 2_000_000,
            time_max: Duration::from_secs(5),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// `status:>=500`
    Field {
        field: &'static str,
        test: Test,
    },
    /// `entity:address:203.0.113.9`, a bare address
    Entity(Entity),
    /// A bare id: `INC-42`, `F-..`, `R-..`, `r-..`, `rcpt-..`, `O-..`, 32 hexadecimal digits.
    Id(String),
    /// A bare word or `"quoted text"`, lower case: anywhere in the raw record, a field or a story.
    Text(String),
    Not(Box<Term>),
    All(Vec<Term>),
    Any(Vec<Term>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The event has the field: `user:*`
    Present,
    /// Compared without regard to case.
    Is(String),
    /// Lower case with `*` for any characters and `?` for one.
    Glob(String),
    Number(Compare, f64),
    /// Both inclusive.
    Range(f64, f64),
    /// A network.
    Net(Net),
    Bool(bool),
    Severity(Compare, Severity),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Compare {
    fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Compare::Less => left < right,
            Compare::AtMost => left <= right,
            Compare::Equal => left == right,
            Compare::AtLeast => left >= right,
            Compare::More => left > right,
        }
    }
}

/// An address or a network, of IPv6 form: IPv4 is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    bits: u128,
    prefix: u8,
}

impl Net {
    /// `10.0.0.0/8`, `2001:db8::/32` or one address.
    pub fn parse(text: &str) -> Option<Net> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let ip: IpAddr = address.parse().ok()?;
        let (least, most) = if ip.is_ipv4() { (96, 32) } else { (0, 128) };
        let prefix = prefix
            .map_or(Some(most), |p| p.parse::<u8>().ok().filter(|p| *p <= most && p.to_string().len() == text.len() - address.len() - 1))?;
        Some(Net { bits: bits(ip), prefix: least + prefix })
    }

    pub fn contains(self, ip: IpAddr) -> bool {
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        (bits(ip) ^ self.bits) & mask == 0
    }

    fn address(self) -> Option<IpAddr> {
        (self.prefix == 128).then(|| IpAddr::V6(Ipv6Addr::from_bits(self.bits)).to_canonical())
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Where the text of a query cannot be understood, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}, {found:?}: {help}")]
pub struct QueryError {
    /// Byte position in the text.
    pub at: usize,
    pub found: String,
    pub help: String,
}

impl Query {
    /// Understands a query as a person types it. An empty text finds everything.
    pub fn parse(text: &str) -> Result<Query, QueryError> {
        let mut parser = Parser { text, at: 0, depth: 0, terms: 0, from: None, to: None };
        if text.len() > TEXT_MAX {
            return Err(parser.error(TEXT_MAX, "", format!("a query has at most {TEXT_MAX} bytes")));
        }
        let term = parser.or()?;
        if parser.at < text.len() {
            return Err(parser.error(parser.at, ")", "no parenthesis is open here; to search for it, put it in quotes"));
        }
        let mut query = Query { text: text.to_owned(), from: parser.from, to: parser.to, ..Query::default() };
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

    /// True when the event is what is looked for; offsets and bounds aside.
    pub fn matches(&self, event: &Event) -> bool {
        self.classes.contains(&event.body)
            && self.from.is_none_or(|from| event.meta.time >= from)
            && self.to.is_none_or(|to| event.meta.time < to)
            && self.entity.as_ref().is_none_or(|entity| is_about(event, entity))
            && self.terms.iter().all(|term| term.matches(event))
    }

    pub(crate) fn plan(&self) -> Plan {
        let mut plan = Plan {
            from: self.from,
            to: self.to,
            classes: self.classes,
            before: self.before.unwrap_or(u64::MAX),
            rows_max: self.rows_max,
            time_max: self.time_max,
            ..Plan::everything()
        };
        let entity = self.entity.clone().map(Term::Entity);
        for term in entity.iter().chain(&self.terms) {
            plan.classes = plan.classes.and(term.classes());
            plan.keys.extend(term.keys());
            plan.needles.extend(term.needles());
        }
        plan
    }
}

/// The only classes that have a field, where that spares a search most of the log. A test holds it against the field table.
const CLASSES: &[(&str, &[&str])] = &[
    ("method", &["http"]),
    ("path", &["http"]),
    ("query", &["http"]),
    ("status", &["http"]),
    ("request", &["http", "finding"]),
    ("verdict", &["http", "finding"]),
    ("outcome", &["authentication"]),
    ("command", &["process"]),
    ("finding", &["finding"]),
    ("analytic", &["finding"]),
    ("severity", &["finding", "incident"]),
    ("incident", &["incident", "response"]),
    ("response", &["response"]),
    ("phase", &["response"]),
];

impl Term {
    pub fn matches(&self, event: &Event) -> bool {
        match self {
            Term::Field { field, test } => {
                field::by_name(field).and_then(|field| (field.read)(event)).is_some_and(|value| test.matches(&value))
            }
            Term::Entity(entity) => is_about(event, entity),
            Term::Id(id) => bears(event, id),
            Term::Text(text) => says(event, text.as_bytes()),
            Term::Not(term) => !term.matches(event),
            Term::All(all) => all.iter().all(|term| term.matches(event)),
            Term::Any(any) => any.iter().any(|term| term.matches(event)),
        }
    }

    /// Classes outside of which it never holds.
    fn classes(&self) -> Classes {
        match self {
            Term::Field { field: "class", test: Test::Is(word) } => Classes::parse(word).unwrap_or(Classes::NONE),
            Term::Field { field, .. } => CLASSES
                .iter()
                .find(|(name, _)| name == field)
                .map_or(Classes::ALL, |(_, words)| words.iter().filter_map(|word| Classes::parse(word)).collect()),
            Term::All(all) => all.iter().fold(Classes::ALL, |sum, term| sum.and(term.classes())),
            Term::Any(any) => any.iter().map(Term::classes).collect(),
            Term::Entity(_) | Term::Id(_) | Term::Text(_) | Term::Not(_) => Classes::ALL,
        }
    }

    /// A block without any of these keys has no event for which it holds; `None` when nothing can be said.
    fn keys(&self) -> Option<Vec<u64>> {
        let entities = |kinds: &[EntityKind], name: &str| -> Option<Vec<u64>> {
            Some(kinds.iter().map(|kind| entity_key(&Entity::new(*kind, name))).collect())
        };
        match self {
            Term::Entity(entity) => Some(vec![entity_key(entity)]),
            Term::Id(id) => Some(vec![id_key(id)]),
            Term::Field { field: "src_ip", test: Test::Net(net) } => Some(vec![entity_key(&Entity::address(net.address()?))]),
            Term::Field { field: "user", test: Test::Is(name) } => entities(&[EntityKind::User], name),
            Term::Field { field: "host", test: Test::Is(name) } => entities(&[EntityKind::Host, EntityKind::Service], name),
            Term::Field { field: "request" | "finding" | "incident" | "response", test: Test::Is(id) } => Some(vec![id_key(id)]),
            Term::Field { field: "uid", test: Test::Is(id) } => Uid::parse(id).map(|uid| vec![uid.key()]),
            Term::Any(any) => any.iter().map(Term::keys).collect::<Option<Vec<_>>>().map(|all| all.concat()),
            // Any one of them says enough.
            Term::All(all) => all.iter().find_map(Term::keys),
            Term::Field { .. } | Term::Text(_) | Term::Not(_) => None,
        }
    }

    /// A stored record without any of these byte strings is no event for which it holds; `None` when nothing can be said.
    fn needles(&self) -> Option<Vec<Needle>> {
        let address = |ip: IpAddr| {
            let IpAddr::V4(v4) = ip else { return None };
            // As text in the entities of a finding, and as MessagePack numbers at the end of an address, mapped or not.
            let octets = rmp_serde::to_vec(&v4.octets()).ok()?;
            Some(vec![Needle::exact(v4.to_string().as_bytes()), Needle::exact(octets.get(1..)?)])
        };
        match self {
            Term::Entity(entity) if entity.kind == EntityKind::Address => address(entity.ip()?),
            Term::Entity(entity) => Some(vec![Needle::any_case(&entity.name)]),
            Term::Field { field: "src_ip", test: Test::Net(net) } => address(net.address()?),
            Term::Field { field: "user" | "host" | "path" | "agent", test: Test::Is(text) } => Some(vec![Needle::any_case(text)]),
            Term::Id(id) if Uid::parse(id).is_none() => Some(vec![Needle::exact(id.as_bytes())]),
            Term::Text(text) => Some(vec![Needle::any_case(text)]),
            Term::Any(any) => Some(any.iter().map(Term::needles).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect()),
            Term::All(all) => all.iter().find_map(Term::needles),
            Term::Field { .. } | Term::Id(_) | Term::Not(_) => None,
        }
    }
}

impl Test {
    fn matches(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Test::Present, _) => true,
            (Test::Is(wanted), Value::Text(text)) => text.eq_ignore_ascii_case(wanted),
            (Test::Glob(pattern), Value::Text(text)) => glob(pattern.as_bytes(), text.as_bytes()),
            (Test::Number(compare, wanted), Value::Number(number)) => compare.holds(number, wanted),
            (Test::Range(least, most), Value::Number(number)) => (least..=most).contains(&number),
            (Test::Net(net), Value::Address(ip)) => net.contains(*ip),
            (Test::Bool(wanted), Value::Bool(yes)) => wanted == yes,
            (Test::Severity(compare, wanted), Value::Text(word)) => Severity::parse(word).is_some_and(|s| compare.holds(&s, wanted)),
            _ => false,
        }
    }
}

/// `pattern` is lower case. Takes at most pattern times text steps: only the last `*` is ever tried again.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut again: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                again = Some((p, t));
                p += 1;
                continue;
            }
            // One character, however many bytes it has.
            Some(b'?') => {
                p += 1;
                t += 1 + text[t + 1..].iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
                continue;
            }
            Some(byte) if *byte == text[t].to_ascii_lowercase() => {
                p += 1;
                t += 1;
                continue;
            }
            _ => {}
        }
        let Some((star, from)) = again else { return false };
        again = Some((star, from + 1));
        (p, t) = (star + 1, from + 1);
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

fn says(event: &Event, wanted: &[u8]) -> bool {
    let has = |text: &str| contains(text.as_bytes(), wanted);
    let because = |reasons: &[event::finding::Reason]| reasons.iter().any(|reason| has(&reason.text));
    let about = |entities: &[Entity]| entities.iter().any(|entity| has(&entity.name));
    contains(&event.raw, wanted)
        || field::ALL
            .iter()
            .filter(|field| field.kind == Kind::Text && !matches!(field.name, "raw" | "uid"))
            .any(|field| matches!((field.read)(event), Some(Value::Text(text)) if has(&text)))
        || match &event.body {
            Body::Finding(f) => has(&f.title) || has(&f.text) || because(&f.reasons) || about(&f.entities),
            Body::Incident(i) => has(&i.title) || has(&i.story) || because(&i.reasons) || about(&i.entities),
            Body::Response(r) => has(&r.reason) || has(&r.target.name) || r.phase.receipt().is_some_and(|id| has(id)),
            Body::Order(o) => has(&o.uid) || has(&o.by) || order_says(&o.what, &has),
            _ => false,
        }
}

fn order_says(what: &event::order::What, has: &dyn Fn(&str) -> bool) -> bool {
    use event::order::What;
    match what {
        What::Undo { target } => has(target),
        What::Redo { receipt } => has(receipt),
        What::Block { entity, reason, .. } => has(&entity.name) || has(reason),
        What::Quarantine { path, incident, reason, .. } => has(path) || has(incident) || has(reason),
        What::Close { incident, note: text, .. } | What::Note { incident, text } => has(incident) || has(text),
        What::Reopen { incident } => has(incident),
        What::Enforce { .. } => false,
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
        self.rest().is_empty() || self.rest().starts_with(')')
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
            return Err(self.error(at, "|", "a query ends here: there is no counting or sorting; to search for it, put it in quotes"));
        }
        let name_end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
        let (name, behind) = word.split_at(name_end);
        let lower = name.to_ascii_lowercase();
        let known = field::by_name(&lower);
        let colon = behind.starts_with(':');
        let assigned = behind.starts_with(['=', '<', '>']) && (known.is_some() || lower == "entity");
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
