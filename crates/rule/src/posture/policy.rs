//! Permission policies in JSON: their `Allow` statements in one shape, whichever way they were written.

use decode::posture::{Node, Value, json_value};

/// Statements of a policy given as text or as an object; `None` when it cannot be known.
pub(super) fn statements(policy: &Node) -> Option<Vec<Node>> {
    let parsed = match &policy.value {
        Value::Text(text) | Value::Partial(text) => {
            let mut parsed = json_value(text).ok()?;
            half(&mut parsed);
            parsed
        }
        Value::Map(_) => policy.clone(),
        _ => return None,
    };
    let statement = parsed.get("Statement").or_else(|| parsed.get("statement"))?;
    match &statement.value {
        Value::List(all) => Some(all.clone()),
        Value::Map(_) => Some(vec![statement.clone()]),
        _ => None,
    }
}

/// Texts with `${..}` are known in part. Policy variables (`${aws:username}`) are part of the language and known.
fn half(node: &mut Node) {
    match &mut node.value {
        Value::Text(text) if text.contains("${") && !text.contains("${aws:") => node.value = Value::Partial(std::mem::take(text)),
        Value::List(all) => all.iter_mut().for_each(half),
        Value::Map(all) => all.iter_mut().for_each(|(_, v)| half(v)),
        _ => {}
    }
}

/// An `Allow` statement as `actions`, `resources`, `principals` (lists) and `condition`; the second says whether it is known to be one.
pub(super) fn allows(statement: &Node) -> Option<(Node, bool)> {
    if statement.is_unknown() {
        return Some((Node::unknown(), false));
    }
    let Value::Partial(_) = &statement.value else {
        let effect = statement.get("Effect");
        let known = match effect.map(|e| &e.value) {
            Some(Value::Text(text)) if text == "Allow" => true,
            Some(Value::Unknown | Value::Partial(_)) => false,
            _ => return None,
        };
        let list = |name: &str| match statement.get(name).map(|n| &n.value) {
            Some(Value::List(all)) => all.clone(),
            Some(Value::Null) | None => Vec::new(),
            Some(_) => statement.get(name).cloned().into_iter().collect(),
        };
        let principals = match statement.get("Principal").map(|p| &p.value) {
            Some(Value::Map(kinds)) => kinds
                .iter()
                .filter(|(kind, _)| kind == "AWS" || kind == "*")
                .flat_map(|(_, v)| v.as_list().map_or_else(|| vec![v.clone()], <[Node]>::to_vec))
                .collect(),
            _ => list("Principal"),
        };
        let mut out = vec![
            ("actions".to_owned(), Value::List(list("Action")).into()),
            ("resources".to_owned(), Value::List(list("Resource")).into()),
            ("principals".to_owned(), Value::List(principals).into()),
        ];
        for (from, to) in [("Condition", "condition"), ("NotAction", "not_actions"), ("NotPrincipal", "not_principals")] {
            if let Some(node) = statement.get(from) {
                out.push((to.to_owned(), node.clone()));
            }
        }
        return Some((Node::from(Value::Map(out)), known));
    };
    Some((Node::unknown(), false))
}
