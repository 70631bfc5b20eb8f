//! One key of the configuration: its name, what may stand there, and what is there when nothing does. The reference page, the schema for
//! editors, the names of environment variables and the suggestions for misspelt keys are made from these rows.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

/// A table of the file: `[gateway]`, or `[[gateway.login]]` when there may be `many`.
pub struct Section {
    /// Dotted; empty for the top of the file.
    pub name: &'static str,
    pub many: bool,
    pub doc: &'static str,
    pub keys: &'static [Key],
}

pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// As it would be written in the file; empty when there is none.
    pub default: &'static str,
    pub doc: &'static str,
    pub taken_up: TakenUp,
}

/// When a changed value comes into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenUp {
    /// With `bartizan config reload` or SIGHUP.
    Reload,
    /// With `bartizan restart`, which drops no connection.
    Restart,
}

/// What may stand behind a key.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Switch,
    Count {
        min: u64,
        max: u64,
    },
    /// `"90s"`, `"15m"`, `"24h"`, `"30d"`; in seconds.
    Duration {
        min_s: u64,
        max_s: u64,
    },
    /// `"64KiB"`, `"2GiB"`; in bytes.
    Size {
        min: u64,
        max: u64,
    },
    /// `ADDRESS:PORT`.
    Listen,
    /// `http://HOST:PORT`.
    Upstream,
    /// An address or `ADDRESS/BITS`.
    Network,
    Path,
    Text,
    Word(&'static [&'static str]),
    /// `{ file = ".." }` or `{ env = ".." }`; never the secret itself.
    Secret,
    /// A text, or the place of a secret.
    TextOrSecret,
    Many(&'static Kind),
}

/// Items of one list.
pub const ITEMS_MAX: usize = 1_000;
/// Of one text.
pub const TEXT_BYTES_MAX: usize = 4_096;

/// A value that was checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Switch(bool),
    Count(u64),
    DurationS(u64),
    SizeBytes(u64),
    Text(String),
    Secret(Secret),
    Many(Vec<Value>),
}

/// Where a secret lies. Its text is read when it is used and is kept in no value that could be printed.
#[derive(Clone, Debug, PartialEq)]
pub enum Secret {
    File(PathBuf),
    Env(String),
}

/// A value as it was written, before anybody knows what it should be.
#[derive(Clone, Debug)]
pub enum Raw {
    Switch(bool),
    Number(String),
    Text(String),
    Many(Vec<Raw>),
    Table(Vec<(String, Raw)>),
    /// A floating number or a date: nothing here is one.
    Other(String),
}

/// What is wrong with a value, and what to write instead.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    pub text: String,
    pub instead: String,
}

impl Secret {
    /// The secret, without the line's end. `what` is its key, for messages.
    pub fn read(&self, what: &str) -> Result<String, String> {
        let text = match self {
            Secret::File(path) => std::fs::read_to_string(path).map_err(|e| format!("{what}: cannot read {}: {e}", path.display()))?,
            Secret::Env(name) => std::env::var(name).map_err(|_| format!("{what}: the variable {name} is not set"))?,
        };
        let text = text.trim().to_owned();
        if text.is_empty() { Err(format!("{what}: the secret is empty")) } else { Ok(text) }
    }
}

fn wrong(text: impl Into<String>, instead: impl Into<String>) -> Wrong {
    Wrong { text: text.into(), instead: instead.into() }
}

impl Kind {
    /// Checks what was written.
    pub fn read(&self, raw: &Raw) -> Result<Value, Wrong> {
        match (self, raw) {
            (Kind::Switch, Raw::Switch(on)) => Ok(Value::Switch(*on)),
            (Kind::Count { min, max }, Raw::Number(digits)) => {
                let count = digits.replace('_', "").parse().ok().filter(|n| (*min..=*max).contains(n));
                count.map(Value::Count).ok_or_else(|| wrong(format!("{} is out of bounds", cut(digits)), self.expected()))
            }
            (Kind::Many(kind), Raw::Many(items)) => {
                if items.len() > ITEMS_MAX {
                    return Err(wrong(format!("{} items", items.len()), format!("at most {ITEMS_MAX}")));
                }
                items.iter().map(|item| kind.read(item)).collect::<Result<_, _>>().map(Value::Many)
            }
            (Kind::Many(_), Raw::Text(one)) => Err(wrong(format!("{} is one value", quoted(one)), format!("a list: [{}]", quoted(one)))),
            (Kind::Secret | Kind::TextOrSecret, Raw::Table(pairs)) => match pairs.as_slice() {
                [(key, Raw::Text(at))] if key == "file" && !at.is_empty() => Ok(Value::Secret(Secret::File(at.into()))),
                [(key, Raw::Text(name))] if key == "env" && !name.is_empty() => Ok(Value::Secret(Secret::Env(name.clone()))),
                _ => Err(wrong("not the place of a secret", self.expected())),
            },
            // The text may be the secret: it is not repeated.
            (Kind::Secret, _) => Err(wrong("a secret may not stand here itself", self.expected())),
            (Kind::Switch | Kind::Count { .. } | Kind::Many(_), _) => Err(self.unfit(raw)),
            (_, Raw::Text(text)) => self.read_text(text),
            (Kind::Duration { .. }, Raw::Number(n)) => {
                Err(wrong(format!("{} has no unit", cut(n)), format!("a time with its unit, such as \"{}s\"", cut(n))))
            }
            (Kind::Size { .. }, Raw::Number(n)) => {
                Err(wrong(format!("{} has no unit", cut(n)), format!("a size with its unit, such as \"{}KiB\"", cut(n))))
            }
            _ => Err(self.unfit(raw)),
        }
    }

    fn read_text(&self, text: &str) -> Result<Value, Wrong> {
        if text.len() > TEXT_BYTES_MAX || text.contains('\0') {
            return Err(wrong(format!("a text of {} bytes", text.len()), format!("at most {TEXT_BYTES_MAX} bytes without NUL")));
        }
        let unfit = || wrong(format!("{} is not what stands here", quoted(text)), self.expected());
        match self {
            Kind::Duration { min_s, max_s } => {
                let s = measured(text, &[("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]).ok_or_else(unfit)?;
                (*min_s..=*max_s)
                    .contains(&s)
                    .then_some(Value::DurationS(s))
                    .ok_or_else(|| wrong(format!("{text} is out of bounds"), self.expected()))
            }
            Kind::Size { min, max } => {
                let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1)];
                let bytes = measured(text, &units).ok_or_else(unfit)?;
                (*min..=*max)
                    .contains(&bytes)
                    .then_some(Value::SizeBytes(bytes))
                    .ok_or_else(|| wrong(format!("{text} is out of bounds"), self.expected()))
            }
            Kind::Listen if text.parse::<SocketAddr>().is_err() => {
                // A port alone is what people write first.
                let port = text.trim_start_matches(':').parse::<u16>();
                Err(port.map_or_else(
                    |_| unfit(),
                    |port| wrong(format!("{} has no address", quoted(text)), format!("\"0.0.0.0:{port}\" or \"127.0.0.1:{port}\"")),
                ))
            }
            Kind::Upstream => match text.parse::<gateway::Upstream>() {
                Ok(_) => Ok(Value::Text(text.to_owned())),
                Err(_) if format!("http://{text}").parse::<gateway::Upstream>().is_ok() => {
                    Err(wrong(format!("{} has no http or https in front", quoted(text)), format!("\"http://{text}\"")))
                }
                Err(error) => Err(wrong(error.to_string().split(", expected").next().unwrap_or_default(), self.expected())),
            },
            Kind::Network => match network(text) {
                Some(net) => Ok(Value::Text(net.to_string())),
                None => Err(unfit()),
            },
            Kind::Path if text.is_empty() => Err(wrong("an empty path", self.expected())),
            Kind::Word(words) if !words.contains(&text) => {
                let instead = super::nearest::nearest(text, words.iter().copied()).map_or_else(|| self.expected(), quoted);
                Err(wrong(format!("{} is none of {}", quoted(text), words.join(", ")), instead))
            }
            _ => Ok(Value::Text(text.to_owned())),
        }
    }

    fn unfit(&self, raw: &Raw) -> Wrong {
        let found = match raw {
            Raw::Switch(on) => on.to_string(),
            Raw::Number(n) | Raw::Other(n) => cut(n),
            Raw::Text(text) => quoted(text),
            Raw::Many(_) => "a list".to_owned(),
            Raw::Table(_) => "a table".to_owned(),
        };
        wrong(format!("{found} is not what stands here"), self.expected())
    }

    /// What to write, in words and by an example.
    pub fn expected(&self) -> String {
        match self {
            Kind::Switch => "true or false".into(),
            Kind::Count { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Duration { min_s, max_s } => format!("a time from \"{}\" to \"{}\"", duration(*min_s), duration(*max_s)),
            Kind::Size { min, max } => format!("a size from \"{}\" to \"{}\"", size(*min), size(*max)),
            Kind::Listen => "ADDRESS:PORT, such as \"127.0.0.1:8080\" or \"[::1]:8080\"".into(),
            Kind::Upstream => "\"http://HOST:PORT\" or \"https://HOST:PORT\", without a path".into(),
            Kind::Network => "an address or a network, such as \"192.0.2.7\" or \"10.0.0.0/8\"".into(),
            Kind::Path => "a path, such as \"/etc/bartizan/tls.pem\"".into(),
            Kind::Text => "a text in quotes".into(),
            Kind::Word(words) => words.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(" or "),
            Kind::TextOrSecret => "a text in quotes, { file = \"PATH\" } or { env = \"NAME\" }".into(),
            Kind::Secret => "{ file = \"PATH\" } or { env = \"NAME\" }".into(),
            Kind::Many(kind) => format!("a list, each item {}", kind.expected()),
        }
    }

    /// The text of an environment variable, in the form of the file: lists are separated by commas.
    pub fn of_env(&self, text: &str) -> Raw {
        match self {
            Kind::Switch => match text {
                "true" => Raw::Switch(true),
                "false" => Raw::Switch(false),
                _ => Raw::Text(text.to_owned()),
            },
            Kind::Count { .. } => Raw::Number(text.to_owned()),
            Kind::Many(kind) => {
                Raw::Many(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(|item| kind.of_env(item)).collect())
            }
            _ => Raw::Text(text.to_owned()),
        }
    }
}

/// An address is a network of one.
pub fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

/// Digits and one of the units.
fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn duration(s: u64) -> String {
    let (n, unit) = [(86_400, "d"), (3_600, "h"), (60, "m")].into_iter().find(|(n, _)| s > 0 && s.is_multiple_of(*n)).unwrap_or((1, "s"));
    format!("{}{unit}", s / n)
}

fn size(bytes: u64) -> String {
    let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let (n, unit) = units.into_iter().find(|(n, _)| bytes > 0 && bytes.is_multiple_of(*n)).unwrap_or((1_u64, "B"));
    format!("{}{unit}", bytes / n)
}

/// Found text in a message: quoted, escaped and short.
pub fn quoted(text: &str) -> String {
    format!("{:?}", cut(text))
}

fn cut(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// As it is written in the file.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Switch(on) => write!(f, "{on}"),
            Value::Count(n) => write!(f, "{n}"),
            Value::DurationS(s) => write!(f, "\"{}\"", duration(*s)),
            Value::SizeBytes(bytes) => write!(f, "\"{}\"", size(*bytes)),
            Value::Text(text) => f.write_str(&basic(text)),
            Value::Secret(Secret::File(path)) => write!(f, "{{ file = {} }}", basic(&path.to_string_lossy())),
            Value::Secret(Secret::Env(name)) => write!(f, "{{ env = {} }}", basic(name)),
            Value::Many(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
        }
    }
}

/// A basic string of TOML.
fn basic(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
