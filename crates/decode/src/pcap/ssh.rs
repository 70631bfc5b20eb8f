//! SSH from its outside: banners and the algorithms of the key exchange, as HASSH (MD5 of the offered lists, Salesforce, BSD-3-Clause).

use event::Text;
use event::network::Ssh;

use super::cursor::Cursor;
use super::digest;

const BANNER_BYTES_MAX: usize = 8 << 10;
const PACKET_BYTES_MAX: usize = 35_000;

#[derive(Default)]
pub(super) struct Talk {
    pub(super) ssh: Ssh,
    over: [bool; 2],
}

impl Talk {
    /// Uses up banner and key exchange of one side.
    pub(super) fn read(&mut self, side: usize, bytes: &[u8]) -> usize {
        let (banner, hassh) = match side {
            0 => (&mut self.ssh.client_software, &mut self.ssh.client_hassh),
            _ => (&mut self.ssh.server_software, &mut self.ssh.server_hassh),
        };
        let mut at = 0;
        while !self.over[side] && banner.is_empty() {
            let Some(end) = bytes[at..].iter().position(|b| *b == b'\n') else {
                self.over[side] = bytes.len() - at > BANNER_BYTES_MAX;
                return at;
            };
            let line = bytes[at..at + end].trim_ascii_end();
            // A server may say other lines first (RFC 4253 section 4.2).
            if line.starts_with(b"SSH-") {
                *banner = Text::from(String::from_utf8_lossy(&line[..line.len().min(255)]).as_ref());
                self.over[side] = !line.starts_with(b"SSH-2") && !line.starts_with(b"SSH-1.99");
            }
            at += end + 1;
        }
        if !self.over[side] {
            let mut cursor = Cursor(&bytes[at..]);
            let Some(length) = cursor.u32() else { return at };
            if length as usize > PACKET_BYTES_MAX {
                self.over[side] = true;
            } else if let Some(packet) = cursor.take(length as usize) {
                *hassh = offered(packet, side).map(|lists| digest::hex(&digest::md5(lists.as_bytes())).into()).unwrap_or_default();
                self.over[side] = true;
            }
        }
        if self.over[side] { bytes.len() } else { at }
    }
}

/// `kex;encryption;mac;compression` in the direction of this side.
fn offered(packet: &[u8], side: usize) -> Option<String> {
    let mut cursor = Cursor(packet);
    cursor.u8()?;
    if cursor.u8()? != 20 {
        return None;
    }
    cursor.take(16)?;
    let mut lists = Vec::with_capacity(8);
    for _ in 0..8 {
        let n = cursor.u32()? as usize;
        lists.push(String::from_utf8_lossy(cursor.take(n)?));
    }
    Some(format!("{};{};{};{}", lists[0], lists[2 + side], lists[4 + side], lists[6 + side]))
}
