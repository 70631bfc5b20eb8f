//! `[gateway]`: a reverse proxy in front of a web application.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use detect::web::login::form::Form;
use gateway::Upstream;

use crate::config::fault::Code;
use crate::config::key::TakenUp::{Reload, Restart};
use crate::config::key::{Key, Kind, Section};
use crate::config::layer::Values;

pub const SECTION: Section = Section {
    name: "gateway",
    many: false,
    doc: "A reverse proxy in front of a web application. Without upstream there is none.",
    keys: &[
        Key { name: "upstream", kind: Kind::Upstream, default: "", doc: "The application that is protected.", taken_up: Restart },
        Key { name: "listen", kind: Kind::Listen, default: "\"0.0.0.0:8080\"", doc: "Where clients connect.", taken_up: Restart },
        Key {
            name: "site",
            kind: Kind::Text,
            default: "",
            doc: "Name of the site in incidents; without it the upstream's host.",
            taken_up: Restart,
        },
        Key {
            name: "cert",
            kind: Kind::Path,
            default: "",
            doc: "Certificate chain in PEM; with key the gateway speaks TLS. A renewed file is taken up by a reload.",
            taken_up: Reload,
        },
        Key { name: "key", kind: Kind::Path, default: "", doc: "Private key of cert, in PEM.", taken_up: Reload },
        Key {
            name: "trusted_proxies",
            kind: Kind::Many(&Kind::Network),
            default: "[]",
            doc: "Whose X-Forwarded-For is believed.",
            taken_up: Restart,
        },
        Key {
            name: "request_log",
            kind: Kind::Path,
            default: "",
            doc: "Append a JSON object for each request to this file.",
            taken_up: Restart,
        },
        Key {
            name: "workers",
            kind: Kind::Count { min: 1, max: 256 },
            default: "",
            doc: "Threads that carry requests; without it one a core.",
            taken_up: Restart,
        },
        Key {
            name: "drift_every",
            kind: Kind::Duration { min_s: 1, max_s: 30 * 86_400 },
            default: "\"1h\"",
            doc: "How often somebody looks whether the model still sees what it saw before.",
            taken_up: Restart,
        },
    ],
};

#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    pub upstream: Upstream,
    pub listen: SocketAddr,
    pub site: Option<String>,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    pub trusted_proxies: Vec<ipnet::IpNet>,
    pub request_log: Option<PathBuf>,
    pub workers: Option<usize>,
    pub drift_every: Duration,
    pub limits: gateway::Limits,
    pub logins: Vec<Form>,
}

/// `None` without an upstream.
pub fn read(values: &mut Values) -> Option<Gateway> {
    let part = values.one("gateway").clone();
    let upstream = part.text("upstream").and_then(|text| text.parse().ok());
    let Some(upstream) = upstream else {
        let orphan = values.parts().iter().find(|p| p.section.name.starts_with("gateway") && p.is_given()).map(first_key);
        if let Some(at) = orphan.filter(|_| !values.faults.iter().any(|f| f.text.starts_with("upstream:"))) {
            let instead = "upstream = \"http://127.0.0.1:3000\" below [gateway], or none of its keys".to_owned();
            values.fault(Code::Together, &at, "a gateway without an upstream".into(), instead);
        }
        return None;
    };
    let tls = match (part.path("cert"), part.path("key")) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        (cert, _) => {
            let (has, lacks) = if cert.is_some() { ("cert", "key") } else { ("key", "cert") };
            values.fault(Code::Together, &part.at(has), format!("{has} without {lacks}"), format!("{lacks} = \"PATH\" as well"));
            None
        }
    };
    Some(Gateway {
        upstream,
        listen: part.listen("listen").unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 8080))),
        site: part.text("site"),
        tls,
        trusted_proxies: part.networks("trusted_proxies"),
        request_log: part.path("request_log"),
        workers: part.given("workers").and_then(|_| usize::try_from(part.number("workers")).ok()),
        drift_every: Duration::from_secs(part.number("drift_every")),
        limits: super::limits::read(values),
        logins: super::login::read(values),
    })
}

fn first_key(part: &crate::config::layer::Part) -> crate::config::fault::Origin {
    part.section.keys.iter().find_map(|key| part.given(key.name)).map_or_else(|| part.at.clone(), |given| given.at.clone())
}
