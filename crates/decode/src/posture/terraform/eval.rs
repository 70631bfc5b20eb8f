//! Expressions to values. Unknown stays unknown unless the other side decides (`false && x`).

use std::rc::Rc;

use hcl_edit::Span;
use hcl_edit::expr::{BinaryOperator, Expression, ForExpr, ObjectKey, TraversalOperator, UnaryOperator};

use super::folder::File;
use super::module::Module;
use crate::posture::value::{Node, Value};

/// Deeper expressions, and longer chains of references, are unknown.
const DEPTH_MAX: u32 = 200;

/// Where an expression is evaluated.
#[derive(Clone)]
pub(super) struct Env<'m, 'p> {
    pub(super) module: &'m Rc<Module<'p>>,
    pub(super) file: &'p File,
    /// `each`, `count`, iterators and variables of `for`, the innermost last.
    pub(super) bound: Vec<(String, Node)>,
}

impl<'m, 'p> Env<'m, 'p> {
    pub(super) fn new(module: &'m Rc<Module<'p>>, file: &'p File, bound: Vec<(String, Node)>) -> Env<'m, 'p> {
        Env { module, file, bound }
    }

    pub(super) fn with(&self, name: &str, node: Node) -> Env<'m, 'p> {
        let mut env = self.clone();
        env.bound.push((name.to_owned(), node));
        env
    }

    pub(super) fn named(&self, name: &str) -> Option<&Node> {
        self.bound.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// Never fails: what cannot be evaluated is unknown.
    pub(super) fn eval(&self, expression: &Expression) -> Node {
        let project = self.module.project;
        let depth = project.depth.get();
        if depth >= DEPTH_MAX || !project.spend() {
            return Node::unknown();
        }
        project.depth.set(depth + 1);
        let mut node = self.expression(expression);
        project.depth.set(depth);
        if expression.span().is_some() {
            let (line, end_line) = self.file.span(expression);
            node = node.at(line, end_line);
        }
        node
    }

    fn expression(&self, expression: &Expression) -> Node {
        match expression {
            Expression::Null(_) => Value::Null.into(),
            Expression::Bool(b) => Value::Bool(*b.value()).into(),
            Expression::Number(n) => n.value().as_f64().map_or(Value::Unknown, Value::Number).into(),
            Expression::String(text) => Node::text(text.as_str()),
            Expression::Array(all) => Value::List(all.iter().map(|e| self.eval(e)).collect()).into(),
            Expression::Object(all) => self.object(all),
            Expression::StringTemplate(t) => self.template(t.iter(), true),
            Expression::HeredocTemplate(t) => self.template(t.template.iter(), false),
            Expression::Parenthesis(inner) => self.eval(inner.inner()),
            Expression::Variable(name) => self.named(name.as_str()).cloned().unwrap_or_default(),
            Expression::Conditional(c) => {
                let condition = self.eval(&c.cond_expr);
                match condition.as_bool() {
                    Some(true) => self.eval(&c.true_expr),
                    Some(false) => self.eval(&c.false_expr),
                    None => {
                        // Both branches alike decide it.
                        let (yes, no) = (self.eval(&c.true_expr), self.eval(&c.false_expr));
                        if yes.value == no.value { yes } else { Node::unknown().from_refs(&yes.refs).from_refs(&no.refs) }
                    }
                }
            }
            Expression::FuncCall(call) => self.call(call),
            Expression::Traversal(t) => self.traversal(&t.expr, &t.operators.iter().map(|o| o.value()).collect::<Vec<_>>()),
            Expression::UnaryOp(op) => {
                let node = self.eval(&op.expr);
                match op.operator.value() {
                    UnaryOperator::Not => node.as_bool().map_or(Value::Unknown, |b| Value::Bool(!b)).into(),
                    UnaryOperator::Neg => node.as_number().map_or(Value::Unknown, |n| Value::Number(-n)).into(),
                }
            }
            Expression::BinaryOp(op) => self.binary(&op.lhs_expr, *op.operator.value(), &op.rhs_expr),
            Expression::ForExpr(each) => self.for_each(each),
        }
    }

    fn object(&self, all: &hcl_edit::expr::Object) -> Node {
        let mut map = Node::from(Value::Map(Vec::with_capacity(all.len())));
        for (key, value) in all.iter() {
            let key = match key {
                ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
                ObjectKey::Expression(Expression::Variable(name)) => Some(name.as_str().to_owned()),
                ObjectKey::Expression(e) => match self.eval(e).value {
                    // A key that is partly known still keeps its entry apart from others.
                    Value::Partial(text) => Some(text),
                    value => Node::from(value).scalar(),
                },
            };
            match key {
                Some(key) => map.put(&key, self.eval(value.expr())),
                None => return Node::unknown(),
            }
        }
        map
    }

    fn binary(&self, left: &Expression, operator: BinaryOperator, right: &Expression) -> Node {
        use BinaryOperator as Op;
        let a = self.eval(left);
        if let (Op::And, Some(false)) | (Op::Or, Some(true)) = (operator, a.as_bool()) {
            return a;
        }
        let b = self.eval(right);
        let value = match operator {
            Op::And => match (a.as_bool(), b.as_bool()) {
                (_, Some(false)) => Some(Value::Bool(false)),
                (Some(x), Some(y)) => Some(Value::Bool(x && y)),
                _ => None,
            },
            Op::Or => match (a.as_bool(), b.as_bool()) {
                (_, Some(true)) => Some(Value::Bool(true)),
                (Some(x), Some(y)) => Some(Value::Bool(x || y)),
                _ => None,
            },
            Op::Eq => equal(&a, &b).map(Value::Bool),
            Op::NotEq => equal(&a, &b).map(|e| Value::Bool(!e)),
            _ => a.as_number().zip(b.as_number()).and_then(|(x, y)| {
                Some(match operator {
                    Op::Plus => Value::Number(x + y),
                    Op::Minus => Value::Number(x - y),
                    Op::Mul => Value::Number(x * y),
                    Op::Div if y != 0.0 => Value::Number(x / y),
                    Op::Mod if y != 0.0 => Value::Number(x % y),
                    Op::Less => Value::Bool(x < y),
                    Op::LessEq => Value::Bool(x <= y),
                    Op::Greater => Value::Bool(x > y),
                    Op::GreaterEq => Value::Bool(x >= y),
                    _ => return None,
                })
            }),
        };
        value.unwrap_or_default().into()
    }

    fn for_each(&self, each: &ForExpr) -> Node {
        let collection = self.eval(&each.intro.collection_expr);
        let Some(pairs) = pairs(&collection) else { return Node::unknown().from_refs(&collection.refs) };
        let value_name = each.intro.value_var.as_str();
        let mut list = Vec::new();
        let mut map: Vec<(String, Node)> = Vec::new();
        for (key, value) in pairs {
            if !self.module.project.spend() {
                return Node::unknown();
            }
            let mut env = self.with(value_name, value);
            if let Some(name) = &each.intro.key_var {
                env = env.with(name.as_str(), key);
            }
            match each.cond.as_ref().map(|c| env.eval(&c.expr).as_bool()) {
                Some(Some(false)) => continue,
                Some(None) => return Node::unknown(),
                Some(Some(true)) | None => {}
            }
            let item = env.eval(&each.value_expr);
            let Some(key) = &each.key_expr else {
                list.push(item);
                continue;
            };
            let Some(key) = env.eval(key).scalar() else { return Node::unknown() };
            match map.iter_mut().find(|(k, _)| *k == key) {
                Some((_, Node { value: Value::List(all), .. })) if each.grouping => all.push(item),
                Some((_, old)) => *old = item,
                None => map.push((key, if each.grouping { Value::List(vec![item]).into() } else { item })),
            }
        }
        if each.key_expr.is_some() {
            map.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Map(map).into()
        } else {
            Value::List(list).into()
        }
    }

    /// `a.b[0].*.c` after its first word was found.
    pub(super) fn follow(&self, node: Node, operators: &[&TraversalOperator]) -> Node {
        let Some((first, rest)) = operators.split_first() else { return node };
        let refs = node.refs.clone();
        let next = match first {
            TraversalOperator::GetAttr(name) => self.attribute(&node, name.as_str()),
            TraversalOperator::Index(index) => {
                let index = self.eval(index);
                self.index(&node, &index)
            }
            TraversalOperator::LegacyIndex(index) => self.index(&node, &Value::Number(*index.value() as f64).into()),
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                let items = match node.value {
                    Value::List(items) => items,
                    Value::Null => Vec::new(),
                    Value::Unknown => return Node::unknown().from_refs(&refs),
                    value => vec![Node { value, ..node }],
                };
                return Node::from(Value::List(items.into_iter().map(|i| self.follow(i, rest)).collect())).from_refs(&refs);
            }
        };
        self.follow(next.from_refs(&refs), rest)
    }

    fn attribute(&self, node: &Node, name: &str) -> Node {
        match &node.value {
            Value::Map(_) => node.get(name).cloned().unwrap_or_else(|| self.failed()),
            Value::Null => self.failed(),
            _ => Node::unknown(),
        }
    }

    pub(super) fn index(&self, node: &Node, index: &Node) -> Node {
        match (&node.value, &index.value) {
            (_, Value::Unknown | Value::Partial(_)) => Node::unknown(),
            (Value::List(all), _) => match index.as_number() {
                Some(n) if n >= 0.0 => all.get(n as usize).cloned().unwrap_or_else(|| self.failed()),
                _ => self.failed(),
            },
            (Value::Map(_), _) => index.scalar().and_then(|k| node.get(&k).cloned()).unwrap_or_else(|| self.failed()),
            (Value::Null, _) => self.failed(),
            _ => Node::unknown(),
        }
    }

    /// A definite error: what `try` and `can` look for.
    pub(super) fn failed(&self) -> Node {
        self.module.project.failed.set(true);
        Node::unknown()
    }
}

/// Keys and values of a list or map, in the order of the language.
pub(super) fn pairs(node: &Node) -> Option<Vec<(Node, Node)>> {
    match &node.value {
        Value::List(all) => Some(all.iter().enumerate().map(|(i, v)| (Value::Number(i as f64).into(), v.clone())).collect()),
        Value::Map(all) => {
            let mut all: Vec<(Node, Node)> = all.iter().map(|(k, v)| (Node::text(k.as_str()), v.clone())).collect();
            all.sort_by(|a, b| a.0.as_str().cmp(&b.0.as_str()));
            Some(all)
        }
        _ => None,
    }
}

/// Whether two values are the same; `None` when that cannot be known.
pub(super) fn equal(a: &Node, b: &Node) -> Option<bool> {
    match (&a.value, &b.value) {
        // A text that is set is not null, whatever it is.
        (Value::Partial(_), Value::Null) | (Value::Null, Value::Partial(_)) => Some(false),
        (Value::Unknown | Value::Partial(_), _) | (_, Value::Unknown | Value::Partial(_)) => None,
        (Value::List(x), Value::List(y)) => all_equal(x.len() == y.len(), x.iter().zip(y)),
        (Value::Map(x), Value::Map(y)) => {
            let same_keys = x.len() == y.len() && x.iter().all(|(k, _)| b.get(k).is_some());
            all_equal(same_keys, x.iter().filter_map(|(k, v)| Some((v, b.get(k)?))))
        }
        (Value::List(_) | Value::Map(_) | Value::Null, _) | (_, Value::List(_) | Value::Map(_) | Value::Null) => Some(a.value == b.value),
        _ => Some(a.scalar() == b.scalar()),
    }
}

fn all_equal<'a>(same_shape: bool, pairs: impl Iterator<Item = (&'a Node, &'a Node)>) -> Option<bool> {
    if !same_shape {
        return Some(false);
    }
    let mut known = Some(true);
    for (a, b) in pairs {
        match equal(a, b) {
            Some(false) => return Some(false),
            None => known = None,
            Some(true) => {}
        }
    }
    known
}
