//! Templates: `"${x}"`, heredocs, `%{ if }` and `%{ for }`.

use hcl_edit::template::{Directive, Element, Strip};

use super::eval::{Env, pairs};
use crate::posture::value::{Node, Value};

/// A longer text is unknown.
const TEXT_BYTES_MAX: usize = 4 << 20;

impl Env<'_, '_> {
    /// `alone`: a quoted template that is nothing but one interpolation is the value itself.
    pub(super) fn template<'e>(&self, elements: impl Iterator<Item = &'e Element>, alone: bool) -> Node {
        let elements: Vec<&Element> = elements.collect();
        if let (true, [Element::Interpolation(one)]) = (alone, elements.as_slice()) {
            return self.eval(&one.expr);
        }
        let mut out = Text::default();
        self.write(&elements, &mut out);
        out.node()
    }

    fn write(&self, elements: &[&Element], out: &mut Text) {
        for element in elements {
            if out.text.len() > TEXT_BYTES_MAX {
                out.lost = true;
                return;
            }
            match element {
                Element::Literal(text) => out.literal(text.as_str()),
                Element::Interpolation(one) => {
                    out.strip_before(one.strip);
                    out.node_in(&self.eval(&one.expr));
                    out.strip_after(one.strip);
                }
                Element::Directive(directive) => match directive.as_ref() {
                    Directive::If(branch) => {
                        out.strip_before(branch.if_expr.strip);
                        let taken = match self.eval(&branch.if_expr.cond_expr).as_bool() {
                            Some(true) => Some(&branch.if_expr.template),
                            Some(false) => branch.else_expr.as_ref().map(|e| &e.template),
                            None => {
                                out.placeholder("${unknown}");
                                None
                            }
                        };
                        if let Some(template) = taken {
                            out.strip_after(branch.if_expr.strip);
                            self.write(&template.iter().collect::<Vec<_>>(), out);
                        }
                        out.strip_before(branch.endif_expr.strip);
                        out.strip_after(branch.endif_expr.strip);
                    }
                    Directive::For(each) => {
                        let Some(pairs) = pairs(&self.eval(&each.for_expr.collection_expr)) else {
                            out.placeholder("${unknown}");
                            continue;
                        };
                        let inner: Vec<&Element> = each.for_expr.template.iter().collect();
                        for (key, value) in pairs {
                            if !self.module.project.spend() {
                                out.lost = true;
                                return;
                            }
                            let mut env = self.with(each.for_expr.value_var.as_str(), value);
                            if let Some(name) = &each.for_expr.key_var {
                                env = env.with(name.as_str(), key);
                            }
                            out.strip_after(each.for_expr.strip);
                            env.write(&inner, out);
                            out.strip_before(each.endfor_expr.strip);
                        }
                        out.strip_after(each.endfor_expr.strip);
                    }
                },
            }
        }
    }

    /// `templatefile`: a text with its own variables.
    pub(super) fn rendered(&self, text: &str, vars: &[(String, Node)]) -> Node {
        // The same limit as for files: the parser follows nesting with its own stack.
        const NESTING_MAX: usize = 100;
        let mut depth = 0_usize;
        for byte in text.bytes() {
            match byte {
                b'{' | b'[' | b'(' => depth += 1,
                b'}' | b']' | b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > NESTING_MAX {
                return Node::unknown();
            }
        }
        let Ok(template) = text.parse::<hcl_edit::template::Template>() else { return Node::unknown() };
        let mut env = self.clone();
        env.bound.extend(vars.iter().cloned());
        env.template(template.iter(), false)
    }
}

#[derive(Default)]
struct Text {
    text: String,
    refs: Vec<String>,
    partial: bool,
    lost: bool,
    /// The next literal loses its leading blanks.
    strip_next: bool,
}

impl Text {
    fn literal(&mut self, text: &str) {
        let text = if self.strip_next { text.trim_start() } else { text };
        self.strip_next = false;
        self.text.push_str(text);
    }

    fn placeholder(&mut self, text: &str) {
        self.partial = true;
        self.text.push_str(text);
    }

    fn node_in(&mut self, node: &Node) {
        node.all_refs(&mut self.refs);
        match &node.value {
            Value::Partial(text) => self.placeholder(text),
            _ => match node.scalar() {
                Some(text) => self.text.push_str(&text),
                None => self.placeholder("${unknown}"),
            },
        }
    }

    fn strip_before(&mut self, strip: Strip) {
        if matches!(strip, Strip::Start | Strip::Both) {
            self.text.truncate(self.text.trim_end().len());
        }
    }

    fn strip_after(&mut self, strip: Strip) {
        self.strip_next = matches!(strip, Strip::End | Strip::Both);
    }

    fn node(self) -> Node {
        let value = match (self.lost, self.partial) {
            (true, _) => Value::Unknown,
            (_, true) => Value::Partial(self.text),
            _ => Value::Text(self.text),
        };
        Node::from(value).from_refs(&self.refs)
    }
}
