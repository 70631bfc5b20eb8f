//! Layers of a bundle: Sigstore bundle, DSSE envelope, in-toto statement, model signing predicate.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::folder::{Folder, SIGNATURE_NAME, is_plain};
use super::key::hex;

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://model_signing/signature/v1.0";

/// Largest bundle that is read, in bytes.
const BUNDLE_BYTES_MAX: usize = 16 << 20;

/// A bundle taken apart, nothing verified yet.
pub(super) struct Bundle {
    pub(super) hint: Option<String>,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// What the statement says was signed.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) subject: String,
    /// Hex, over the digests below in their order.
    pub(super) digest: String,
    /// Strictly sorted by name; SHA-256 digests.
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// DSSE v1 pre-authentication encoding: what is signed.
pub(super) fn pre_authentication(payload: &[u8]) -> Vec<u8> {
    let mut text = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    text.extend_from_slice(payload);
    text
}

pub(super) fn statement(folder: &Folder, subject: &str) -> Vec<u8> {
    let mut root = Sha256::new();
    let mut resources = Vec::new();
    for (name, bytes) in folder.files().filter(|(name, _)| *name != SIGNATURE_NAME) {
        let digest = Sha256::digest(bytes);
        root.update(digest);
        resources.push(json!({"name": name, "algorithm": "sha256", "digest": hex(&digest)}));
    }
    let statement = json!({
        "_type": STATEMENT_TYPE,
        "subject": [{"name": subject, "digest": {"sha256": hex(&root.finalize())}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": false, "ignore_paths": [SIGNATURE_NAME]},
            "resources": resources,
        },
    });
    statement.to_string().into_bytes()
}

pub(super) fn write(payload: &[u8], signature: &[u8], key_id: &str) -> Vec<u8> {
    let bundle = json!({
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key_id}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": BASE64_STANDARD.encode(payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": BASE64_STANDARD.encode(signature), "keyid": ""}],
        },
    });
    bundle.to_string().into_bytes()
}

pub(super) fn read(bytes: &[u8]) -> Result<Bundle, String> {
    if bytes.len() > BUNDLE_BYTES_MAX {
        return Err(format!("is larger than {BUNDLE_BYTES_MAX} bytes"));
    }
    let bundle: Value = serde_json::from_slice(bytes).map_err(|error| format!("is not JSON: {error}"))?;
    expect_text(&bundle, "/mediaType", MEDIA_TYPE)?;
    only(&bundle, &["mediaType", "verificationMaterial", "dsseEnvelope"])?;
    let material = bundle.get("verificationMaterial").filter(|v| v.is_object()).ok_or("has no verificationMaterial")?;
    only(material, &["publicKey", "certificate", "x509CertificateChain", "tlogEntries", "timestampVerificationData"])?;
    if material.get("tlogEntries").is_some_and(|entries| !entries.as_array().is_some_and(Vec::is_empty)) {
        return Err("carries transparency log entries: not checked here, method `key` has none".into());
    }
    let public_key = material.get("publicKey").filter(|v| v.is_object());
    let public_key = public_key.ok_or("has no publicKey: certificate and sigstore bundles are not read by this version")?;
    only(public_key, &["hint", "rawBytes", "keyDetails", "validFor"])?;
    let hint = match public_key.get("hint") {
        None | Some(Value::Null) => None,
        Some(Value::String(hint)) if hint.is_empty() => None,
        Some(Value::String(hint)) => Some(hint.clone()),
        Some(_) => return Err("publicKey.hint is not text".into()),
    };
    let envelope = bundle.get("dsseEnvelope").filter(|v| v.is_object()).ok_or("has no dsseEnvelope")?;
    expect_text(envelope, "/payloadType", PAYLOAD_TYPE)?;
    only(envelope, &["payload", "payloadType", "signatures"])?;
    let payload = base64_field(envelope.get("payload"), "payload")?;
    let signature = match envelope.get("signatures").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => only,
        Some(all) => return Err(format!("has {} signatures, expected 1", all.len())),
        None => return Err("has no signatures".into()),
    };
    only(signature, &["sig", "keyid"])?;
    if !matches!(signature.get("keyid"), None | Some(Value::Null)) && signature.get("keyid").and_then(Value::as_str) != Some("") {
        return Err("signature carries a keyid, expected none".into());
    }
    Ok(Bundle { hint, payload, signature: base64_field(signature.get("sig"), "sig")? })
}

pub(super) fn manifest(payload: &[u8]) -> Result<Manifest, String> {
    let statement: Value = serde_json::from_slice(payload).map_err(|error| format!("statement is not JSON: {error}"))?;
    expect_text(&statement, "/_type", STATEMENT_TYPE)?;
    expect_text(&statement, "/predicateType", PREDICATE_TYPE)?;
    let subject = match statement.get("subject").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => only,
        Some(all) => return Err(format!("has {} subjects, expected 1", all.len())),
        None => return Err("has no subject".into()),
    };
    let name = subject.get("name").and_then(Value::as_str).ok_or("subject has no name")?;
    let root = subject.pointer("/digest/sha256").and_then(Value::as_str).ok_or("subject has no sha256 digest")?;
    expect_text(&statement, "/predicate/serialization/method", "files")?;
    expect_text(&statement, "/predicate/serialization/hash_type", "sha256")?;
    let resources = statement.pointer("/predicate/resources").and_then(Value::as_array).ok_or("has no resources")?;

    let mut hasher = Sha256::new();
    let mut files: Vec<(String, Vec<u8>)> = Vec::with_capacity(resources.len().min(4_096));
    for resource in resources {
        let name = resource.get("name").and_then(Value::as_str).ok_or("a resource has no name")?;
        if !is_plain(name) {
            return Err(format!("resource name {name:?} is not a plain relative name"));
        }
        if files.last().is_some_and(|(last, _)| last.as_str() >= name) {
            return Err(format!("resource {name:?} is repeated or out of order"));
        }
        if resource.get("algorithm").and_then(Value::as_str) != Some("sha256") {
            return Err(format!("resource {name:?} has another algorithm than sha256"));
        }
        let digest = resource.get("digest").and_then(Value::as_str).and_then(unhex).filter(|digest| digest.len() == 32);
        let digest = digest.ok_or_else(|| format!("resource {name:?} has no sha256 digest"))?;
        hasher.update(&digest);
        files.push((name.into(), digest));
    }
    if hex(&hasher.finalize()) != root {
        return Err("root digest differs from the digests of the resources".into());
    }
    Ok(Manifest { subject: name.into(), digest: root.into(), files })
}

/// The outer layers are not signed, so a field we do not know is damage or a trick, not news.
fn only(value: &Value, fields: &[&str]) -> Result<(), String> {
    match value.as_object().and_then(|object| object.keys().find(|key| !fields.contains(&key.as_str()))) {
        Some(unknown) => Err(format!("has an unknown field {unknown:?}")),
        None => Ok(()),
    }
}

fn expect_text(value: &Value, pointer: &str, expected: &str) -> Result<(), String> {
    match value.pointer(pointer).and_then(Value::as_str) {
        Some(found) if found == expected => Ok(()),
        found => Err(format!("{} is {}, expected {expected}", &pointer[1..], found.unwrap_or("absent"))),
    }
}

fn base64_field(value: Option<&Value>, what: &str) -> Result<Vec<u8>, String> {
    let text = value.and_then(Value::as_str).ok_or_else(|| format!("has no {what}"))?;
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| format!("{what} is not base64"))?;
    if bytes.is_empty() { Err(format!("{what} is empty")) } else { Ok(bytes) }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
