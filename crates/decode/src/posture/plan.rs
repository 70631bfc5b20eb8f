//! `terraform show -json` of a plan or a state: the most exact input. `after_unknown` is unknown; references come from the configuration.

use std::collections::HashMap;

use super::value::{Node, Value};
use super::{Item, Scan, link};

/// Modules within modules.
const LEVELS_MAX: usize = 100;

/// False when this is no plan.
pub(super) fn read(path: &str, plan: &Node, scan: &mut Scan) -> bool {
    let Some(root) = ["planned_values", "values"].into_iter().find_map(|key| plan.get(key)?.get("root_module")) else {
        return false;
    };
    if plan.get("format_version").is_none() && plan.get("terraform_version").is_none() {
        return false;
    }
    let mut unknown: HashMap<&str, &Node> = HashMap::new();
    for change in plan.get("resource_changes").and_then(Node::as_list).unwrap_or_default() {
        if let (Some(address), Some(after)) =
            (change.get("address").and_then(Node::as_str), change.get("change").and_then(|c| c.get("after_unknown")))
        {
            unknown.insert(address, after);
        }
    }
    let mut references = HashMap::new();
    if let Some(root) = plan.get("configuration").and_then(|c| c.get("root_module")) {
        configured(root, "", 0, &mut references);
    }
    let mut items = Vec::new();
    module(path, root, 0, &unknown, &references, &mut items);
    link::join(&mut items);
    scan.items.extend(items);
    true
}

/// Attribute to what it refers to, by address without keys.
type References = HashMap<String, Vec<(String, Vec<String>)>>;

fn configured(module: &Node, prefix: &str, level: usize, out: &mut References) {
    if level > LEVELS_MAX {
        return;
    }
    for resource in module.get("resources").and_then(Node::as_list).unwrap_or_default() {
        let (Some(address), Some(Value::Map(expressions))) =
            (resource.get("address").and_then(Node::as_str), resource.get("expressions").map(|e| &e.value))
        else {
            continue;
        };
        let mut all = Vec::new();
        for (attribute, expression) in expressions {
            let names = expression.get("references").and_then(Node::as_list).unwrap_or_default().iter().filter_map(Node::as_str);
            let names = names.filter(|n| !n.starts_with("var.") && !n.starts_with("local."));
            let refs = most_exact(names.map(|n| format!("{prefix}{}", resource_of(n))).collect());
            if !refs.is_empty() {
                all.push((attribute.clone(), refs));
            }
        }
        out.insert(format!("{prefix}{address}"), all);
    }
    for (name, call) in module.get("module_calls").and_then(Node::as_map).unwrap_or_default() {
        if let Some(inner) = call.get("module") {
            configured(inner, &format!("{prefix}module.{name}."), level + 1, out);
        }
    }
}

fn module(path: &str, node: &Node, level: usize, unknown: &HashMap<&str, &Node>, references: &References, items: &mut Vec<Item>) {
    if level > LEVELS_MAX {
        return;
    }
    for resource in node.get("resources").and_then(Node::as_list).unwrap_or_default() {
        let text = |key: &str| resource.get(key).and_then(Node::as_str).unwrap_or_default();
        let address = text("address").to_owned();
        let data = text("mode") == "data";
        let mut attributes = resource.get("values").cloned().unwrap_or_else(|| Value::Map(Vec::new()).into());
        set_only(&mut attributes);
        if let Some(after) = unknown.get(address.as_str()) {
            hide(&mut attributes, after);
        }
        let base = without_keys(&address);
        for (attribute, refs) in references.get(&base).into_iter().flatten() {
            if let Value::Map(all) = &mut attributes.value
                && let Some((_, node)) = all.iter_mut().find(|(k, _)| k == attribute)
            {
                if node.is_unknown() {
                    node.value = Value::Partial(format!("${{{}}}", refs[0]));
                }
                *node = std::mem::take(node).from_refs(refs);
            }
        }
        let kind = if data { format!("data.{}", text("type")) } else { text("type").to_owned() };
        let (line, end_line) = (resource.line, resource.end_line);
        items.push(Item { input: "terraform", kind, address, base, file: path.to_owned(), line, end_line, attributes, certain: true });
    }
    for child in node.get("child_modules").and_then(Node::as_list).unwrap_or_default() {
        module(path, child, level + 1, unknown, references, items);
    }
}

/// `aws_x.y["k"].id` to `aws_x.y["k"]`.
fn resource_of(reference: &str) -> String {
    let mut dots_left = if reference.starts_with("data.") { 3 } else { 2 };
    let mut depth = 0_u32;
    for (at, c) in reference.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => {
                dots_left -= 1;
                if dots_left == 0 {
                    return reference[..at].to_owned();
                }
            }
            _ => {}
        }
    }
    reference.to_owned()
}

/// A plan names `x["k"]` and then `x` as well: only the first is meant.
fn most_exact(mut all: Vec<String>) -> Vec<String> {
    all.dedup();
    let whole = all.clone();
    all.retain(|one| !whole.iter().any(|other| other.strip_prefix(one.as_str()).is_some_and(|rest| rest.starts_with('['))));
    all
}

/// A plan writes `null` for what is not set.
fn set_only(node: &mut Node) {
    match &mut node.value {
        Value::Map(all) => {
            all.retain(|(_, v)| !v.is_null());
            all.iter_mut().for_each(|(_, v)| set_only(v));
        }
        Value::List(all) => all.iter_mut().for_each(set_only),
        _ => {}
    }
}

fn hide(node: &mut Node, after: &Node) {
    match (&mut node.value, &after.value) {
        (_, Value::Bool(true)) => node.value = Value::Unknown,
        (Value::Map(all), Value::Map(hidden)) => {
            for (key, inner) in hidden {
                match all.iter_mut().find(|(k, _)| k == key) {
                    Some((_, v)) => hide(v, inner),
                    None if inner.as_bool() == Some(true) => all.push((key.clone(), Node::unknown())),
                    None => {}
                }
            }
        }
        (Value::List(all), Value::List(hidden)) => all.iter_mut().zip(hidden).for_each(|(v, inner)| hide(v, inner)),
        _ => {}
    }
}

/// `module.m["k"].aws_x.y[0]` without its keys.
pub(super) fn without_keys(address: &str) -> String {
    let (mut out, mut depth, mut quoted) = (String::with_capacity(address.len()), 0_u32, false);
    for c in address.chars() {
        match c {
            '"' if depth > 0 => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}
