//! The files of one scan: configuration below a folder, names relative to it. Links out of it, `.terraform/` and `.git/` are left alone.

use std::path::Path;

use crate::cli::fail::Fail;

/// Files of one scan, and what they may hold together.
const FILES_MAX: usize = 200_000;
const BYTES_MAX: u64 = 1 << 30;

pub(super) struct Files {
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) notices: Vec<(String, String)>,
}

pub(super) fn read(path: &Path) -> Result<Files, Fail> {
    let listing = source::list([path]).map_err(|e| {
        let mut fail = Fail::new("E0107", e.to_string());
        fail.path = Some(path.to_owned());
        fail
    })?;
    let mut out = Files { files: Vec::new(), notices: Vec::new() };
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let mut bytes_left = BYTES_MAX;
    for file in &listing.files {
        let name = file.strip_prefix(root).unwrap_or(file);
        let hidden = name.components().any(|c| matches!(c.as_os_str().to_str(), Some(".terraform" | ".git" | "node_modules")));
        let name = name.to_string_lossy().replace('\\', "/");
        if hidden || !decode::posture::is_configuration(&name) {
            continue;
        }
        let size = std::fs::metadata(file).map_or(0, |m| m.len());
        if size > decode::posture::FILE_BYTES_MAX as u64 || size > bytes_left || out.files.len() >= FILES_MAX {
            out.notices.push((name, "not read: beyond the size of a scan".into()));
            continue;
        }
        bytes_left -= size;
        match std::fs::read(file) {
            Ok(bytes) => out.files.push((name, bytes)),
            Err(error) => out.notices.push((name, format!("not read: {error}"))),
        }
    }
    out.notices.extend(listing.refused.iter().map(|r| (r.path.display().to_string(), r.why.clone())));
    Ok(out)
}
