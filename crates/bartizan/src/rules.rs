//! Rule files as they are handed out: a folder, one file, or a tar archive (plain, gzip, zstd), to names and texts.

use std::path::Path;

use crate::cli::fail::Fail;

const TAR_BLOCK: usize = 512;
/// Of all files of an archive together, after expansion.
const ARCHIVE_BYTES_MAX: u64 = 256 << 20;

fn is_rule(name: &str) -> bool {
    name.ends_with(".yml") || name.ends_with(".yaml") || is_yara(name)
}

pub(crate) fn is_yara(name: &str) -> bool {
    name.ends_with(".yar") || name.ends_with(".yara")
}

/// Every `.yml` and `.yar` file at or below the path, sorted by name; names as given, joined.
pub(crate) fn texts(path: &Path) -> Result<Vec<(String, String)>, Fail> {
    let listing = source::list([path]).map_err(|e| Fail::new("E0107", e.to_string()))?;
    let mut texts = Vec::new();
    for file in listing.files {
        let name = file.display().to_string();
        let is_archive = [".tar", ".tar.gz", ".tgz", ".tar.zst"].iter().any(|end| name.ends_with(end));
        if !is_archive && !is_rule(&name) {
            continue;
        }
        let opened = source::Opened::new(&file).map_err(|e| Fail::new("E0107", e.to_string()))?;
        let (bytes, done) = opened.whole(ARCHIVE_BYTES_MAX).map_err(|e| Fail::new("E0107", e.to_string()))?;
        if let Some(short) = done.short {
            return Err(Fail::new("E0107", format!("{name}: {short}")));
        }
        if is_archive {
            texts.extend(members(&bytes).into_iter().map(|(member, text)| (format!("{name}!{member}"), text)));
        } else {
            texts.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    if texts.is_empty() {
        return Err(Fail::new("E0107", format!("no rules (.yml, .yar) in {}", path.display())));
    }
    texts.sort();
    Ok(texts)
}

/// Rules of a tar archive; a header that makes no sense ends it.
fn members(mut bytes: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut long: Option<String> = None;
    while let Some((header, rest)) = bytes.split_at_checked(TAR_BLOCK) {
        let text = |from: usize, to: usize| {
            let field = header[from..to].split(|b| *b == 0).next().unwrap_or_default();
            String::from_utf8_lossy(field).into_owned()
        };
        let Ok(size) = usize::from_str_radix(text(124, 136).trim(), 8) else { return found };
        let Some(content) = rest.get(..size) else { return found };
        let (name, prefix) = (text(0, 100), text(345, 500));
        match header[156] {
            b'L' => long = Some(String::from_utf8_lossy(content).trim_end_matches('\0').to_owned()),
            b'x' => {
                let said = String::from_utf8_lossy(content).into_owned();
                long = said.lines().find_map(|line| line.split_once(" path=").map(|(_, path)| path.to_owned()));
            }
            b'0' | 0 => {
                let joined = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                let name = long.take().unwrap_or(joined);
                if is_rule(&name) {
                    found.push((name, String::from_utf8_lossy(content).into_owned()));
                }
            }
            _ => long = None,
        }
        let Some(next) = rest.get(size.div_ceil(TAR_BLOCK) * TAR_BLOCK..) else { return found };
        bytes = next;
    }
    found
}
