//! What lies on disk: the disk lies. Checksums are set right first, so that what is behind them is reached.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use event::Event;
use store::{Query, open_read_only};
use tempfile::TempDir;

thread_local! {
    static DIR: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// Opens a log that consists of these files, and reads it in every way.
fn opened(files: &[(&str, &[u8])]) {
    DIR.with_borrow_mut(|dir| {
        let dir = dir.get_or_insert_with(|| tempfile::tempdir().expect("a directory"));
        let log = dir.path().join("log");
        fs::create_dir_all(&log).expect("made");
        for (name, bytes) in files {
            fs::write(log.join(name), bytes).expect("written");
        }
        read(dir.path());
        for (name, _) in files {
            fs::remove_file(log.join(name)).expect("removed");
        }
    });
}

fn read(dir: &Path) {
    // Refused with a reason, or read as far as it goes.
    let Ok(log) = open_read_only(dir) else { return };
    let end = log.end();
    if let Ok(rows) = log.read(0, 1_000) {
        for (offset, event) in &rows {
            assert!(*offset < end, "offset {offset} of {end}");
            let _ = log.get(*offset);
            let _ = event::ocsf::json(event);
        }
    }
    for text in ["", "src_ip:10.0.1.7", "union", "class:http | count by status", "| timechart 1h"] {
        let query = Query::parse(text).expect("a query");
        let _ = log.query(&query);
        if let Some(tally) = &query.tally {
            let _ = log.tally(&query, tally);
        }
    }
    let _ = log.verify();
    let _ = log.facts();
}

const MARK: u32 = 0x5eed_5eed;

fn header() -> Vec<u8> {
    let mut out = b"bartizan\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend(MARK.to_le_bytes());
    let crc = crc32fast::hash(&out);
    out.extend(crc.to_le_bytes());
    out
}

/// The input is records one after the other, each behind its length (u16) and class (u8): a log of such payloads.
pub(crate) fn record(bytes: &[u8]) {
    let mut file = header();
    let (mut rest, mut number) = (bytes, 0_u32);
    while let Some(([a, b, class], behind)) = rest.split_first_chunk() {
        let payload = &behind[..behind.len().min(usize::from(u16::from_le_bytes([*a, *b])))];
        let mut covered = (number ^ MARK).to_le_bytes().to_vec();
        covered.push(*class);
        covered.extend(payload);
        let mut crc = crc32fast::Hasher::new_with_initial(MARK);
        crc.update(&covered);
        file.extend((payload.len() as u32).to_le_bytes());
        file.extend(crc.finalize().to_le_bytes());
        file.extend(covered);
        if let Ok(event) = rmp_serde::from_slice::<Event>(payload) {
            crate::line::kept_and_shown(&event);
        }
        (rest, number) = (&behind[payload.len()..], number + 1);
    }
    opened(&[("0000000000000000.log", &file)]);
}

/// A segment as it is, checksums wrong and all.
pub(crate) fn log(bytes: &[u8]) {
    opened(&[("0000000000000000.log", bytes)]);
}

const SAMPLE: &[u8] = include_bytes!("../../store/testdata/v1/log/0000000000000000.log");

/// The index beside a good segment; then as the seal of nothing.
pub(crate) fn index(bytes: &[u8]) {
    let mut file = bytes.to_vec();
    if file.len() >= 16 {
        let crc = crc32fast::hash(&file[16..]);
        file[12..16].copy_from_slice(&crc.to_le_bytes());
    }
    opened(&[("0000000000000000.log", SAMPLE), ("0000000000000000.idx", &file)]);
    opened(&[("0000000000000000.parquet", b"PAR1"), ("0000000000000000.seal", &file)]);
}

/// A sealed file whose seal was lost: it is read without any checksum.
pub(crate) fn sealed(bytes: &[u8]) {
    opened(&[("0000000000000000.parquet", bytes)]);
}
