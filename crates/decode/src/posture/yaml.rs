//! YAML (and JSON, which is nearly a part of it) to values with lines. Anchors are copied within a budget, nesting has a limit.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::value::{Node, Value};

/// Deeper nesting is refused.
const DEPTH_MAX: usize = 100;
/// Values of one text, aliases expanded.
const NODES_MAX: usize = 2_000_000;

/// A tag such as `!Sub` becomes a map with the single key `!Sub`.
pub fn documents(text: &str) -> Result<Vec<Node>, (u32, String)> {
    let mut loader = Loader { stack: Vec::new(), anchors: HashMap::new(), documents: Vec::new(), nodes: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|e| (e.marker().line() as u32, e.info().to_owned()))?;
        loader.take(event, span.start.line() as u32, span.end.line() as u32)?;
    }
    Ok(loader.documents)
}

struct Open {
    anchor: usize,
    tag: Option<String>,
    line: u32,
    items: Vec<Node>,
    /// `None` for a sequence.
    pairs: Option<Vec<(String, Node)>>,
    key: Option<String>,
}

struct Loader {
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    documents: Vec<Node>,
    nodes: usize,
}

impl Loader {
    fn take(&mut self, event: Event<'_>, line: u32, end_line: u32) -> Result<(), (u32, String)> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = if style == ScalarStyle::Plain && tag.is_none() { plain(&text) } else { Value::Text(text.into_owned()) };
                let mut node = Node::from(value).at(line, end_line.max(line));
                if let Some(tag) = tag.as_deref().and_then(own_tag) {
                    node = Node::from(Value::Map(vec![(tag, node)])).at(line, end_line.max(line));
                }
                self.keep(anchor, &node, 1);
                self.add(node, 1, line)?;
            }
            Event::SequenceStart(anchor, tag) => self.open(anchor, tag.as_deref().and_then(own_tag), line, false)?,
            Event::MappingStart(anchor, tag) => self.open(anchor, tag.as_deref().and_then(own_tag), line, true)?,
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.stack.pop() else { return Ok(()) };
                let value = match open.pairs {
                    Some(pairs) => Value::Map(merged(pairs)),
                    None => Value::List(open.items),
                };
                let end = last_line(&value).max(open.line);
                let mut node = Node::from(value).at(open.line, end);
                if let Some(tag) = open.tag {
                    node = Node::from(Value::Map(vec![(tag, node)])).at(open.line, end);
                }
                let size = if open.anchor > 0 { size(&node) } else { 1 };
                self.keep(open.anchor, &node, size);
                self.add(node, 1, line)?;
            }
            Event::Alias(anchor) => {
                let (mut node, size) = self.anchors.get(&anchor).cloned().unwrap_or_default();
                node.line = line;
                node.end_line = line;
                self.add(node, size, line)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, anchor: usize, tag: Option<String>, line: u32, map: bool) -> Result<(), (u32, String)> {
        if self.stack.len() >= DEPTH_MAX {
            return Err((line, format!("nested deeper than {DEPTH_MAX}")));
        }
        self.stack.push(Open { anchor, tag, line, items: Vec::new(), pairs: map.then(Vec::new), key: None });
        Ok(())
    }

    fn keep(&mut self, anchor: usize, node: &Node, size: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
    }

    fn add(&mut self, node: Node, size: usize, line: u32) -> Result<(), (u32, String)> {
        self.nodes += size;
        if self.nodes > NODES_MAX {
            return Err((line, format!("more than {NODES_MAX} values")));
        }
        match self.stack.last_mut() {
            None => self.documents.push(node),
            Some(Open { pairs: None, items, .. }) => items.push(node),
            Some(Open { pairs: Some(pairs), key, .. }) => match key.take() {
                None => *key = Some(node.scalar().unwrap_or_else(|| node.shown())),
                Some(key) => pairs.push((key, node)),
            },
        }
        Ok(())
    }
}

/// `<<: *base`: keys of the base that are not set here.
fn merged(pairs: Vec<(String, Node)>) -> Vec<(String, Node)> {
    if !pairs.iter().any(|(k, _)| k == "<<") {
        return pairs;
    }
    let (bases, mut own): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(k, _)| k == "<<");
    for (_, base) in bases {
        let several = if let Value::List(all) = base.value { all } else { vec![base] };
        for (key, node) in several.into_iter().filter_map(|b| if let Value::Map(all) = b.value { Some(all) } else { None }).flatten() {
            if !own.iter().any(|(k, _)| *k == key) {
                own.push((key, node));
            }
        }
    }
    own
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(all) => all.iter().map(size).sum(),
        Value::Map(all) => all.iter().map(|(_, v)| size(v)).sum(),
        _ => 0,
    }
}

fn last_line(value: &Value) -> u32 {
    match value {
        Value::List(all) => all.last().map_or(0, |n| n.end_line),
        Value::Map(all) => all.last().map_or(0, |(_, n)| n.end_line),
        _ => 0,
    }
}

fn own_tag(tag: &Tag) -> Option<String> {
    (tag.handle == "!").then(|| format!("!{}", tag.suffix))
}

/// A plain scalar: the types of YAML 1.2, and `yes`/`no` stay text as in Kubernetes' JSON view.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => {
            let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
                && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
            if let Some(n) = numeric.then(|| text.parse::<f64>().ok()).flatten().filter(|n| n.is_finite()) {
                return Value::Number(n);
            }
            let radix = |start: &str, radix| text.strip_prefix(start).and_then(|t| i64::from_str_radix(t, radix).ok());
            match radix("0x", 16).or_else(|| radix("0o", 8)) {
                Some(n) => Value::Number(n as f64),
                None => Value::Text(text.to_owned()),
            }
        }
    }
}
