//! Where a source is, as the user wrote it: `syslog+tls://0.0.0.0:6514?cert=F&key=F`, `journald:`.
//!
//! Whatever begins with a word and `://`, or with the name of a kind and `:`, is one; everything else is a path. Values of options may be
//! percent-encoded. What cannot be read is refused with what to write instead.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::{ALL, Error, Kind};

/// A source by its kind, place and options.
#[derive(Clone, Debug)]
pub struct Locator {
    text: String,
    kind: &'static Kind,
    place: String,
    options: Vec<(String, String)>,
}

impl Locator {
    /// `None` when it is a path.
    pub fn parse(text: &str) -> Option<Result<Locator, Error>> {
        let (scheme, rest) = text.split_once(':')?;
        let word = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        let known = ALL.iter().find(|kind| kind.scheme == scheme);
        match known {
            Some(kind) => Some(Locator::of(text, kind, rest)),
            None if word && rest.starts_with("//") => {
                let near = ALL.iter().min_by_key(|kind| distance(kind.scheme, scheme)).map_or("", |kind| kind.example);
                let all = ALL.iter().map(|kind| kind.scheme).collect::<Vec<_>>().join(", ");
                Some(Err(bad(text, format!("{scheme} is none of {all}"), near)))
            }
            None => None,
        }
    }

    fn of(text: &str, kind: &'static Kind, rest: &str) -> Result<Locator, Error> {
        let refuse = |why: String| Err(bad(text, why, kind.example));
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let listens = kind.example.contains("://");
        let place = match (listens, place.strip_prefix("//")) {
            (true, Some(place)) => place.strip_suffix('/').unwrap_or(place),
            (true, None) => return refuse(format!("no // after {}:", kind.scheme)),
            (false, None) if place.is_empty() => "",
            (false, _) => return refuse(format!("{}: has no address", kind.scheme)),
        };
        let mut options: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = pair.split_once('=') else { return refuse(format!("{pair} has no value")) };
            if !kind.options.contains(&name) {
                let known =
                    if kind.options.is_empty() { "there are none".into() } else { format!("known are {}", kind.options.join(", ")) };
                return refuse(format!("unknown option {name}, {known}"));
            }
            let Ok(value) = percent_decode_str(value).decode_utf8() else { return refuse(format!("{name} is no UTF-8 text")) };
            if value.is_empty() || options.iter().any(|(given, _)| given == name) {
                return refuse(format!("{name} is given {}", if value.is_empty() { "without a value" } else { "twice" }));
            }
            options.push((name.to_owned(), value.into_owned()));
        }
        let locator = Locator { text: text.to_owned(), kind, place: place.to_owned(), options };
        if listens {
            locator.listen()?;
        }
        if let Some(missing) = kind.needs.iter().find(|name| locator.option(name).is_none()) {
            return refuse(format!("{missing}= is missing"));
        }
        Ok(locator)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A needed option is there: parsing refused a locator without it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(self.option(name).unwrap_or_default())
    }

    /// Where it listens.
    pub fn listen(&self) -> Result<SocketAddr, Error> {
        if let Ok(address) = self.place.parse::<SocketAddr>() {
            return Ok(address);
        }
        let refuse = |why: String| Err(bad(&self.text, why, self.kind.example));
        let Some((host, port)) = self.place.rsplit_once(':') else {
            return refuse(format!("{:?} is no address with a port", self.place));
        };
        let Ok(port) = port.parse::<u16>() else { return refuse(format!("{port:?} is no port")) };
        match host {
            "localhost" => Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
            "" | "*" => refuse("no address: 0.0.0.0 is every IPv4 address of this machine, [::] every one".into()),
            host => refuse(format!("{host} is no address of a machine: write it in numbers")),
        }
    }

    /// What the user should know before it listens.
    pub fn warning(&self) -> Option<String> {
        let address = self.listen().ok().filter(|address| self.kind.is_plain && !address.ip().is_loopback())?;
        Some(format!(
            "{}://{address} takes plain text from other machines: who is on the way can read and change it; {}://{address} with cert= and key= does not",
            self.kind.scheme, self.kind.encrypted
        ))
    }
}

pub(crate) fn bad(text: &str, why: String, example: &str) -> Error {
    Error::Locator { text: text.to_owned(), why, write: example.to_owned() }
}

/// Edits between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(32).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (before + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            before = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let said = match Locator::parse(text) {
            None => "path".to_owned(),
            Some(Ok(locator)) => format!("{} {:?} {:?}", locator.kind.scheme, locator.listen().ok(), locator.options),
            Some(Err(error)) => error.to_string(),
        };
        assert!(said.contains(expected), "{text}: {said}");
    }

    #[test]
    fn what_is_no_locator_is_a_path() {
        for path in ["/var/log/auth.log", "-", "C:/logs", "a:b", "./journald:", "logs/2026-01-01T10:00:00"] {
            check(path, "path");
        }
    }

    #[test]
    fn locators_are_read() {
        check("syslog+udp://127.0.0.1:5514", "syslog+udp Some(127.0.0.1:5514) []");
        check("syslog+tcp://localhost:5514/", "Some(127.0.0.1:5514)");
        check("syslog+tls://[::]:6514?cert=/etc/a%20b.pem&key=k", r#"Some([::]:6514) [("cert", "/etc/a b.pem"), ("key", "k")]"#);
        check("journald:", "journald None []");
        check("journald:?unit=ssh.service", r#"[("unit", "ssh.service")]"#);
    }

    #[test]
    fn a_fault_says_what_to_write() {
        check("syslog://1.2.3.4:514", "write for example syslog+");
        check("sylog+udp://1.2.3.4:514", "write for example syslog+udp://127.0.0.1:5514");
        check("syslog+udp:127.0.0.1:5514", "no // after syslog+udp:");
        check("syslog+udp://127.0.0.1", "is no address with a port");
        check("syslog+udp://127.0.0.1:99999", "\"99999\" is no port");
        check("syslog+udp://:514", "0.0.0.0 is every IPv4 address");
        check("syslog+udp://log.example.org:514", "write it in numbers");
        check("syslog+udp://127.0.0.1:514?cert=x", "unknown option cert, there are none");
        check("syslog+tls://127.0.0.1:6514?cert=x", "key= is missing");
        check("syslog+tls://127.0.0.1:6514?cert=x&cert=y&key=z", "cert is given twice");
        check("syslog+tls://127.0.0.1:6514?cert=&key=z", "cert is given without a value");
        check("journald://host", "journald: has no address");
        check("journald:?token=1", "known are unit, since, directory");
    }

    #[test]
    fn plain_text_beyond_loopback_is_warned_of() {
        let warning = |text: &str| Locator::parse(text).and_then(Result::ok).expect("a locator").warning();
        assert_eq!(warning("syslog+udp://127.0.0.1:5514"), None);
        assert_eq!(warning("syslog+tls://0.0.0.0:6514?cert=a&key=b"), None);
        assert!(warning("syslog+tcp://0.0.0.0:5514").is_some_and(|w| w.contains("syslog+tls://0.0.0.0:5514")));
    }
}
