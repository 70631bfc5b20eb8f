//! CloudFormation and SAM templates: parameters, mappings, conditions and intrinsics in both spellings. A parameter without default is
//! unknown; a reference to another resource is a link.

use std::collections::HashMap;

use super::value::{Node, Value};
use super::{Item, Scan, link};

/// Intrinsics within intrinsics, conditions of conditions.
const DEPTH_MAX: u32 = 60;

struct Template<'t> {
    parameters: HashMap<&'t str, &'t Node>,
    mappings: Option<&'t Node>,
    conditions: Option<&'t Node>,
    resources: HashMap<&'t str, String>,
}

/// False when this is no template.
pub(super) fn read(path: &str, document: &Node, scan: &mut Scan) -> bool {
    let Some(resources) = document.get("Resources").and_then(Node::as_map) else { return false };
    let kind_of = |r: &Node| r.get("Type").and_then(Node::as_str).filter(|k| k.contains("::")).map(str::to_owned);
    if document.get("AWSTemplateFormatVersion").is_none() && !resources.iter().any(|(_, r)| kind_of(r).is_some()) {
        return false;
    }
    let map = |key: &str| document.get(key).and_then(Node::as_map).unwrap_or_default();
    let template = Template {
        parameters: map("Parameters").iter().map(|(k, v)| (k.as_str(), v)).collect(),
        mappings: document.get("Mappings"),
        conditions: document.get("Conditions"),
        resources: resources.iter().filter_map(|(name, r)| Some((name.as_str(), format!("{}.{name}", kind_of(r)?)))).collect(),
    };
    let globals = document.get("Globals").map(|g| template.resolve(g, 0));
    let mut items = Vec::new();
    for (name, resource) in resources {
        let Some(kind) = kind_of(resource) else { continue };
        let condition = resource.get("Condition").and_then(Node::as_str).map(|c| template.condition(c, 0));
        if condition == Some(Some(false)) {
            continue;
        }
        let mut attributes = resource.get("Properties").map_or_else(|| Value::Map(Vec::new()).into(), |p| template.resolve(p, 0));
        if attributes.as_map().is_none() {
            attributes = Value::Map(Vec::new()).into();
        }
        if let Some(shared) = globals.as_ref().and_then(|g| g.get(kind.strip_prefix("AWS::Serverless::")?)) {
            for (key, node) in shared.as_map().unwrap_or_default() {
                if attributes.get(key).is_none() {
                    attributes.put(key, node.clone());
                }
            }
        }
        for key in ["DeletionPolicy", "UpdateReplacePolicy"] {
            if let Some(node) = resource.get(key) {
                attributes.put(key, node.clone());
            }
        }
        let address = format!("{kind}.{name}");
        items.push(Item {
            input: "cloudformation",
            kind,
            base: address.clone(),
            address,
            file: path.to_owned(),
            line: resource.line.saturating_sub(u32::from(!path.ends_with(".json"))).max(1),
            end_line: resource.end_line,
            attributes,
            certain: condition != Some(None),
        });
    }
    link::join(&mut items);
    scan.items.extend(items);
    true
}

impl Template<'_> {
    fn resolve(&self, node: &Node, depth: u32) -> Node {
        if depth > DEPTH_MAX {
            return Node::unknown();
        }
        let out = match &node.value {
            Value::List(all) => {
                let all = all.iter().map(|n| self.resolve(n, depth + 1)).filter(|n| !n.is_null());
                Value::List(all.collect()).into()
            }
            Value::Map(all) => match all.as_slice() {
                [(name, argument)] if name.starts_with("Fn::") || name.starts_with('!') || name == "Ref" || name == "Condition" => {
                    let name = name.trim_start_matches("Fn::").trim_start_matches('!');
                    match self.intrinsic(name, argument, depth + 1) {
                        Some(made) => made,
                        None => Value::Map(vec![(name.to_owned(), self.resolve(argument, depth + 1))]).into(),
                    }
                }
                _ => {
                    let all = all.iter().map(|(k, v)| (k.clone(), self.resolve(v, depth + 1))).filter(|(_, v)| !v.is_null());
                    Value::Map(all.collect()).into()
                }
            },
            _ => node.clone(),
        };
        out.at(node.line, node.end_line)
    }

    fn intrinsic(&self, name: &str, argument: &Node, depth: u32) -> Option<Node> {
        Some(match name {
            "Ref" => self.reference(argument.as_str()?, depth),
            "GetAtt" => {
                let (resource, attribute) = match &argument.value {
                    Value::Text(text) => text.split_once('.').map(|(r, a)| (r.to_owned(), a.to_owned()))?,
                    Value::List(parts) => (parts.first()?.scalar()?, parts.get(1).and_then(Node::scalar).unwrap_or_else(|| "?".into())),
                    _ => return Some(Node::unknown()),
                };
                let refs: Vec<String> = self.resources.get(resource.as_str()).cloned().into_iter().collect();
                Node::from(Value::Partial(format!("${{{resource}.{attribute}}}"))).from_refs(&refs)
            }
            "Sub" => {
                let (text, own) = match &argument.value {
                    Value::List(parts) => (parts.first()?.scalar()?, parts.get(1).map(|v| self.resolve(v, depth))),
                    _ => (argument.scalar()?, None),
                };
                self.substituted(&text, own.as_ref(), depth)
            }
            "Join" => {
                let parts = argument.as_list()?;
                let between = parts.first()?.scalar()?;
                let Value::List(all) = self.resolve(parts.get(1)?, depth).value else { return Some(Node::unknown()) };
                joined(&all, &between)
            }
            "If" => {
                let parts = argument.as_list()?;
                let pick = |i: usize| parts.get(i).map_or_else(Node::unknown, |n| self.resolve(n, depth));
                match self.condition(parts.first()?.as_str()?, depth) {
                    Some(true) => pick(1),
                    Some(false) => pick(2),
                    None => {
                        let (yes, no) = (pick(1), pick(2));
                        if yes.value == no.value { yes } else { Node::unknown() }
                    }
                }
            }
            "FindInMap" => {
                let keys: Option<Vec<String>> = argument.as_list()?.iter().take(3).map(|k| self.resolve(k, depth).scalar()).collect();
                let found = keys.and_then(|k| self.mappings?.get(k.first()?)?.get(k.get(1)?)?.get(k.get(2)?).cloned());
                found.unwrap_or_default()
            }
            "Select" => {
                let parts = argument.as_list()?;
                let index = self.resolve(parts.first()?, depth).as_number();
                match (index, self.resolve(parts.get(1)?, depth).value) {
                    (Some(i), Value::List(all)) if i >= 0.0 => all.get(i as usize).cloned().unwrap_or_default(),
                    _ => Node::unknown(),
                }
            }
            "Split" => {
                let parts = argument.as_list()?;
                match self.resolve(parts.get(1)?, depth).value {
                    Value::Text(text) => Value::List(text.split(parts.first()?.as_str()?).map(Node::text).collect()).into(),
                    _ => Node::unknown(),
                }
            }
            "Base64" => self.resolve(argument, depth),
            "Equals" | "And" | "Or" | "Not" | "Condition" => {
                let whole = Node::from(Value::Map(vec![(name.to_owned(), argument.clone())]));
                self.boolean(&whole, depth).map_or(Value::Unknown, Value::Bool).into()
            }
            "GetAZs" | "ImportValue" | "Transform" | "Cidr" | "Length" | "ToJsonString" | "ForEach" => Node::unknown(),
            _ => return None,
        })
    }

    fn reference(&self, name: &str, depth: u32) -> Node {
        if name == "AWS::NoValue" {
            return Value::Null.into();
        }
        if let Some(address) = self.resources.get(name) {
            return Node::from(Value::Partial(format!("${{{name}}}"))).from_refs(std::slice::from_ref(address));
        }
        if name.starts_with("AWS::") {
            return Value::Partial(format!("${{{name}}}")).into();
        }
        match self.parameters.get(name).and_then(|p| p.get("Default")) {
            Some(default) => {
                let list = self.parameters[name].get("Type").and_then(Node::as_str).is_some_and(|t| t.contains("List"));
                match default.scalar() {
                    Some(text) if list => Value::List(text.split(',').map(|t| Node::text(t.trim())).collect()).into(),
                    _ => self.resolve(default, depth),
                }
            }
            None => Node::unknown(),
        }
    }

    fn substituted(&self, text: &str, own: Option<&Node>, depth: u32) -> Node {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            parts.push(Node::text(before));
            let Some((name, tail)) = after.split_once('}') else {
                rest = after;
                break;
            };
            parts.push(if let Some(literal) = name.strip_prefix('!') {
                Node::text(format!("${{{literal}}}"))
            } else if let Some(given) = own.and_then(|o| o.get(name)) {
                given.clone()
            } else if name.contains('.') {
                self.intrinsic("GetAtt", &Node::text(name), depth).unwrap_or_default()
            } else {
                self.reference(name, depth)
            });
            rest = tail;
        }
        parts.push(Node::text(rest));
        joined(&parts, "")
    }

    fn condition(&self, name: &str, depth: u32) -> Option<bool> {
        self.boolean(self.conditions?.get(name)?, depth + 1)
    }

    fn boolean(&self, node: &Node, depth: u32) -> Option<bool> {
        if depth > DEPTH_MAX {
            return None;
        }
        let [(name, argument)] = node.as_map()? else { return None };
        let each = || argument.as_list().unwrap_or_default().iter().map(|n| self.boolean(n, depth + 1)).collect::<Vec<_>>();
        match name.trim_start_matches("Fn::").trim_start_matches('!') {
            "Equals" => {
                let [a, b] = argument.as_list()? else { return None };
                Some(self.resolve(a, depth + 1).scalar()? == self.resolve(b, depth + 1).scalar()?)
            }
            "Not" => each().first().copied().flatten().map(|b| !b),
            "And" => {
                let all = each();
                if all.contains(&Some(false)) { Some(false) } else { all.into_iter().collect::<Option<Vec<_>>>().map(|_| true) }
            }
            "Or" => {
                let all = each();
                if all.contains(&Some(true)) { Some(true) } else { all.into_iter().collect::<Option<Vec<_>>>().map(|_| false) }
            }
            "Condition" => self.condition(argument.as_str()?, depth),
            _ => None,
        }
    }
}

fn joined(parts: &[Node], between: &str) -> Node {
    let (mut texts, mut partial, mut refs) = (Vec::new(), false, Vec::new());
    for part in parts {
        part.all_refs(&mut refs);
        texts.push(match &part.value {
            Value::Partial(text) => {
                partial = true;
                text.clone()
            }
            _ => part.scalar().unwrap_or_else(|| {
                partial = true;
                "${unknown}".into()
            }),
        });
    }
    let text = texts.join(between);
    Node::from(if partial { Value::Partial(text) } else { Value::Text(text) }).from_refs(&refs)
}
