//! The key of the pseudonyms: 32 random bytes in hexadecimal, readable for its owner only, in no log, no copy of the log and no answer.
//!
//! Who has it and a list of names can tell which pseudonym is whose; without it nobody can. Deleting it therefore takes every name out of
//! everything that was written under it, at once and for good.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ring::hmac;

use crate::cli::fail::Fail;
use crate::cli::out;

const BYTES: usize = 32;

/// The folder of a secret, for its owner only.
pub(super) fn folder(file: &Path) -> std::io::Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.exists()) else { return Ok(()) };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes it when there is none.
pub(super) fn open(path: &Path) -> Result<hmac::Key, Fail> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    let mut bytes = [0; BYTES];
    let mut made = || -> std::io::Result<()> {
        getrandom::fill(&mut bytes).map_err(|e| std::io::Error::other(e.to_string()))?;
        folder(path)?;
        // Never over one that somebody else made meanwhile.
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(file, "{text}")?;
        file.sync_all()
    };
    made().map_err(|e| Fail::unreadable(path, &e))?;
    out::note(format!("a key of pseudonyms was made: {}; without it nobody can tell any more who was meant", path.display()));
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// `None`: there is none.
pub(super) fn read(path: &Path) -> Result<Option<hmac::Key>, Fail> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Fail::unreadable(path, &error)),
    };
    let refused = |why: &str, fix: &str| Fail::new("E0133", format!("{}: {why}", path.display())).fix(fix);
    let mode = std::fs::metadata(path).map_err(|e| Fail::unreadable(path, &e))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(refused("others may read the key of the pseudonyms", &format!("chmod 600 {}", path.display())));
    }
    let text = text.trim();
    let byte = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..BYTES).map(|n| byte(2 * n)).collect();
    let whole = bytes.filter(|_| text.len() == 2 * BYTES);
    let bytes = whole
        .ok_or_else(|| refused("not a key: 64 hexadecimal digits", "openssl rand -hex 32 makes one; another key gives other pseudonyms"))?;
    Ok(Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
}
