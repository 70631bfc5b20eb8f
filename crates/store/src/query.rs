//! The search language: parsing, matching, and what of a query can be decided before a record is decoded.
//!
//! ```text
//! field:value  field:"any value"  status:>=500  status:400..499  src_ip:10.0.0.0/8  path:/health*  severity:>=high  user:*
//! class:http   entity:user:ada    from:2026-01-31  to:2026-01-31T12:00:00Z
//! word  "quoted text"  203.0.113.9  INC-42  F-..  R-..  r-..  rcpt-..  O-..
//! and (may be left out)  or  not  ( )
//! | count   | count by status   | count by host, method, 5m   | top 20 path   | timechart 1h
//! ```
//!
//! `=` may stand for `:`, `src_ip in 10.0.0.0/8` for `src_ip:10.0.0.0/8`, and `status>=500` for `status:>=500`. Case does not matter, except in ids that stand alone. `from:` and `to:` hold for the
//! whole query. Fields are those of [`event::field::ALL`].

mod parse;

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use event::field::{self, Kind, Value};
use event::{Body, Entity, EntityKind, Event, Severity, Time, Uid};

use crate::Classes;
use crate::index::{ANY, entity_key, facet_key, hundreds, id_key, status_key};
use crate::sealed::{Condition, select};
use crate::search::{Needle, Plan, bears, contains, is_about};
use crate::tally::Tally;

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
    /// `| count by status`: counted instead of listed, by [`crate::Log::tally`].
    pub tally: Option<Tally>,
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
            tally: None,
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

    pub(crate) fn address(self) -> Option<IpAddr> {
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
        if self.from.is_some() || self.to.is_some() {
            plan.conditions.push(Condition::Time { from: self.from, to: self.to });
        }
        let entity = self.entity.clone().map(Term::Entity);
        for term in entity.iter().chain(&self.terms) {
            plan.classes = plan.classes.and(term.classes());
            plan.keys.extend(term.keys());
            plan.facets.extend(term.facets());
            plan.needles.extend(term.needles());
            match term.condition() {
                Some(condition) => plan.conditions.push(condition),
                None => plan.conditions.extend(term.needles().map(Condition::Says)),
            }
            plan.decided &= matches!(term, Term::Field { .. }) && term.condition().is_some();
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

    /// The same, of the values of fields.
    fn facets(&self) -> Option<Vec<u32>> {
        match self {
            Term::Field { field: "status", test } => match test {
                Test::Number(Compare::Equal, status) if (0.0..1_000.0).contains(status) && status.fract() == 0.0 => {
                    Some(vec![status_key(*status as u16)])
                }
                Test::Number(..) | Test::Range(..) => {
                    // Whatever is within a hundred that has one value for which it holds; from 900 on all are one.
                    let holds = |status: u16| test.matches(&Value::Number(f64::from(status)));
                    let of = |hundred: u16| if hundred == 9 { 900..=u16::MAX } else { hundred * 100..=hundred * 100 + 99 };
                    Some((0..10).filter(|hundred| of(*hundred).any(holds)).map(|h| facet_key("status", hundreds(h * 100))).collect())
                }
                _ => None,
            },
            Term::Field { field: field @ ("verdict" | "outcome"), test: Test::Is(word) } => {
                Some(vec![facet_key(field, &word.to_ascii_lowercase())])
            }
            Term::Field { field: "verdict", test: Test::Present } => Some(vec![facet_key("verdict", ANY)]),
            Term::Any(any) => any.iter().map(Term::facets).collect::<Option<Vec<_>>>().map(|all| all.concat()),
            Term::All(all) => all.iter().find_map(Term::facets),
            _ => None,
        }
    }

    /// What single columns say about it; `None` when they do not decide.
    fn condition(&self) -> Option<Condition> {
        match self {
            Term::Field { field, test } => match (select::of_field(field), select::part_of(field)) {
                (Some(column), _) => Some(Condition::Column { column, test: test.clone() }),
                (None, Some(part)) => Some(Condition::Target { part, test: test.clone() }),
                (None, None) => None,
            },
            Term::Entity(entity) => {
                let columns = select::of_entity(entity.kind)?;
                Some(match entity.ip() {
                    Some(ip) => Condition::Address { columns, ip: ip.to_canonical() },
                    None => Condition::Named { columns, value: entity.name.to_string() },
                })
            }
            Term::Text(_) | Term::Id(_) | Term::Not(_) | Term::All(_) | Term::Any(_) => None,
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

pub(crate) fn contains_bytes(needle: &Needle, text: &[u8]) -> bool {
    needle.is_in(text)
}

impl Test {
    pub(crate) fn matches(&self, value: &Value<'_>) -> bool {
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
        What::Undo { target } | What::Approve { target } | What::Reject { target } => has(target),
        What::Redo { receipt } => has(receipt),
        What::Block { entity, reason, .. } => has(&entity.name) || has(reason),
        What::Quarantine { path, incident, reason, .. } => has(path) || has(incident) || has(reason),
        What::Close { incident, note: text, .. } | What::Note { incident, text } => has(incident) || has(text),
        What::Reopen { incident } => has(incident),
        What::Retain(retain) => has(&retain.rule) || retain.classes.iter().any(|class| has(class)),
        What::TakeUp { thing, version, sha256, text, .. } => has(thing) || has(version) || has(sha256) || has(text),
        What::Enforce { .. } | What::SignIn { .. } => false,
    }
}
