//! A file of JSON lines below a folder of ours: appended, synced, never through a link.

use std::fs::{DirBuilder, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use serde_json::json;

use super::{Answer, Fault, Message};

/// Beyond, somebody has to rotate it.
const FILE_BYTES_MAX: u64 = 1 << 30;

pub(super) fn append(folder: &Path, name: &str, message: &Message, now_s: i64) -> Result<Answer, Fault> {
    let path = folder.join(name);
    let again = |error: std::io::Error| Fault::Again(format!("{}: {error}", path.display()));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(again)?;
    let flags = OFlags::CREATE | OFlags::APPEND | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR).map_err(|e| again(e.into()))?;
    let mut file = File::from(file);
    let about = file.metadata().map_err(again)?;
    if !about.is_file() {
        return Err(Fault::Never(format!("{} is no file", path.display())));
    }
    if about.len() >= FILE_BYTES_MAX {
        return Err(Fault::Again(format!("{} has more than 1 GiB: move it away", path.display())));
    }
    let mut value = message.json();
    value["told"] = json!(now_s);
    let mut line = format!("{value}\n");
    // A line that a crash left half is not continued.
    let mut last = [0_u8; 1];
    if about.len() > 0 {
        file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(again)?;
        if last != *b"\n" {
            line.insert(0, '\n');
        }
    }
    file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(again)?;
    Ok(Answer { status: "written".into(), text: path.display().to_string() })
}
