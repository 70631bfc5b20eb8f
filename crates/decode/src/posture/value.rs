//! What a configuration says about one attribute: a typed value that knows where it was written, or that it cannot be known.

use std::fmt::Write as _;

use serde_json::{Map, Number};

/// Three-valued knowledge: `Unknown` is neither set nor unset, neither true nor false.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Unknown,
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Text of which a part is known: `${aws_kms_key.k.arn}` is a text that is set, though nobody knows which.
    Partial(String),
    List(Vec<Node>),
    /// In the order of the source.
    Map(Vec<(String, Node)>),
}

/// A value, its lines (1-based, 0 when it stands nowhere) and the resources it was taken from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    pub value: Value,
    pub line: u32,
    pub end_line: u32,
    /// Addresses; what makes two resources linked.
    pub refs: Vec<String>,
}

/// Links that one value may carry.
const REFS_MAX: usize = 64;

impl From<Value> for Node {
    fn from(value: Value) -> Node {
        Node { value, ..Node::default() }
    }
}

impl Node {
    pub fn unknown() -> Node {
        Node::default()
    }

    pub fn text(text: impl Into<String>) -> Node {
        Value::Text(text.into()).into()
    }

    #[must_use]
    pub fn at(mut self, line: u32, end_line: u32) -> Node {
        self.line = line;
        self.end_line = end_line;
        self
    }

    #[must_use]
    pub fn from_refs(mut self, refs: &[String]) -> Node {
        for one in refs {
            if self.refs.len() < REFS_MAX && !self.refs.contains(one) {
                self.refs.push(one.clone());
            }
        }
        self
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self.value, Value::Unknown)
    }

    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub fn as_str(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    pub fn as_list(&self) -> Option<&[Node]> {
        if let Value::List(all) = &self.value { Some(all) } else { None }
    }

    pub fn as_map(&self) -> Option<&[(String, Node)]> {
        if let Value::Map(all) = &self.value { Some(all) } else { None }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(b) => Some(*b),
            Value::Text(t) if t == "true" => Some(true),
            Value::Text(t) if t == "false" => Some(false),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<f64> {
        match &self.value {
            Value::Number(n) => Some(*n),
            Value::Text(t) => t.parse().ok().filter(|n: &f64| n.is_finite()),
            _ => None,
        }
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Sets a key of a map; a later one wins.
    pub fn put(&mut self, key: &str, node: Node) {
        if let Value::Map(all) = &mut self.value {
            match all.iter_mut().find(|(k, _)| k == key) {
                Some((_, old)) => *old = node,
                None => all.push((key.to_owned(), node)),
            }
        }
    }

    /// The text of a scalar, as the language would print it into a template.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(t) => Some(t.clone()),
            Value::Bool(b) => Some(b.to_string()),
            Value::Number(n) => Some(number(*n)),
            _ => None,
        }
    }

    /// Whether something in here cannot be known.
    pub fn has_unknown(&self) -> bool {
        match &self.value {
            Value::Unknown | Value::Partial(_) => true,
            Value::List(all) => all.iter().any(Node::has_unknown),
            Value::Map(all) => all.iter().any(|(_, v)| v.has_unknown()),
            _ => false,
        }
    }

    /// Every link in here and below.
    pub fn all_refs(&self, out: &mut Vec<String>) {
        for one in &self.refs {
            if out.len() < REFS_MAX && !out.contains(one) {
                out.push(one.clone());
            }
        }
        match &self.value {
            Value::List(all) => all.iter().for_each(|v| v.all_refs(out)),
            Value::Map(all) => all.iter().for_each(|(_, v)| v.all_refs(out)),
            _ => {}
        }
    }

    /// As JSON. Unknown values are left out and their paths are added to `unknown`; half-known texts keep their `${..}` and are named as well.
    pub fn json(&self, path: &str, unknown: &mut Vec<String>) -> serde_json::Value {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match &self.value {
            Value::Unknown => {
                unknown.push(path.to_owned());
                serde_json::Value::Null
            }
            Value::Partial(text) => {
                unknown.push(path.to_owned());
                text.as_str().into()
            }
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Number(n) => json_number(*n),
            Value::Text(text) => text.as_str().into(),
            Value::List(all) => all.iter().enumerate().map(|(i, v)| v.json(&below(&i.to_string()), unknown)).collect(),
            Value::Map(all) => {
                let mut map = Map::new();
                for (key, node) in all {
                    if node.is_unknown() {
                        unknown.push(below(key));
                    } else {
                        map.insert(key.clone(), node.json(&below(key), unknown));
                    }
                }
                serde_json::Value::Object(map)
            }
        }
    }

    /// What [`Node::json`] made, back again; lines are lost.
    pub fn from_json(json: &serde_json::Value) -> Node {
        match json {
            serde_json::Value::Null => Value::Null.into(),
            serde_json::Value::Bool(b) => Value::Bool(*b).into(),
            serde_json::Value::Number(n) => Value::Number(n.as_f64().unwrap_or(0.0)).into(),
            serde_json::Value::String(t) => Node::text(t.as_str()),
            serde_json::Value::Array(all) => Value::List(all.iter().map(Node::from_json).collect()).into(),
            serde_json::Value::Object(all) => Value::Map(all.iter().map(|(k, v)| (k.clone(), Node::from_json(v))).collect()).into(),
        }
    }

    /// Marks what `unknown` names, as [`Node::json`] wrote it.
    pub fn forget(&mut self, path: &str) {
        let (head, rest) = path.split_once('.').map_or((path, None), |(h, r)| (h, Some(r)));
        match (&mut self.value, rest) {
            (Value::Map(all), _) => {
                // Keys may hold dots themselves: the longest key that fits wins.
                if let Some((_, node)) = all.iter_mut().find(|(k, _)| k == path) {
                    return node.hide();
                }
                let known = all.iter().map(|(k, _)| k).filter(|k| path.starts_with(&format!("{k}."))).max_by_key(|k| k.len()).cloned();
                match (known, rest) {
                    (Some(key), _) => {
                        if let Some((_, node)) = all.iter_mut().find(|(k, _)| *k == key) {
                            node.forget(&path[key.len() + 1..]);
                        }
                    }
                    (None, None) => all.push((head.to_owned(), Node::unknown())),
                    (None, Some(_)) => all.push((path.to_owned(), Node::unknown())),
                }
            }
            (Value::List(all), rest) => {
                if let Some(node) = head.parse::<usize>().ok().and_then(|i| all.get_mut(i)) {
                    match rest {
                        Some(rest) => node.forget(rest),
                        None => node.hide(),
                    }
                }
            }
            _ => {}
        }
    }

    fn hide(&mut self) {
        self.value = match std::mem::take(&mut self.value) {
            Value::Text(text) => Value::Partial(text),
            _ => Value::Unknown,
        };
    }

    /// JSON text as `jsonencode` makes it; half known when something in it is.
    pub fn encoded(&self) -> Node {
        let mut text = String::new();
        encode(self, &mut text);
        let mut refs = Vec::new();
        self.all_refs(&mut refs);
        let value = if self.has_unknown() { Value::Partial(text) } else { Value::Text(text) };
        Node { value, line: self.line, end_line: self.end_line, refs }
    }

    /// For people and fingerprints: short, on one line.
    pub fn shown(&self) -> String {
        const CHARS_MAX: usize = 200;
        let text = match &self.value {
            Value::Unknown => "(not known)".to_owned(),
            Value::Text(text) | Value::Partial(text) => text.clone(),
            _ => {
                let mut text = String::new();
                encode(self, &mut text);
                text
            }
        };
        if text.chars().count() > CHARS_MAX { text.chars().take(CHARS_MAX).chain(['…']).collect() } else { text }
    }
}

fn encode(node: &Node, out: &mut String) {
    match &node.value {
        Value::Unknown => out.push_str("\"${unknown}\""),
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&number(*n)),
        Value::Text(text) | Value::Partial(text) => quote(text, out),
        Value::List(all) => {
            out.push('[');
            for (i, v) in all.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                encode(v, out);
            }
            out.push(']');
        }
        Value::Map(all) => {
            out.push('{');
            for (i, (k, v)) in all.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                quote(k, out);
                out.push(':');
                encode(v, out);
            }
            out.push('}');
        }
    }
}

fn quote(text: &str, out: &mut String) {
    let _ = write!(out, "{}", serde_json::Value::from(text));
}

/// `3` rather than `3.0`.
pub fn number(n: f64) -> String {
    if n.fract() == 0.0 && n.abs() < 1e15 { format!("{n:.0}") } else { n.to_string() }
}

fn json_number(n: f64) -> serde_json::Value {
    if n.fract() == 0.0 && n.abs() < 1e15 { (n as i64).into() } else { Number::from_f64(n).map_or(serde_json::Value::Null, Into::into) }
}
