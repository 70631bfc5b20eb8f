//! Whole files: line ends, limits, archives.

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use source::expand::{Bound, Bounds};
use source::{Done, HEAD_BYTES, Opened, RECORD_BYTES_MAX, Short, Source, Whole, read_all};

type Line = (u64, Vec<u8>, Option<u64>);

fn read(path: &Path) -> (Vec<Line>, Done) {
    let mut lines = Vec::new();
    let done = read_all(path, &mut |batch| {
        lines.extend(batch.records().map(|r| (r.number, r.bytes.to_vec(), r.cut_from)));
        ControlFlow::Continue(())
    });
    let done = done.expect("a readable file");
    assert_eq!(done.records, lines.len() as u64);
    (lines, done)
}

fn check(bytes: &[u8], expected: &[(u64, &str)]) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), bytes).expect("written");
    let (lines, done) = read(file.path());
    let lines: Vec<_> = lines.iter().map(|(number, bytes, _)| (*number, String::from_utf8_lossy(bytes).into_owned())).collect();
    let expected: Vec<_> = expected.iter().map(|(number, text)| (*number, (*text).to_owned())).collect();
    assert_eq!(lines, expected);
    assert_eq!((done.bytes, done.short, done.cut), (bytes.len() as u64, None, 0));
}

#[test]
fn lines() {
    check(b"", &[]);
    check(b"\n", &[]);
    check(b"x", &[(1, "x")]);
    check(b"x\n", &[(1, "x")]);
    check(b"a\nb", &[(1, "a"), (2, "b")]);
    check(b"a\r\nb\r\n", &[(1, "a"), (2, "b")]);
    check(b"a\rb\n", &[(1, "a\rb")]);
    check(b"\n\na\n  \t\nb\n", &[(3, "a"), (5, "b")]);
    check(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", &[(1, "a"), (2, "\u{feff}b")]);
    check(b"\x00\x01\xff\xfe\n\x00", &[(1, "\u{0}\u{1}\u{fffd}\u{fffd}"), (2, "\u{0}")]);
}

#[test]
fn blocks_do_not_split_lines() {
    let text: String = (0..40_000).map(|n| format!("line {n} {}\n", "x".repeat(n % 37))).collect();
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), &text).expect("written");
    let (lines, done) = read(file.path());
    assert_eq!((done.lines, done.records), (40_000, 40_000));
    for ((number, bytes, cut), (expected, line)) in lines.iter().zip((1..).zip(text.lines())) {
        assert_eq!((*number, bytes.as_slice(), *cut), (expected, line.as_bytes(), None));
    }
}

#[test]
fn long_lines_are_cut_and_say_how_long_they_were() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    for (long, ended) in [(10_000_000, true), (10_000_000, false), (RECORD_BYTES_MAX, true), (RECORD_BYTES_MAX + 1, true), (300_000, true)]
    {
        let end = if ended { "\nafter\n" } else { "" };
        fs::write(file.path(), format!("before\n{}{end}", "y".repeat(long))).expect("written");
        let (lines, done) = read(file.path());
        assert_eq!(lines.len(), if ended { 3 } else { 2 });
        let cut = (long > RECORD_BYTES_MAX).then_some(long as u64);
        assert_eq!((lines[1].0, lines[1].1.len(), lines[1].2), (2, long.min(RECORD_BYTES_MAX), cut));
        assert_eq!(done.cut, u64::from(cut.is_some()));
        assert!(!ended || (lines[2].0, lines[2].1.as_slice(), lines[2].2) == (3, b"after", None));
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).expect("packed");
    packer.finish().expect("packed")
}

/// Text that does not pack well.
fn varied(lines: u64) -> String {
    (0..lines).map(|n| format!("{:x}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect()
}

#[test]
fn archives_are_expanded() {
    let text = varied(100_000);
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).expect("packed");
    let (half, rest) = text.split_at(text.len() / 2);
    let twice = [gzip(half.as_bytes()), gzip(rest.as_bytes())].concat();
    for packed in [gzip(text.as_bytes()), twice, zstd(text.as_bytes()), [zstd(half.as_bytes()), zstd(rest.as_bytes())].concat()] {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), packed).expect("written");
        let (lines, done) = read(file.path());
        assert_eq!((lines.len(), done.bytes, done.short), (100_000, text.len() as u64, None));
        assert!(lines.iter().zip(text.lines()).all(|(found, line)| found.1 == line.as_bytes()));
    }
}

#[test]
fn damaged_archives_give_what_was_readable() {
    let text = varied(100_000);
    for packed in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 3).expect("packed")] {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), &packed[..packed.len() / 2]).expect("written");
        let (lines, done) = read(file.path());
        assert!(lines.len() > 10_000, "{}", lines.len());
        assert!(matches!(done.short, Some(Short::Damaged { at_bytes, .. }) if at_bytes == done.bytes), "{:?}", done.short);
    }
}

#[test]
fn bombs_stop_at_a_bound() {
    let zeros = vec![0; 64 << 20];
    for packed in [gzip(&zeros), zstd::encode_all(zeros.as_slice(), 3).expect("packed")] {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), &packed).expect("written");
        let (_, done) = read(file.path());
        let Some(Short::Bound { at_bytes, bound: Bound::Ratio { max: 100 } }) = done.short else { panic!("{:?}", done.short) };
        assert!(at_bytes <= 100 * packed.len() as u64 + (2 << 20), "{at_bytes}");
    }
}

#[test]
fn the_bound_on_bytes_is_reported() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), gzip(varied(100_000).as_bytes())).expect("written");
    let mut whole = Whole::new(file.path());
    whole.bounds = Bounds { bytes_max: 500_000, ..Bounds::default() };
    let done = whole.run(&mut |_| ControlFlow::Continue(()), &AtomicBool::new(false)).expect("a readable file");
    let short = done.short.expect("not read to its end");
    assert_eq!(short, Short::Bound { at_bytes: done.bytes, bound: Bound::Bytes { max: 500_000 } });
    assert!(short.to_string().contains("more than 500000 bytes"), "{short}");
}

#[test]
fn small_archives_of_equal_lines_are_no_bombs() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), gzip("same line\n".repeat(100_000).as_bytes())).expect("written");
    let (lines, done) = read(file.path());
    assert_eq!((lines.len(), done.short), (100_000, None));
}

#[test]
fn out_and_stop_end_a_source() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), varied(100_000)).expect("written");
    let mut batches = 0;
    let done = read_all(file.path(), &mut |_| {
        batches += 1;
        ControlFlow::Break(())
    });
    assert_eq!((batches, done.expect("readable").short), (1, Some(Short::Stopped)));
    let done = Whole::new(file.path()).run(&mut |_| ControlFlow::Continue(()), &AtomicBool::new(true)).expect("readable");
    assert_eq!((done.records, done.short), (0, Some(Short::Stopped)));
}

#[test]
fn faults_name_the_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let fault = read_all(folder.path(), &mut |_| ControlFlow::Continue(())).expect_err("a folder");
    assert_eq!(fault.to_string(), format!("cannot read {}: it is a folder, expected a file", folder.path().display()));
}

#[test]
fn a_file_that_is_no_list_of_lines_is_looked_at_and_read_at_once() {
    let bytes: Vec<u8> = (0..300_000u32).map(|n| (n * 7 / 3) as u8).collect();
    for archive in [false, true] {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let held = if archive { zstd::encode_all(&bytes[..], 1).expect("an archive") } else { bytes.clone() };
        fs::write(file.path(), held).expect("written");
        let mut opened = Opened::new(file.path()).expect("a readable file");
        assert_eq!(opened.head(), &bytes[..HEAD_BYTES]);
        assert_eq!(opened.head(), &bytes[..HEAD_BYTES], "looking takes nothing away");
        let (read, done) = opened.whole(1 << 30).expect("read");
        assert_eq!((read == bytes, done.bytes, done.short), (true, 300_000, None));

        let (read, done) = Opened::new(file.path()).expect("a readable file").whole(1_000).expect("read");
        assert_eq!((read == bytes[..1_000], done.short), (true, Some(Short::Long { max: 1_000 })));

        let mut opened = Opened::new(file.path()).expect("a readable file");
        opened.head();
        let mut lines = 0;
        let done = opened.lines(&mut |batch| {
            lines += batch.records().count() as u64;
            ControlFlow::Continue(())
        });
        assert_eq!(done.expect("read").records, lines);
    }
}

#[test]
fn a_damaged_archive_gives_what_stands_before_the_damage_to_whole_readers_too() {
    let text = "a line of the log\n".repeat(60_000);
    let mut archive = zstd::encode_all(text.as_bytes(), 1).expect("an archive");
    archive.truncate(archive.len() / 2);
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), archive).expect("written");
    let mut opened = Opened::new(file.path()).expect("a readable file");
    let head = opened.head().len();
    let (read, done) = opened.whole(1 << 30).expect("read");
    assert!(read.len() >= head && text.as_bytes().starts_with(&read));
    assert!(matches!(done.short, Some(Short::Damaged { .. })));
}
