//! One message (RFC 5322) as its reader would see it, and what the reader does not see.
//!
//! Reads:      the raw bytes, through `mail-parser`; nested messages are attachments.
//! Gives:      decoded headers (also repeated ones), plain text, rendered HTML with hidden text apart ([`html`]), links, images, attachments
//!             with their bytes, trusted and untrusted authentication headers as they stand.
//! Limits:     [`BYTES_MAX`], [`HEADER_BYTES_MAX`], [`PARTS_MAX`], [`LEVELS_MAX`]; what lies beyond is not read and named in `limits`.

use event::mail::Attachment as Named;
use mail_parser::{HeaderName, HeaderValue, MessageParser, MimeHeaders, PartType};
use sha2::{Digest, Sha256};

pub mod html;
pub mod link;
mod mbox;
mod shape;

pub use html::Html;
pub use link::Link;
pub use mbox::{is_mbox, is_message, messages};

/// Longest message that is read.
pub const BYTES_MAX: usize = 25 << 20;
/// Longest header block.
pub const HEADER_BYTES_MAX: usize = 256 << 10;
/// Most MIME parts.
pub const PARTS_MAX: usize = 200;
/// Deepest nesting of messages and multiparts.
pub const LEVELS_MAX: usize = 50;
/// Most links kept.
pub const LINKS_MAX: usize = 512;
/// Longest text that is kept of all plain or HTML parts together.
pub const TEXT_BYTES_MAX: usize = 2 << 20;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    pub name: String,
    /// Lower case.
    pub address: String,
}

impl Address {
    /// What stands after `@`.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    pub name: String,
    /// As declared: `application/pdf`.
    pub mime: String,
    pub bytes: Vec<u8>,
}

/// A message, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Lower-case name and unfolded, decoded value, in order.
    pub headers: Vec<(String, String)>,
    pub from: Vec<Address>,
    pub reply_to: Vec<Address>,
    pub sender: Option<Address>,
    pub to: Vec<Address>,
    pub subject: String,
    pub message_id: String,
    /// Text of the plain parts.
    pub plain: String,
    /// Text, links and hidden text of the HTML parts.
    pub html: Html,
    pub has_html: bool,
    /// Of both bodies; each target once a shown text.
    pub links: Vec<Link>,
    pub attachments: Vec<Attachment>,
    /// `from` or `subject` more than once.
    pub repeated: Vec<&'static str>,
    /// Limits that were hit: `bytes`, `header`, `parts`, `levels`, `text`.
    pub limits: Vec<&'static str>,
    pub bytes: u64,
}

impl Message {
    /// Reads a message. Any bytes are safe; `None` when there is neither a header nor a body in it.
    pub fn read(raw: &[u8]) -> Option<Message> {
        let (raw_cut, mut limits) = shape::cut(skip_from_line(raw));
        let parsed =
            MessageParser::new().with_mime_headers().with_address_headers().with_message_ids().default_header_text().parse(&raw_cut)?;
        let mut message = Message { bytes: raw.len() as u64, ..Message::default() };
        for header in parsed.headers() {
            let name = header.name.as_str().to_ascii_lowercase();
            let value = match &header.value {
                HeaderValue::Text(text) => text.to_string(),
                _ => unfolded(raw_cut.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default()),
            };
            message.headers.push((name, value));
        }
        message.from = addresses(&parsed, HeaderName::From);
        message.reply_to = addresses(&parsed, HeaderName::ReplyTo);
        message.sender = addresses(&parsed, HeaderName::Sender).into_iter().next();
        message.to = [HeaderName::To, HeaderName::Cc].into_iter().flat_map(|name| addresses(&parsed, name)).collect();
        message.subject = parsed.subject().unwrap_or_default().to_owned();
        message.message_id = parsed.message_id().unwrap_or_default().to_owned();
        for name in ["from", "subject"] {
            if message.headers.iter().filter(|(header, _)| header == name).count() > 1 {
                message.repeated.push(name);
            }
        }
        message.parts(&parsed, &mut limits);
        let mut links = std::mem::take(&mut message.html.links);
        links.extend(link::in_text(&message.plain));
        if !message.has_html {
            links.extend(link::in_text(&message.subject));
        }
        links.truncate(LINKS_MAX);
        message.links = links;
        limits.sort_unstable();
        limits.dedup();
        message.limits = limits;
        Some(message)
    }

    fn parts(&mut self, parsed: &mail_parser::Message<'_>, limits: &mut Vec<&'static str>) {
        let mut kept = 0;
        let mut text = |body: &str, out: &mut String, limits: &mut Vec<&'static str>| {
            let room = TEXT_BYTES_MAX.saturating_sub(kept);
            let body = if body.len() > room {
                limits.push("text");
                floor(body, room)
            } else {
                body
            };
            kept += body.len();
            out.push_str(body);
            out.push('\n');
        };
        if parsed.parts.len() > PARTS_MAX {
            limits.push("parts");
        }
        let mut html = String::new();
        for (id, part) in parsed.parts.iter().enumerate().take(PARTS_MAX) {
            let id = id as u32;
            let attached = parsed.attachments.contains(&id);
            let named = part.attachment_name().is_some();
            match &part.body {
                PartType::Text(body) if !named || !attached => text(body, &mut self.plain, limits),
                PartType::Html(body) if !named || !attached => {
                    self.has_html = true;
                    text(body, &mut html, limits);
                }
                PartType::Multipart(_) => {}
                _ => self.attachments.push(Attachment {
                    name: part.attachment_name().unwrap_or_default().to_owned(),
                    mime: part.content_type().map_or_else(String::new, |kind| match kind.subtype() {
                        Some(sub) => format!("{}/{sub}", kind.ctype()),
                        None => kind.ctype().to_owned(),
                    }),
                    bytes: match &part.body {
                        PartType::Message(inner) => inner.raw_message().to_vec(),
                        _ => part.contents().to_vec(),
                    },
                }),
            }
        }
        if self.has_html {
            self.html = Html::read(&html);
        }
    }

    /// All values of a header, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The text that the reader sees: the HTML when there is one, as mail programs do, otherwise the plain part.
    pub fn visible(&self) -> &str {
        if self.has_html && !self.html.visible.trim().is_empty() { &self.html.visible } else { &self.plain }
    }

    /// For the log.
    pub fn event(&self) -> event::Mail {
        let first = self.from.first();
        event::Mail {
            message_id: self.message_id.as_str().into(),
            from: first.map(|from| from.address.as_str().into()).unwrap_or_default(),
            from_name: first.map(|from| from.name.as_str().into()).unwrap_or_default(),
            reply_to: self.reply_to.first().map(|to| to.address.as_str().into()).unwrap_or_default(),
            to: self.to.iter().take(64).map(|to| to.address.as_str().into()).collect(),
            subject: self.subject.clone(),
            links: self.links.iter().take(64).map(|link| link.target.clone()).collect(),
            files: self
                .attachments
                .iter()
                .map(|file| Named {
                    name: file.name.clone(),
                    kind: file.mime.as_str().into(),
                    bytes: file.bytes.len() as u64,
                    sha256: hex(&Sha256::digest(&file.bytes)).as_str().into(),
                })
                .collect(),
            bytes: self.bytes,
        }
    }
}

/// The bytes of a `raw` string of a table: code points up to 255 are bytes, any above means UTF-8.
pub fn bytes_of(raw: &str) -> Vec<u8> {
    if raw.chars().all(|c| (c as u32) < 256) { raw.chars().map(|c| c as u8).collect() } else { raw.as_bytes().to_vec() }
}

fn addresses(parsed: &mail_parser::Message<'_>, name: HeaderName<'static>) -> Vec<Address> {
    let Some(HeaderValue::Address(list)) = parsed.header(name) else { return Vec::new() };
    list.iter()
        .take(256)
        .map(|one| Address {
            name: one.name().unwrap_or_default().trim().to_owned(),
            address: one.address().unwrap_or_default().trim().to_ascii_lowercase(),
        })
        .collect()
}

fn unfolded(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// mbox separators and Maildir copies keep the envelope's `From ` line.
fn skip_from_line(raw: &[u8]) -> &[u8] {
    if raw.starts_with(b"From ") { memchr::memchr(b'\n', raw).map_or(raw, |end| &raw[end + 1..]) } else { raw }
}

fn floor(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
