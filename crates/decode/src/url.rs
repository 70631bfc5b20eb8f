//! One URL as a browser would read it, beside what was written.
//!
//! Reads:      any text, at most [`URL_BYTES_MAX`]; also defanged (`hxxp`, `[.]`, `(dot)`) and without a scheme.
//! Gives:      scheme, user part, host in ASCII and as shown, port, path, query, fragment; the registered domain by the public suffix
//!             list (ICANN and private section); percent layers taken off (at most [`LAYERS_MAX`]); URLs inside parameters and fragments.
//! Method:     WHATWG URL, host and path parts: backslash is slash, tab and newline vanish, hexadecimal, octal and short IPv4 are one
//!             address, IDNA to ASCII. Relative references are not resolved.

use std::net::{IpAddr, Ipv4Addr};

mod refang;

pub use refang::refang;

/// Longest URL that is read, in bytes; the rest is cut.
pub const URL_BYTES_MAX: usize = 8 * 1024;
/// Most layers of percent encoding that are taken off.
pub const LAYERS_MAX: u8 = 4;
/// Most URLs read out of one URL.
const NESTED_MAX: usize = 4;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// As it was written, cut.
    pub raw: String,
    /// `http`, `https`, `data`, `javascript`, ..; `http` when none was written.
    pub scheme: String,
    /// No scheme was written.
    pub bare: bool,
    /// It was written so that nobody clicks it by accident.
    pub defanged: bool,
    /// What stands before `@` in the authority.
    pub user: Option<String>,
    /// Lower case ASCII, with `xn--` labels.
    pub host: String,
    /// As a browser might show it.
    pub shown_host: String,
    pub address: Option<IpAddr>,
    /// The address was written in another form than four decimal numbers.
    pub odd_address: bool,
    pub port: Option<u16>,
    pub path: String,
    pub query: String,
    pub fragment: String,
    /// `example.co.uk` of `www.example.co.uk`; the host when there is none.
    pub registered: String,
    /// Public suffix of the host.
    pub suffix: String,
    /// The suffix is of the private section: a platform that gives names away.
    pub private_suffix: bool,
    /// Layers of percent encoding in path, query and fragment.
    pub layers: u8,
    /// URLs in parameters and fragment.
    pub nested: Vec<String>,
}

impl Url {
    /// Reads `text`; `None` when it has no host and no scheme that carries content itself.
    pub fn read(text: &str) -> Option<Url> {
        let text = cut(text.trim_matches(|c: char| c.is_whitespace() || c.is_control()), URL_BYTES_MAX);
        let (clean, defanged) = refang(text);
        let clean: String = clean.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
        let mut url = Url { raw: text.to_owned(), defanged, ..Url::default() };
        let rest = match scheme(&clean) {
            Some((scheme, rest)) => {
                url.scheme = scheme;
                rest
            }
            None => {
                url.scheme = "http".into();
                url.bare = true;
                clean.as_str()
            }
        };
        if matches!(url.scheme.as_str(), "data" | "javascript" | "vbscript" | "blob") {
            url.path = rest.to_owned();
            return Some(url);
        }
        if matches!(url.scheme.as_str(), "mailto" | "tel" | "sms" | "cid" | "about" | "callto" | "skype") {
            return None;
        }
        let rest = rest.trim_start_matches(['/', '\\']);
        let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        url.authority(authority)?;
        url.tail(tail);
        Some(url)
    }

    fn authority(&mut self, authority: &str) -> Option<()> {
        let host = match authority.rsplit_once('@') {
            Some((user, host)) => {
                self.user = Some(unpercent(user).0);
                host
            }
            None => authority,
        };
        let (host, port) = match host.rsplit_once(':') {
            Some((name, port)) if !name.ends_with(':') && port.bytes().all(|b| b.is_ascii_digit()) => (name, port.parse().ok()),
            _ => (host, None),
        };
        self.port = port.filter(|port| !matches!((self.scheme.as_str(), port), ("http", 80) | ("https", 443)));
        if let Some(six) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            self.address = Some(IpAddr::V6(six.parse().ok()?));
            self.host = host.to_ascii_lowercase();
            self.registered = self.host.clone();
            self.shown_host = self.host.clone();
            return Some(());
        }
        let plain = unpercent(host).0;
        let plain = plain.trim_end_matches('.');
        if plain.is_empty() || plain.len() > 253 * 4 {
            return None;
        }
        if let Some(four) = ipv4(plain) {
            self.odd_address = plain != four.to_string();
            self.address = Some(IpAddr::V4(four));
            self.host = four.to_string();
            self.shown_host = plain.to_owned();
            self.registered = self.host.clone();
            return Some(());
        }
        self.host = idna::domain_to_ascii(plain).unwrap_or_else(|_| plain.to_lowercase());
        if self.host.is_empty() || self.host.bytes().any(|b| b.is_ascii_whitespace() || b"<>\"{}|^`".contains(&b)) {
            return None;
        }
        self.shown_host = if self.host.contains("xn--") { idna::domain_to_unicode(&self.host).0 } else { self.host.clone() };
        let bytes = self.host.as_bytes();
        if let Some(suffix) = psl::suffix(bytes) {
            self.suffix = String::from_utf8_lossy(suffix.as_bytes()).into_owned();
            self.private_suffix = suffix.typ() == Some(psl::Type::Private);
            if self.bare && (suffix.typ().is_none() || self.host == self.suffix) {
                return None;
            }
        }
        if self.bare && !self.host.contains('.') {
            return None;
        }
        self.registered =
            psl::domain(bytes).map_or_else(|| self.host.clone(), |domain| String::from_utf8_lossy(domain.as_bytes()).into_owned());
        Some(())
    }

    fn tail(&mut self, tail: &str) {
        let (before, fragment) = tail.split_once('#').unwrap_or((tail, ""));
        let (path, query) = before.split_once('?').unwrap_or((before, ""));
        let mut layers = 0;
        for (slot, text) in
            [(&mut self.path, path.replace('\\', "/")), (&mut self.query, query.into()), (&mut self.fragment, fragment.into())]
        {
            let (plain, count) = unpercent(&text);
            layers = layers.max(count);
            *slot = plain;
        }
        self.layers = layers;
        for text in [&self.path, &self.query, &self.fragment] {
            let lower = text.to_ascii_lowercase();
            let mut from = 0;
            while let Some(at) = lower[from..].find("http").map(|at| at + from) {
                from = at + 4;
                if self.nested.len() < NESTED_MAX && (lower[from..].starts_with("://") || lower[from..].starts_with("s://")) {
                    let end = text[at..].find(['&', ' ', '"', '\'']).map_or(text.len(), |end| at + end);
                    self.nested.push(text[at..end].to_owned());
                    from = end;
                }
            }
        }
    }

    /// Labels before the registered domain, `www` left out.
    pub fn subdomain(&self) -> &str {
        let sub = self.host.strip_suffix(&self.registered).unwrap_or("").trim_end_matches('.');
        if sub == "www" { "" } else { sub.strip_prefix("www.").unwrap_or(sub) }
    }

    /// The label that was registered: `example` of `www.example.co.uk`; for a private suffix the name that the platform gave away.
    pub fn label(&self) -> &str {
        self.registered.strip_suffix(&self.suffix).unwrap_or(&self.registered).trim_end_matches('.')
    }

    /// What scores may read: host without `www.`, path without a trailing slash, query without tracking parameters. Scheme, port 80 and
    /// the way it was written are gone.
    pub fn key(&self) -> String {
        let mut key = self.host.strip_prefix("www.").unwrap_or(&self.host).to_owned();
        key.push_str(self.path.trim_end_matches('/'));
        let mut first = true;
        for part in self.query.split('&').filter(|part| !part.is_empty() && !is_tracking(part)) {
            key.push(if first { '?' } else { '&' });
            key.push_str(part);
            first = false;
        }
        if !self.fragment.is_empty() {
            key.push('#');
            key.push_str(&self.fragment);
        }
        key
    }
}

/// Parameters that only count visits.
fn is_tracking(part: &str) -> bool {
    const NAMES: [&str; 8] = ["gclid", "fbclid", "msclkid", "mc_cid", "mc_eid", "yclid", "igshid", "_hsenc"];
    let name = part.split('=').next().unwrap_or("").to_ascii_lowercase();
    name.starts_with("utm_") || NAMES.contains(&name.as_str())
}

fn scheme(text: &str) -> Option<(String, &str)> {
    let (name, rest) = text.split_once(':')?;
    let valid =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    // `example.org:8080/x` is a host with a port.
    let port = name.contains('.') && rest.starts_with(|c: char| c.is_ascii_digit());
    (valid && name.len() <= 16 && !port).then(|| (name.to_ascii_lowercase(), rest))
}

fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Takes off percent layers; how many there were.
pub fn unpercent(text: &str) -> (String, u8) {
    let mut text = text.to_owned();
    let mut layers = 0;
    while layers < LAYERS_MAX {
        let bytes = text.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        let mut changed = false;
        while at < bytes.len() {
            let pair = bytes.get(at + 1..at + 3).and_then(|pair| Some((hex(pair[0])?, hex(pair[1])?)));
            match pair {
                Some((high, low)) if bytes[at] == b'%' => {
                    out.push(high << 4 | low);
                    at += 3;
                    changed = true;
                }
                _ => {
                    out.push(bytes[at]);
                    at += 1;
                }
            }
        }
        if !changed {
            break;
        }
        text = String::from_utf8_lossy(&out).into_owned();
        layers += 1;
    }
    (text, layers)
}

fn hex(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// The WHATWG IPv4 parser: one to four numbers, decimal, octal or hexadecimal; the last fills what is left.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = host.split('.').collect();
    if parts.len() > 4 {
        return None;
    }
    let mut numbers = Vec::with_capacity(4);
    for part in &parts {
        let number = if let Some(digits) = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
            if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 16).ok() }
        } else if part.len() > 1 && part.starts_with('0') {
            u64::from_str_radix(part, 8).ok()
        } else {
            part.parse().ok()
        };
        numbers.push(number?);
    }
    let last = numbers.pop()?;
    if numbers.iter().any(|&n| n > 255) || last >= 1 << (8 * (4 - numbers.len())) {
        return None;
    }
    let mut value = last;
    for (at, n) in numbers.iter().enumerate() {
        value |= n << (8 * (3 - at));
    }
    u32::try_from(value).ok().map(Ipv4Addr::from)
}

#[cfg(test)]
mod tests;
