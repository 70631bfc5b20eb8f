//! One folder of Terraform files as it was written: an index of its blocks, with lines. Nothing is evaluated here.

use std::collections::HashMap;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};

/// Brackets deeper than this are refused before the parser sees them.
const NESTING_MAX: u32 = 100;
/// Operators in one line; longer chains are no configuration.
const OPERATORS_MAX: u32 = 1_000;

pub(super) struct File {
    pub(super) path: String,
    pub(super) body: Body,
    lines: Vec<usize>,
}

impl File {
    pub(super) fn parse(path: &str, text: &str) -> Result<File, (u32, String)> {
        bounded(text)?;
        let body = hcl_edit::parser::parse_body(text)
            .map_err(|e| (e.location().line() as u32, e.message().lines().next().unwrap_or("cannot be parsed").to_owned()))?;
        let lines = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect();
        Ok(File { path: path.to_owned(), body, lines })
    }

    /// First and last line of something that was parsed.
    pub(super) fn span(&self, what: &impl Span) -> (u32, u32) {
        let line = |at: usize| self.lines.partition_point(|end| *end < at) as u32 + 1;
        what.span().map_or((0, 0), |span| (line(span.start), line(span.end.saturating_sub(1).max(span.start))))
    }
}

/// The parser follows nesting with its own stack: what is too deep never reaches it.
fn bounded(text: &str) -> Result<(), (u32, String)> {
    let (mut depth, mut line, mut operators, mut unary) = (0_u32, 1, 0_u32, 0_u32);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'\n' => {
                line += 1;
                operators = 0;
            }
            b'?' | b'+' | b'*' | b'%' | b'&' | b'|' | b'<' | b'>' => operators += 1,
            _ => {}
        }
        unary = if matches!(byte, b'!' | b'-') { unary + 1 } else { 0 };
        if depth > NESTING_MAX {
            return Err((line, format!("nested deeper than {NESTING_MAX}")));
        }
        // A ruler of dashes in a comment is fine: exclamation marks and minus signs only matter where code is.
        if operators > OPERATORS_MAX || unary > OPERATORS_MAX {
            return Err((line, format!("more than {OPERATORS_MAX} operators in one line")));
        }
    }
    Ok(())
}

pub(super) struct Declared<'p, T> {
    pub(super) file: &'p File,
    pub(super) is: &'p T,
}

impl<T> Clone for Declared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Declared<'_, T> {}

/// `resource "KIND" "NAME"` or `data`.
#[derive(Clone, Copy)]
pub(super) struct Resource<'p> {
    pub(super) data: bool,
    pub(super) kind: &'p str,
    pub(super) name: &'p str,
    pub(super) file: &'p File,
    pub(super) block: &'p Block,
}

#[derive(Default)]
pub(super) struct Folder<'p> {
    pub(super) path: String,
    pub(super) variables: HashMap<&'p str, Declared<'p, Block>>,
    pub(super) locals: HashMap<&'p str, Declared<'p, Expression>>,
    pub(super) outputs: HashMap<&'p str, Declared<'p, Block>>,
    pub(super) modules: Vec<(&'p str, Declared<'p, Block>)>,
    pub(super) resources: Vec<Resource<'p>>,
    by_name: HashMap<(bool, &'p str, &'p str), usize>,
    /// `*.auto.tfvars` and `terraform.tfvars`, the stronger first.
    pub(super) values: Vec<&'p File>,
    /// Version constraint of the provider, as written.
    pub(super) providers: Vec<(String, String)>,
}

impl<'p> Folder<'p> {
    pub(super) fn of(path: &str, files: &[&'p File], values: Vec<&'p File>) -> Folder<'p> {
        let mut folder = Folder { path: path.to_owned(), values, ..Folder::default() };
        for file in files {
            for block in file.body.blocks() {
                folder.add(file, block);
            }
        }
        folder
    }

    fn add(&mut self, file: &'p File, block: &'p Block) {
        let label = |i: usize| block.labels.get(i).map(|l| l.as_str());
        let declared = Declared { file, is: block };
        match (block.ident.as_str(), label(0), label(1)) {
            ("variable", Some(name), _) => {
                self.variables.insert(name, declared);
            }
            ("output", Some(name), _) => {
                self.outputs.insert(name, declared);
            }
            ("module", Some(name), _) => self.modules.push((name, declared)),
            ("locals", ..) => {
                for attribute in block.body.attributes() {
                    self.locals.insert(attribute.key.as_str(), Declared { file, is: &attribute.value });
                }
            }
            (word @ ("resource" | "data"), Some(kind), Some(name)) => {
                let data = word == "data";
                self.by_name.entry((data, kind, name)).or_insert(self.resources.len());
                self.resources.push(Resource { data, kind, name, file, block });
            }
            ("terraform", ..) => {
                for needed in block.body.get_blocks("required_providers").flat_map(|b| b.body.attributes()) {
                    let version = match &needed.value {
                        Expression::Object(all) => all
                            .iter()
                            .find(|(k, _)| k.as_ident().is_some_and(|k| k.as_str() == "version"))
                            .and_then(|(_, v)| v.expr().as_str()),
                        other => other.as_str(),
                    };
                    self.providers.extend(version.map(|v| (needed.key.as_str().to_owned(), v.to_owned())));
                }
            }
            _ => {}
        }
    }

    pub(super) fn resource(&self, data: bool, kind: &str, name: &str) -> Option<Resource<'p>> {
        self.by_name.get(&(data, kind, name)).map(|i| self.resources[*i])
    }
}
