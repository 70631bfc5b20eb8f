//! Files, mails, links, configuration: taken apart within their bounds.

use std::io::Read;

use decode::archive::{self, BYTES_MAX, Budget};
use decode::{posture, sniff};
use detect::Knowledge;
use detect::content::{Input, Matter};

/// Every member, and members of members, within one budget.
pub(crate) fn archive(bytes: &[u8]) {
    let mut budget = Budget { members: 200, bytes: 4 << 20 };
    let before = budget;
    let mut unpacked = 0;
    nested(bytes, &mut budget, 0, &mut unpacked);
    assert!(unpacked <= before.bytes + (1 << 20), "{unpacked} bytes were unpacked, the budget is {}", before.bytes);
    assert!(before.bytes < BYTES_MAX);
}

fn nested(bytes: &[u8], budget: &mut Budget, depth: usize, unpacked: &mut u64) {
    let kind = sniff::kind(bytes);
    let _ = sniff::disguises("a.pdf.exe", kind);
    archive::open(kind, bytes, budget, &mut |_name, member, budget| {
        *unpacked += member.len() as u64;
        if depth < archive::DEPTH_MAX {
            nested(member, budget, depth + 1, unpacked);
        }
    });
}

pub(crate) fn pe(bytes: &[u8]) {
    if let Some(pe) = decode::pe::read(bytes) {
        let _ = (pe.entry_section(), pe.imports_name("LoadLibraryA"), pe.offset(0x1000));
    }
    let entropy = decode::pe::entropy(bytes);
    assert!((0.0..=8.0).contains(&entropy), "entropy {entropy}");
}

pub(crate) fn elf(bytes: &[u8]) {
    let _ = decode::elf::read(bytes);
}

pub(crate) fn pdf(bytes: &[u8]) {
    let pdf = decode::pdf::read(bytes);
    assert!(pdf.count("/JS") >= pdf.hidden("/JS"));
}

pub(crate) fn office(bytes: &[u8]) {
    for kind in [sniff::kind(bytes), sniff::Kind::Ooxml, sniff::Kind::Ole, sniff::Kind::Rtf] {
        let _ = decode::office::read(kind, bytes);
    }
}

pub(crate) fn script(bytes: &[u8]) {
    let text = decode::script::text(bytes);
    let _ = decode::script::tokens(&text);
    let _ = decode::script::reveal(&text);
}

pub(crate) fn mail(bytes: &[u8]) {
    let _ = (decode::mail::is_mbox(bytes), decode::mail::is_message(bytes));
    for raw in decode::mail::messages(bytes).into_iter().take(50).chain([bytes]) {
        if let Some(message) = decode::mail::Message::read(raw) {
            let _ = message.visible();
            crate::line::kept_and_shown(&event::Event::new(
                event::Meta::default(),
                event::Body::Mail(Box::new(message.event())),
                event::Bytes::default(),
            ));
        }
    }
}

pub(crate) fn html(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = decode::mail::Html::read(&text);
    let _ = decode::mail::link::in_text(&text);
}

pub(crate) fn url(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(url) = decode::url::Url::read(&text) {
        let _ = (url.subdomain(), url.label(), url.key());
    }
    let (plain, _) = decode::url::unpercent(&text);
    let _ = decode::url::refang(&plain);
    detect::content::judge(&Input { name: "-", matter: Matter::Url(&text) }, &Knowledge::default());
}

/// The command `check`, without models.
pub(crate) fn judge(bytes: &[u8]) {
    let knowledge = Knowledge::default();
    let text = String::from_utf8_lossy(bytes);
    for matter in [Matter::Bytes(bytes), Matter::Mail(bytes), Matter::Text(&text), Matter::Prompt(&text), Matter::Hash(&text)] {
        let input = Input { name: "upload", matter };
        let said = detect::content::judge(&input, &knowledge);
        assert!(said.score.is_none_or(|score| (0.0..=1.0).contains(&score)), "a score of {:?}", said.score);
    }
}

/// First line: the file's name; the rest: its text.
pub(crate) fn configuration(bytes: &[u8]) {
    let at = memchr(bytes);
    let name = String::from_utf8_lossy(&bytes[..at]).into_owned();
    let text = bytes.get(at + 1..).unwrap_or_default();
    for name in [name.as_str(), "main.tf", "a.yaml", "Dockerfile", "plan.json"] {
        let scan = posture::read(&[(name.to_owned(), text.to_vec())]);
        for item in scan.items.iter().take(50) {
            let resource = item.resource();
            let again = posture::Item::of(&resource).resource();
            assert_eq!((&again.address, again.line), (&resource.address, resource.line));
        }
    }
}

fn memchr(bytes: &[u8]) -> usize {
    bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len())
}

/// Compressed logs, as a stream.
pub(crate) fn expand(bytes: &[u8]) {
    let bounds = source::expand::Bounds { ratio_max: 50, free_bytes: 1 << 16, bytes_max: 4 << 20 };
    let Ok(mut expanded) = source::expand::Expanded::new(bytes, bounds) else { return };
    let ahead = expanded.peek(512).to_vec();
    let mut all = Vec::new();
    // What was read before a fault stays.
    let _ = expanded.by_ref().take(bounds.bytes_max + 1).read_to_end(&mut all);
    let most = (bytes.len() as u64 * bounds.ratio_max).max(bounds.free_bytes).max(bytes.len() as u64) + (1 << 18);
    assert!(all.len() as u64 <= most.min(bounds.bytes_max), "{} bytes out of {}", all.len(), bytes.len());
    assert!(all.starts_with(&ahead), "what was looked at is not what is read");
}
