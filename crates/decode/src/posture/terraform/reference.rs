//! References: `var.x`, `local.x`, `module.m.out`, `aws_x.y.attr`. What another resource says is read there; what only its provider
//! knows stays a link: a text that is set and not known.

use hcl_edit::expr::{Expression, TraversalOperator};

use super::eval::Env;
use super::folder::Resource;
use super::module::Instance;
use crate::posture::value::{Node, Value};

impl<'p> Env<'_, 'p> {
    pub(super) fn traversal(&self, first: &Expression, operators: &[&TraversalOperator]) -> Node {
        let Expression::Variable(word) = first else {
            let node = self.eval(first);
            return self.follow(node, operators);
        };
        let word = word.as_str();
        if let Some(bound) = self.named(word) {
            return self.follow(bound.clone(), operators);
        }
        let name = |i: usize| match operators.get(i) {
            Some(TraversalOperator::GetAttr(name)) => Some(name.as_str()),
            _ => None,
        };
        let rest = |i: usize| operators.get(i..).unwrap_or_default();
        match (word, name(0)) {
            ("var", Some(name)) => self.follow(self.module.variable(name), rest(1)),
            ("local", Some(name)) => self.follow(self.module.local(name), rest(1)),
            ("path", Some("module" | "root" | "cwd")) => Node::text("."),
            ("module", Some(call)) => self.output(call, rest(1)),
            ("data", Some(kind)) => match name(1) {
                Some(name) => self.resource(true, kind, name, rest(2)),
                None => Node::unknown(),
            },
            ("each" | "count" | "self" | "terraform", _) | (_, None) => Node::unknown(),
            (kind, Some(name)) => self.resource(false, kind, name, rest(1)),
        }
    }

    /// The key of `x["k"].y`, `x[0].y`; `Err` for a splat.
    fn key(&self, operator: Option<&&TraversalOperator>) -> Result<Option<Node>, ()> {
        match operator {
            Some(TraversalOperator::Index(index)) => Ok(Some(self.eval(index))),
            Some(TraversalOperator::LegacyIndex(index)) => Ok(Some(Value::Number(*index.value() as f64).into())),
            Some(TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_)) => Err(()),
            _ => Ok(None),
        }
    }

    fn output(&self, call: &str, operators: &[&TraversalOperator]) -> Node {
        let children = self.module.children(call);
        let refs = [format!("{}module.{call}", self.module.prefix)];
        let (key, used) = match self.key(operators.first()) {
            Err(()) => {
                let Some(TraversalOperator::GetAttr(name)) = operators.get(1) else { return Node::unknown().from_refs(&refs) };
                if children.iter().any(|(i, _)| !i.certain) {
                    return Node::unknown().from_refs(&refs);
                }
                let rest = operators.get(2..).unwrap_or_default();
                let all = children.iter().map(|(_, m)| self.follow(m.output(name.as_str()), rest)).collect();
                return Value::List(all).into();
            }
            Ok(Some(key)) => (Some(key), 1),
            Ok(None) => (None, 0),
        };
        let Some(TraversalOperator::GetAttr(name)) = operators.get(used) else { return Node::unknown().from_refs(&refs) };
        let child = children.iter().find(|(i, _)| matches(i, key.as_ref()));
        match child {
            Some((_, module)) => self.follow(module.output(name.as_str()), operators.get(used + 1..).unwrap_or_default()),
            None => Node::unknown().from_refs(&refs),
        }
    }

    fn resource(&self, data: bool, kind: &str, name: &str, operators: &[&TraversalOperator]) -> Node {
        let Some(resource) = self.module.folder.resource(data, kind, name) else { return Node::unknown() };
        let base = self.module.address(&resource);
        let all = format!("{}{kind}.{name}", if data { "data." } else { "" });
        let instances = self.module.instances(&all, resource.file, resource.block);
        let (key, used) = match self.key(operators.first()) {
            Err(()) => {
                let refs = [base.clone()];
                let many = resource.block.body.has_attribute("count") || resource.block.body.has_attribute("for_each");
                if instances.iter().any(|i| !i.certain) || !many {
                    return Node::unknown().from_refs(&refs);
                }
                let rest = operators.get(1..).unwrap_or_default();
                let each = instances.iter().take(1_000).map(|i| self.attribute_of(&resource, i, &format!("{base}{}", i.key), rest));
                return Node::from(Value::List(each.collect())).from_refs(&refs);
            }
            Ok(Some(key)) => (Some(key), 1),
            Ok(None) => (None, 0),
        };
        let rest = operators.get(used..).unwrap_or_default();
        let found = instances.iter().find(|i| matches(i, key.as_ref()));
        match found {
            Some(instance) => self.attribute_of(&resource, instance, &format!("{base}{}", instance.key), rest),
            None if key.as_ref().is_some_and(|k| k.scalar().is_some()) && instances.iter().all(|i| i.certain) => {
                self.failed().from_refs(&[base])
            }
            None => Node::unknown().from_refs(&[base]),
        }
    }

    fn attribute_of(&self, resource: &Resource<'p>, instance: &Instance, address: &str, operators: &[&TraversalOperator]) -> Node {
        let refs = [address.to_owned()];
        let Some(TraversalOperator::GetAttr(attribute)) = operators.first() else { return Node::unknown().from_refs(&refs) };
        let attribute = attribute.as_str();
        let rest = operators.get(1..).unwrap_or_default();
        let env = self.module.env(resource.file, instance.bound.clone());
        if resource.data && resource.kind == "aws_iam_policy_document" && matches!(attribute, "json" | "minified_json") {
            return env.policy_document(resource.block).from_refs(&refs);
        }
        if let Some(written) = resource.block.body.get_attribute(attribute) {
            return self.follow(env.eval(&written.value).from_refs(&refs), rest);
        }
        if resource.block.body.has_blocks(attribute) {
            let project = self.module.project;
            if project.depth.get() > 100 {
                return Node::unknown().from_refs(&refs);
            }
            project.depth.set(project.depth.get() + 1);
            let body = env.body(&resource.block.body);
            project.depth.set(project.depth.get() - 1);
            return self.follow(body.get(attribute).cloned().unwrap_or_default().from_refs(&refs), rest);
        }
        // Set by the provider: identifiers are texts that exist, of everything else nothing is known.
        let is_name = rest.is_empty()
            && (matches!(
                attribute,
                "id" | "arn" | "name" | "bucket" | "json" | "self_link" | "invoke_arn" | "key_id" | "endpoint" | "url"
            ) || attribute.ends_with("_id")
                || attribute.ends_with("_arn")
                || attribute.ends_with("_name"));
        let value = if is_name { Value::Partial(format!("${{{address}.{attribute}}}")) } else { Value::Unknown };
        Node::from(value).from_refs(&refs)
    }
}

/// Whether an instance is the one that a key names; the only one without a key is named by none.
fn matches(instance: &Instance, key: Option<&Node>) -> bool {
    let Some(key) = key else { return instance.key.is_empty() };
    let text = match &key.value {
        Value::Number(n) => format!("[{}]", crate::posture::value::number(*n)),
        Value::Text(text) => format!("[{}]", serde_json::Value::from(text.as_str())),
        _ => return false,
    };
    instance.key == text
}
