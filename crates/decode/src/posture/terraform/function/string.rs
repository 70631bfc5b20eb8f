//! Functions over texts.

use crate::posture::value::{Node, Value};

/// A longer result is unknown.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Size of a compiled pattern.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// `format`, `join`, `lower` and `trimspace` keep what is known of a text.
pub(super) fn half_known(name: &str, args: &[Node]) -> Option<Node> {
    let half = |node: &Node| match &node.value {
        Value::Text(t) => (t.clone(), false),
        Value::Partial(t) => (t.clone(), true),
        _ => node.scalar().map_or(("${unknown}".to_owned(), true), |t| (t, false)),
    };
    let first = args.first()?;
    let (text, partial) = match name {
        "lower" | "trimspace" => {
            let (text, partial) = half(first);
            if first.is_unknown() {
                return Some(Node::unknown());
            }
            (if name == "lower" && !partial { text.to_lowercase() } else { text.trim().to_owned() }, partial)
        }
        "join" => {
            let Value::List(all) = &args.get(1)?.value else { return Some(Node::unknown()) };
            let (between, mut partial) = half(first);
            let mut parts = Vec::new();
            for item in all {
                let (text, p) = half(item);
                partial |= p;
                parts.push(text);
            }
            (parts.join(&between), partial)
        }
        "format" => {
            let (template, mut partial) = half(first);
            let (mut out, mut rest) = (String::new(), args[1..].iter());
            let mut chars = template.chars().peekable();
            while let Some(c) = chars.next() {
                if c != '%' {
                    out.push(c);
                    continue;
                }
                let mut spec = String::new();
                while let Some(c) = chars.next_if(|c| !c.is_ascii_alphabetic() && *c != '%') {
                    spec.push(c);
                }
                match chars.next() {
                    Some('%') => out.push('%'),
                    Some(verb) => {
                        let (text, p) = rest.next().map_or((String::new(), true), half);
                        partial |= p;
                        let width =
                            spec.trim_start_matches('0').split('.').next().and_then(|w| w.parse::<usize>().ok()).unwrap_or(0).min(1_000);
                        let zero = spec.starts_with('0');
                        match verb {
                            'q' => out.push_str(&serde_json::Value::from(text).to_string()),
                            _ if zero => out.push_str(&format!("{text:0>width$}")),
                            _ => out.push_str(&format!("{text:>width$}")),
                        }
                    }
                    None => {}
                }
                if out.len() > TEXT_BYTES_MAX {
                    return Some(Node::unknown());
                }
            }
            (out, partial)
        }
        _ => return None,
    };
    let value = match (partial, text.len() > TEXT_BYTES_MAX) {
        (_, true) => Value::Unknown,
        (true, _) => Value::Partial(text),
        _ => Value::Text(text),
    };
    Some(value.into())
}

pub(super) fn call(name: &str, args: &[Node]) -> Option<Value> {
    let text = |i: usize| args.get(i).and_then(Node::scalar);
    let number = |i: usize| args.get(i).and_then(Node::as_number);
    let some = |t: &str| Some(Value::Text(t.to_owned()));
    let first = text(0).unwrap_or_default();
    match name {
        "upper" => some(&first.to_uppercase()),
        "title" => {
            let mut start = true;
            let titled = first.chars().map(|c| {
                let up = std::mem::replace(&mut start, c.is_whitespace());
                if up { c.to_ascii_uppercase() } else { c }
            });
            Some(Value::Text(titled.collect()))
        }
        "chomp" => some(first.trim_end_matches(['\n', '\r'])),
        "strrev" => Some(Value::Text(first.chars().rev().collect())),
        "startswith" => Some(Value::Bool(first.starts_with(&text(1)?))),
        "endswith" => Some(Value::Bool(first.ends_with(&text(1)?))),
        "strcontains" => Some(Value::Bool(first.contains(&text(1)?))),
        "trim" => some(first.trim_matches(|c| text(1).unwrap_or_default().contains(c))),
        "trimprefix" => some(first.strip_prefix(&text(1)?).unwrap_or(&first)),
        "trimsuffix" => some(first.strip_suffix(&text(1)?).unwrap_or(&first)),
        "split" => {
            let (by, all) = (first, text(1)?);
            let parts: Vec<Node> = if by.is_empty() {
                all.chars().map(|c| Node::text(c.to_string())).collect()
            } else {
                all.split(&by).map(Node::text).collect()
            };
            Some(Value::List(parts))
        }
        "substr" => {
            let chars: Vec<char> = first.chars().collect();
            let from = number(1)?;
            let from = if from < 0.0 { chars.len().saturating_sub(-from as usize) } else { (from as usize).min(chars.len()) };
            let length = number(2)?;
            let to = if length < 0.0 { chars.len() } else { (from + length as usize).min(chars.len()) };
            Some(Value::Text(chars[from..to].iter().collect()))
        }
        "indent" => {
            let by = " ".repeat((number(0)? as usize).min(200));
            Some(Value::Text(text(1)?.replace('\n', &format!("\n{by}"))))
        }
        "formatlist" => None,
        "replace" => {
            let (from, to) = (text(1)?, text(2)?);
            let out = match from.strip_prefix('/').and_then(|f| f.strip_suffix('/')) {
                Some(pattern) if from.len() > 1 => regex(pattern)?.replace_all(&first, to.as_str()).into_owned(),
                _ => first.replace(&from, &to),
            };
            (out.len() <= TEXT_BYTES_MAX).then_some(Value::Text(out))
        }
        "regex" => {
            let (regex, all) = (regex(&first)?, text(1)?);
            regex.captures(&all).map(|found| groups(&regex, &found))
        }
        "regexall" => {
            let (regex, all) = (regex(&first)?, text(1)?);
            Some(Value::List(regex.captures_iter(&all).take(1_000).map(|found| groups(&regex, &found).into()).collect()))
        }
        _ => None,
    }
}

fn regex(pattern: &str) -> Option<regex::Regex> {
    regex::RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).build().ok()
}

fn groups(regex: &regex::Regex, found: &regex::Captures<'_>) -> Value {
    let text = |m: Option<regex::Match<'_>>| Node::from(m.map_or(Value::Null, |m| Value::Text(m.as_str().to_owned())));
    let names: Vec<&str> = regex.capture_names().flatten().collect();
    if !names.is_empty() {
        Value::Map(names.into_iter().map(|n| (n.to_owned(), text(found.name(n)))).collect())
    } else if found.len() == 1 {
        text(found.get(0)).value
    } else {
        Value::List((1..found.len()).map(|i| text(found.get(i))).collect())
    }
}
