//! What a rule says about one resource: paths, operators, `all`, `any`, `not`, `some`. The answer is true, false or not known.

use decode::posture::{Node, Value};
use regex::Regex;

use super::policy;

/// Answer of a test. `Unknown` never fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    True,
    False,
    Unknown,
}

impl Known {
    fn of(answer: bool) -> Known {
        if answer { Known::True } else { Known::False }
    }
}

/// What decided a test: the attribute, what stands there, what should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    pub path: String,
    pub value: String,
    pub expected: String,
    pub line: u32,
    pub end_line: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// At least one of the blocks at the path.
    Some(String, Box<Condition>),
    /// Some `Allow` statement of the policy at the path.
    Statement(String, Box<Condition>),
    /// Ports that an address rule opens.
    Ports(Vec<f64>),
    Leaf(String, Operator),
}

#[derive(Clone, Debug)]
pub(super) enum Operator {
    In(Vec<Value>),
    /// None of these, or not set.
    NotIn(Vec<Value>),
    Absent,
    Present,
    Matches(Box<Regex>),
    Below(f64),
    Above(f64),
    /// Everybody: `0.0.0.0/0`, `::/0`, `*`, `Internet`.
    Open,
}

impl Condition {
    /// The answer and what speaks for it. `negated`: under an odd number of `not`.
    pub(super) fn test(&self, node: &Node, at: &str, negated: bool) -> (Known, Vec<Evidence>) {
        match self {
            Condition::All(all) => join(all.iter().map(|c| c.test(node, at, negated)), Known::False, Known::True),
            Condition::Any(all) => join(all.iter().map(|c| c.test(node, at, negated)), Known::True, Known::False),
            Condition::Not(inner) => {
                let (known, evidence) = inner.test(node, at, !negated);
                let known = match known {
                    Known::True => Known::False,
                    Known::False => Known::True,
                    Known::Unknown => Known::Unknown,
                };
                (known, evidence)
            }
            Condition::Some(path, inner) => {
                let found = select(node, path);
                let at = below(at, path);
                let mut answers: Vec<_> = found.nodes.iter().map(|n| (inner.test(n, &at, negated), *n)).collect();
                // What was written without lines of its own stands where its block stands.
                for ((_, evidence), node) in &mut answers {
                    evidence.iter_mut().filter(|e| e.line == 0).for_each(|e| (e.line, e.end_line) = (node.line, node.end_line));
                }
                let (known, evidence) = join(answers.into_iter().map(|(a, _)| a), Known::True, Known::False);
                (if known == Known::False && found.unknown { Known::Unknown } else { known }, evidence)
            }
            Condition::Statement(path, inner) => {
                let found = select(node, path);
                let at = below(at, path);
                let mut unknown = found.unknown;
                let mut answers = Vec::new();
                for policy in &found.nodes {
                    let Some(statements) = policy::statements(policy) else {
                        unknown = true;
                        continue;
                    };
                    for (statement, known) in statements.iter().filter_map(policy::allows) {
                        let (mut answer, mut evidence) = inner.test(&statement, &at, negated);
                        if answer == Known::True && !known {
                            answer = Known::Unknown;
                        }
                        evidence.iter_mut().for_each(|e| (e.line, e.end_line) = (policy.line, policy.end_line));
                        answers.push((answer, evidence));
                    }
                }
                let (known, evidence) = join(answers.into_iter(), Known::True, Known::False);
                (if known == Known::False && unknown { Known::Unknown } else { known }, evidence)
            }
            Condition::Ports(ports) => opens(node, ports, at),
            Condition::Leaf(path, operator) => operator.test(node, path, at, negated),
        }
    }
}

/// `stop` decides at once; otherwise unknown beats `rest`.
fn join(answers: impl Iterator<Item = (Known, Vec<Evidence>)>, stop: Known, rest: Known) -> (Known, Vec<Evidence>) {
    let (mut known, mut all) = (rest, Vec::new());
    for (answer, evidence) in answers {
        if answer == stop {
            return (stop, evidence);
        }
        if answer == Known::Unknown {
            known = Known::Unknown;
        }
        all.extend(evidence);
    }
    (known, all)
}

fn below(at: &str, path: &str) -> String {
    match (at, path) {
        ("", path) => path.to_owned(),
        (at, "") => at.to_owned(),
        (at, path) => format!("{at}.{path}"),
    }
}

/// What stands at a path: lists on the way are entered, null is nothing.
#[derive(Default)]
pub(super) struct Found<'n> {
    pub(super) nodes: Vec<&'n Node>,
    /// Something on the way is not known, so there may be more.
    pub(super) unknown: bool,
}

/// Values that one path may lead to.
const FOUND_MAX: usize = 10_000;

pub(super) fn select<'n>(node: &'n Node, path: &str) -> Found<'n> {
    let mut found = Found::default();
    walk(node, path, &mut found);
    found
}

fn walk<'n>(node: &'n Node, path: &str, found: &mut Found<'n>) {
    if found.nodes.len() >= FOUND_MAX {
        found.unknown = true;
        return;
    }
    match &node.value {
        Value::List(all) => all.iter().for_each(|n| walk(n, path, found)),
        Value::Unknown => found.unknown = true,
        Value::Null => {}
        _ if path.is_empty() => found.nodes.push(node),
        Value::Map(_) => {
            let (head, rest) = path.split_once('.').unwrap_or((path, ""));
            match node.get(head) {
                Some(inner) => walk(inner, rest, found),
                // Annotations and labels have dots in their names.
                None => {
                    if let Some(inner) = node.get(path).filter(|_| !rest.is_empty()) {
                        walk(inner, "", found);
                    }
                }
            }
        }
        Value::Partial(_) => found.unknown = true,
        _ => {}
    }
}

impl Operator {
    fn test(&self, node: &Node, path: &str, at: &str, negated: bool) -> (Known, Vec<Evidence>) {
        let found = select(node, path);
        let any = |test: &dyn Fn(&Node) -> Known| {
            let mut known = if found.unknown { Known::Unknown } else { Known::False };
            for one in &found.nodes {
                match test(one) {
                    Known::True => return (Known::True, Some(*one)),
                    Known::Unknown => known = Known::Unknown,
                    Known::False => {}
                }
            }
            (known, found.nodes.first().copied())
        };
        let empty = |n: &Node| n.as_str() == Some("");
        let (known, decisive) = match self {
            Operator::In(wanted) => any(&|n| within(n, wanted)),
            Operator::NotIn(wanted) => {
                let (known, one) = any(&|n| within(n, wanted));
                let known = match known {
                    Known::True => Known::False,
                    Known::False => Known::True,
                    Known::Unknown => Known::Unknown,
                };
                (known, one)
            }
            Operator::Present | Operator::Absent => {
                let set = found.nodes.iter().find(|n| !empty(n)).copied();
                let known = match (set.is_some(), found.unknown) {
                    (true, _) => Known::True,
                    (false, true) => Known::Unknown,
                    (false, false) => Known::False,
                };
                let flip = matches!(self, Operator::Absent);
                let known = match (known, flip) {
                    (Known::True, true) => Known::False,
                    (Known::False, true) => Known::True,
                    (known, _) => known,
                };
                (known, set)
            }
            Operator::Matches(regex) => any(&|n| match (&n.value, n.scalar()) {
                (Value::Partial(_), _) => Known::Unknown,
                (_, Some(text)) => Known::of(regex.is_match(&text)),
                _ => Known::False,
            }),
            Operator::Below(limit) => any(&|n| number(n, &|x| x < *limit)),
            Operator::Above(limit) => any(&|n| number(n, &|x| x > *limit)),
            Operator::Open => any(&|n| match &n.value {
                Value::Text(text) => Known::of(open(text)),
                Value::Partial(_) => Known::Unknown,
                _ => Known::False,
            }),
        };
        let evidence = Evidence {
            path: below(at, path),
            value: decisive.map_or_else(|| if found.unknown { "(not known)".into() } else { "not set".into() }, Node::shown),
            expected: self.expected(negated),
            line: decisive.map_or(0, |n| n.line),
            end_line: decisive.map_or(0, |n| n.end_line),
        };
        (known, vec![evidence])
    }

    /// What would be right where the test is true (or false, when negated).
    fn expected(&self, negated: bool) -> String {
        let list = |all: &[Value]| all.iter().map(|v| Node::from(v.clone()).shown()).collect::<Vec<_>>().join(" or ");
        match (self, negated) {
            (Operator::In(all), false) | (Operator::NotIn(all), true) => format!("not {}", list(all)),
            (Operator::In(all), true) | (Operator::NotIn(all), false) => list(all),
            (Operator::Absent, false) | (Operator::Present, true) => "set".into(),
            (Operator::Absent, true) | (Operator::Present, false) => "not set".into(),
            (Operator::Matches(regex), false) => format!("no match of {regex}"),
            (Operator::Matches(regex), true) => format!("a match of {regex}"),
            (Operator::Below(n), false) | (Operator::Above(n), true) => format!("at least {n}"),
            (Operator::Above(n), false) | (Operator::Below(n), true) => format!("at most {n}"),
            (Operator::Open, _) => "not everybody".into(),
        }
    }
}

fn within(node: &Node, wanted: &[Value]) -> Known {
    if let Value::Partial(text) = &node.value {
        // The known beginning may already tell it apart from every wanted text.
        let start = text.split("${").next().unwrap_or_default();
        let possible = wanted.iter().any(|w| matches!(w, Value::Text(w) if w.starts_with(start)));
        return if possible { Known::Unknown } else { Known::False };
    }
    Known::of(wanted.iter().any(|w| match (w, &node.value) {
        (Value::Bool(w), _) => node.as_bool() == Some(*w),
        (Value::Number(w), _) => node.as_number() == Some(*w),
        (Value::Text(w), Value::Text(text)) => w == text,
        (Value::Text(w), _) => node.scalar().as_deref() == Some(w),
        _ => false,
    }))
}

fn number(node: &Node, test: &dyn Fn(f64) -> bool) -> Known {
    match (&node.value, node.as_number()) {
        (Value::Partial(_), _) => Known::Unknown,
        (_, Some(n)) => Known::of(test(n)),
        _ => Known::False,
    }
}

fn open(text: &str) -> bool {
    let text = text.trim();
    matches!(text, "*" | "::/0" | "0::/0" | "/0" | "any" | "Any" | "Internet" | "internet" | "<nw>/0" | "0.0.0.0" | "::")
        || text.ends_with("/0") && text.trim_end_matches("/0").chars().all(|c| matches!(c, '0' | '.' | ':'))
}

/// Whether a rule with `from_port`, `to_port` and `protocol` lets one of the ports through.
fn opens(node: &Node, ports: &[f64], at: &str) -> (Known, Vec<Evidence>) {
    let field = |name: &str| node.get(name).filter(|n| !n.is_null());
    let protocol = field("protocol").or_else(|| field("ip_protocol"));
    let (from, to) = (field("from_port"), field("to_port"));
    let protocol_text = protocol.and_then(Node::scalar).unwrap_or_default().to_ascii_lowercase();
    let everything = matches!(protocol_text.as_str(), "-1" | "all" | "any");
    let number = |n: Option<&Node>| n.and_then(Node::as_number);
    let known = match (number(from), number(to)) {
        _ if everything => Known::True,
        _ if matches!(protocol_text.as_str(), "icmp" | "icmpv6" | "udp" | "1" | "58" | "17") => Known::False,
        (Some(a), Some(b)) => {
            Known::of(ports.iter().any(|p| a <= *p && *p <= b || a == -1.0 && b == -1.0 || a == 0.0 && b == 0.0 && everything))
        }
        _ if from.is_none() && to.is_none() && protocol.is_none_or(|p| !p.is_unknown()) => Known::False,
        _ => Known::Unknown,
    };
    let text = |n: Option<&Node>| n.map_or_else(|| "not set".to_owned(), Node::shown);
    let shown = if everything { "every port".to_owned() } else { format!("{}-{}", text(from), text(to)) };
    let wanted: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let first = from.or(protocol);
    let evidence = Evidence {
        path: below(at, "from_port"),
        value: shown,
        expected: format!("not {}", wanted.join(", ")),
        line: first.map_or(node.line, |n| n.line),
        end_line: first.map_or(node.end_line, |n| n.end_line),
    };
    (known, vec![evidence])
}
