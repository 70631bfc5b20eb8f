//! `data "aws_iam_policy_document"` to the JSON that it stands for.

use hcl_edit::structure::Block;

use super::eval::Env;
use crate::posture::value::{Node, Value};

impl Env<'_, '_> {
    /// The policy text; statements of `source_policy_documents` first, `override_policy_documents` last.
    pub(super) fn policy_document(&self, block: &Block) -> Node {
        let project = self.module.project;
        if project.depth.get() > 100 {
            return Node::unknown();
        }
        project.depth.set(project.depth.get() + 1);
        let body = self.body(&block.body);
        project.depth.set(project.depth.get() - 1);
        let mut statements = Vec::new();
        let mut known = others(&body, &["source_policy_documents", "source_json"], &mut statements);
        match body.get("statement").map(|s| &s.value) {
            Some(Value::List(all)) => {
                for one in all {
                    known &= !one.is_unknown();
                    statements.push(statement(one));
                }
            }
            Some(_) => known = false,
            None => {}
        }
        known &= others(&body, &["override_policy_documents", "override_json"], &mut statements);
        if !known {
            statements.push(Node::unknown());
        }
        let version = body.get("version").cloned().unwrap_or_else(|| Node::text("2012-10-17"));
        let (line, end_line) = self.file.span(block);
        Node::from(Value::Map(vec![("Version".into(), version), ("Statement".into(), Value::List(statements).into())]))
            .encoded()
            .at(line, end_line)
    }
}

/// False when a document is not known.
fn others(body: &Node, names: &[&str], out: &mut Vec<Node>) -> bool {
    let mut known = true;
    for node in names.iter().filter_map(|n| body.get(n)).flat_map(|n| n.as_list().unwrap_or(std::slice::from_ref(n))) {
        match &node.value {
            Value::Null => {}
            Value::Text(text) | Value::Partial(text) => match crate::posture::json::read(text) {
                Ok(document) => match document.get("Statement").map(|s| s.value.clone()) {
                    Some(Value::List(all)) => out.extend(all),
                    Some(value @ Value::Map(_)) => out.push(value.into()),
                    _ => {}
                },
                Err(_) => known = false,
            },
            _ => known = false,
        }
    }
    known
}

fn statement(block: &Node) -> Node {
    let mut out = Node::from(Value::Map(Vec::new())).at(block.line, block.end_line);
    out.put("Effect", block.get("effect").filter(|e| !e.is_null()).cloned().unwrap_or_else(|| Node::text("Allow")));
    let names =
        [("sid", "Sid"), ("actions", "Action"), ("not_actions", "NotAction"), ("resources", "Resource"), ("not_resources", "NotResource")];
    for (from, to) in names {
        if let Some(node) = block.get(from).filter(|n| !n.is_null()) {
            out.put(to, node.clone());
        }
    }
    for (from, to) in [("principals", "Principal"), ("not_principals", "NotPrincipal")] {
        let Some(all) = block.get(from) else { continue };
        let Value::List(all) = &all.value else {
            out.put(to, Node::unknown());
            continue;
        };
        let mut map = Node::from(Value::Map(Vec::new()));
        for one in all {
            let kind = one.get("type").and_then(Node::scalar).unwrap_or_else(|| "${unknown}".into());
            let identifiers = one.get("identifiers").cloned().unwrap_or_default();
            let anybody = identifiers.as_list().is_some_and(|l| l.len() == 1 && l[0].as_str() == Some("*"));
            if kind == "*" && anybody {
                map = Node::text("*");
                break;
            }
            map.put(&kind, identifiers);
        }
        out.put(to, map);
    }
    if let Some(all) = block.get("condition") {
        let mut map = Node::from(Value::Map(Vec::new()));
        match &all.value {
            Value::List(all) => {
                for one in all {
                    let text = |name: &str| one.get(name).and_then(Node::scalar).unwrap_or_else(|| "${unknown}".into());
                    let mut inner = map.get(&text("test")).cloned().unwrap_or_else(|| Value::Map(Vec::new()).into());
                    inner.put(&text("variable"), one.get("values").cloned().unwrap_or_default());
                    map.put(&text("test"), inner);
                }
            }
            _ => map = Node::unknown(),
        }
        out.put("Condition", map);
    }
    out
}
