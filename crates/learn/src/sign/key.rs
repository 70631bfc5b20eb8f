//! Keys: P-256 in PEM (PKCS#8 private, SubjectPublicKeyInfo public), named by the SHA-256 of the public PEM text.

use p256::ecdsa;
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use sha2::{Digest as _, Sha256};

/// Why a key was refused. Never holds key material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not a P-256 public key in PEM.
    #[error("not a P-256 public key in PEM (SubjectPublicKeyInfo)")]
    Public,
    /// Not a P-256 private key in PEM.
    #[error("not a P-256 private key in PEM (PKCS#8, not encrypted)")]
    Private,
    /// Random bytes that are no valid key; draw again.
    #[error("these 32 random bytes are no P-256 key: draw again")]
    Random,
}

/// A private key. Prints nothing of itself.
pub struct SigningKey(ecdsa::SigningKey);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.verifying().id())
    }
}

impl SigningKey {
    /// Reads a private key.
    pub fn from_pem(pem: &str) -> Result<SigningKey, KeyError> {
        ecdsa::SigningKey::from_pkcs8_pem(pem).map(SigningKey).map_err(|_| KeyError::Private)
    }

    /// Its public half.
    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey(*self.0.verifying_key())
    }

    pub(super) fn inner(&self) -> &ecdsa::SigningKey {
        &self.0
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey(ecdsa::VerifyingKey);

impl VerifyingKey {
    /// Reads a public key.
    pub fn from_pem(pem: &str) -> Result<VerifyingKey, KeyError> {
        ecdsa::VerifyingKey::from_public_key_pem(pem.trim()).map(VerifyingKey).map_err(|_| KeyError::Public)
    }

    /// PEM text with LF line ends and one at the end: the form whose hash is the key's id.
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("invariant: a valid P-256 point has an encoding")
    }

    /// Hex SHA-256 of [`VerifyingKey::to_pem`]; the `hint` of bundles.
    pub fn id(&self) -> String {
        hex(&Sha256::digest(self.to_pem()))
    }

    pub(super) fn inner(&self) -> &ecdsa::VerifyingKey {
        &self.0
    }
}

/// The keys that are trusted.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: Vec<VerifyingKey>,
}

impl KeyRing {
    /// A ring of the public keys in these PEM texts.
    pub fn from_pems<T: AsRef<str>>(pems: impl IntoIterator<Item = T>) -> Result<KeyRing, KeyError> {
        let keys = pems.into_iter().map(|pem| VerifyingKey::from_pem(pem.as_ref())).collect::<Result<_, _>>()?;
        Ok(KeyRing { keys })
    }

    /// Adds a key.
    pub fn add(&mut self, key: VerifyingKey) {
        self.keys.push(key);
    }

    /// The trusted keys.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// The key of that id; without an id the only key of the ring.
    pub(super) fn find(&self, hint: Option<&str>) -> Result<&VerifyingKey, String> {
        match hint {
            Some(hint) => {
                self.keys.iter().find(|key| key.id() == hint).ok_or_else(|| format!("signed by key {hint}, which is not trusted"))
            }
            None => match self.keys.as_slice() {
                [only] => Ok(only),
                keys => Err(format!("names no key, and {} keys are trusted", keys.len())),
            },
        }
    }
}

/// A new key pair from 32 random bytes: (private PEM, public PEM).
pub fn new_key(random: &[u8; 32]) -> Result<(String, String), KeyError> {
    let key = ecdsa::SigningKey::from_slice(random).map_err(|_| KeyError::Random)?;
    let private = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Random)?;
    Ok((private.to_string(), VerifyingKey(*key.verifying_key()).to_pem()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
