//! PDF by its marks: a tolerant scanner that needs no valid structure, since readers do not need it either.
//!
//! Counts the 21 marks of the usual triage table; names written with `#xx` are counted both plain and as hidden. Streams packed with
//! FlateDecode are unpacked within bounds, so that a mark inside a packed object stream counts as well.

use std::io::Read;

/// Columns of the triage table, in its order: seven words of structure, then fourteen names.
pub const MARKS: [&str; 21] = [
    "obj",
    "endobj",
    "stream",
    "endstream",
    "xref",
    "trailer",
    "startxref",
    "Page",
    "Encrypt",
    "ObjStm",
    "JS",
    "JavaScript",
    "AA",
    "OpenAction",
    "AcroForm",
    "JBIG2Decode",
    "RichMedia",
    "Launch",
    "EmbeddedFile",
    "XFA",
    "Colors",
];
const WORDS: usize = 7;
/// Unpacked bytes of all streams together.
const STREAM_BYTES_MAX: u64 = 32 << 20;
const STREAMS_MAX: usize = 20_000;
const TEXTS_MAX: usize = 64;
const EMBEDDED_MAX: usize = 64;
/// A colour count this large is how one known fault of a decoder is reached.
const COLORS_MAX: u64 = 1 << 24;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pdf {
    /// As in [`MARKS`]; `Colors` counts values beyond 2^24 only.
    pub counts: [u32; MARKS.len()],
    /// Of these, how many were written with `#xx`.
    pub hidden: [u32; MARKS.len()],
    /// Of these, how many stand inside packed streams.
    pub packed: [u32; MARKS.len()],
    pub ends: u32,
    /// Bytes after the last `%%EOF`.
    pub after_end: u64,
    /// Targets of links, at most 64.
    pub links: Vec<String>,
    /// Scripts that stand in the file as text or in streams that look like scripts, at most 64.
    pub scripts: Vec<String>,
    /// Streams that could not be unpacked although they say how they are packed.
    pub unreadable: u32,
    pub at_limit: bool,
    /// Files carried inside, unpacked; at most 64.
    pub embedded: Vec<Vec<u8>>,
}

impl Pdf {
    pub fn count(&self, mark: &str) -> u32 {
        MARKS.iter().position(|m| *m == mark).map_or(0, |n| self.counts[n])
    }

    pub fn hidden(&self, mark: &str) -> u32 {
        MARKS.iter().position(|m| *m == mark).map_or(0, |n| self.hidden[n])
    }
}

/// Reads whatever is there.
pub fn read(bytes: &[u8]) -> Pdf {
    let mut pdf = Pdf::default();
    scan(bytes, false, &mut pdf);
    let mut left = STREAM_BYTES_MAX;
    for stream in memchr::memmem::find_iter(bytes, b"stream").take(STREAMS_MAX) {
        if bytes[..stream].ends_with(b"end") {
            continue;
        }
        // The dictionary stands right before; 2 KiB hold any that matters.
        let dictionary = &bytes[stream.saturating_sub(2_048)..stream];
        let start = memchr::memmem::rfind(dictionary, b" obj").unwrap_or(0);
        let dictionary = plain_names(&dictionary[start..]);
        let packed = [&b"/FlateDecode"[..], b"/Fl "].iter().any(|name| memchr::memmem::find(&dictionary, name).is_some());
        let is_file = memchr::memmem::find(&dictionary, b"/EmbeddedFile").is_some() && pdf.embedded.len() < EMBEDDED_MAX;
        let content =
            bytes[stream + 6..].strip_prefix(b"\r\n").or_else(|| bytes[stream + 6..].strip_prefix(b"\n")).unwrap_or(&bytes[stream + 6..]);
        if !packed {
            if is_file && memchr::memmem::find(&dictionary, b"/Filter").is_none() {
                let end = memchr::memmem::find(content, b"endstream").unwrap_or(content.len());
                let content = &content[..end.min(usize::try_from(left).unwrap_or(usize::MAX))];
                left -= content.len() as u64;
                let content = content.strip_suffix(b"\n").unwrap_or(content);
                pdf.embedded.push(content.strip_suffix(b"\r").unwrap_or(content).to_vec());
            }
            continue;
        }
        if left == 0 {
            pdf.at_limit = true;
            break;
        }
        let mut out = Vec::new();
        let read = flate2::read::ZlibDecoder::new(content).take(left).read_to_end(&mut out);
        left -= out.len() as u64;
        if read.is_err() && out.is_empty() {
            pdf.unreadable += 1;
        }
        let is_picture = memchr::memmem::find(&dictionary, b"/Image").is_some();
        if !is_picture {
            scan(&out, true, &mut pdf);
        }
        if is_file {
            pdf.embedded.push(out);
        }
    }
    if memchr::memmem::find_iter(bytes, b"stream").nth(STREAMS_MAX).is_some() {
        pdf.at_limit = true;
    }
    for end in memchr::memmem::find_iter(bytes, b"%%EOF") {
        pdf.ends += 1;
        let rest = bytes[end + 5..].trim_ascii_start();
        pdf.after_end = rest.len() as u64;
    }
    pdf
}

fn scan(bytes: &[u8], packed: bool, pdf: &mut Pdf) {
    let mut note = |n: usize, hidden: bool| {
        pdf.counts[n] = pdf.counts[n].saturating_add(1);
        pdf.hidden[n] = pdf.hidden[n].saturating_add(u32::from(hidden));
        pdf.packed[n] = pdf.packed[n].saturating_add(u32::from(packed));
    };
    // Words of structure, only where the file itself has them.
    if !packed {
        let mut at = 0;
        while let Some(word) = next_word(bytes, &mut at) {
            if let Some(n) = MARKS[..WORDS].iter().position(|mark| mark.as_bytes() == word) {
                note(n, false);
            }
        }
    }
    for slash in memchr::memchr_iter(b'/', bytes) {
        let rest = &bytes[slash + 1..];
        let end = rest.iter().take(64).position(|b| !(b.is_ascii_alphanumeric() || *b == b'#')).unwrap_or(rest.len().min(64));
        let written = &rest[..end];
        let hidden = written.contains(&b'#');
        let name = if hidden { plain_names(written) } else { written.to_vec() };
        if name.eq_ignore_ascii_case(b"Colors") {
            let number: u64 = rest[end..]
                .trim_ascii_start()
                .iter()
                .take(12)
                .take_while(|b| b.is_ascii_digit())
                .fold(0, |n, b| n * 10 + u64::from(b - b'0'));
            if number > COLORS_MAX {
                note(20, hidden);
            }
        } else if let Some(n) = MARKS.iter().skip(WORDS).position(|mark| mark.as_bytes() == name) {
            note(n + WORDS, hidden);
            if matches!(n + WORDS, 10 | 11) {
                keep_text(&rest[end..], &mut pdf.scripts);
            }
        } else if name == b"URI" {
            keep_text(&rest[end..], &mut pdf.links);
        }
    }
}

/// The string in parentheses that follows a name, if one does.
fn keep_text(rest: &[u8], texts: &mut Vec<String>) {
    const BYTES_MAX: usize = 64 << 10;
    let rest = rest.trim_ascii_start();
    let Some(inner) = rest.strip_prefix(b"(") else { return };
    let (mut depth, mut out, mut escaped) = (1, Vec::new(), false);
    for b in inner.iter().take(BYTES_MAX) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if !escaped {
            out.push(*b);
        }
    }
    if !out.is_empty() && texts.len() < TEXTS_MAX {
        texts.push(String::from_utf8_lossy(&out).into_owned());
    }
}

fn next_word<'b>(bytes: &'b [u8], at: &mut usize) -> Option<&'b [u8]> {
    let start = *at + bytes.get(*at..)?.iter().position(|b| b.is_ascii_alphabetic())?;
    let end = start + bytes[start..].iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(bytes.len() - start);
    *at = end;
    // A name begins with a slash; it is no word.
    Some(if start > 0 && bytes[start - 1] == b'/' { b"" } else { &bytes[start..end] })
}

/// `/J#61vaScript` is `/JavaScript`.
fn plain_names(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok());
        match (bytes[at], digits) {
            (b'#', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn packed(text: &str) -> Vec<u8> {
        let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(text.as_bytes()).expect("written");
        writer.finish().expect("finished")
    }

    #[test]
    fn marks_are_counted_wherever_they_hide() {
        let pdf = read(b"%PDF-1.4\n1 0 obj\n<</Type /Page /OpenAction 2 0 R /Pages 3>>\nendobj\n2 0 obj <</J#61vaScript (app.alert\\(1\\))>> endobj\ntrailer startxref\n%%EOF\n");
        let of = |mark: &str| pdf.count(mark);
        assert_eq!((of("obj"), of("endobj"), of("Page"), of("OpenAction"), of("trailer"), of("startxref")), (2, 2, 1, 1, 1, 1));
        assert_eq!((of("JavaScript"), pdf.hidden("JavaScript"), pdf.ends, pdf.after_end), (1, 1, 1, 0));
        assert_eq!(pdf.scripts, ["app.alert(1)"]);
        let inner = packed("<</Launch /JS (this.exportDataObject)>> /URI (http://shop.example/x)");
        let head = format!("%PDF-1.5\n7 0 obj <</Type /ObjStm /Length {} /Filter /FlateDecode>> stream\n", inner.len());
        let pdf = read(&[head.as_bytes(), &inner, b"\nendstream endobj %%EOF tail"].concat());
        assert_eq!((pdf.count("Launch"), pdf.packed[17], pdf.count("JS"), pdf.after_end), (1, 1, 1, 4));
        assert_eq!(pdf.links, ["http://shop.example/x"]);
        assert_eq!((pdf.count("stream"), pdf.count("endstream")), (1, 1));
    }

    proptest! {
        #[test]
        fn garbage_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..3_000)) {
            read(&bytes);
            read(&[b"%PDF-1.4 1 0 obj <</Filter/FlateDecode>> stream\n", bytes.as_slice()].concat());
        }
    }
}
