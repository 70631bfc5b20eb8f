//! stub
use event::Text;

use crate::{Decoder, Place, Reading};

pub struct Syslog;

impl Decoder for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn about(&self) -> &'static str {
        "syslog lines (RFC 3164, RFC 5424, ISO time); sshd and sudo are read in full"
    }

    fn recognise(&self, _record: &[u8]) -> u8 {
        0
    }

    fn read(&self, _record: &[u8], _at: &Place<'_>) -> Result<Reading, Text> {
        Err("not yet".into())
    }
}
