//! Layers: built in, then the files in order, then the environment, then flags. The later layer wins key by key; tables of which there may
//! be many are added up. Each value remembers where it came from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use sha2::{Digest as _, Sha256};

use super::fault::{Code, Fault, Origin};
use super::file::{Tree, Written, as_raw};
use super::key::{Key, Kind, Raw, Secret, Section, TakenUp, Value, quoted};
use super::nearest::nearest;
use super::section;

/// Tables of one `[[name]]`.
const TABLES_MAX: usize = 1_000;
const PREFIX: &str = "BARTIZAN_";

#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    pub value: Value,
    pub at: Origin,
}

/// The values of one table. What nobody wrote is absent here and has its default when it is asked for.
#[derive(Clone)]
pub struct Part {
    pub section: &'static Section,
    pub at: Origin,
    given: BTreeMap<&'static str, Given>,
}

/// All tables, those that stand once first.
#[derive(Clone)]
pub struct Values {
    parts: Vec<Part>,
    pub faults: Vec<Fault>,
}

impl Values {
    pub fn built_in() -> Values {
        let once = section::ALL.iter().filter(|section| !section.many);
        Values { parts: once.map(|section| Part::new(section, Origin::BuiltIn)).collect(), faults: Vec::new() }
    }

    /// Hex SHA-256 over `table.key = value` of everything in force, a line each. Of secrets it is where they are.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for part in &self.parts {
            for key in part.section.keys {
                if let Some(value) = part.value(key.name) {
                    hasher.update(format!("{}.{} = {value}\n", part.section.name, key.name));
                }
            }
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Adds what a file says.
    pub fn add(&mut self, written: &[Written]) {
        self.take(written, "", None);
    }

    /// `into`: the table of many that the keys belong to.
    fn take(&mut self, written: &[Written], name: &str, into: Option<usize>) {
        for one in written {
            let below = if name.is_empty() { one.key.clone() } else { format!("{name}.{}", one.key) };
            if let Some(key) = into.map_or_else(|| section::find(name), |i| Some(self.parts[i].section)).and_then(|s| s.key(&one.key)) {
                self.put(name, into, key, &as_raw(&one.value), one.at.clone());
                continue;
            }
            let section = section::find(&below);
            let inner = section::ALL.iter().any(|s| s.name.starts_with(&format!("{below}.")));
            match (&one.value, section) {
                (Tree::Table(_), Some(section)) if section.many => {
                    self.fault(Code::Unknown, &one.at, format!("[{below}] is a table of which there may be many"), format!("[[{below}]]"));
                }
                (Tree::Table(inner), Some(_)) => self.take(inner, &below, None),
                (Tree::Table(more), None) if inner => self.take(more, &below, None),
                (Tree::Tables(all), Some(section)) if section.many => {
                    for (at, inner) in all {
                        if self.parts.iter().filter(|p| p.section.name == section.name).count() >= TABLES_MAX {
                            self.fault(Code::Value, at, format!("more than {TABLES_MAX} tables [[{below}]]"), "fewer of them".into());
                            break;
                        }
                        self.parts.push(Part::new(section, at.clone()));
                        self.take(inner, &below, Some(self.parts.len() - 1));
                    }
                }
                (Tree::Tables(_), Some(_)) => {
                    self.fault(Code::Unknown, &one.at, format!("[[{below}]] stands once only"), format!("[{below}]"));
                }
                (Tree::Value(Raw::Many(none)), Some(section)) if section.many && none.is_empty() => {}
                (Tree::Value(_), Some(section)) => {
                    let instead = if section.many { format!("[[{below}]]") } else { format!("[{below}]") };
                    self.fault(Code::Value, &one.at, format!("{below} is a table"), format!("{instead} with its keys below"));
                }
                (value, _) => self.unknown(one, value, name, &below),
            }
        }
    }

    fn unknown(&mut self, one: &Written, value: &Tree, name: &str, below: &str) {
        let is_table = !matches!(value, Tree::Value(_));
        let place = if name.is_empty() { "at the top of the file".to_owned() } else { format!("in [{name}]") };
        let keys: Vec<&str> = section::find(name).map(|s| s.keys.iter().map(|k| k.name).collect()).unwrap_or_default();
        let tables: Vec<&str> = section::ALL.iter().map(|s| s.name).filter(|n| !n.is_empty()).collect();
        let (what, near) = if is_table {
            ("table", nearest(below, tables.iter().copied()).map(|near| format!("[{near}]")))
        } else {
            let near = nearest(&one.key, keys.iter().copied()).map(str::to_owned);
            // The right key below the wrong table.
            let elsewhere = || {
                let homes = section::ALL.iter().filter(|s| s.name != name && s.key(&one.key).is_some());
                homes
                    .map(|s| {
                        if s.name.is_empty() {
                            "it at the top of the file, before any [table]".into()
                        } else {
                            format!("it below [{}]", s.name)
                        }
                    })
                    .next()
            };
            ("key", near.or_else(elsewhere))
        };
        let known = || {
            let all = if is_table { tables.join(", ") } else { keys.join(", ") };
            format!("one of: {all}")
        };
        let text = format!("unknown {what} {} {place}", quoted(&one.key));
        self.fault(Code::Unknown, &one.at, text, near.unwrap_or_else(known));
    }

    /// Variables of the environment: `BARTIZAN_GATEWAY__LISTEN` is `listen` below `[gateway]`, lists are separated by commas.
    pub fn add_env(&mut self, vars: impl Iterator<Item = (String, String)>) {
        let known: Vec<(String, &'static Section, &'static Key)> = section::ALL
            .iter()
            .filter(|section| !section.many)
            .flat_map(|section| section.keys.iter().map(|key| (variable(section, key), *section, key)))
            .collect();
        let mut vars: Vec<_> = vars.filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty()).collect();
        vars.sort();
        for (name, text) in vars {
            let at = Origin::Env(name.clone());
            if let Some((_, section, key)) = known.iter().find(|(known, ..)| *known == name) {
                if matches!(key.kind, Kind::Secret) {
                    let text = "a secret may not stand here itself".to_owned();
                    self.fault(Code::Value, &at, text, format!("{} = {{ env = \"ANOTHER_NAME\" }} in the file", key.name));
                } else {
                    self.put(section.name, None, key, &key.kind.of_env(&text), at);
                }
            } else if name.contains("__") {
                let near = nearest(&name, known.iter().map(|(known, ..)| known.as_str())).map(str::to_owned);
                let instead = near.unwrap_or_else(|| "BARTIZAN_TABLE__KEY with names of bartizan config schema".into());
                self.fault(Code::Unknown, &at, "no such key".into(), instead);
            }
        }
    }

    /// What a flag says wins over everything.
    pub fn put_flag(&mut self, flag: &'static str, section: &str, key: &str, text: &str) {
        let Some(key) = section::find(section).and_then(|s| s.key(key)) else { return };
        self.put(section, None, key, &key.kind.of_env(text), Origin::Flag(flag));
    }

    fn put(&mut self, section: &str, into: Option<usize>, key: &'static Key, raw: &Raw, at: Origin) {
        match key.kind.read(raw) {
            Ok(value) => {
                let into = into.or_else(|| self.parts.iter().position(|p| p.section.name == section));
                if let Some(part) = into.and_then(|i| self.parts.get_mut(i)) {
                    part.given.insert(key.name, Given { value, at });
                }
            }
            Err(wrong) => self.fault(Code::Value, &at, format!("{}: {}", key.name, wrong.text), wrong.instead),
        }
    }

    pub fn fault(&mut self, code: Code, at: &Origin, text: String, instead: String) {
        let fault = Fault { code, at: at.clone(), text, instead };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The table that stands once.
    pub fn one(&self, name: &str) -> &Part {
        let found = self.parts.iter().find(|p| p.section.name == name && !p.section.many);
        found.unwrap_or_else(|| panic!("invariant: {name} is a section of section::ALL that stands once"))
    }

    pub fn many<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Part> {
        self.parts.iter().filter(move |p| p.section.name == name && p.section.many)
    }

    /// What differs in `new`, in the order of the reference. Defaults and written values are alike.
    pub fn changes(&self, new: &Values) -> Vec<Change> {
        let mut changes = Vec::new();
        for section in section::ALL {
            let of = |values: &Values, key: &Key| -> Vec<Option<Value>> {
                values.parts.iter().filter(|p| p.section.name == section.name).map(|p| p.value(key.name)).collect()
            };
            for key in section.keys {
                let (from, to) = (of(self, key), of(new, key));
                if from != to {
                    let name = if section.name.is_empty() { key.name.to_owned() } else { format!("{}.{}", section.name, key.name) };
                    changes.push(Change { name, from, to, taken_up: key.taken_up });
                }
            }
        }
        changes
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

/// A key whose value differs; several values where there are several tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub name: String,
    from: Vec<Option<Value>>,
    to: Vec<Option<Value>>,
    pub taken_up: TakenUp,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = |values: &[Option<Value>]| {
            let all: Vec<String> = values.iter().map(|v| v.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)).collect();
            if all.is_empty() { "none".to_owned() } else { all.join(" and ") }
        };
        write!(f, "{} {} -> {}", self.name, words(&self.from), words(&self.to))
    }
}

/// The variable that sets the key.
pub fn variable(section: &Section, key: &Key) -> String {
    let table = section.name.replace('.', "__");
    let name = if table.is_empty() { key.name.to_owned() } else { format!("{table}__{}", key.name) };
    format!("{PREFIX}{}", name.to_ascii_uppercase())
}

/// Readers of checked values: asking for a key that the section does not have, or as another kind, is a fault of this program.
impl Part {
    fn new(section: &'static Section, at: Origin) -> Part {
        Part { section, at, given: BTreeMap::new() }
    }

    /// As somebody wrote it.
    pub fn given(&self, key: &str) -> Option<&Given> {
        self.given.get(key)
    }

    pub fn is_given(&self) -> bool {
        !self.given.is_empty()
    }

    /// As written, or the default.
    pub fn value(&self, key: &str) -> Option<Value> {
        let row = self.section.key(key).unwrap_or_else(|| panic!("invariant: [{}] has a key {key}", self.section.name));
        self.given.get(key).map(|given| given.value.clone()).or_else(|| row.default_value())
    }

    /// Where the value was written, or the table when it is the default.
    pub fn at(&self, key: &str) -> Origin {
        self.given.get(key).map_or_else(|| self.at.clone(), |given| given.at.clone())
    }

    pub fn switch(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Value::Switch(true)))
    }

    /// Also seconds and bytes.
    pub fn number(&self, key: &str) -> u64 {
        match self.value(key) {
            Some(Value::Count(n) | Value::DurationS(n) | Value::SizeBytes(n)) => n,
            _ => 0,
        }
    }

    pub fn text(&self, key: &str) -> Option<String> {
        match self.value(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    pub fn listen(&self, key: &str) -> Option<SocketAddr> {
        self.text(key).and_then(|text| text.parse().ok())
    }

    pub fn secret(&self, key: &str) -> Option<Secret> {
        match self.value(key) {
            Some(Value::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    pub fn texts(&self, key: &str) -> Vec<String> {
        let Some(Value::Many(items)) = self.value(key) else { return Vec::new() };
        items.into_iter().filter_map(|item| if let Value::Text(text) = item { Some(text) } else { None }).collect()
    }

    pub fn numbers(&self, key: &str) -> Vec<u64> {
        let Some(Value::Many(items)) = self.value(key) else { return Vec::new() };
        items.into_iter().filter_map(|item| if let Value::Count(n) = item { Some(n) } else { None }).collect()
    }

    pub fn networks(&self, key: &str) -> Vec<IpNet> {
        self.texts(key).iter().filter_map(|text| super::key::network(text)).collect()
    }
}

impl Section {
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Key {
    /// The default, read by the same rules as a file; a test reads all of them.
    pub fn default_value(&self) -> Option<Value> {
        if self.default.is_empty() {
            return None;
        }
        let mut faults = Vec::new();
        let written = super::file::parse(format!("{} = {}", self.name, self.default).as_bytes(), "built-in".as_ref(), &mut faults);
        written.first().and_then(|one| self.kind.read(&as_raw(&one.value)).ok())
    }
}
