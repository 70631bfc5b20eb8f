//! `backup` and `restore`: the data directory, whole and verified, while it is used.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use store::audit::{Bad, Report};
use store::backup::{self, MANIFEST, Manifest};

use super::fail::{Exit, Fail};
use super::{Global, out, text};
use crate::paths;

/// Copy the data directory to an empty one, while Bartizan runs, and verify the copy
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan backup /mnt/elsewhere/monday\n  bartizan restore /mnt/elsewhere/monday --data-dir /var/lib/bartizan-2\n\nOn the same file system finished files of the log are linked and take no room twice: copy them elsewhere for a disk that fails.\nThe private keys are left out: without --with-keys a restored log can be read and verified, and what is written then is\nsigned by another key.\n\nExit codes: 0 made and verified; 1 the log is not what was attested; 3 it could not be made."
)]
pub(super) struct Backup {
    /// Not there yet, or empty
    dir: PathBuf,
    /// The folder of private keys as well
    #[arg(long)]
    with_keys: bool,
}

/// Make a data directory from a backup, verified before it is said to be one
#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan restore /mnt/elsewhere/monday --data-dir /var/lib/bartizan-2\n\nExit codes: 0 restored and verified; 1 the backup was changed: the first bad record is named, and nothing is left behind; 3 it could not be done."
)]
pub(super) struct Restore {
    /// As `bartizan backup` made it
    from: PathBuf,
}

/// Everything else in the data directory is part of it. The checkpoint is made again.
const LEFT_OUT: [&str; 6] = ["log", "audit", "secrets", "checkpoint", "checkpoint.new", MANIFEST];
/// Folders within folders.
const DEPTH_MAX: usize = 16;

pub(super) fn backup(args: &Backup, global: &Global) -> Result<Exit, Fail> {
    let dir = paths::data_dir(global.data_dir.as_ref());
    if args.dir.starts_with(&dir) {
        return Err(Fail::new("E0208", format!("{} lies in the data directory itself", args.dir.display())).fix("another place"));
    }
    let (manifest, report) = backup::backup(&dir, &args.dir, env!("CARGO_PKG_VERSION")).map_err(|error| text::cannot_open(&dir, &error))?;
    rest(&dir, &args.dir)?;
    if args.with_keys {
        keys(&dir, &args.dir)?;
    }
    let config = super::config::place(global);
    let files = config.load().map_or_else(|faults| faults.files, |loaded| loaded.files);
    if !files.is_empty() {
        let to = args.dir.join("config");
        std::fs::create_dir_all(&to).map_err(|e| unwritten(&to, &e))?;
        for file in &files {
            let target = to.join(file.file_name().unwrap_or_default());
            std::fs::copy(file, &target).map_err(|e| unwritten(&target, &e))?;
        }
    }
    Ok(say("backup", &args.dir, &manifest, &report, global))
}

pub(super) fn restore(args: &Restore, global: &Global) -> Result<Exit, Fail> {
    let dir = paths::data_dir(global.data_dir.as_ref());
    let fault = |error: store::Error| text::cannot_open(&args.from, &error);
    let manifest = backup::manifest(&args.from).map_err(fault)?;
    backup::must_be_empty(&dir).map_err(|error| text::cannot_open(&dir, &error))?;
    // What is read is what was attested before anything is made of it, and what was made is read once more.
    let report = backup::check(&args.from, &manifest).map_err(fault)?;
    if !report.ok {
        return Ok(say("restore", &dir, &manifest, &report, global));
    }
    let made = || -> Result<Report, Fail> {
        for part in ["log", "audit"] {
            copied(&args.from.join(part), &dir.join(part), 0)?;
        }
        rest(&args.from, &dir)?;
        keys(&args.from, &dir)?;
        backup::check(&dir, &manifest).map_err(|error| text::cannot_open(&dir, &error))
    };
    let made = made();
    if !made.as_ref().is_ok_and(|report| report.ok) {
        // It was empty, and is again.
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let _ = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        }
    }
    let exit = say("restore", &dir, &manifest, &made?, global);
    if exit == Exit::Fine && !global.json && !dir.join("secrets/audit.pem").exists() {
        out::line("note   the key that signs is not in this backup: put secrets/audit.pem back before Bartizan writes here,");
        out::line("       or verification ends where the other key begins");
    }
    Ok(exit)
}

fn say(what: &str, dir: &Path, manifest: &Manifest, report: &Report, global: &Global) -> Exit {
    let exit = if report.ok { Exit::Fine } else { Exit::Found };
    let head = manifest.head.as_ref().map(ToString::to_string);
    if global.json {
        out::json(&json!({
            "schema": format!("bartizan.{what}/1"), "ok": report.ok, "dir": dir.display().to_string(), "records": report.records,
            "removed": report.removed, "head": head, "first_bad": report.first_bad,
        }));
        return exit;
    }
    match &report.first_bad {
        None => {
            out::line(format!("ok     {} records in {}, verified", report.records, dir.display()));
            if report.removed > 0 {
                out::line(format!("gone   {} records, removed by retention before", report.removed));
            }
            out::line(format!("head   {}", head.as_deref().unwrap_or("none: the log has no signed records")));
        }
        Some(Bad { file, offset, record, why }) => {
            out::line(format!("BAD    {} at byte {offset}: {why}", out::shown(file)));
            if let Some(record) = record {
                out::line(format!("first  record {record}; what comes before it is what was attested"));
            }
        }
    }
    exit
}

/// Models, playbooks, locations and whatever else was put into the data directory.
fn rest(from: &Path, to: &Path) -> Result<(), Fail> {
    for entry in std::fs::read_dir(from).map_err(|e| Fail::unreadable(from, &e))? {
        let entry = entry.map_err(|e| Fail::unreadable(from, &e))?;
        if LEFT_OUT.iter().all(|name| entry.file_name() != *name) {
            copied(&entry.path(), &to.join(entry.file_name()), 0)?;
        }
    }
    Ok(())
}

fn keys(from: &Path, to: &Path) -> Result<(), Fail> {
    let (from, to) = (from.join("secrets"), to.join("secrets"));
    if !from.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&to).map_err(|e| unwritten(&to, &e))?;
    copied(&from, &to, 0)?;
    std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o700)).map_err(|e| unwritten(&to, &e))
}

/// Files and folders; links, sockets and what goes away meanwhile are left out.
fn copied(from: &Path, to: &Path, depth: usize) -> Result<(), Fail> {
    let Ok(meta) = from.symlink_metadata() else { return Ok(()) };
    if meta.is_file() {
        return std::fs::copy(from, to).map(|_| ()).map_err(|e| unwritten(to, &e));
    }
    if !meta.is_dir() || depth > DEPTH_MAX {
        return Ok(());
    }
    std::fs::create_dir_all(to).map_err(|e| unwritten(to, &e))?;
    for entry in std::fs::read_dir(from).map_err(|e| Fail::unreadable(from, &e))? {
        let entry = entry.map_err(|e| Fail::unreadable(from, &e))?;
        copied(&entry.path(), &to.join(entry.file_name()), depth + 1)?;
    }
    Ok(())
}

fn unwritten(path: &Path, error: &std::io::Error) -> Fail {
    let mut fail = Fail::new("E0209", format!("cannot write {}: {error}", path.display()));
    fail.path = Some(path.to_owned());
    fail
}
