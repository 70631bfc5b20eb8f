//! Tells people about an incident where they are: webhook, chat, pager, mail, a file (specification I60 to I65).
//!
//! A [`Channel`] is what the configuration says and nothing else: where a message goes is never taken from what came from outside, no redirect is
//! followed, answers are bounded, and everything ends within seconds. [`Outbox`] has a thread and a bounded queue for each channel, so that
//! nobody waits for a far side. Text of others is made harmless in [`escape`] before it is put into anything.

mod dial;
mod escape;
mod file;
mod http;
mod message;
mod outbox;
mod smtp;
mod template;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use http::Url;
pub use message::Message;
pub use outbox::{News, Outbox, Pace, Tallies, Tally};
pub use smtp::{Mail, Security};
pub use template::{SecretUse, Template, named, names};

/// One attempt, from the name's resolution to the last byte of the answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// What must not be shown: no `Debug`, no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// One place where people read.
#[derive(Clone, Debug)]
pub struct Channel {
    pub name: String,
    pub to: To,
    /// Whose certificates are trusted; `None`: the web's authorities.
    pub trust: Option<Arc<rustls::ClientConfig>>,
}

#[derive(Clone, Debug)]
pub enum To {
    Post {
        template: &'static Template,
        url: Url,
        secret: Option<Secret>,
        topic: String,
    },
    Mail(Box<Mail>),
    /// A file below a folder of ours.
    File {
        folder: PathBuf,
        name: String,
    },
}

/// What the far side said: its status, and the beginning of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: String,
    pub text: String,
}

/// Not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// May go better later.
    Again(String),
    /// Will be answered the same however often it is asked.
    Never(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Fault::Again(why) | Fault::Never(why)) = self;
        f.write_str(why)
    }
}

impl Channel {
    /// Where it goes, without anything that may be a secret.
    pub fn place(&self) -> String {
        match &self.to {
            To::Post { url, .. } => url.host_words(),
            To::Mail(mail) => format!("{} by {}:{}", mail.to.join(", "), mail.host, mail.port),
            To::File { folder, name } => folder.join(name).display().to_string(),
        }
    }

    pub fn kind(&self) -> &'static str {
        match &self.to {
            To::Post { template, .. } => template.name,
            To::Mail(_) => "email",
            To::File { .. } => "file",
        }
    }

    /// One attempt. `now_s` is the wall clock, for signature and date.
    pub fn tell(&self, message: &Message, now_s: i64, timeout: Duration) -> Result<Answer, Fault> {
        let deadline = Instant::now() + timeout;
        match &self.to {
            To::Post { template, url, secret, topic } => {
                let (headers, body) = template.fill(message, secret.as_ref(), topic, now_s).map_err(Fault::Never)?;
                http::post(url, self.trust.as_ref(), &headers, &body, deadline)
            }
            To::Mail(mail) => smtp::send(mail, self.trust.as_ref(), message, now_s, deadline),
            To::File { folder, name } => file::append(folder, name, message, now_s),
        }
    }
}

/// TLS that trusts the certificates of a PEM file instead of the web's authorities.
pub fn trust(pem: &[u8]) -> Result<Arc<rustls::ClientConfig>, String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| format!("no PEM: {e}"))?;
        roots.add(certificate).map_err(|e| format!("no certificate: {e}"))?;
    }
    if roots.is_empty() { Err("no certificate in it".into()) } else { dial::client(roots) }
}
