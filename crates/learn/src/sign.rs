//! Signatures of model folders: OpenSSF Model Signing v1.0, method `key`, ECDSA P-256 with SHA-256.
//!
//! Reads:      a [`Folder`] (names and bytes) and a [`KeyRing`]; writes the bundle `model.sig` as bytes.
//! Bundle:     Sigstore bundle v0.3 > DSSE envelope > in-toto Statement v1 > predicate `https://model_signing/signature/v1.0`.
//! Verifies:   structure, signature, then every file against the manifest; all faults are named, not only the first.
//! Refuses:    unsorted or repeated names, absolute or `../` names, files that are not signed, other predicates, more than one
//!             subject, a manifest whose root digest differs, any signature that does not verify.
//! Absent:     certificates, Sigstore transparency logs and sharded manifests (said in the fault text).
//! Source:     github.com/ossf/model-signing-spec v1.0; DSSE v1.0 protocol; in-toto attestation v1.

mod bundle;
mod folder;
mod key;

pub use folder::{Folder, FolderError, SIGNATURE_NAME};
pub(crate) use key::hex;
pub use key::{KeyError, KeyRing, SigningKey, VerifyingKey, new_key};

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{DerSignature, Signature};
use sha2::{Digest as _, Sha256};

/// What is wrong, and with which file. Faults of the bundle itself carry its own name, `model.sig`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// Name relative to the model folder.
    pub file: String,
    /// Reason, lower case.
    pub why: String,
}

/// Proof that a folder is what a key in the ring signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Hex SHA-256 of the public key's PEM text.
    pub key_id: String,
    /// Subject of the statement: the model's name.
    pub subject: String,
    /// Number of signed files.
    pub files: usize,
    /// Hex SHA-256 over the digests of the files, as the statement has it.
    pub digest: String,
}

/// Signs all files of `folder` (without an old `model.sig`); gives the bytes of `model.sig`. Same input, same bytes (RFC 6979).
pub fn sign(folder: &Folder, subject: &str, key: &SigningKey) -> Vec<u8> {
    let payload = bundle::statement(folder, subject);
    let signature: DerSignature = key.inner().sign(&bundle::pre_authentication(&payload));
    bundle::write(&payload, signature.as_bytes(), &key.verifying().id())
}

/// Checks `folder` against its `model.sig` and the keys of `ring`.
pub fn verify(folder: &Folder, ring: &KeyRing) -> Result<Verified, Vec<Fault>> {
    let fault = |why: String| vec![Fault { file: SIGNATURE_NAME.into(), why }];
    let text = folder.get(SIGNATURE_NAME).ok_or_else(|| fault("is missing: the model is not signed".into()))?;
    let bundle = bundle::read(text).map_err(fault)?;
    let key = ring.find(bundle.hint.as_deref()).map_err(fault)?;
    let signed = bundle::pre_authentication(&bundle.payload);
    let verified = Signature::from_der(&bundle.signature).is_ok_and(|signature| key.inner().verify(&signed, &signature).is_ok());
    if !verified {
        return Err(fault(format!("signature does not verify with key {}", key.id())));
    }
    let manifest = bundle::manifest(&bundle.payload).map_err(fault)?;
    let faults = compare(folder, &manifest);
    if faults.is_empty() {
        Ok(Verified { key_id: key.id(), files: manifest.files.len(), subject: manifest.subject, digest: manifest.digest })
    } else {
        Err(faults)
    }
}

fn compare(folder: &Folder, manifest: &bundle::Manifest) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, digest) in &manifest.files {
        match folder.get(name) {
            None => faults.push(Fault { file: name.clone(), why: "is signed but missing".into() }),
            Some(bytes) if Sha256::digest(bytes)[..] != digest[..] => {
                faults.push(Fault { file: name.clone(), why: "differs from what was signed".into() });
            }
            Some(_) => {}
        }
    }
    for (name, _) in folder.files() {
        if name != SIGNATURE_NAME && manifest.files.binary_search_by(|(signed, _)| signed.as_str().cmp(name)).is_err() {
            faults.push(Fault { file: name.into(), why: "is not signed".into() });
        }
    }
    faults
}

#[cfg(test)]
mod tests;
