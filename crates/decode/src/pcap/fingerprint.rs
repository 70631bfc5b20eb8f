//! What a ClientHello says, and its fingerprints: JA4 for TLS clients (FoxIO, BSD-3-Clause) and JA3. No other member of the JA4+ family.

use sha2::{Digest as _, Sha256};

use super::cursor::Cursor;
use super::digest;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Hello<'a> {
    pub(super) legacy: u16,
    pub(super) ciphers: Vec<u16>,
    /// In the order of the wire.
    pub(super) extensions: Vec<u16>,
    pub(super) sni: &'a [u8],
    pub(super) alpn: Vec<&'a [u8]>,
    pub(super) versions: Vec<u16>,
    pub(super) signatures: Vec<u16>,
    pub(super) groups: Vec<u16>,
    pub(super) point_formats: Vec<u8>,
}

/// RFC 8701: values that mean nothing and are sent so that servers stay tolerant.
fn is_grease(value: &u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

impl<'a> Hello<'a> {
    /// The body of a ClientHello message.
    pub(super) fn read(message: &'a [u8]) -> Option<Hello<'a>> {
        let mut cursor = Cursor(message);
        let legacy = cursor.u16()?;
        cursor.take(32)?;
        cursor.short()?;
        let ciphers = cursor.long()?.words();
        cursor.short()?;
        let mut hello = Hello { legacy, ciphers, ..Hello::default() };
        // Before TLS 1.0 had extensions, hellos ended here.
        let mut extensions = cursor.long().unwrap_or(Cursor(&[]));
        while let (Some(kind), Some(body)) = (extensions.u16(), extensions.long()) {
            hello.extensions.push(kind);
            hello.extension(kind, body);
        }
        Some(hello)
    }

    fn extension(&mut self, kind: u16, mut body: Cursor<'a>) -> Option<()> {
        match kind {
            0 => {
                let mut names = body.long()?;
                names.u8()?;
                self.sni = names.long()?.0;
            }
            10 => self.groups = body.long()?.words(),
            11 => self.point_formats = body.short()?.0.to_vec(),
            13 => self.signatures = body.long()?.words(),
            16 => {
                let mut names = body.long()?;
                while let Some(name) = names.short() {
                    self.alpn.push(name.0);
                }
            }
            43 => self.versions = body.short()?.words(),
            _ => {}
        }
        Some(())
    }

    /// The highest version that the client offers.
    pub(super) fn version(&self) -> u16 {
        self.versions.iter().filter(|v| !is_grease(v)).max().copied().unwrap_or(self.legacy)
    }
}

/// `t13d1516h2_8daaf6152771_e5627efa2ab1`; `transport` is `t` for TCP.
pub(super) fn ja4(hello: &Hello<'_>, transport: char) -> String {
    let version = match hello.version() {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    };
    let mut ciphers: Vec<u16> = hello.ciphers.iter().copied().filter(|c| !is_grease(c)).collect();
    let mut extensions: Vec<u16> = hello.extensions.iter().copied().filter(|e| !is_grease(e)).collect();
    let name = if extensions.contains(&0) { 'd' } else { 'i' };
    let (n_ciphers, n_extensions) = (ciphers.len().min(99), extensions.len().min(99));
    ciphers.sort_unstable();
    extensions.retain(|e| ![0, 16].contains(e));
    extensions.sort_unstable();
    let mut third = list(&extensions);
    if !hello.signatures.is_empty() {
        third = format!("{third}_{}", list(&hello.signatures));
    }
    let third = if extensions.is_empty() { String::new() } else { third };
    format!("{transport}{version}{name}{n_ciphers:02}{n_extensions:02}{}_{}_{}", alpn(hello), short(&list(&ciphers)), short(&third))
}

/// First and last character of the first protocol; of their hexadecimal digits when they are no letters or digits.
fn alpn(hello: &Hello<'_>) -> String {
    let Some((first, last)) = hello.alpn.first().and_then(|name| name.first().zip(name.last())) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(*first), char::from(*last)].iter().collect();
    }
    let (first, last) = (digest::hex(&[*first]), digest::hex(&[*last]));
    format!("{}{}", &first[..1], &last[1..])
}

fn list(values: &[u16]) -> String {
    values.iter().map(|v| format!("{v:04x}")).collect::<Vec<_>>().join(",")
}

fn short(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".to_owned();
    }
    digest::hex(&Sha256::digest(text.as_bytes())[..6])
}

pub(super) fn ja3(hello: &Hello<'_>) -> String {
    let join = |values: &[u16]| values.iter().filter(|v| !is_grease(v)).map(u16::to_string).collect::<Vec<_>>().join("-");
    let formats: Vec<u16> = hello.point_formats.iter().map(|f| u16::from(*f)).collect();
    let text = format!("{},{},{},{},{}", hello.legacy, join(&hello.ciphers), join(&hello.extensions), join(&hello.groups), join(&formats));
    digest::hex(&digest::md5(text.as_bytes()))
}
