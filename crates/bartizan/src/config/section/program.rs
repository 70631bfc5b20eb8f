//! The top of the file: where things are, and whether attacks are refused.

use std::path::PathBuf;

use crate::config::key::TakenUp::{Reload, Restart};
use crate::config::key::{Key, Kind, Section};
use crate::config::layer::Values;

pub const SECTION: Section = Section {
    name: "",
    many: false,
    doc: "The top of the file, before any table.",
    keys: &[
        Key {
            name: "mode",
            kind: Kind::Word(&["monitor", "enforce"]),
            default: "\"monitor\"",
            doc: "monitor records what would be refused; enforce refuses attacks and blocks who attacks, for a while.",
            taken_up: Reload,
        },
        Key {
            name: "data_dir",
            kind: Kind::Path,
            default: "",
            doc: "Where the log and everything else is kept. Without it: systemd's state directory, /var/lib/bartizan for root, ~/.local/share/bartizan for others.",
            taken_up: Restart,
        },
        Key {
            name: "content",
            kind: Kind::Path,
            default: "",
            doc: "A folder with rules, models and keys in place of the built-in ones.",
            taken_up: Restart,
        },
        Key {
            name: "rules",
            kind: Kind::Many(&Kind::Path),
            default: "[]",
            doc: "Sigma rules beside the built-in ones: folders, .yml files, archives.",
            taken_up: Restart,
        },
        Key { name: "watch", kind: Kind::Many(&Kind::Path), default: "[]", doc: "Log files and folders to follow.", taken_up: Restart },
    ],
};

#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    pub enforce: bool,
    pub data_dir: PathBuf,
    pub content: Option<PathBuf>,
    pub rules: Vec<PathBuf>,
    pub watch: Vec<PathBuf>,
}

pub fn read(values: &Values) -> Program {
    let part = values.one("");
    let paths = |key: &str| part.texts(key).into_iter().map(PathBuf::from).collect();
    Program {
        enforce: part.text("mode").as_deref() == Some("enforce"),
        data_dir: part.path("data_dir").unwrap_or_else(|| crate::paths::data_dir(None)),
        content: part.path("content"),
        rules: paths("rules"),
        watch: paths("watch"),
    }
}
