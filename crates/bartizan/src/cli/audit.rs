//! `audit`: is the log what it was, and proof of it for somebody who does not have it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use store::audit::{self, Growth, Hash, Inclusion, Known, Proof, PublicKey};

use super::fail::{Exit, Fail};
use super::{Global, out, text};
use crate::paths;

/// Is the log what it was; proofs for others
#[derive(Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Read the whole log and compare it with what was signed as it was written
    #[command(
        after_help = "Example:\n  bartizan audit verify --head \"$(cat /mnt/elsewhere/head)\"\n\nWhoever can write the data directory and read its key can make all of it anew, and a cut tail leaves no trace\nin the files themselves: keep heads elsewhere (audit head) and give one with --head.\n\nExit codes: 0 as attested; 1 it is not; 3 it could not be read."
    )]
    Verify {
        /// SIZE:HASH as it was printed earlier: the log must still begin with those records
        #[arg(long, value_name = "SIZE:HASH", value_parser = head)]
        head: Option<(u64, Hash)>,
        /// Public key to believe instead of the one in the data directory
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// The latest signed head, SIZE:HASH, to be kept elsewhere
    Head,
    /// A proof that a record is in the log, or that the log only grew
    #[command(
        after_help = "Examples:\n  bartizan audit prove 1042 > proof.json\n  bartizan audit prove --since 5000:9f86d0.. > growth.json\n  bartizan audit check proof.json --key key.pub"
    )]
    Prove {
        /// Offset of the record, or an id
        #[arg(required_unless_present = "since")]
        record: Option<String>,
        /// A head of earlier: proof that the log begins with its records
        #[arg(long, value_name = "SIZE:HASH", value_parser = head, conflicts_with = "record")]
        since: Option<(u64, Hash)>,
    },
    /// Check a proof; needs nothing but the proof and the public key
    Check {
        /// As written by `audit prove`
        proof: PathBuf,
        /// Whose signature is believed [default: audit/key.pub of the data directory]
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

/// A proof takes a few kilobytes and its record at most 32 MiB.
const PROOF_BYTES_MAX: u64 = 64 << 20;

fn head(text: &str) -> Result<(u64, Hash), String> {
    let (size, root) = text.trim().split_once(':').ok_or("a head is SIZE:HASH")?;
    let size = size.parse().map_err(|_| "the part before the colon is a number of records")?;
    Ok((size, root.parse()?))
}

pub(super) fn run(args: &Audit, global: &Global) -> Result<Exit, Fail> {
    let dir = paths::data_dir(global.data_dir.as_ref());
    match &args.verb {
        Verb::Verify { head, key } => verify(&dir, *head, key.as_deref(), global),
        Verb::Head => latest(&dir, global),
        Verb::Prove { record, since } => {
            let proof = match (record, since) {
                (Some(record), _) => inclusion(&dir, record)?,
                (None, Some((size, root))) => growth(&dir, *size, *root)?,
                (None, None) => return Err(Fail::new("E0101", "no record was named").exit(Exit::Usage)),
            };
            out::json(&serde_json::to_value(proof).unwrap_or_default());
            Ok(Exit::Fine)
        }
        Verb::Check { proof, key } => {
            let key = key.clone().unwrap_or_else(|| dir.join("audit/key.pub"));
            check(proof, &public_key(&key)?, global)
        }
    }
}

fn verify(dir: &Path, head: Option<(u64, Hash)>, key: Option<&Path>, global: &Global) -> Result<Exit, Fail> {
    let known = Known { head, key: key.map(public_key).transpose()? };
    let report = audit::verify(dir, &known).map_err(|e| text::cannot_open(dir, &e))?;
    let exit = if report.ok { Exit::Fine } else { Exit::Found };
    if global.json {
        let mut object = serde_json::to_value(&report).unwrap_or_default();
        object["schema"] = json!("bartizan.audit/1");
        out::json(&object);
        return Ok(exit);
    }
    match &report.first_bad {
        None => {
            out::line(format!("ok     {} records in {} files are what was attested", report.records, report.files.len()));
            if let Some(head) = &report.head {
                out::line(format!("head   {head}"));
            }
            if report.removed > 0 {
                out::line(format!("gone   {} records, removed by retention: signed orders in the log say which", report.removed));
            }
            if report.unattested > 0 {
                out::line(format!("tail   {} records are not signed yet: the log is being written, or was not closed", report.unattested));
            }
            if head.is_none() {
                out::line("note   a cut tail shows only against a head kept elsewhere: bartizan audit verify --head SIZE:HASH");
            }
        }
        Some(bad) => {
            out::line(format!("BAD    {} at byte {}: {}", out::shown(&bad.file), bad.offset, bad.why));
            if let Some(record) = bad.record {
                out::line(format!("first  record {record}; what comes before it is what was attested"));
            }
        }
    }
    Ok(exit)
}

fn latest(dir: &Path, global: &Global) -> Result<Exit, Fail> {
    let head = audit::latest(dir).map_err(|e| text::cannot_open(dir, &e))?;
    let head = head.ok_or_else(|| Fail::new("E0207", format!("nothing was attested in {} yet", dir.display())))?;
    if global.json {
        out::json(&json!({"schema": "bartizan.head/1", "head": head.to_string(), "signed": head}));
    } else {
        out::line(head.to_string());
    }
    Ok(Exit::Fine)
}

fn inclusion(dir: &Path, record: &str) -> Result<Proof, Fail> {
    let log = store::open_read_only(dir).map_err(|e| text::cannot_open(dir, &e))?;
    let unknown = || Fail::new("E0402", format!("no record {}", out::shown(record))).fix("give an offset, as search prints it, or an id");
    let offset = match record.parse::<u64>() {
        Ok(offset) if offset < log.end() => offset,
        Ok(_) => return Err(unknown()),
        Err(_) => {
            let found = log.find(record).map_err(|e| text::cannot_open(dir, &e))?;
            match found.first().ok_or_else(unknown)? {
                store::Found::Event(offset, _) => *offset,
                store::Found::Incident(incident) => newest(dir, &log, &incident.uid)?.ok_or_else(unknown)?,
                store::Found::Response(response) => newest(dir, &log, &response.uid)?.ok_or_else(unknown)?,
            }
        }
    };
    let proof = Inclusion::of(dir, &log, offset).map_err(|e| text::cannot_open(dir, &e))?;
    proof.map(Proof::Inclusion).ok_or_else(not_yet)
}

/// The newest state of an incident or a response is a record as well.
fn newest(dir: &Path, log: &store::Log, uid: &str) -> Result<Option<u64>, Fail> {
    let found = log.newest_of(uid).map_err(|e| text::cannot_open(dir, &e))?;
    Ok(found.map(|(offset, _)| offset))
}

fn growth(dir: &Path, size: u64, root: Hash) -> Result<Proof, Fail> {
    let log = store::open_read_only(dir).map_err(|e| text::cannot_open(dir, &e))?;
    let proof = Growth::of(dir, &log, size, root).map_err(|e| text::cannot_open(dir, &e))?;
    proof.map(Proof::Growth).ok_or_else(not_yet)
}

fn not_yet() -> Fail {
    Fail::new("E0207", "no head covers it yet").fix("wait ten seconds, or stop the writer in order")
}

fn check(path: &Path, key: &PublicKey, global: &Global) -> Result<Exit, Fail> {
    let text = read(path)?;
    let proof: Proof = serde_json::from_str(&text).map_err(|e| Fail::new("E0108", format!("{} is no proof: {e}", path.display())))?;
    let (done, what) = match &proof {
        Proof::Inclusion(proof) => (
            proof.check(key).map(|event| event.map(|event| event::ocsf::json(&event))),
            format!("record {} is in the log of {} records attested at {}", proof.record, proof.head.size, proof.head.at),
        ),
        Proof::Growth(proof) => (
            proof.check(key).map(|()| None),
            format!("the log of {} records attested at {} begins with those {}", proof.head.size, proof.head.at, proof.size),
        ),
    };
    let exit = if done.is_ok() { Exit::Fine } else { Exit::Found };
    if global.json {
        let (event, why) = match &done {
            Ok(event) => (event.clone(), None),
            Err(why) => (None, Some(*why)),
        };
        out::json(&json!({"schema": "bartizan.audit_check/1", "ok": done.is_ok(), "text": what, "why": why, "event": event}));
        return Ok(exit);
    }
    match done {
        Ok(event) => {
            out::line(format!("ok     {what}"));
            if let Some(event) = event {
                out::line(event.to_string());
            }
        }
        Err(why) => out::line(format!("BAD    {why}")),
    }
    Ok(exit)
}

fn public_key(path: &Path) -> Result<PublicKey, Fail> {
    PublicKey::from_pem(&read(path)?).ok_or_else(|| Fail::new("E0109", format!("{} is no PEM of an Ed25519 public key", path.display())))
}

fn read(path: &Path) -> Result<String, Fail> {
    use std::io::Read as _;
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|e| Fail::unreadable(path, &e))?;
    file.take(PROOF_BYTES_MAX).read_to_string(&mut text).map_err(|e| Fail::unreadable(path, &e))?;
    Ok(text)
}
