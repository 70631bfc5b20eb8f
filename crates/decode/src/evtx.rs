//! Windows event logs in their binary form (EVTX).
//!
//! Reads:      chunks of 64 KiB behind a header; `raw` of an event is the record as JSON, because a single binary record cannot be read alone.
//! Gives:      see [`crate::windows`].
//! Damaged:    every record that can be read is an event; a record or a chunk that cannot is one undecoded event with its number, place and reason.
//!             A file whose header is damaged is read all the same, when its chunks are found.

use event::{Event, Text};
use evtx::{EvtxChunkData, ParserSettings};
use std::sync::Arc;

use crate::{FileDecoder, Place, flat, record, windows};

pub struct Evtx;

const HEADER_BYTES: usize = 4_096;
const CHUNK_BYTES: usize = 65_536;
const CHUNK_MAGIC: &[u8] = b"ElfChnk\0";

impl FileDecoder for Evtx {
    fn name(&self) -> &'static str {
        "evtx"
    }

    fn about(&self) -> &'static str {
        "Windows event logs (EVTX)"
    }

    fn recognise(&self, head: &[u8], _name: &str) -> u8 {
        if head.starts_with(b"ElfFile\0") || head.get(HEADER_BYTES..).is_some_and(|rest| rest.starts_with(CHUNK_MAGIC)) { 100 } else { 0 }
    }

    fn decode(&self, bytes: &[u8], at: &Place<'_>, out: &mut dyn FnMut(Event)) {
        let mut number = 0;
        if !bytes.starts_with(b"ElfFile\0") {
            number += 1;
            let why = Text::const_new("offset 0: no header of an EVTX file");
            out(record("evtx", &bytes[..bytes.len().min(128)], at, number, |_| Err(why)));
        }
        let settings = Arc::new(ParserSettings::new().num_threads(1));
        let mut offset = HEADER_BYTES;
        while offset < bytes.len() {
            let chunk = &bytes[offset..bytes.len().min(offset + CHUNK_BYTES)];
            if chunk.iter().all(|byte| *byte == 0) {
                // Space that Windows reserved and did not use.
            } else if !chunk.starts_with(CHUNK_MAGIC) {
                number += 1;
                let why = format!("offset {offset}: no chunk header");
                out(record("evtx", &chunk[..chunk.len().min(128)], at, number, |_| Err(why.into())));
            } else {
                let mut whole = chunk.to_vec();
                // A last chunk that was cut short is filled up: its first records can still be read.
                whole.resize(CHUNK_BYTES, 0);
                read_chunk(whole, offset, chunk.len() < CHUNK_BYTES, &settings, at, &mut number, out);
            }
            offset += CHUNK_BYTES;
        }
    }
}

fn read_chunk(
    whole: Vec<u8>,
    offset: usize,
    is_cut: bool,
    settings: &Arc<ParserSettings>,
    at: &Place<'_>,
    number: &mut u64,
    out: &mut dyn FnMut(Event),
) {
    let mut undecoded = |number: &mut u64, reason: String| {
        *number += 1;
        out(record("evtx", b"", at, *number, |_| Err(Text::from(reason))));
    };
    if is_cut {
        undecoded(number, format!("offset {offset}: the file ends within this chunk"));
    }
    let mut data = match EvtxChunkData::new(whole, false) {
        Ok(data) => data,
        Err(error) => return undecoded(number, format!("offset {offset}: {error}")),
    };
    let mut chunk = match data.parse(Arc::clone(settings)) {
        Ok(chunk) => chunk,
        Err(error) => return undecoded(number, format!("offset {offset}: {error}")),
    };
    for read in chunk.iter() {
        *number += 1;
        let made = read.map_err(|e| e.to_string()).and_then(|r| r.into_json_bytes().map_err(|e| e.to_string()));
        out(match made {
            Ok(rendered) => record("evtx", &rendered.data, at, *number, |raw| windows::reading(&flat::object(raw)?)),
            Err(error) => record("evtx", b"", at, *number, |_| Err(format!("offset {offset}: {error}").into())),
        });
    }
}
