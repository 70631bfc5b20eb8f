//! YAML to a tree that knows its lines. No anchors, no tags: a playbook is written by hand, and what it says stands where it is read.

use saphyr_parser::{Event, Parser};

use super::Fault;

/// A playbook is a page; a longer file is something else.
pub(super) const BYTES_MAX: usize = 64 * 1024;
const DEPTH_MAX: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, usize, Node)>),
}

impl Node {
    pub(super) fn words(&self) -> String {
        match &self.value {
            Value::Scalar(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a map".into(),
        }
    }
}

enum Open {
    List(usize, Vec<Node>),
    Map(usize, Vec<(String, usize, Node)>, Option<(String, usize)>),
}

/// The first fault ends it: behind a broken indentation nothing can be said.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    if text.len() > BYTES_MAX {
        return Err(Fault::new("P001", 1, format!("the file has {} bytes", text.len()), format!("at most {BYTES_MAX}")));
    }
    let mut open: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|e| Fault::new("P001", e.marker().line(), format!("this is no YAML: {}", e.info()), "correct the line"))?;
        let line = span.start.line();
        let done = match event {
            Event::Scalar(_, _, anchor, ref tag) if anchor > 0 || tag.is_some() => return Err(no_magic(line)),
            Event::SequenceStart(anchor, ref tag) | Event::MappingStart(anchor, ref tag) if anchor > 0 || tag.is_some() => {
                return Err(no_magic(line));
            }
            Event::Alias(_) => return Err(no_magic(line)),
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= DEPTH_MAX => {
                return Err(Fault::new("P001", line, format!("nested deeper than {DEPTH_MAX}"), "a playbook needs three levels"));
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(line, Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(line, Vec::new(), None));
                continue;
            }
            Event::Scalar(text, ..) => Node { line, value: Value::Scalar(text.into_owned()) },
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(line, items)) => Node { line, value: Value::List(items) },
                Some(Open::Map(line, pairs, _)) => Node { line, value: Value::Map(pairs) },
                None => continue,
            },
            _ => continue,
        };
        match open.last_mut() {
            Some(Open::List(_, items)) => items.push(done),
            Some(Open::Map(_, pairs, key)) => match key.take() {
                Some((name, at)) => pairs.push((name, at, done)),
                None => match done.value {
                    Value::Scalar(name) => *key = Some((name, done.line)),
                    _ => return Err(Fault::new("P001", done.line, format!("the key is {}", done.words()), "a word")),
                },
            },
            None if root.is_some() => {
                return Err(Fault::new("P001", done.line, "a second document begins", "one playbook a file"));
            }
            None => root = Some(done),
        }
    }
    root.ok_or_else(|| Fault::new("P001", 1, "the file is empty", "name, when, actions"))
}

fn no_magic(line: usize) -> Fault {
    Fault::new("P001", line, "an anchor, alias or tag", "the value itself")
}
