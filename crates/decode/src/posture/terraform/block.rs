//! Bodies of blocks to values: attributes, nested blocks as lists, `dynamic` blocks unrolled.

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};

use super::eval::{Env, pairs};
use crate::posture::value::{Node, Value};

/// Arguments of every resource that say how many there are, not what it is.
const META: &[&str] = &["count", "for_each", "provider", "depends_on", "lifecycle", "connection", "provisioner"];
/// Blocks within blocks.
const DEPTH_MAX: usize = 50;

impl Env<'_, '_> {
    /// A body as a map. A nested block is always a list, as it is in a plan.
    pub(super) fn body(&self, body: &Body) -> Node {
        self.nested(body, 0)
    }

    fn nested(&self, body: &Body, depth: usize) -> Node {
        let mut map = Node::from(Value::Map(Vec::new()));
        if depth > DEPTH_MAX {
            return map;
        }
        for attribute in body.attributes().filter(|a| depth > 0 || !META.contains(&a.key.as_str())) {
            let (line, _) = self.file.span(attribute);
            let mut node = self.eval(&attribute.value);
            node.end_line = self.file.span(&attribute.value).1.max(node.end_line);
            node.line = if line > 0 { line } else { node.line };
            map.put(attribute.key.as_str(), node);
        }
        for block in body.blocks().filter(|b| depth > 0 || !META.contains(&b.ident.as_str())) {
            let (line, end_line) = self.file.span(block);
            if block.ident.as_str() == "dynamic" {
                if let Some(name) = block.labels.first() {
                    let made = self.dynamic(name.as_str(), block, depth);
                    made.into_iter().for_each(|node| append(&mut map, name.as_str(), node.at(line, end_line)));
                }
            } else {
                append(&mut map, block.ident.as_str(), self.nested(&block.body, depth + 1).at(line, end_line));
            }
        }
        map
    }

    /// Blocks of a `dynamic` one; one unknown when nobody knows how many.
    fn dynamic(&self, name: &str, block: &Block, depth: usize) -> Vec<Node> {
        let (Some(for_each), Some(content)) = (block.body.get_attribute("for_each"), block.body.get_blocks("content").next()) else {
            return Vec::new();
        };
        let iterator = match block.body.get_attribute("iterator").map(|a| &a.value) {
            Some(Expression::Variable(ident)) => ident.as_str().to_owned(),
            Some(other) => other.as_str().unwrap_or(name).to_owned(),
            None => name.to_owned(),
        };
        let collection = self.eval(&for_each.value);
        if collection.is_null() {
            return Vec::new();
        }
        let is_list = matches!(collection.value, Value::List(_));
        let Some(pairs) = pairs(&collection) else { return vec![Node::unknown()] };
        pairs
            .into_iter()
            .take(super::module::INSTANCES_MAX)
            .map(|(key, value)| {
                // The key of a set is its value; lists have their index.
                let key = if is_list && is_set(&for_each.value) { value.clone() } else { key };
                let bound = Value::Map(vec![("key".into(), key), ("value".into(), value)]);
                self.with(&iterator, bound.into()).nested(&content.body, depth + 1)
            })
            .collect()
    }

    /// A value under a type constraint: defaults of `optional(..)` are filled in.
    pub(super) fn typed(&self, node: Node, constraint: &Expression) -> Node {
        let Expression::FuncCall(call) = constraint else { return node };
        let arg = call.args.iter().next();
        let (line, end_line, refs) = (node.line, node.end_line, node.refs.clone());
        let value = match (call.name.name.as_str(), arg, node.value) {
            ("object", Some(Expression::Object(fields)), Value::Map(mut all)) => {
                for (key, wanted) in fields.iter() {
                    let Some(key) = key.as_ident().map(|k| k.as_str()).or_else(|| match key.as_expr() {
                        Some(Expression::Variable(name)) => Some(name.as_str()),
                        Some(e) => e.as_str(),
                        None => None,
                    }) else {
                        continue;
                    };
                    let (inner, default) = optional(wanted.expr());
                    let at = all.iter().position(|(k, v)| k == key && !v.is_null());
                    match at {
                        Some(i) => {
                            let old = std::mem::take(&mut all[i].1);
                            all[i].1 = self.typed(old, inner);
                        }
                        None if optional_call(wanted.expr()) => {
                            all.retain(|(k, _)| k != key);
                            let node = default.map_or(Value::Null.into(), |d| self.typed(self.eval(d), inner));
                            all.push((key.to_owned(), node));
                        }
                        None => {}
                    }
                }
                Value::Map(all)
            }
            ("map", Some(inner), Value::Map(all)) => Value::Map(all.into_iter().map(|(k, v)| (k, self.typed(v, inner))).collect()),
            ("list" | "set", Some(inner), Value::List(all)) => Value::List(all.into_iter().map(|v| self.typed(v, inner)).collect()),
            (_, _, value) => value,
        };
        Node { value, line, end_line, refs }
    }
}

fn optional_call(expression: &Expression) -> bool {
    matches!(expression, Expression::FuncCall(call) if call.name.name.as_str() == "optional")
}

/// The type and the default within `optional(type, default)`.
fn optional(expression: &Expression) -> (&Expression, Option<&Expression>) {
    match expression {
        Expression::FuncCall(call) if call.name.name.as_str() == "optional" => {
            let mut args = call.args.iter();
            (args.next().unwrap_or(expression), args.next())
        }
        _ => (expression, None),
    }
}

fn is_set(expression: &Expression) -> bool {
    matches!(expression, Expression::FuncCall(call) if call.name.name.as_str() == "toset")
}

fn append(map: &mut Node, name: &str, node: Node) {
    if let Value::Map(all) = &mut map.value {
        match all.iter_mut().find(|(k, _)| k == name) {
            Some((_, Node { value: Value::List(items), end_line, .. })) => {
                *end_line = node.end_line;
                items.push(node);
            }
            Some(_) => {}
            None => {
                let (line, end_line) = (node.line, node.end_line);
                all.push((name.to_owned(), Node::from(Value::List(vec![node])).at(line, end_line)));
            }
        }
    }
}
