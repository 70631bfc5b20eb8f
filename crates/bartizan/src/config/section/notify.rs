//! `[[notify]]`: who is told of incidents, and where.

use std::net::IpAddr;
use std::path::PathBuf;

use event::Severity;
use respond::notify::{Mail, Security, Template, Url, named};

use crate::config::fault::Code;
use crate::config::key::TakenUp::Restart;
use crate::config::key::{Key, Kind, Secret, Section};
use crate::config::layer::{Part, Values};

pub const SECTION: Section = Section {
    name: "notify",
    many: true,
    doc: "Who is told of incidents, and where: see notify.md.",
    keys: &[
        Key { name: "name", kind: Kind::Text, default: "", doc: "How playbooks and people call it.", taken_up: Restart },
        Key {
            name: "kind",
            kind: Kind::Word(&["webhook", "slack", "teams", "mattermost", "discord", "pagerduty", "ntfy", "email", "file"]),
            default: "\"webhook\"",
            doc: "What is at the other end.",
            taken_up: Restart,
        },
        Key {
            name: "severity_min",
            kind: Kind::Word(&["info", "low", "medium", "high", "critical"]),
            default: "\"medium\"",
            doc: "Incidents below are not told, unless a playbook asks for it.",
            taken_up: Restart,
        },
        Key {
            name: "per_hour_max",
            kind: Kind::Count { min: 1, max: 1_000 },
            default: "10",
            doc: "Messages within an hour; the others become one summary.",
            taken_up: Restart,
        },
        Key {
            name: "in_monitor",
            kind: Kind::Switch,
            default: "false",
            doc: "Tell also while attacks are only recorded; otherwise it is recorded who would have been told.",
            taken_up: Restart,
        },
        Key {
            name: "url",
            kind: Kind::TextOrSecret,
            default: "",
            doc: "Where a message is sent to. For slack, teams, mattermost and discord it is a secret.",
            taken_up: Restart,
        },
        Key {
            name: "secret",
            kind: Kind::Secret,
            default: "",
            doc: "Signs (webhook), is the integration key (pagerduty), the access token (ntfy) or the password (email).",
            taken_up: Restart,
        },
        Key { name: "topic", kind: Kind::Text, default: "", doc: "Topic of ntfy.", taken_up: Restart },
        Key {
            name: "path",
            kind: Kind::Text,
            default: "",
            doc: "Name of the file, below notify/ of the data directory; a JSON line for each message.",
            taken_up: Restart,
        },
        Key { name: "server", kind: Kind::Text, default: "", doc: "Mail server, HOST:PORT.", taken_up: Restart },
        Key {
            name: "tls",
            kind: Kind::Word(&["starttls", "tls", "none"]),
            default: "\"starttls\"",
            doc: "How the mail server is spoken to; none on loopback alone.",
            taken_up: Restart,
        },
        Key { name: "from", kind: Kind::Text, default: "", doc: "Sender of the mail.", taken_up: Restart },
        Key { name: "to", kind: Kind::Many(&Kind::Text), default: "[]", doc: "Recipients of the mail.", taken_up: Restart },
        Key { name: "user", kind: Kind::Text, default: "", doc: "Account at the mail server, with secret.", taken_up: Restart },
        Key {
            name: "ca",
            kind: Kind::Path,
            default: "",
            doc: "Certificates in PEM that are trusted instead of the web's authorities.",
            taken_up: Restart,
        },
    ],
};

/// Keys that stand only with some kinds.
const OF_KIND: &[(&str, &[&str])] = &[
    ("url", &["webhook", "slack", "teams", "mattermost", "discord", "pagerduty", "ntfy"]),
    ("secret", &["webhook", "pagerduty", "ntfy", "email"]),
    ("topic", &["ntfy"]),
    ("path", &["file"]),
    ("server", &["email"]),
    ("tls", &["email"]),
    ("from", &["email"]),
    ("to", &["email"]),
    ("user", &["email"]),
];

/// Whether the key stands with the kind that stands there by itself.
pub fn goes_with_the_default(key: &str) -> bool {
    OF_KIND.iter().find(|(name, _)| *name == key).is_none_or(|(_, kinds)| kinds.contains(&"webhook"))
}

#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub name: String,
    pub severity_min: Severity,
    pub per_hour_max: usize,
    pub in_monitor: bool,
    pub place: Place,
    pub secret: Option<Secret>,
    pub ca: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub enum Place {
    Post {
        template: &'static Template,
        url: Address,
        topic: String,
    },
    Mail {
        host: String,
        port: u16,
        security: Security,
        from: String,
        to: Vec<String>,
        user: String,
    },
    /// Below `notify/` of the data directory.
    File {
        name: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    Text(String),
    Secret(Secret),
}

/// Templates are told apart by their names.
impl PartialEq for Place {
    fn eq(&self, other: &Place) -> bool {
        format!("{:?}", self.key()) == format!("{:?}", other.key())
    }
}

impl Place {
    fn key(&self) -> Vec<String> {
        match self {
            Place::Post { template, url, topic } => vec![template.name.into(), format!("{url:?}"), topic.clone()],
            Place::Mail { host, port, security, from, to, user } => {
                vec![format!("{host}:{port}"), format!("{security:?}"), from.clone(), to.join(","), user.clone()]
            }
            Place::File { name } => vec![name.clone()],
        }
    }
}

pub fn read(values: &mut Values) -> Vec<Asked> {
    let parts: Vec<Part> = values.many("notify").cloned().collect();
    let mut all: Vec<Asked> = Vec::new();
    for part in parts {
        let name = part.text("name").unwrap_or_default();
        let good = !name.is_empty() && name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !good {
            values.fault(Code::Together, &part.at("name"), "a channel without a plain name".into(), "name = \"ops\"".into());
            continue;
        }
        if all.iter().any(|other| other.name == name) {
            values.fault(Code::Together, &part.at("name"), format!("a second channel is called {name}"), "another name".into());
            continue;
        }
        let kind = part.text("kind").unwrap_or_default();
        for (key, kinds) in OF_KIND.iter().filter(|(key, kinds)| part.given(key).is_some() && !kinds.contains(&kind.as_str())) {
            let text = format!("{key} does not go with kind = \"{kind}\"");
            values.fault(Code::Together, &part.at(key), text, format!("it with kind {}, or not at all", kinds.join(", ")));
        }
        let place = match kind.as_str() {
            "email" => mail(&part, values),
            "file" => file(&part, values),
            kind => post(kind, &part, values),
        };
        let Some(place) = place else { continue };
        all.push(Asked {
            severity_min: part.text("severity_min").and_then(|word| Severity::parse(&word)).unwrap_or(Severity::Medium),
            per_hour_max: usize::try_from(part.number("per_hour_max")).unwrap_or(10),
            in_monitor: part.switch("in_monitor"),
            secret: part.secret("secret"),
            ca: part.path("ca"),
            name,
            place,
        });
    }
    all
}

fn post(kind: &str, part: &Part, values: &mut Values) -> Option<Place> {
    let template = named(kind)?;
    let mut fault = |key: &str, text: String, instead: &str| values.fault(Code::Together, &part.at(key), text, instead.to_owned());
    let url = match (part.text("url"), part.secret("url")) {
        (_, Some(secret)) => Address::Secret(secret),
        // Whoever knows the address of a chat may write there: it is not repeated.
        (Some(_), None) if template.secret_url => {
            fault("url", format!("the address of {kind} is a secret"), "url = { file = \"/etc/bartizan/chat.url\" }");
            return None;
        }
        (Some(text), None) => Address::Text(text),
        (None, None) if !template.url.is_empty() => Address::Text(template.url.clone()),
        (None, None) => {
            fault("url", format!("kind = \"{kind}\" without url"), "url = \"https://HOST/PATH\" as well");
            return None;
        }
    };
    if let Address::Text(text) = &url
        && let Err(why) = Url::parse(text)
    {
        fault("url", format!("url: {why}"), "url = \"https://HOST/PATH\"");
        return None;
    }
    if template.secret == respond::notify::SecretUse::Placed && part.secret("secret").is_none() {
        fault("secret", format!("kind = \"{kind}\" without secret"), "secret = { file = \"PATH\" } as well");
    }
    let topic = part.text("topic").unwrap_or_default();
    if kind == "ntfy" && topic.is_empty() {
        fault("topic", "kind = \"ntfy\" without topic".into(), "topic = \"NAME\" as well");
    }
    Some(Place::Post { template, url, topic })
}

fn mail(part: &Part, values: &mut Values) -> Option<Place> {
    let mut fault = |key: &str, text: String, instead: &str| values.fault(Code::Together, &part.at(key), text, instead.to_owned());
    let server = part.text("server").unwrap_or_default();
    let split = server.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok().filter(|p| *p != 0)?)));
    let host_fine = |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    let Some((host, port)) = split.filter(|(host, _)| host_fine(host)) else {
        fault("server", "kind = \"email\" without a server".into(), "server = \"mail.example:587\" as well");
        return None;
    };
    let security = match part.text("tls").as_deref() {
        Some("tls") => Security::Tls,
        Some("none") => Security::Plain,
        _ => Security::StartTls,
    };
    let near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if security == Security::Plain && !near {
        fault(
            "tls",
            format!("{host} is not on this machine, and everybody on the way would read the mail"),
            "tls = \"starttls\" or \"tls\"",
        );
    }
    let (from, to) = (part.text("from").unwrap_or_default(), part.texts("to"));
    if !Mail::is_address(&from) {
        fault("from", "from is no mail address".into(), "from = \"bartizan@mail.example\"");
    }
    if to.is_empty() || to.len() > 50 || !to.iter().all(|to| Mail::is_address(to)) {
        fault("to", "to holds no mail addresses, or more than 50".into(), "to = [\"soc@mail.example\"]");
    }
    let user = part.text("user").unwrap_or_default();
    if user.is_empty() != part.secret("secret").is_none() || user.contains('\0') {
        fault("user", "user and secret go together".into(), "both, or neither");
    }
    Some(Place::Mail { host: host.to_owned(), port, security, from, to, user })
}

fn file(part: &Part, values: &mut Values) -> Option<Place> {
    let name = part.text("path").unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(plain) {
        let text = "path is no plain name of a file: it lies below notify/ of the data directory".to_owned();
        values.fault(Code::Together, &part.at("path"), text, "path = \"told.ndjson\"".into());
        return None;
    }
    Some(Place::File { name })
}
