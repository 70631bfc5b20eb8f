//! Rule files (YAML) to rules. All faults of all files are said at once, with file and line.

use decode::posture::{Node, Value, yaml_documents};
use event::Severity;

use super::condition::{Condition, Operator};
use super::view::{Fields, Names};
use super::{Fault, Rule};

/// Conditions within conditions.
const DEPTH_MAX: usize = 20;
/// Size of a compiled pattern.
const REGEX_BYTES_MAX: usize = 1 << 20;

pub(super) struct Loader<'f> {
    pub(super) file: &'f str,
    pub(super) faults: Vec<Fault>,
}

const KEYS: &[&str] =
    &["id", "title", "severity", "resource", "when", "why", "fix", "aliases", "related", "techniques", "checks", "categories", "examples"];

impl Loader<'_> {
    fn fault(&mut self, line: u32, text: impl Into<String>) {
        self.faults.push(Fault { file: self.file.to_owned(), line, text: text.into() });
    }

    pub(super) fn documents(&mut self, text: &str) -> Vec<Node> {
        match yaml_documents(text) {
            Ok(all) => all,
            Err((line, why)) => {
                self.fault(line, why);
                Vec::new()
            }
        }
    }

    /// `fields.yaml`: type to its name here.
    pub(super) fn fields(&mut self, text: &str, fields: &mut Fields) {
        for document in self.documents(text) {
            for (kind, node) in document.as_map().unwrap_or_default() {
                let pairs = |key: &str| -> Vec<(String, String)> {
                    let all = node.get(key).and_then(Node::as_map).unwrap_or_default();
                    all.iter().filter_map(|(from, to)| Some((from.clone(), to.scalar()?))).collect()
                };
                match node.get("kind").and_then(Node::as_str) {
                    Some(to) => {
                        fields.insert(kind.clone(), Names { kind: to.to_owned(), keys: pairs("keys"), moves: pairs("moves") });
                    }
                    None => self.fault(node.line, format!("{kind} has no `kind`")),
                }
            }
        }
    }

    pub(super) fn rules(&mut self, text: &str) -> Vec<Rule> {
        let documents = self.documents(text);
        documents.iter().flat_map(|d| d.as_list().unwrap_or_default()).filter_map(|node| self.rule(node)).collect()
    }

    fn rule(&mut self, node: &Node) -> Option<Rule> {
        let before = self.faults.len();
        for (key, _) in node.as_map().unwrap_or_default().iter().filter(|(k, _)| !KEYS.contains(&k.as_str())) {
            self.fault(node.line, format!("`{key}` is no key of a rule; keys are {}", KEYS.join(", ")));
        }
        let texts = |key: &str| -> Vec<String> {
            match node.get(key).map(|n| &n.value) {
                Some(Value::List(all)) => all.iter().filter_map(Node::scalar).collect(),
                Some(Value::Text(one)) => vec![one.clone()],
                _ => Vec::new(),
            }
        };
        let mut text = |key: &str| {
            let found = node.get(key).and_then(Node::scalar).unwrap_or_default();
            if found.is_empty() {
                self.fault(node.line, format!("a rule needs `{key}`"));
            }
            found
        };
        let (id, title, severity, why, fix) = (text("id"), text("title"), text("severity"), text("why"), text("fix"));
        let severity = match severity.as_str() {
            "info" => Severity::Info,
            "low" => Severity::Low,
            "medium" => Severity::Medium,
            "high" => Severity::High,
            "critical" => Severity::Critical,
            other => {
                self.fault(node.line, format!("severity of {id} is {other}, expected info, low, medium, high or critical"));
                Severity::Info
            }
        };
        let resources = texts("resource");
        if resources.is_empty() {
            self.fault(node.line, format!("{id} names no `resource`"));
        }
        let techniques: Vec<event::Technique> = texts("techniques").iter().filter_map(|uid| event::attack::by_uid(uid)).collect();
        if techniques.len() != texts("techniques").len() {
            self.fault(node.line, format!("a technique of {id} is not known"));
        }
        let example = |key: &str| -> Vec<String> {
            let all = node.get("examples").and_then(|e| e.get(key)).and_then(Node::as_list).unwrap_or_default();
            all.iter().filter_map(Node::scalar).collect()
        };
        let (bad, good) = (example("bad"), example("good"));
        if bad.is_empty() || good.is_empty() {
            self.fault(node.line, format!("{id} needs at least one bad and one good example"));
        }
        let when = match node.get("when") {
            Some(when) => self.condition(when, 0),
            None => {
                self.fault(node.line, format!("{id} has no `when`"));
                None
            }
        };
        let when = when.filter(|_| self.faults.len() == before)?;
        Some(Rule {
            id,
            title,
            severity,
            resources,
            why,
            fix,
            aliases: texts("aliases"),
            related: texts("related"),
            techniques,
            checks: texts("checks"),
            categories: texts("categories"),
            bad,
            good,
            when,
        })
    }

    fn condition(&mut self, node: &Node, depth: usize) -> Option<Condition> {
        if depth > DEPTH_MAX {
            self.fault(node.line, "conditions are nested too deeply");
            return None;
        }
        if let Some(all) = node.as_list() {
            return Some(Condition::All(all.iter().filter_map(|n| self.condition(n, depth + 1)).collect()));
        }
        let map = node.as_map().unwrap_or_default();
        let path = node.get("path").and_then(Node::scalar);
        if let [(word @ ("all" | "any"), inner)] = map.iter().map(|(k, v)| (k.as_str(), v)).collect::<Vec<_>>().as_slice() {
            let all = inner.as_list().unwrap_or_default().iter().filter_map(|n| self.condition(n, depth + 1)).collect();
            return Some(if *word == "all" { Condition::All(all) } else { Condition::Any(all) });
        }
        if let Some(inner) = node.get("not") {
            return Some(Condition::Not(Box::new(self.condition(inner, depth + 1)?)));
        }
        if let Some(ports) = node.get("ports") {
            return Some(Condition::Ports(ports.as_list().unwrap_or_default().iter().filter_map(Node::as_number).collect()));
        }
        if let Some(inner) = node.get("some") {
            return Some(Condition::Some(path.unwrap_or_default(), Box::new(self.condition(inner, depth + 1)?)));
        }
        if let Some(inner) = node.get("statement") {
            return Some(Condition::Statement(path.unwrap_or_default(), Box::new(self.condition(inner, depth + 1)?)));
        }
        let Some((word, value)) = map.iter().find(|(k, _)| k != "path") else {
            self.fault(node.line, "a condition needs an operator");
            return None;
        };
        let values = || match &value.value {
            Value::List(all) => all.iter().map(|n| n.value.clone()).collect(),
            one => vec![one.clone()],
        };
        let operator = match (word.as_str(), value.as_number()) {
            ("equals" | "in", _) => Operator::In(values()),
            ("is_not" | "not_in", _) => Operator::NotIn(values()),
            ("absent", _) => Operator::Absent,
            ("present", _) => Operator::Present,
            ("open", _) => Operator::Open,
            ("below", Some(n)) => Operator::Below(n),
            ("above", Some(n)) => Operator::Above(n),
            ("matches", _) => {
                let pattern = value.scalar().unwrap_or_default();
                match regex::RegexBuilder::new(&pattern).size_limit(REGEX_BYTES_MAX).build() {
                    Ok(regex) => Operator::Matches(Box::new(regex)),
                    Err(error) => {
                        self.fault(value.line, format!("pattern {pattern}: {error}"));
                        return None;
                    }
                }
            }
            _ => {
                self.fault(node.line, format!("`{word}` is no operator"));
                return None;
            }
        };
        Some(Condition::Leaf(path.unwrap_or_default(), operator))
    }
}
