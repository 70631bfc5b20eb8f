//! Members of zip, gzip, tar and zstd, within stated bounds. Names are names only: nothing is written under them.
//!
//! A bound that is hit stops there, keeps what was read, and is a [`Fault`]; so is what cannot be opened. The caller must not call such
//! an archive clean.

use std::io::Read;

use crate::sniff::Kind;

/// Archives inside archives.
pub const DEPTH_MAX: usize = 8;
/// Unpacked bytes for each packed byte, once a member is longer than [`RATIO_FROM_BYTES`].
pub const RATIO_MAX: u64 = 100;
pub const RATIO_FROM_BYTES: u64 = 1 << 20;
/// Members of one input with everything inside it.
pub const MEMBERS_MAX: usize = 10_000;
/// Unpacked bytes of one input.
pub const BYTES_MAX: u64 = 200_000_000;

/// What is left for one input.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    pub members: usize,
    pub bytes: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { members: MEMBERS_MAX, bytes: BYTES_MAX }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `archive.limit`, `archive.encrypted`, `archive.broken`, `archive.unopened`.
    pub code: &'static str,
    pub text: String,
}

fn fault(code: &'static str, text: impl Into<String>) -> Fault {
    Fault { code, text: text.into() }
}

/// Gets each member with its name.
pub type Visit<'v> = &'v mut dyn FnMut(&str, &[u8], &mut Budget);

/// Hands every member to `visit`; says what could not be opened.
pub fn open(kind: Kind, bytes: &[u8], budget: &mut Budget, visit: Visit<'_>) -> Vec<Fault> {
    match kind {
        Kind::Zip | Kind::Ooxml => zip(bytes, budget, visit),
        Kind::Gzip => one(flate2::read::MultiGzDecoder::new(bytes), &gzip_name(bytes), bytes.len() as u64, budget, visit),
        Kind::Zstd => match zstd::stream::read::Decoder::with_buffer(bytes) {
            Ok(mut decoder) => {
                // A frame may ask for 128 MiB of window; half of that is enough for what is made in practice.
                const WINDOW_LOG_MAX: u32 = 26;
                let _ = decoder.window_log_max(WINDOW_LOG_MAX);
                one(decoder, "", bytes.len() as u64, budget, visit)
            }
            Err(error) => vec![fault("archive.broken", format!("zstd: {error}"))],
        },
        Kind::Tar => tar(bytes, budget, visit),
        _ => vec![fault("archive.unopened", "this kind of archive is not opened here: nobody looked inside")],
    }
}

/// Reads one packed stream within the bounds.
fn unpack(reader: impl Read, packed: u64, budget: &mut Budget) -> (Vec<u8>, Option<Fault>) {
    let by_ratio = packed.saturating_mul(RATIO_MAX).max(RATIO_FROM_BYTES);
    let most = by_ratio.min(budget.bytes);
    let mut out = Vec::new();
    let read = reader.take(most + 1).read_to_end(&mut out);
    let mut said = read.err().map(|error| fault("archive.broken", format!("unpacking stopped after {} bytes: {error}", out.len())));
    if out.len() as u64 > most {
        out.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        said = Some(if by_ratio <= budget.bytes {
            fault("archive.limit", format!("a member grows more than {RATIO_MAX}-fold: the rest was not unpacked"))
        } else {
            fault("archive.limit", format!("more than {BYTES_MAX} bytes unpacked: the rest was not"))
        });
    }
    budget.bytes = budget.bytes.saturating_sub(out.len() as u64);
    (out, said)
}

/// Takes a member from the budget.
fn counted(budget: &mut Budget) -> Option<Fault> {
    if budget.members == 0 || budget.bytes == 0 {
        let why = if budget.members == 0 { format!("more than {MEMBERS_MAX} members") } else { format!("more than {BYTES_MAX} bytes") };
        return Some(fault("archive.limit", format!("{why}: the rest was not looked at")));
    }
    budget.members -= 1;
    None
}

fn one(reader: impl Read, name: &str, packed: u64, budget: &mut Budget, visit: Visit<'_>) -> Vec<Fault> {
    if let Some(stop) = counted(budget) {
        return vec![stop];
    }
    let (bytes, said) = unpack(reader, packed, budget);
    visit(name, &bytes, budget);
    said.into_iter().collect()
}

/// RFC 1952, section 2.3: the name stands after the fixed head when flag 8 is set and no extra field is.
fn gzip_name(bytes: &[u8]) -> String {
    if bytes.get(3).is_none_or(|flags| flags & 0b1100 != 0b1000) {
        return String::new();
    }
    let rest = bytes.get(10..).unwrap_or_default();
    let end = rest.iter().take(255).position(|b| *b == 0).unwrap_or(0);
    rest[..end].iter().map(|b| char::from(*b)).collect()
}

fn zip(bytes: &[u8], budget: &mut Budget, visit: Visit<'_>) -> Vec<Fault> {
    let mut archive = match zip::ZipArchive::new(std::io::Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => return vec![fault("archive.broken", format!("zip: {error}"))],
    };
    let mut said = Vec::new();
    for index in 0..archive.len() {
        if let Some(stop) = counted(budget) {
            said.push(stop);
            break;
        }
        let mut member = match archive.by_index_raw(index) {
            Ok(member) => member,
            Err(error) => {
                say(&mut said, fault("archive.broken", format!("zip member {index}: {error}")));
                continue;
            }
        };
        let name = member.name().map_or_else(|_| format!("member {index}"), std::borrow::Cow::into_owned);
        if member.is_dir() {
            continue;
        }
        if member.encrypted() {
            say(&mut said, fault("archive.encrypted", format!("{name} is encrypted: nobody could look inside")));
            continue;
        }
        let packed = member.compressed_size();
        let (content, stopped) = match member.compression() {
            zip::CompressionMethod::Stored => unpack(&mut member, packed, budget),
            zip::CompressionMethod::Deflated => unpack(flate2::read::DeflateDecoder::new(&mut member), packed, budget),
            other => {
                say(&mut said, fault("archive.unopened", format!("{name} is packed with {other}, which is not opened here")));
                continue;
            }
        };
        if let Some(stopped) = stopped {
            say(&mut said, Fault { text: format!("{name}: {}", stopped.text), ..stopped });
        }
        visit(&name, &content, budget);
    }
    said
}

/// At most this many faults are told one by one.
const FAULTS_MAX: usize = 20;

fn say(said: &mut Vec<Fault>, one: Fault) {
    if said.len() < FAULTS_MAX {
        said.push(one);
    }
}

/// POSIX ustar and GNU: 512-byte heads, sizes in octal or base 256.
fn tar(bytes: &[u8], budget: &mut Budget, visit: Visit<'_>) -> Vec<Fault> {
    const BLOCK: usize = 512;
    let (mut at, mut long_name) = (0_usize, None);
    while let Some(head) = bytes.get(at..at + BLOCK) {
        if head.iter().all(|b| *b == 0) {
            break;
        }
        at += BLOCK;
        let Some(size) = tar_size(&head[124..136]) else { return vec![fault("archive.broken", format!("tar: no size at byte {at}"))] };
        let body = bytes.get(at..).unwrap_or_default();
        let content = &body[..body.len().min(size)];
        let end = size.checked_add(BLOCK - 1).map(|n| n / BLOCK * BLOCK).and_then(|n| at.checked_add(n));
        match head[156] {
            b'0' | 0 | b'7' => {
                if let Some(stop) = counted(budget) {
                    return vec![stop];
                }
                let name = long_name.take().unwrap_or_else(|| tar_text(&head[..100]));
                budget.bytes = budget.bytes.saturating_sub(content.len() as u64);
                visit(&name, content, budget);
                if content.len() < size {
                    return vec![fault("archive.broken", format!("tar: {name} is cut off"))];
                }
            }
            b'L' => long_name = Some(tar_text(&content[..content.len().min(4_096)])),
            _ => {}
        }
        match end {
            Some(end) => at = end,
            None => return vec![fault("archive.broken", "tar: a size beyond all bounds")],
        }
    }
    Vec::new()
}

fn tar_text(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn tar_size(field: &[u8]) -> Option<usize> {
    if field[0] & 0x80 != 0 {
        return field[4..].iter().try_fold(0_usize, |n, b| n.checked_mul(256)?.checked_add(usize::from(*b)));
    }
    let text = tar_text(field);
    usize::from_str_radix(text.trim_matches([' ', '\0']), 8).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn members(kind: Kind, bytes: &[u8]) -> (Vec<(String, usize)>, Vec<&'static str>) {
        let mut seen = Vec::new();
        let faults = open(kind, bytes, &mut Budget::default(), &mut |name, bytes, _| seen.push((name.to_owned(), bytes.len())));
        (seen, faults.iter().map(|f| f.code).collect())
    }

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
            writer.start_file(*name, options).expect("started");
            writer.write_all(bytes).expect("written");
        }
        writer.finish().expect("finished").into_inner()
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(bytes).expect("written");
        writer.finish().expect("finished")
    }

    #[test]
    fn members_come_with_their_names() {
        let bytes = zipped(&[("a.txt", b"hello"), ("dir/b.txt", b"more")]);
        assert_eq!(members(Kind::Zip, &bytes), (vec![("a.txt".into(), 5), ("dir/b.txt".into(), 4)], vec![]));
        assert_eq!(members(Kind::Gzip, &gzipped(b"hello")), (vec![(String::new(), 5)], vec![]));
        let packed = zstd::encode_all(&b"hello hello"[..], 1).expect("packed");
        assert_eq!(members(Kind::Zstd, &packed), (vec![(String::new(), 11)], vec![]));
    }

    #[test]
    fn a_bomb_stops_at_the_ratio() {
        let (seen, faults) = members(Kind::Gzip, &gzipped(&vec![0; 20 << 20]));
        assert!(seen[0].1 < 4 << 20, "{seen:?}");
        assert_eq!(faults, ["archive.limit"]);
    }

    #[test]
    fn what_cannot_be_opened_is_said() {
        let mut bytes = zipped(&[("a.txt", b"hello")]);
        // The flag of encryption, in the local head and in the directory.
        bytes[6] |= 1;
        let directory = memchr::memmem::find(&bytes, b"PK\x01\x02").expect("a directory");
        bytes[directory + 8] |= 1;
        assert_eq!(members(Kind::Zip, &bytes).1, ["archive.encrypted"]);
        assert_eq!(members(Kind::Rar, b"Rar!").1, ["archive.unopened"]);
        assert_eq!(members(Kind::Zip, b"PK\x03\x04 and then nothing").1, ["archive.broken"]);
        let cut = gzipped(&[7; 5_000]);
        assert_eq!(members(Kind::Gzip, &cut[..cut.len() - 12]).1, ["archive.broken"]);
    }

    proptest! {
        #[test]
        fn garbage_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            for kind in [Kind::Zip, Kind::Gzip, Kind::Tar, Kind::Zstd] {
                members(kind, &bytes);
                let starts: &[u8] = match kind { Kind::Zip => b"PK\x03\x04", Kind::Gzip => b"\x1f\x8b\x08\0", Kind::Zstd => b"\x28\xb5\x2f\xfd", _ => b"" };
                members(kind, &[starts, &bytes].concat());
            }
        }
    }
}
