//! One view of a resource for all inputs: CloudFormation's names become those that rules are written in.

use std::collections::HashMap;

use decode::posture::{Item, Node, Value};

/// What a type of another input is called here, and which of its fields differ by more than their spelling.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) kind: String,
    /// Key to key, wherever it stands.
    pub(super) keys: Vec<(String, String)>,
    /// Path to path, from the resource's root.
    pub(super) moves: Vec<(String, String)>,
}

/// By type, as in `content/rules/posture/fields.yaml`.
pub(super) type Fields = HashMap<String, Names>;

/// The type under which rules know the resource.
pub(super) fn kind<'k>(fields: &'k Fields, item: &'k Item) -> &'k str {
    fields.get(&item.kind).map_or(item.kind.as_str(), |names| &names.kind)
}

/// The resource in the rules' words; `None` when it already is.
pub(super) fn of(fields: &Fields, item: &Item) -> Option<Node> {
    fields.get(&item.kind).map(|names| renamed(fields, names, &item.attributes))
}

fn renamed(fields: &Fields, names: &Names, attributes: &Node) -> Node {
    let mut out = snake(attributes, &names.keys, 0);
    for (from, to) in &names.moves {
        if let Some(node) = take(&mut out, from) {
            put(&mut out, to, node);
        }
    }
    for (kind, all) in attributes.get("linked").and_then(Node::as_map).unwrap_or_default() {
        let inner = fields.get(kind);
        let to = format!("linked.{}", inner.map_or(kind.as_str(), |n| &n.kind));
        let all: Vec<Node> = all
            .as_list()
            .unwrap_or_default()
            .iter()
            .map(|n| match inner {
                Some(inner) if !n.is_unknown() => renamed(fields, inner, n),
                _ => n.clone(),
            })
            .collect();
        put(&mut out, &to, Value::List(all).into());
    }
    out
}

/// Trees deeper than this keep their names.
const DEPTH_MAX: usize = 60;

fn snake(node: &Node, keys: &[(String, String)], depth: usize) -> Node {
    let value = match &node.value {
        Value::List(all) if depth < DEPTH_MAX => Value::List(all.iter().map(|n| snake(n, keys, depth + 1)).collect()),
        Value::Map(all) if depth < DEPTH_MAX => Value::Map(
            all.iter()
                .filter(|(k, _)| k != "linked")
                .map(|(k, v)| {
                    let key = snake_key(k);
                    let key = keys.iter().find(|(from, _)| *from == key).map_or(key, |(_, to)| to.clone());
                    // Policies and names of one's own are nobody's field names.
                    let opaque = key.ends_with("policy_document") || matches!(key.as_str(), "policy" | "key_policy" | "variables" | "tags");
                    let inner = if opaque { v.clone() } else { snake(v, keys, depth + 1) };
                    (key, inner)
                })
                .collect(),
        ),
        value => value.clone(),
    };
    Node { value, line: node.line, end_line: node.end_line, refs: node.refs.clone() }
}

/// `KMSMasterKeyID` to `kms_master_key_id`.
fn snake_key(key: &str) -> String {
    let chars: Vec<char> = key.chars().collect();
    let mut out = String::with_capacity(key.len() + 4);
    for (i, c) in chars.iter().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            let after_lower = chars[i - 1].is_ascii_lowercase() || chars[i - 1].is_ascii_digit();
            let before_lower = chars.get(i + 1).is_some_and(char::is_ascii_lowercase) && chars[i - 1].is_ascii_uppercase();
            if after_lower || before_lower {
                out.push('_');
            }
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn take(node: &mut Node, path: &str) -> Option<Node> {
    let Value::Map(all) = &mut node.value else { return None };
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let at = all.iter().position(|(k, _)| k == head)?;
    if rest.is_empty() { Some(all.remove(at).1) } else { take(&mut all[at].1, rest) }
}

fn put(node: &mut Node, path: &str, value: Node) {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    if rest.is_empty() {
        return node.put(head, value);
    }
    if node.get(head).is_none_or(|n| n.as_map().is_none()) {
        node.put(head, Value::Map(Vec::new()).into());
    }
    if let Value::Map(all) = &mut node.value
        && let Some((_, inner)) = all.iter_mut().find(|(k, _)| k == head)
    {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_spelled_in_one_way() {
        for (from, to) in
            [("KMSMasterKeyID", "kms_master_key_id"), ("SSEAlgorithm", "sse_algorithm"), ("MultiAZ", "multi_az"), ("Ipv6", "ipv6")]
        {
            assert_eq!(super::snake_key(from), to);
        }
    }
}
