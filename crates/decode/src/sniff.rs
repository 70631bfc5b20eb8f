//! What a file is, by its first bytes and never by its name; and whether its name says something else.
//!
//! A table of magic numbers first, then marks of text formats in the first 4 KiB.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Pe,
    Elf,
    MachO,
    Pdf,
    /// OLE compound file: old office documents, installers, Outlook messages.
    Ole,
    /// Office document in a zip.
    Ooxml,
    Rtf,
    Zip,
    Gzip,
    Tar,
    Zstd,
    /// Archives that are recognised and not opened.
    Bzip2,
    Xz,
    SevenZip,
    Rar,
    Cab,
    Iso,
    /// Windows shortcut.
    Shortcut,
    Class,
    Wasm,
    Image,
    Audio,
    Video,
    Font,
    Mail,
    Html,
    PowerShell,
    /// Any other script that says so: `#!`, JScript, VBScript, batch.
    Script,
    Text,
    Empty,
    Data,
}

impl Kind {
    /// The word of `check`.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Pe => "pe",
            Kind::Elf => "elf",
            Kind::MachO => "macho",
            Kind::Pdf => "pdf",
            Kind::Ole | Kind::Ooxml | Kind::Rtf => "office",
            Kind::Zip
            | Kind::Gzip
            | Kind::Tar
            | Kind::Zstd
            | Kind::Bzip2
            | Kind::Xz
            | Kind::SevenZip
            | Kind::Rar
            | Kind::Cab
            | Kind::Iso => "archive",
            Kind::Shortcut => "shortcut",
            Kind::Class => "class",
            Kind::Wasm => "wasm",
            Kind::Image => "image",
            Kind::Audio => "audio",
            Kind::Video => "video",
            Kind::Font => "font",
            Kind::Mail => "mail",
            Kind::Html => "html",
            Kind::PowerShell | Kind::Script => "script",
            Kind::Text => "text",
            Kind::Empty => "empty",
            Kind::Data => "data",
        }
    }

    /// It runs when it is opened.
    pub const fn is_program(self) -> bool {
        matches!(self, Kind::Pe | Kind::Elf | Kind::MachO | Kind::Shortcut | Kind::Class | Kind::Wasm | Kind::PowerShell | Kind::Script)
    }
}

/// At most this much of a text is looked at for marks.
const HEAD_BYTES: usize = 4_096;

const MAGIC: &[(usize, &[u8], Kind)] = &[
    (0, b"\x7fELF", Kind::Elf),
    (0, b"\xfe\xed\xfa\xce", Kind::MachO),
    (0, b"\xfe\xed\xfa\xcf", Kind::MachO),
    (0, b"\xce\xfa\xed\xfe", Kind::MachO),
    (0, b"\xcf\xfa\xed\xfe", Kind::MachO),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Ole),
    (0, b"{\\rt", Kind::Rtf),
    (0, b"\x1f\x8b", Kind::Gzip),
    (0, b"\x28\xb5\x2f\xfd", Kind::Zstd),
    (0, b"BZh", Kind::Bzip2),
    (0, b"\xfd7zXZ\x00", Kind::Xz),
    (0, b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (0, b"Rar!\x1a\x07", Kind::Rar),
    (0, b"MSCF\0\0\0\0", Kind::Cab),
    (0x8001, b"CD001", Kind::Iso),
    (0, b"L\0\0\0\x01\x14\x02\0", Kind::Shortcut),
    (0, b"\0asm", Kind::Wasm),
    (0, b"\x89PNG\r\n", Kind::Image),
    (0, b"\xff\xd8\xff", Kind::Image),
    (0, b"GIF8", Kind::Image),
    (0, b"II*\0", Kind::Image),
    (0, b"MM\0*", Kind::Image),
    (0, b"\0\0\x01\0", Kind::Image),
    (8, b"WEBP", Kind::Image),
    (8, b"WAVE", Kind::Audio),
    (0, b"ID3", Kind::Audio),
    (0, b"fLaC", Kind::Audio),
    (0, b"OggS", Kind::Audio),
    (8, b"AVI ", Kind::Video),
    (4, b"ftyp", Kind::Video),
    (0, b"\x1aE\xdf\xa3", Kind::Video),
    (0, b"\0\x01\0\0\0", Kind::Font),
    (0, b"OTTO", Kind::Font),
    (0, b"wOFF", Kind::Font),
    (0, b"wOF2", Kind::Font),
];

/// What the bytes are.
pub fn kind(bytes: &[u8]) -> Kind {
    if bytes.is_empty() {
        return Kind::Empty;
    }
    if bytes.starts_with(b"MZ") && is_pe(bytes) {
        return Kind::Pe;
    }
    if let Some((_, _, kind)) = MAGIC.iter().find(|(at, magic, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic))) {
        return *kind;
    }
    if bytes.starts_with(b"\xca\xfe\xba\xbe") {
        // A universal Mach-O counts its parts here, a class file its version.
        return if bytes.get(4..8).is_some_and(|n| n[..3] == [0, 0, 0] && n[3] < 20) { Kind::MachO } else { Kind::Class };
    }
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    // Readers accept a PDF whose header stands within the first 1,024 bytes.
    if memchr::memmem::find(&head[..head.len().min(1_024)], b"%PDF-").is_some() {
        return Kind::Pdf;
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return if is_office(bytes) { Kind::Ooxml } else { Kind::Zip };
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Kind::Tar;
    }
    text_kind(head)
}

fn is_pe(bytes: &[u8]) -> bool {
    let at = bytes.get(0x3c..0x40).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
    at.and_then(|at| bytes.get(at..at.checked_add(4)?)) == Some(b"PE\0\0") || bytes.get(2..4).is_some_and(|b| b[1] < 2 && bytes.len() >= 64)
}

/// The list of contents of an office document stands near the start or in the directory at the end.
fn is_office(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(65_536)..];
    let has = |name: &[u8]| memchr::memmem::find(tail, name).is_some();
    has(b"[Content_Types].xml") && (has(b"word/") || has(b"xl/") || has(b"ppt/"))
}

fn text_kind(head: &[u8]) -> Kind {
    let wide = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    let binary = head.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31)).count();
    if !wide && binary * 100 > head.len() {
        return Kind::Data;
    }
    let text: String = head.iter().filter(|b| **b != 0).map(|b| char::from(b.to_ascii_lowercase())).collect();
    let text = text.trim_start_matches(['ï', '»', '¿', 'ÿ', 'þ']).trim_start();
    if let Some(line) = text.strip_prefix("#!") {
        let line = line.lines().next().unwrap_or_default();
        return if line.contains("pwsh") || line.contains("powershell") { Kind::PowerShell } else { Kind::Script };
    }
    if is_mail(text) {
        return Kind::Mail;
    }
    if ["<!doctype html", "<html", "<head", "<hta:", "<body", "<script"].iter().any(|mark| text.starts_with(mark)) {
        return Kind::Html;
    }
    if is_power_shell(text) {
        return Kind::PowerShell;
    }
    let script = ["wscript.", "createobject(", "activexobject(", "@echo off", "on error resume next", "<job", "<package>"];
    if script.iter().any(|mark| text.contains(mark)) {
        return Kind::Script;
    }
    Kind::Text
}

/// At least two headers that only mails have, before the first empty line, and nothing but headers before them.
fn is_mail(text: &str) -> bool {
    let names =
        ["from:", "to:", "subject:", "date:", "received:", "message-id:", "return-path:", "mime-version:", "delivered-to:", "reply-to:"];
    let mut seen = 0;
    for (n, line) in text.lines().take_while(|l| !l.trim().is_empty()).take(60).enumerate() {
        let folded = line.starts_with([' ', '\t']);
        let is_header = line
            .split_once(':')
            .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        let of_mbox = n == 0 && line.starts_with("from ");
        if !(folded || is_header || of_mbox) {
            break;
        }
        seen += usize::from(names.iter().any(|name| line.starts_with(name)));
    }
    seen >= 3
}

/// Marks that no other language shares; two of them, or one that starts a command.
fn is_power_shell(text: &str) -> bool {
    let alone = ["[system.reflection.assembly]", "invoke-expression", "new-object net.webclient", "[cmdletbinding"];
    let command = ["powershell -", "powershell.exe -", "pwsh -"].iter().any(|mark| text.starts_with(mark));
    if command || alone.iter().any(|mark| text.contains(mark)) {
        return true;
    }
    let marks = [
        "param(",
        "param (",
        "write-host",
        "write-output",
        "get-childitem",
        "new-object",
        "$env:",
        "$null",
        "-eq ",
        "import-module",
        "set-strictmode",
        "foreach-object",
        "where-object",
        "function ",
        "$psscriptroot",
        "[convert]::",
        "start-process",
        "get-item",
        "add-type",
        "-erroraction",
        "iex ",
    ];
    text.contains('$') && marks.iter().filter(|mark| text.contains(*mark)).count() >= 2 && !text.contains("<?php")
}

/// Why a name does not fit its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disguise {
    pub code: &'static str,
    pub text: String,
    /// ATT&CK id.
    pub technique: &'static str,
}

/// What the name hides about the content: a turned-around name, two extensions, an extension of another kind.
pub fn disguises(name: &str, kind: Kind) -> Vec<Disguise> {
    let mut found = Vec::new();
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    if file.contains(['\u{202e}', '\u{202d}', '\u{2066}', '\u{2067}', '\u{2068}']) {
        let text = "the name holds marks that turn the direction of text around, which hides its real ending".into();
        found.push(Disguise { code: "file.turned_name", text, technique: "T1036.002" });
    }
    let lower = file.to_lowercase();
    let parts: Vec<&str> = lower.rsplitn(3, '.').collect();
    let last = if parts.len() > 1 { parts[0].trim() } else { "" };
    let before = if parts.len() > 2 { parts[1].trim() } else { "" };
    let runs = ["exe", "scr", "com", "pif", "bat", "cmd", "ps1", "vbs", "js", "jse", "vbe", "wsf", "hta", "lnk", "msi", "dll", "cpl"];
    let shows = ["pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "jpg", "jpeg", "png", "gif", "txt", "mp3", "mp4", "zip", "rtf"];
    if runs.contains(&last) && shows.contains(&before) {
        let text = format!("the name ends in .{before}.{last}: it looks like a document and is run");
        found.push(Disguise { code: "file.double_extension", text, technique: "T1036.007" });
    }
    if let Some(said) = by_extension(last)
        && kind.is_program()
        && !said.is_empty()
        && !said.contains(&kind)
    {
        let text = format!("the name says .{last}, the content is {}", kind.word());
        found.push(Disguise { code: "file.other_type", text, technique: "T1036.008" });
    }
    found
}

/// Kinds that fit an extension of documents, pictures and sound; programs under such a name are disguised.
fn by_extension(extension: &str) -> Option<&'static [Kind]> {
    Some(match extension {
        "pdf" => &[Kind::Pdf],
        "doc" | "docx" | "docm" | "xls" | "xlsx" | "xlsm" | "ppt" | "pptx" | "rtf" => &[Kind::Ole, Kind::Ooxml, Kind::Rtf],
        "jpg" | "jpeg" | "png" | "gif" | "bmp" | "webp" | "ico" => &[Kind::Image],
        "mp3" | "wav" | "flac" | "ogg" => &[Kind::Audio],
        "mp4" | "avi" | "mkv" | "mov" => &[Kind::Video],
        "zip" | "gz" | "tar" => &[Kind::Zip, Kind::Gzip, Kind::Tar],
        _ => return None,
    })
}

/// Hex SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        for (bytes, expected) in [
            (&b"%PDF-1.7\n"[..], Kind::Pdf),
            (b"junk before\n%PDF-1.4\n", Kind::Pdf),
            (b"\x7fELF\x02\x01\x01", Kind::Elf),
            (b"\x1f\x8b\x08\0", Kind::Gzip),
            (b"#!/usr/bin/env pwsh\nGet-Date", Kind::PowerShell),
            (b"#!/bin/sh\necho", Kind::Script),
            (b"@echo off\r\ndir", Kind::Script),
            (b"<!DOCTYPE html><html>", Kind::Html),
            (b"From: a@b.example\r\nTo: c@d.example\r\nSubject: hello\r\n\r\ntext", Kind::Mail),
            (b"From: what I read\n\nan essay", Kind::Text),
            (b"param(\n [string]$Name\n)\nWrite-Host $Name", Kind::PowerShell),
            (b"A plain sentence.", Kind::Text),
            (b"", Kind::Empty),
            (&[0, 1, 2, 3, 4, 5, 6, 200, 201], Kind::Data),
        ] {
            assert_eq!(kind(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn names_that_hide() {
        let codes = |name: &str, kind: Kind| disguises(name, kind).iter().map(|d| d.code).collect::<Vec<_>>();
        assert_eq!(codes("invoice\u{202e}fdp.exe", Kind::Pe), ["file.turned_name"]);
        assert_eq!(codes("C:\\mail\\invoice.pdf.exe", Kind::Pe), ["file.double_extension"]);
        assert_eq!(codes("holiday.jpg", Kind::Pe), ["file.other_type"]);
        assert!(codes("archive.tar.gz", Kind::Gzip).is_empty() && codes("setup.exe", Kind::Pe).is_empty());
        assert!(codes("lib.so.6", Kind::Elf).is_empty() && codes("notes.txt", Kind::Script).is_empty());
    }
}
