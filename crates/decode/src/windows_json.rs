//! Windows events as JSON lines: Winlogbeat, NXLog, and forwarders that keep the tree of the event.
//!
//! Reads and gives: see [`crate::windows`], which the binary log shares.

use event::Text;
use memchr::memmem;

use crate::{Decoder, Place, Reading, flat, windows};

pub struct WindowsJson;

impl Decoder for WindowsJson {
    fn name(&self) -> &'static str {
        "windows_json"
    }

    fn about(&self) -> &'static str {
        "Windows events as JSON lines (Winlogbeat, NXLog, forwarded events)"
    }

    fn recognise(&self, record: &[u8]) -> u8 {
        if !record.trim_ascii_start().starts_with(b"{") {
            return 0;
        }
        let has = |mark: &[u8]| memmem::find(record, mark).is_some();
        let tree = has(b"\"System\"") && has(b"\"EventID\"");
        let flat = has(b"\"EventID\"") && has(b"\"Channel\"");
        let beat = has(b"\"winlog\"") && has(b"\"event_id\"");
        if tree || flat || beat { 96 } else { 0 }
    }

    fn read(&self, record: &[u8], _at: &Place<'_>) -> Result<Reading, Text> {
        windows::reading(&flat::object(record)?)
    }
}
