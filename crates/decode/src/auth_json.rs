//! stub
use event::Text;

use crate::{Decoder, Place, Reading};

pub struct AuthJson;

impl Decoder for AuthJson {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "sign-ins as JSON, one object a line, with the keys time, user, src_ip, result"
    }

    fn recognise(&self, _record: &[u8]) -> u8 {
        0
    }

    fn read(&self, _record: &[u8], _at: &Place<'_>) -> Result<Reading, Text> {
        Err("not yet".into())
    }
}
