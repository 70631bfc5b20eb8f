//! Functions over lists, maps and numbers.

use super::ELEMENTS_MAX;
use crate::posture::terraform::eval::equal;
use crate::posture::value::{Node, Value};

pub(super) fn flatten(node: &Node) -> Node {
    fn into(node: &Node, out: &mut Vec<Node>, depth: usize) {
        match &node.value {
            Value::List(all) if depth < 20 => all.iter().for_each(|n| into(n, out, depth + 1)),
            _ if out.len() < ELEMENTS_MAX => out.push(node.clone()),
            _ => {}
        }
    }
    if node.as_list().is_none() {
        return Node::unknown();
    }
    let mut out = Vec::new();
    into(node, &mut out, 0);
    Value::List(out).into()
}

pub(super) fn compact(node: &Node) -> Node {
    let Value::List(all) = &node.value else { return Node::unknown() };
    Value::List(all.iter().filter(|n| !n.is_null() && n.as_str() != Some("")).cloned().collect()).into()
}

pub(super) fn call(name: &str, args: &[Node]) -> Option<Value> {
    let first = args.first();
    let list = || first.and_then(Node::as_list);
    let number = |i: usize| args.get(i).and_then(Node::as_number);
    let known = |all: &[Node]| !all.iter().any(Node::has_unknown);
    let value = match name {
        "abs" => Value::Number(number(0)?.abs()),
        "ceil" => Value::Number(number(0)?.ceil()),
        "floor" => Value::Number(number(0)?.floor()),
        "signum" => Value::Number(if number(0)? == 0.0 { 0.0 } else { number(0)?.signum() }),
        "pow" => Value::Number(number(0)?.powf(number(1)?)),
        "max" | "min" => {
            let all: Option<Vec<f64>> = args.iter().map(Node::as_number).collect();
            Value::Number(all?.into_iter().reduce(if name == "max" { f64::max } else { f64::min })?)
        }
        "sum" => Value::Number(list()?.iter().map(Node::as_number).sum::<Option<f64>>()?),
        "alltrue" | "anytrue" => {
            let all: Option<Vec<bool>> = list()?.iter().map(Node::as_bool).collect();
            let all = all?;
            Value::Bool(if name == "alltrue" { all.iter().all(|b| *b) } else { all.iter().any(|b| *b) })
        }
        "range" => {
            let (from, to, step) = match args.len() {
                1 => (0.0, number(0)?, 1.0),
                2 => (number(0)?, number(1)?, 1.0),
                _ => (number(0)?, number(1)?, number(2)?),
            };
            let mut all = Vec::new();
            let mut at = from;
            while step != 0.0 && (if step > 0.0 { at < to } else { at > to }) && all.len() < ELEMENTS_MAX {
                all.push(Value::Number(at).into());
                at += step;
            }
            Value::List(all)
        }
        "reverse" => Value::List(list()?.iter().rev().cloned().collect()),
        "slice" => {
            let (from, to) = (number(1)? as usize, number(2)? as usize);
            Value::List(list()?.get(from..to)?.to_vec())
        }
        "sort" => {
            let mut all = list()?.to_vec();
            if !known(&all) {
                return None;
            }
            all.sort_by_key(Node::scalar);
            Value::List(all)
        }
        "distinct" => {
            let mut out: Vec<Node> = Vec::new();
            for item in list()?.iter().take(2_000) {
                if !out.iter().any(|o| equal(o, item) == Some(true)) {
                    out.push(item.clone());
                }
            }
            Value::List(out)
        }
        "chunklist" => Value::List(list()?.chunks((number(1)? as usize).max(1)).map(|c| Value::List(c.to_vec()).into()).collect()),
        "index" => Value::Number(list()?.iter().position(|i| args.get(1).is_some_and(|x| equal(i, x) == Some(true)))? as f64),
        "setunion" | "setintersection" | "setsubtract" => set(name, args)?,
        "setproduct" => {
            let lists: Option<Vec<&[Node]>> = args.iter().map(Node::as_list).collect();
            let mut out: Vec<Vec<Node>> = vec![Vec::new()];
            for list in lists? {
                if out.len().saturating_mul(list.len()) > ELEMENTS_MAX {
                    return None;
                }
                out = out.iter().flat_map(|o| list.iter().map(|i| o.iter().cloned().chain([i.clone()]).collect())).collect();
            }
            Value::List(out.into_iter().map(|o| Value::List(o).into()).collect())
        }
        "transpose" => {
            let mut out = Node::from(Value::Map(Vec::new()));
            for (key, values) in first?.as_map()? {
                for value in values.as_list()? {
                    let to = value.scalar()?;
                    let mut all = out.get(&to).and_then(Node::as_list).unwrap_or_default().to_vec();
                    all.push(Node::text(key.as_str()));
                    out.put(&to, Value::List(all).into());
                }
            }
            out.value
        }
        "matchkeys" => {
            let (keys, wanted) = (args.get(1)?.as_list()?, args.get(2)?.as_list()?);
            let hit = |k: &Node| wanted.iter().any(|w| equal(w, k) == Some(true));
            Value::List(list()?.iter().zip(keys).filter(|(_, k)| hit(k)).map(|(v, _)| v.clone()).collect())
        }
        _ => return None,
    };
    Some(value)
}

fn set(name: &str, args: &[Node]) -> Option<Value> {
    let lists: Option<Vec<&[Node]>> = args.iter().map(Node::as_list).collect();
    let lists = lists?;
    if lists.iter().flat_map(|l| l.iter()).any(Node::has_unknown) || lists.iter().map(|l| l.len()).sum::<usize>() > 2_000 {
        return None;
    }
    let within = |list: &[Node], item: &Node| list.iter().any(|i| equal(i, item) == Some(true));
    let (first, rest) = lists.split_first()?;
    let mut out: Vec<Node> = Vec::new();
    let candidates: Vec<&Node> = if name == "setunion" { lists.iter().flat_map(|l| l.iter()).collect() } else { first.iter().collect() };
    for item in candidates {
        let keep = match name {
            "setintersection" => rest.iter().all(|l| within(l, item)),
            "setsubtract" => !rest.iter().any(|l| within(l, item)),
            _ => true,
        };
        if keep && !within(&out, item) {
            out.push(item.clone());
        }
    }
    Some(Value::List(out))
}
