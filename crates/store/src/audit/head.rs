//! A signed head of the tree: so many records, with this root. One line of JSON in `audit/heads.jsonl`.
//!
//! The signature (Ed25519, RFC 8032) covers `bartizan head 1\nSIZE\nROOT\nAT\nPREVIOUS\n`. Each head names the hash of the line before it, so that
//! no line can be taken out from between others.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event::Time;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::Hash;
use crate::Error;

/// SubjectPublicKeyInfo of an Ed25519 key, without the key (RFC 8410, section 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const KEY_BYTES_MAX: u64 = 4_096;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of records.
    pub size: u64,
    pub root: Hash,
    /// When it was signed.
    pub at: Time,
    /// SHA-256 of the line before, zeros for the first.
    pub previous: Hash,
    /// [`PublicKey::id`] of whose signature it is.
    pub key: String,
    /// Base64.
    pub signature: String,
}

impl Head {
    fn message(size: u64, root: Hash, at: Time, previous: Hash) -> String {
        format!("bartizan head 1\n{size}\n{root}\n{}\n{previous}\n", at.us())
    }

    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let Ok(signature) = STANDARD.decode(&self.signature) else { return false };
        let message = Head::message(self.size, self.root, self.at, self.previous);
        UnparsedPublicKey::new(&ED25519, &key.0).verify(message.as_bytes(), &signature).is_ok()
    }
}

/// `SIZE:ROOT`, as it is printed, mailed or posted.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.size, self.root)
    }
}

/// Signs heads. Its private half is in `secrets/audit.pem`, readable by its owner alone.
pub(crate) struct Signer(Ed25519KeyPair);

impl Signer {
    /// The key of this data directory, made when there is none.
    pub(crate) fn open(data_dir: &Path) -> Result<Signer, Error> {
        let dir = data_dir.join("secrets");
        let path = dir.join("audit.pem");
        let unfit = |why: &str| Error::Key { path: path.clone(), why: why.to_owned() };
        match File::open(&path) {
            Ok(file) => {
                let mut pem = String::new();
                file.take(KEY_BYTES_MAX).read_to_string(&mut pem).map_err(Error::io("read", &path))?;
                let der = from_pem(&pem, "PRIVATE KEY").ok_or_else(|| unfit("it is no PEM of a private key"))?;
                Ed25519KeyPair::from_pkcs8(&der).map(Signer).map_err(|e| unfit(&e.to_string()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| unfit("no random numbers"))?;
                DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(Error::io("create", &dir))?;
                let write = || {
                    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
                    file.write_all(to_pem(made.as_ref(), "PRIVATE KEY").as_bytes())?;
                    file.sync_all()?;
                    File::open(&dir)?.sync_all()
                };
                write().map_err(Error::io("create", &path))?;
                Ed25519KeyPair::from_pkcs8(made.as_ref()).map(Signer).map_err(|e| unfit(&e.to_string()))
            }
            Err(error) => Err(Error::io("open", &path)(error)),
        }
    }

    pub(crate) fn public(&self) -> PublicKey {
        let mut key = PublicKey([0; 32]);
        key.0.copy_from_slice(self.0.public_key().as_ref());
        key
    }

    pub(crate) fn sign(&self, size: u64, root: Hash, at: Time, previous: Hash) -> Head {
        let signature = self.0.sign(Head::message(size, root, at, previous).as_bytes());
        Head { size, root, at, previous, key: self.public().id(), signature: STANDARD.encode(signature.as_ref()) }
    }
}

/// Says who signed. PEM as other tools read it (`openssl pkey -pubin`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    pub fn from_pem(pem: &str) -> Option<PublicKey> {
        let der = from_pem(pem, "PUBLIC KEY")?;
        let key = der.strip_prefix(&SPKI)?;
        key.try_into().ok().map(PublicKey)
    }

    pub fn to_pem(&self) -> String {
        to_pem(&[&SPKI[..], &self.0].concat(), "PUBLIC KEY")
    }

    /// First 16 digits of the SHA-256 of the key.
    pub fn id(&self) -> String {
        Hash::of(&[&SPKI, &self.0]).to_string()[..16].to_owned()
    }
}

fn to_pem(der: &[u8], what: &str) -> String {
    // The longest key takes three lines.
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}

fn from_pem(pem: &str, what: &str) -> Option<Vec<u8>> {
    let inner = pem.trim().strip_prefix(&format!("-----BEGIN {what}-----"))?.strip_suffix(&format!("-----END {what}-----"))?;
    STANDARD.decode(inner.split_ascii_whitespace().collect::<String>()).ok()
}
