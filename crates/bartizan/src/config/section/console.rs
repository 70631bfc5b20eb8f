//! `[console]`: the pages for people.

use std::net::SocketAddr;

use crate::config::fault::Code;
use crate::config::key::TakenUp::Restart;
use crate::config::key::{Key, Kind, Section};
use crate::config::layer::Values;

pub const SECTION: Section = Section {
    name: "console",
    many: false,
    doc: "The pages for people.",
    keys: &[
        Key { name: "enabled", kind: Kind::Switch, default: "true", doc: "Whether there are any.", taken_up: Restart },
        Key {
            name: "listen",
            kind: Kind::Listen,
            default: "\"127.0.0.1:8443\"",
            doc: "Loopback only; from elsewhere through an SSH tunnel.",
            taken_up: Restart,
        },
        Key {
            name: "names",
            kind: Kind::Many(&Kind::Text),
            default: "[]",
            doc: "Host names that it answers to, beside loopback.",
            taken_up: Restart,
        },
        Key {
            name: "link",
            kind: Kind::Text,
            default: "",
            doc: "How people reach it, for links in messages; without it http:// and listen.",
            taken_up: Restart,
        },
    ],
};

/// `None` when it is switched off.
pub fn read(values: &mut Values) -> Option<console::Config> {
    let part = values.one("console").clone();
    if !part.switch("enabled") {
        return None;
    }
    let listen = part.listen("listen").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8443)));
    if !listen.ip().is_loopback() {
        let text = format!("listen: {listen} can be reached from elsewhere, and the console speaks no TLS yet");
        values.fault(Code::Value, &part.at("listen"), text, format!("\"127.0.0.1:{}\"", listen.port()));
    }
    Some(console::Config { listen, port_may_move: false, names: part.texts("names") })
}
