//! Who may push: named tokens, one a line of a file (`NAME TOKEN`, or the token alone), or one in a variable of the environment.
//!
//! A file that more than the owner and the group may read is refused, as is a short token. A wrong token takes as long as a right one: digests of
//! the same length are compared, every one of them.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::{Error, Locator};

const TOKENS_MAX: usize = 256;
const TOKEN_BYTES_MIN: usize = 16;
const TOKEN_BYTES_MAX: usize = 512;
const FILE_BYTES_MAX: u64 = 256 << 10;

/// Digests only: the tokens themselves are not kept.
pub(super) struct Tokens(Vec<(String, [u8; 32])>);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Who<'t> {
    /// No token is asked for.
    Anybody,
    Named(&'t str),
    /// Nothing was shown.
    Missing,
    Wrong,
}

impl Tokens {
    pub(super) fn read(at: &Locator) -> Result<Tokens, Error> {
        let refuse = |why: String| crate::locator::bad(at.text(), why, at.kind().example);
        let mut all = Vec::new();
        if at.option("token").is_some() {
            let path = at.file("token");
            let text = file(&path)?;
            for (line, number) in text.lines().zip(1..) {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let (name, token) = line.split_once(char::is_whitespace).map_or(("", line), |(name, token)| (name, token.trim()));
                let wrong = |why: String| Error::Tls { path: path.clone(), why: format!("line {number}: {why}") };
                add(&mut all, name, token).map_err(wrong)?;
            }
            if all.is_empty() {
                return Err(Error::Tls { path, why: "no token in it; expected lines of NAME TOKEN, or one token".into() });
            }
        }
        if let Some(variable) = at.option("token-env") {
            let token = std::env::var(variable).map_err(|_| refuse(format!("the variable {variable} is not set")))?;
            add(&mut all, "", token.trim()).map_err(|why| refuse(format!("{variable}: {why}")))?;
        }
        if all.is_empty() && !at.listen()?.ip().is_loopback() {
            return Err(refuse("other machines reach it, and there is no token".into()));
        }
        Ok(Tokens(all))
    }

    /// Looks at an `Authorization` header: `Bearer T`, `Splunk T`, `ApiKey base64(NAME:T)` or `ApiKey T`, `Basic base64(NAME:T)`.
    pub(super) fn who(&self, header: Option<&str>) -> Who<'_> {
        if self.0.is_empty() {
            return Who::Anybody;
        }
        let Some((scheme, shown)) = header.and_then(|header| header.trim().split_once(' ')) else { return Who::Missing };
        let shown = shown.trim();
        let decoded = || {
            let bytes = STANDARD.decode(shown).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            Some(text.split_once(':')?.1.to_owned())
        };
        let is = |word: &str| scheme.eq_ignore_ascii_case(word);
        let token = if is("bearer") || is("splunk") {
            Some(shown.to_owned())
        } else if is("basic") {
            decoded()
        } else if is("apikey") {
            Some(decoded().unwrap_or_else(|| shown.to_owned()))
        } else {
            None
        };
        let Some(token) = token.filter(|token| token.len() <= TOKEN_BYTES_MAX) else { return Who::Wrong };
        let digest = digest(&token);
        let mut found = None;
        for (name, held) in &self.0 {
            let differs = held.iter().zip(&digest).fold(0, |all, (a, b)| all | (a ^ b));
            if std::hint::black_box(differs) == 0 {
                found = Some(name.as_str());
            }
        }
        found.map_or(Who::Wrong, Who::Named)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn add(all: &mut Vec<(String, [u8; 32])>, name: &str, token: &str) -> Result<(), String> {
    if token.len() < TOKEN_BYTES_MIN || token.len() > TOKEN_BYTES_MAX || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!(
            "a token has {TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} letters, digits and signs; openssl rand -hex 24 makes one"
        ));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.len() > 64 || !name.chars().all(is_name) {
        return Err(format!("{name:?} is no name of a token: letters, digits, - _ ."));
    }
    let mut name = name.to_owned();
    if name.is_empty() {
        name.push_str("token");
        if !all.is_empty() {
            let _ = write!(name, "{}", all.len() + 1);
        }
    }
    if all.len() >= TOKENS_MAX || all.iter().any(|(held, _)| *held == name) {
        return Err(format!("{name}: given twice, or more than {TOKENS_MAX} tokens"));
    }
    all.push((name, digest(token)));
    Ok(())
}

fn file(path: &Path) -> Result<String, Error> {
    let facts = std::fs::metadata(path).map_err(Error::read(path))?;
    if facts.permissions().mode() & 0o007 != 0 {
        return Err(Error::Tls { path: path.to_owned(), why: "everybody may read the tokens; write: chmod 640".into() });
    }
    if facts.len() > FILE_BYTES_MAX {
        return Err(Error::Tls { path: path.to_owned(), why: format!("longer than {FILE_BYTES_MAX} bytes") });
    }
    std::fs::read_to_string(path).map_err(Error::read(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocols_way_of_showing_a_token_is_read() {
        let mut all = Vec::new();
        add(&mut all, "web", "0123456789abcdef").expect("a token");
        add(&mut all, "db", "fedcba9876543210").expect("a token");
        assert!(add(&mut all, "db", "fedcba9876543210").is_err(), "a name stands for one token");
        assert!(add(&mut all, "x", "short").is_err());
        let tokens = Tokens(all);
        let basic = |text: &str| STANDARD.encode(text);
        for (header, who) in [
            (None, Who::Missing),
            (Some("Bearer".to_owned()), Who::Missing),
            (Some("Bearer 0123456789abcdef".to_owned()), Who::Named("web")),
            (Some("Splunk fedcba9876543210".to_owned()), Who::Named("db")),
            (Some("splunk  fedcba9876543210 ".to_owned()), Who::Named("db")),
            (Some(format!("Basic {}", basic("any:0123456789abcdef"))), Who::Named("web")),
            (Some(format!("ApiKey {}", basic("id:0123456789abcdef"))), Who::Named("web")),
            (Some("ApiKey 0123456789abcdef".to_owned()), Who::Named("web")),
            (Some("Bearer 0123456789abcdee".to_owned()), Who::Wrong),
            (Some("Bearer 0123456789abcde".to_owned()), Who::Wrong),
            (Some("Digest 0123456789abcdef".to_owned()), Who::Wrong),
            (Some("Basic ???".to_owned()), Who::Wrong),
            (Some(format!("Bearer {}", "x".repeat(10_000))), Who::Wrong),
        ] {
            assert_eq!(tokens.who(header.as_deref()), who, "{header:?}");
        }
        assert_eq!(Tokens(Vec::new()).who(None), Who::Anybody);
    }
}
