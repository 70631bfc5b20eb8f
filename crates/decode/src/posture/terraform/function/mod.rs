//! Calls of functions. Those that can say something about values that are not known come first; all others need every argument.

mod collection;
mod encoding;
mod network;
mod string;

use hcl_edit::expr::FuncCall;

use super::eval::{Env, equal};
use crate::posture::value::{Node, Value};

/// Elements that a function may make.
const ELEMENTS_MAX: usize = 100_000;

impl Env<'_, '_> {
    pub(super) fn call(&self, call: &FuncCall) -> Node {
        let name = call.name.name.as_str();
        let failed = &self.module.project.failed;
        if matches!(name, "try" | "can") {
            let before = failed.replace(false);
            let mut out = None;
            for arg in call.args.iter() {
                failed.set(false);
                let node = self.eval(arg);
                if name == "can" {
                    out = Some(match (failed.get(), node.is_unknown()) {
                        (true, _) => Value::Bool(false).into(),
                        (false, true) => Node::unknown(),
                        (false, false) => Value::Bool(true).into(),
                    });
                    break;
                }
                if !failed.get() {
                    out = Some(node);
                    break;
                }
            }
            failed.set(before);
            return out.unwrap_or_default();
        }
        let mut args: Vec<Node> = call.args.iter().map(|a| self.eval(a)).collect();
        if call.args.expand_final() {
            match args.pop().map(|a| a.value) {
                Some(Value::List(all)) => args.extend(all.into_iter().take(ELEMENTS_MAX)),
                _ => return Node::unknown(),
            }
        }
        let mut refs = Vec::new();
        args.iter().for_each(|a| a.all_refs(&mut refs));
        let node = match self.lenient(name, &args) {
            Some(node) => node,
            None if args.iter().any(|a| matches!(a.value, Value::Unknown | Value::Partial(_))) => Node::unknown(),
            None => self.strict(name, &args).unwrap_or_default(),
        };
        node.from_refs(&refs)
    }

    /// Functions that answer although something is not known.
    fn lenient(&self, name: &str, args: &[Node]) -> Option<Node> {
        let first = args.first();
        Some(match name {
            "jsonencode" | "yamlencode" => first?.encoded(),
            "sensitive" | "nonsensitive" | "ephemeralasnull" => first?.clone(),
            "tolist" | "toset" | "tomap" => self.collection(name, first?),
            "tostring" => match first?.value {
                Value::Partial(_) | Value::Null => first?.clone(),
                _ => Node::from(first?.scalar().map_or(Value::Unknown, Value::Text)),
            },
            "coalesce" => {
                for arg in args {
                    match &arg.value {
                        Value::Unknown => return Some(Node::unknown()),
                        Value::Null => {}
                        Value::Text(text) if text.is_empty() => {}
                        _ => return Some(arg.clone()),
                    }
                }
                self.failed()
            }
            "coalescelist" => {
                for arg in args {
                    match &arg.value {
                        Value::Unknown => return Some(Node::unknown()),
                        Value::List(all) if all.is_empty() => {}
                        Value::Null => {}
                        _ => return Some(arg.clone()),
                    }
                }
                self.failed()
            }
            "merge" => {
                let mut map = Node::from(Value::Map(Vec::new()));
                for arg in args {
                    match &arg.value {
                        Value::Map(all) => all.iter().for_each(|(k, v)| map.put(k, v.clone())),
                        Value::Null => {}
                        _ => return Some(Node::unknown()),
                    }
                }
                map
            }
            "concat" => {
                let mut all = Vec::new();
                for arg in args {
                    match &arg.value {
                        Value::List(items) => all.extend(items.iter().cloned()),
                        Value::Null => {}
                        _ => all.push(Node::unknown()),
                    }
                    if all.len() > ELEMENTS_MAX {
                        return Some(Node::unknown());
                    }
                }
                Value::List(all).into()
            }
            "flatten" => collection::flatten(first?),
            "compact" => collection::compact(first?),
            "length" => match &first?.value {
                Value::List(all) if !all.iter().any(Node::is_unknown) => Value::Number(all.len() as f64).into(),
                Value::Map(all) => Value::Number(all.len() as f64).into(),
                Value::Text(text) => Value::Number(text.chars().count() as f64).into(),
                _ => Node::unknown(),
            },
            "keys" => match &first?.value {
                Value::Map(all) => {
                    let mut keys: Vec<&String> = all.iter().map(|(k, _)| k).collect();
                    keys.sort();
                    Value::List(keys.into_iter().map(|k| Node::text(k.as_str())).collect()).into()
                }
                _ => Node::unknown(),
            },
            "values" => match super::eval::pairs(first?) {
                Some(pairs) if first?.as_map().is_some() => Value::List(pairs.into_iter().map(|(_, v)| v).collect()).into(),
                _ => Node::unknown(),
            },
            "lookup" => match (&first?.value, args.get(1)?.scalar()) {
                (Value::Map(_), Some(key)) => first?.get(&key).or(args.get(2)).cloned().unwrap_or_else(|| self.failed()),
                _ => Node::unknown(),
            },
            "element" => match (&first?.value, args.get(1)?.as_number()) {
                (Value::List(all), Some(n)) if !all.is_empty() && n >= 0.0 => all[n as usize % all.len()].clone(),
                _ => Node::unknown(),
            },
            "one" => match &first?.value {
                Value::List(all) if all.is_empty() => Value::Null.into(),
                Value::List(all) if all.len() == 1 => all[0].clone(),
                _ => Node::unknown(),
            },
            "contains" => {
                let Value::List(all) = &first?.value else { return Some(Node::unknown()) };
                let mut known = Some(false);
                for item in all {
                    match equal(item, args.get(1)?) {
                        Some(true) => return Some(Value::Bool(true).into()),
                        None => known = None,
                        Some(false) => {}
                    }
                }
                known.map_or(Value::Unknown, Value::Bool).into()
            }
            "zipmap" => match (&first?.value, &args.get(1)?.value) {
                (Value::List(keys), Value::List(values)) => {
                    let pairs: Option<Vec<_>> = keys.iter().zip(values).map(|(k, v)| Some((k.scalar()?, v.clone()))).collect();
                    pairs.map_or(Value::Unknown, Value::Map).into()
                }
                _ => Node::unknown(),
            },
            "format" | "join" | "lower" | "trimspace" => string::half_known(name, args)?,
            "templatefile" => {
                let (text, vars) = (self.file_text(first?)?, args.get(1)?);
                vars.as_map().map_or_else(Node::unknown, |vars| self.rendered(&text, vars))
            }
            "file" => Node::from(self.file_text(first?).map_or(Value::Unknown, Value::Text)),
            _ => return None,
        })
    }

    fn collection(&self, name: &str, node: &Node) -> Node {
        match (&node.value, name) {
            (Value::List(all), "toset") => {
                let mut set: Vec<Node> = Vec::new();
                for item in all {
                    if !set.iter().any(|s| s.value == item.value) {
                        set.push(item.clone());
                    }
                    if set.len() > 2_000 {
                        return node.clone();
                    }
                }
                set.sort_by_key(Node::scalar);
                Node { value: Value::List(set), ..node.clone() }
            }
            _ => node.clone(),
        }
    }

    fn strict(&self, name: &str, args: &[Node]) -> Option<Node> {
        if let Some(value) = collection::call(name, args).or_else(|| string::call(name, args)).or_else(|| network::call(name, args)) {
            return Some(value.into());
        }
        match name {
            "jsondecode" => Some(crate::posture::json::read(args.first()?.as_str()?).unwrap_or_else(|_| self.failed())),
            "yamldecode" => {
                let mut all = crate::posture::yaml::documents(args.first()?.as_str()?).unwrap_or_default();
                Some(if all.len() == 1 { all.remove(0) } else { self.failed() })
            }
            "fileexists" => Some(Value::Bool(self.file_text(args.first()?).is_some()).into()),
            "tonumber" => Some(args.first()?.as_number().map_or_else(|| self.failed(), |n| Value::Number(n).into())),
            "tobool" => Some(args.first()?.as_bool().map_or_else(|| self.failed(), |b| Value::Bool(b).into())),
            _ => encoding::call(name, args).map(Into::into),
        }
    }

    /// A file of the scan, named relative to the module's folder.
    fn file_text(&self, name: &Node) -> Option<String> {
        let (Value::Text(name) | Value::Partial(name)) = &name.value else { return None };
        let name = name.trim_start_matches("./");
        let path = super::join(&self.module.folder.path, &format!("./{name}"));
        let bytes = self.module.project.texts.get(&path)?;
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }
}
