//! One call of a module: its inputs, locals, outputs and the instances of its resources, each evaluated when somebody asks.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use hcl_edit::structure::Block;

use super::eval::Env;
use super::folder::{Declared, File, Folder, Resource};
use crate::posture::value::{Node, Value};

/// Instances of one resource or module.
pub(super) const INSTANCES_MAX: usize = 10_000;
/// Modules within modules.
pub(super) const LEVELS_MAX: usize = 100;
/// Values that one root module may make.
const WORK_MAX: u64 = 5_000_000;

/// All folders of a scan and what is left of the work that one root may cost.
pub(super) struct Project<'p> {
    pub(super) folders: HashMap<String, Folder<'p>>,
    /// For `file()` and `templatefile()`.
    pub(super) texts: &'p HashMap<String, &'p [u8]>,
    pub(super) work: Cell<u64>,
    pub(super) depth: Cell<u32>,
    /// A definite error happened: what `try` and `can` look for.
    pub(super) failed: Cell<bool>,
    pub(super) notices: RefCell<Vec<(String, u32, String)>>,
}

impl Project<'_> {
    pub(super) fn refill(&self) {
        self.work.set(WORK_MAX);
    }

    /// False when the work is used up: everything further is unknown.
    pub(super) fn spend(&self) -> bool {
        let left = self.work.get();
        self.work.set(left.saturating_sub(1));
        left > 0
    }

    pub(super) fn note(&self, file: &str, line: u32, text: String) {
        const NOTICES_MAX: usize = 1_000;
        let mut all = self.notices.borrow_mut();
        let notice = (file.to_owned(), line, text);
        if all.len() < NOTICES_MAX && !all.contains(&notice) {
            all.push(notice);
        }
    }
}

/// One of `count` or `for_each`.
#[derive(Clone)]
pub(super) struct Instance {
    /// `["k"]`, `[0]` or nothing.
    pub(super) key: String,
    /// `each` or `count`.
    pub(super) bound: Option<(String, Node)>,
    /// Whether it is known that it exists.
    pub(super) certain: bool,
}

/// The instances of one call, each with its module.
type Children<'p> = Vec<(Instance, Rc<Module<'p>>)>;

pub(super) struct Module<'p> {
    pub(super) project: &'p Project<'p>,
    pub(super) folder: &'p Folder<'p>,
    /// `module.a.module.b["k"].` or nothing.
    pub(super) prefix: String,
    pub(super) level: usize,
    /// Whether it is known that it exists.
    pub(super) certain: bool,
    call: Option<(Rc<Module<'p>>, Declared<'p, Block>, Instance)>,
    known: RefCell<HashMap<String, Option<Node>>>,
    children: RefCell<HashMap<String, Children<'p>>>,
    instances: RefCell<HashMap<String, Rc<Vec<Instance>>>>,
}

impl<'p> Module<'p> {
    pub(super) fn root(project: &'p Project<'p>, folder: &'p Folder<'p>) -> Rc<Module<'p>> {
        Rc::new(Module {
            project,
            folder,
            prefix: String::new(),
            level: 0,
            certain: true,
            call: None,
            known: RefCell::default(),
            children: RefCell::default(),
            instances: RefCell::default(),
        })
    }

    pub(super) fn env<'m>(self: &'m Rc<Self>, file: &'p File, bound: Option<(String, Node)>) -> Env<'m, 'p> {
        Env::new(self, file, bound.into_iter().collect())
    }

    /// Evaluates once; a circle is unknown.
    fn once(self: &Rc<Self>, name: String, make: impl FnOnce() -> Node) -> Node {
        if let Some(known) = self.known.borrow().get(&name) {
            return known.clone().unwrap_or_default();
        }
        self.known.borrow_mut().insert(name.clone(), None);
        let node = make();
        self.known.borrow_mut().insert(name, Some(node.clone()));
        node
    }

    pub(super) fn variable(self: &Rc<Self>, name: &str) -> Node {
        self.once(format!("var.{name}"), || {
            let declared = self.folder.variables.get(name);
            let default = || match declared.and_then(|d| Some((d.file, d.is.body.get_attribute("default")?))) {
                Some((file, attribute)) => self.env(file, None).eval(&attribute.value),
                None => Node::unknown(),
            };
            let given = match &self.call {
                Some((parent, call, instance)) => call
                    .is
                    .body
                    .get_attribute(name)
                    .map(|a| parent.env(call.file, instance.bound.clone()).eval(&a.value))
                    .filter(|given| !given.is_null() || declared.is_none_or(|d| nullable(d.is))),
                None => self.folder.values.iter().find_map(|file| {
                    let attribute = file.body.get_attribute(name)?;
                    Some(self.env(file, None).eval(&attribute.value))
                }),
            };
            let node = given.unwrap_or_else(default);
            match declared.and_then(|d| Some((d.file, d.is.body.get_attribute("type")?))) {
                Some((file, attribute)) => self.env(file, None).typed(node, &attribute.value),
                None => node,
            }
        })
    }

    pub(super) fn local(self: &Rc<Self>, name: &str) -> Node {
        self.once(format!("local.{name}"), || match self.folder.locals.get(name) {
            Some(local) => self.env(local.file, None).eval(local.is),
            None => Node::unknown(),
        })
    }

    pub(super) fn output(self: &Rc<Self>, name: &str) -> Node {
        self.once(format!("output.{name}"), || {
            let output = self.folder.outputs.get(name);
            match output.and_then(|o| Some((o.file, o.is.body.get_attribute("value")?))) {
                Some((file, attribute)) => self.env(file, None).eval(&attribute.value),
                None => Node::unknown(),
            }
        })
    }

    /// Instances of a resource or a module call, from its `count` or `for_each`.
    pub(super) fn instances(self: &Rc<Self>, name: &str, file: &'p File, block: &Block) -> Rc<Vec<Instance>> {
        if let Some(known) = self.instances.borrow().get(name) {
            return known.clone();
        }
        // Whoever asks again while this is being found out gets an uncertain one.
        self.instances.borrow_mut().insert(name.to_owned(), Rc::new(vec![uncertain("count")]));
        let found = Rc::new(self.find_instances(file, block));
        self.instances.borrow_mut().insert(name.to_owned(), found.clone());
        found
    }

    fn find_instances(self: &Rc<Self>, file: &'p File, block: &Block) -> Vec<Instance> {
        let too_many = |n: usize| {
            self.project.note(&file.path, file.span(block).0, format!("{n} instances: more than {INSTANCES_MAX} are not judged"));
        };
        if let Some(count) = block.body.get_attribute("count") {
            let count = self.env(file, None).eval(&count.value);
            let n = match count.as_number() {
                Some(n) if n >= 0.0 => n as usize,
                _ if count.as_bool().is_some() => usize::from(count.as_bool() == Some(true)),
                _ => return vec![uncertain("count")],
            };
            if n > INSTANCES_MAX {
                too_many(n);
            }
            let index = |i: usize| Node::from(Value::Map(vec![("index".into(), Value::Number(i as f64).into())]));
            return (0..n.min(INSTANCES_MAX))
                .map(|i| Instance { key: format!("[{i}]"), bound: Some(("count".into(), index(i))), certain: true })
                .collect();
        }
        let Some(for_each) = block.body.get_attribute("for_each") else {
            return vec![Instance { key: String::new(), bound: None, certain: true }];
        };
        let all = self.env(file, None).eval(&for_each.value);
        let pairs: Vec<(String, Node)> = match all.value {
            Value::Map(pairs) => pairs,
            Value::List(items) => {
                if items.iter().any(|i| i.scalar().is_none()) {
                    return vec![uncertain("each")];
                }
                items.into_iter().filter_map(|i| Some((i.scalar()?, i))).collect()
            }
            Value::Null => return Vec::new(),
            _ => return vec![uncertain("each")],
        };
        if pairs.len() > INSTANCES_MAX {
            too_many(pairs.len());
        }
        pairs
            .into_iter()
            .take(INSTANCES_MAX)
            .map(|(key, value)| {
                let each = Value::Map(vec![("key".into(), Node::text(key.as_str())), ("value".into(), value)]);
                Instance { key: format!("[{}]", serde_json::Value::from(key)), bound: Some(("each".into(), each.into())), certain: true }
            })
            .collect()
    }

    /// The modules that a call makes; none when it is not on disk.
    pub(super) fn children(self: &Rc<Self>, name: &str) -> Vec<(Instance, Rc<Module<'p>>)> {
        if let Some(known) = self.children.borrow().get(name) {
            return known.clone();
        }
        self.children.borrow_mut().insert(name.to_owned(), Vec::new());
        let made = self.make_children(name);
        self.children.borrow_mut().insert(name.to_owned(), made.clone());
        made
    }

    fn make_children(self: &Rc<Self>, name: &str) -> Vec<(Instance, Rc<Module<'p>>)> {
        let Some((_, call)) = self.folder.modules.iter().find(|(n, _)| *n == name) else { return Vec::new() };
        let line = call.file.span(call.is).0;
        let Some(folder) = source_of(call.is).and_then(|source| self.project.folders.get(&super::join(&self.folder.path, source))) else {
            let source = source_of(call.is).unwrap_or("its source");
            self.project.note(&call.file.path, line, format!("module {name}: {source} is not in what was scanned"));
            return Vec::new();
        };
        if self.level >= LEVELS_MAX {
            self.project.note(&call.file.path, line, format!("module {name}: more than {LEVELS_MAX} modules within modules"));
            return Vec::new();
        }
        let instances = self.instances(&format!("module.{name}"), call.file, call.is);
        instances
            .iter()
            .map(|instance| {
                let module = Module {
                    project: self.project,
                    folder,
                    prefix: format!("{}module.{name}{}.", self.prefix, instance.key),
                    level: self.level + 1,
                    certain: self.certain && instance.certain,
                    call: Some((self.clone(), *call, instance.clone())),
                    known: RefCell::default(),
                    children: RefCell::default(),
                    instances: RefCell::default(),
                };
                (instance.clone(), Rc::new(module))
            })
            .collect()
    }

    /// `data.aws_x.y` with the path of modules, without the instance's key.
    pub(super) fn address(&self, resource: &Resource<'_>) -> String {
        format!("{}{}{}.{}", self.prefix, if resource.data { "data." } else { "" }, resource.kind, resource.name)
    }
}

fn uncertain(word: &str) -> Instance {
    let keys: &[&str] = if word == "each" { &["key", "value"] } else { &["index"] };
    let unknown = Value::Map(keys.iter().map(|k| ((*k).to_owned(), Node::unknown())).collect());
    Instance { key: String::new(), bound: Some((word.to_owned(), unknown.into())), certain: false }
}

pub(super) fn source_of(call: &Block) -> Option<&str> {
    call.body.get_attribute("source")?.value.as_str()
}

fn nullable(variable: &Block) -> bool {
    variable.body.get_attribute("nullable").and_then(|a| a.value.as_bool()).unwrap_or(true)
}
