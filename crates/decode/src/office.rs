//! Office documents, thinly: whether there is macro code and what it says, templates and objects that are fetched from elsewhere.
//!
//! Macro source is found by the mark that every compressed VBA module begins with (MS-OVBA 2.4.1), so that both containers, old and new,
//! and damaged ones are read alike. Streams of old documents that lie in several pieces are read as far as the first piece goes.

use crate::archive::{self, Budget};
use crate::sniff::Kind;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Office {
    /// There is a VBA project.
    pub has_macros: bool,
    /// Source of its modules, as far as it could be unpacked.
    pub modules: Vec<String>,
    /// Excel 4 macro sheets.
    pub macro_sheets: u32,
    /// Targets outside of the document that are fetched when it is opened: templates, frames, objects.
    pub external: Vec<String>,
    /// Ordinary links, at most [`LINKS_MAX`].
    pub links: Vec<String>,
    /// Programs and packages inside.
    pub objects: u32,
    /// `DDE` or `DDEAUTO` fields.
    pub has_dde: bool,
    pub is_encrypted: bool,
    pub faults: Vec<archive::Fault>,
}

const MODULES_MAX: usize = 256;
const MODULE_BYTES_MAX: usize = 1 << 20;
const LINKS_MAX: usize = 64;

pub fn read(kind: Kind, bytes: &[u8]) -> Office {
    let mut office = Office::default();
    match kind {
        Kind::Ooxml => {
            let mut budget = Budget::default();
            let faults = archive::open(Kind::Zip, bytes, &mut budget, &mut |name, content, _| part(name, content, &mut office));
            office.faults = faults;
        }
        Kind::Rtf => {
            let has = |mark: &[u8]| memchr::memmem::find(bytes, mark).is_some();
            office.objects = u32::from(has(b"\\objdata")) + u32::from(has(b"\\objocx"));
            office.has_dde = has(b"DDEAUTO");
            if let Some(at) = memchr::memmem::find(bytes, b"\\*\\template") {
                let target: String = bytes[at + 11..].iter().take(200).take_while(|b| **b != b'}').map(|b| char::from(*b)).collect();
                if target.contains("://") {
                    office.external.push(target.trim().to_owned());
                }
            }
        }
        _ => {
            let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
            let has = |text: &str| memchr::memmem::find(bytes, &wide(text)).is_some();
            office.has_macros = has("_VBA_PROJECT") || has("VBA");
            office.is_encrypted = has("EncryptedPackage") || has("EncryptionInfo");
            office.objects = u32::from(has("\u{1}Ole10Native"));
            modules(bytes, &mut office);
        }
    }
    office
}

fn part(name: &str, content: &[u8], office: &mut Office) {
    let lower = name.to_ascii_lowercase();
    if lower.ends_with("vbaproject.bin") {
        office.has_macros = true;
        modules(content, office);
    } else if lower.contains("macrosheets/") && lower.ends_with(".xml") {
        office.macro_sheets += 1;
    } else if lower.ends_with(".rels") {
        relations(content, office);
    } else if lower.contains("embeddings/") {
        office.objects += 1;
    } else if lower.ends_with("document.xml") || lower.contains("worksheets/") {
        office.has_dde |= memchr::memmem::find(content, b"DDEAUTO").is_some();
    }
}

/// `<Relationship Type=".../attachedTemplate" Target="http://.." TargetMode="External"/>`
fn relations(xml: &[u8], office: &mut Office) {
    let text = String::from_utf8_lossy(xml);
    for one in text.split("<Relationship ").skip(1).take(4_096) {
        let one = one.split('>').next().unwrap_or_default();
        let value = |key: &str| one.split_once(key).and_then(|(_, rest)| rest.strip_prefix("=\"")?.split('"').next()).unwrap_or_default();
        if value("TargetMode") != "External" {
            continue;
        }
        let kind = value("Type").rsplit('/').next().unwrap_or_default();
        let fetched = ["attachedTemplate", "oleObject", "frame", "subDocument", "externalLinkPath"].contains(&kind);
        let list = if fetched { &mut office.external } else { &mut office.links };
        if list.len() < LINKS_MAX {
            list.push(value(" Target").to_owned());
        }
    }
}

/// Each compressed module begins with `Attribute VB_`, whose first bytes always come out the same.
fn modules(bytes: &[u8], office: &mut Office) {
    const MARK: &[u8] = b"\0Attribut\0e ";
    for at in memchr::memmem::find_iter(bytes, MARK).take(MODULES_MAX) {
        office.has_macros = true;
        let Some(start) = at.checked_sub(3) else { continue };
        if bytes[start] == 1 {
            office.modules.push(String::from_utf8_lossy(&unpack(&bytes[start + 1..])).into_owned());
        }
    }
}

/// MS-OVBA 2.4.1: chunks of 4,096 bytes, each a run of literals and back references.
fn unpack(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(head) = bytes.first_chunk::<2>() {
        let head = u16::from_le_bytes(*head);
        if head & 0x7000 != 0x3000 || out.len() >= MODULE_BYTES_MAX {
            break;
        }
        let size = usize::from(head & 0x0fff) + 3;
        let chunk = &bytes[2..bytes.len().min(size)];
        if head & 0x8000 == 0 {
            out.extend_from_slice(chunk);
        } else {
            expand(chunk, &mut out);
        }
        bytes = &bytes[bytes.len().min(size)..];
    }
    out
}

fn expand(chunk: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut at = 0;
    while let Some(flags) = chunk.get(at) {
        at += 1;
        for bit in 0..8 {
            if flags >> bit & 1 == 0 {
                let Some(literal) = chunk.get(at) else { return };
                out.push(*literal);
                at += 1;
                continue;
            }
            let Some(token) = chunk.get(at..at + 2) else { return };
            let token = usize::from(u16::from_le_bytes([token[0], token[1]]));
            at += 2;
            let written = out.len() - start;
            // As many bits as the place needs, at least 4, at most 12.
            let bits = (usize::BITS - written.saturating_sub(1).leading_zeros()).clamp(4, 12);
            let length = (token & (0xffff >> bits)) + 3;
            let back = (token >> (16 - bits)) + 1;
            if back > written || written > 4_096 {
                return;
            }
            for _ in 0..length {
                out.push(out[out.len() - back]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    /// Literals only, which is a valid form.
    fn packed(text: &str) -> Vec<u8> {
        let mut body = Vec::new();
        for eight in text.as_bytes().chunks(8) {
            body.push(0);
            body.extend_from_slice(eight);
        }
        let head = 0xb000 | (body.len() as u16 - 1);
        [&[1][..], &head.to_le_bytes(), &body].concat()
    }

    fn document(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("started");
            writer.write_all(bytes).expect("written");
        }
        writer.finish().expect("finished").into_inner()
    }

    #[test]
    fn macros_and_templates_are_found() {
        let source = "Attribute VB_Name = \"A\"\r\nSub AutoOpen()\r\nEnd Sub\r\n";
        let rels = br#"<Relationships><Relationship Id="r1" Type="http://x/attachedTemplate" Target="http://far.example/t.dotm" TargetMode="External"/></Relationships>"#;
        let bytes = document(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("word/vbaProject.bin", &packed(source)),
            ("word/_rels/settings.xml.rels", rels),
        ]);
        assert_eq!(crate::sniff::kind(&bytes), Kind::Ooxml);
        let office = read(Kind::Ooxml, &bytes);
        assert!(office.has_macros && office.faults.is_empty(), "{office:?}");
        assert_eq!(office.modules, [source]);
        assert_eq!(office.external, ["http://far.example/t.dotm"]);
    }

    #[test]
    fn back_references() {
        // MS-OVBA 3.2.3: 20 "a" and more stand as one literal and one reference.
        let bytes = [0x03, 0xb0, 0x02, 0x61, 0x45, 0x00];
        assert_eq!(unpack(&bytes), b"a".repeat(73));
    }

    proptest! {
        #[test]
        fn garbage_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            for kind in [Kind::Ole, Kind::Rtf, Kind::Ooxml] {
                read(kind, &bytes);
            }
            unpack(&bytes);
            let marked = [&[1, 0xff, 0xbf][..], b"\0Attribut\0e ", &bytes].concat();
            read(Kind::Ole, &marked);
        }
    }
}
