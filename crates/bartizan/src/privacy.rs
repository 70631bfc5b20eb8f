//! What is written about people: pseudonyms in place of their names, and no secrets.
//!
//! Names are replaced after decoding and before anything is detected, so that detectors, log, pages and answers know the pseudonym and nothing
//! else: `u~` and 80 bits of an HMAC-SHA256 of the name under a key that lies in a file of its own (`key.rs`). The same name is the same
//! pseudonym, so what somebody usually does can still be learned.
//!
//! Secrets (`decode::mask`) are seen by the detectors as they came, because attacks stand in fields that are called password; log and findings hold
//! `***`. Both are idempotent: what was replaced is not replaced again.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use decode::mask;
use event::native::Value;
use event::{Body, Bytes, Event, Text};
use ring::hmac;

use crate::cli::fail::Fail;

mod choice;
mod key;
mod words;

pub use choice::{Choice, Kind};

/// Names whose pseudonyms are at hand; beyond, they are made anew.
const REMEMBERED_MAX: usize = 65_536;
/// Letters of the HMAC, 5 bits each.
const LETTERS: usize = 16;

/// How people are written down here.
pub struct Privacy {
    choice: Choice,
    key: Option<hmac::Key>,
    known: Mutex<HashMap<(Kind, Text), Text>>,
    /// Secrets that were taken out.
    pub masked: AtomicU64,
}

impl Default for Privacy {
    fn default() -> Privacy {
        Privacy { choice: Choice::default(), key: None, known: Mutex::default(), masked: AtomicU64::new(0) }
    }
}

impl Privacy {
    /// `asked`: what the configuration says; commands without one do as the service of this data directory did last.
    pub fn open(asked: Option<&Choice>, data_dir: &Path) -> Result<Privacy, Fail> {
        let choice = match asked {
            Some(choice) => {
                choice.keep(data_dir)?;
                choice.clone()
            }
            None => Choice::kept(data_dir)?,
        };
        let key = if choice.is_none() { None } else { Some(key::open(&choice.key_file(data_dir))?) };
        Ok(Privacy { choice, key, ..Privacy::default() })
    }

    /// As [`Privacy::open`], for whoever only reads: no key is made.
    pub fn look(data_dir: &Path) -> Result<Privacy, Fail> {
        let choice = Choice::kept(data_dir)?;
        let key = if choice.is_none() { None } else { key::read(&choice.key_file(data_dir))? };
        Ok(Privacy { choice, key, ..Privacy::default() })
    }

    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The pseudonym of a name; the name itself when it is left as it is.
    pub fn of(&self, kind: Kind, name: &str) -> Option<Text> {
        let key = self.key.as_ref()?;
        if name.is_empty() || !self.choice.has(kind) || self.choice.excepts(name) || kind.is_pseudonym(name) {
            return None;
        }
        let held = (kind, Text::from(name));
        if let Some(known) = self.known().get(&held) {
            return Some(known.clone());
        }
        // One person, however the name is written.
        let said = [kind.prefix().as_bytes(), name.to_lowercase().as_bytes()].concat();
        let made: Text = format!("{}{}", kind.prefix(), base32(hmac::sign(key, &said).as_ref())).into();
        let mut known = self.known();
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(held, made.clone());
        Some(made)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<(Kind, Text), Text>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces names. Nothing to do costs nothing.
    pub fn replace(&self, events: &mut [Event]) {
        if self.key.is_some() {
            events.iter_mut().filter(|event| event.is_activity()).for_each(|event| self.one(event));
        }
    }

    fn one(&self, event: &mut Event) {
        let mut names: Vec<(Text, Text)> = Vec::new();
        let mut field = |kind: Kind, held: &mut Text| {
            let kind = if kind == Kind::User && is_mailbox(held) && self.choice.has(Kind::Email) { Kind::Email } else { kind };
            if let Some(pseudonym) = self.of(kind, held) {
                names.push((std::mem::replace(held, pseudonym.clone()), pseudonym));
            }
        };
        match &mut event.body {
            Body::Http(http) => field(Kind::User, &mut http.user),
            Body::Authentication(auth) => field(Kind::User, &mut auth.user),
            Body::Process(process) => {
                field(Kind::User, &mut process.user);
                field(Kind::User, &mut process.run_as);
            }
            Body::Api(api) => field(Kind::User, &mut api.user),
            Body::Mail(mail) => {
                field(Kind::Email, &mut mail.from);
                field(Kind::Email, &mut mail.reply_to);
                mail.to.iter_mut().for_each(|to| field(Kind::Email, to));
                if self.choice.has(Kind::Email) {
                    // A name beside an address is the person all the same.
                    mail.from_name = Text::default();
                }
            }
            _ => {}
        }
        if self.choice.has(Kind::Email) {
            let mut mailboxes: HashSet<&str> = words::mailboxes(&event.raw).collect();
            mailboxes.retain(|one| !names.iter().any(|(name, _)| name == one));
            let found: Vec<(Text, Text)> = mailboxes.into_iter().filter_map(|one| Some((one.into(), self.of(Kind::Email, one)?))).collect();
            names.extend(found);
        }
        if names.is_empty() {
            return;
        }
        // The longest first: one name may be part of another.
        names.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        if let Some(replaced) = words::replaced(&event.raw, &names) {
            event.raw = Bytes::from(replaced);
        }
        texts(event, &mut |text| {
            if let Some(replaced) = words::replaced(text.as_bytes(), &names) {
                *text = String::from_utf8_lossy(&replaced).into_owned();
            }
        });
    }

    /// The records of a step that hold secrets, without them; nearly always none.
    pub fn secrets(&self, events: &[Event]) -> Vec<(usize, Vec<u8>)> {
        let mut all = Vec::new();
        for (at, event) in events.iter().enumerate() {
            if let Some(masked) = mask::line(&event.raw) {
                self.masked.fetch_add(u64::from(masked.count), Relaxed);
                all.push((at, masked.bytes));
            }
        }
        all
    }

    /// Puts them in their place, once the detectors have seen what came.
    pub fn hide(events: &mut [Event], secrets: Vec<(usize, Vec<u8>)>) {
        for (at, raw) in secrets {
            let Some(event) = events.get_mut(at) else { continue };
            event.raw = Bytes::from(raw);
            if let Body::Http(http) = &mut event.body {
                mask::http(http, &mut mask::Secrets::default());
            }
            texts(event, &mut |text| {
                if let Some(masked) = mask::line(text.as_bytes()) {
                    *text = String::from_utf8_lossy(&masked.bytes).into_owned();
                }
            });
        }
    }

    /// The bytes that the log holds of such a record.
    pub fn as_kept(&self, event: &Event) -> Vec<u8> {
        let mut kept = [event.clone()];
        self.replace(&mut kept);
        let [kept] = kept;
        mask::line(&kept.raw).map_or_else(|| kept.raw.to_vec(), |masked| masked.bytes)
    }
}

/// Every field of free text of a record, and its native fields.
fn texts(event: &mut Event, each: &mut dyn FnMut(&mut String)) {
    match &mut event.body {
        Body::Http(http) => {
            each(&mut http.target);
            each(&mut http.referrer);
            http.headers.iter_mut().for_each(|(_, value)| each(value));
        }
        Body::Authentication(auth) => each(&mut auth.unmapped),
        Body::Process(process) => {
            [&mut process.command_line, &mut process.parent_command_line].into_iter().for_each(&mut *each);
        }
        Body::Api(api) => each(&mut api.principal),
        Body::Mail(mail) => {
            each(&mut mail.subject);
            mail.links.iter_mut().for_each(&mut *each);
        }
        _ => {}
    }
    if let Some(native) = &mut event.native {
        for (_, value) in &mut native.fields {
            if let Value::Text(text) = value {
                each(text);
            }
        }
    }
}

/// A whole mailbox and nothing else.
pub fn is_mailbox(name: &str) -> bool {
    words::mailboxes(name.as_bytes()).next().is_some_and(|found| found.len() == name.len())
}

/// Lower case, without padding (RFC 4648).
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bit = |n: usize| bytes.get(n / 8).map_or(0, |byte| byte >> (7 - n % 8) & 1);
    (0..LETTERS).map(|letter| char::from(ALPHABET[usize::from((0..5).fold(0, |all, n| all << 1 | bit(letter * 5 + n)))])).collect()
}

#[cfg(test)]
mod tests;
