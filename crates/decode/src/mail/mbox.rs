//! Many messages in one file (mbox, RFC 4155), and whether bytes look like a message at all.

/// Whether a file is an mbox with more than one message or a leading `From ` line.
pub fn is_mbox(raw: &[u8]) -> bool {
    raw.starts_with(b"From ") && raw.split(|&b| b == b'\n').nth(1).is_some_and(is_header_line)
}

/// Whether bytes begin like a message: header lines, among them one that every message has.
pub fn is_message(raw: &[u8]) -> bool {
    const USUAL: [&[u8]; 10] = [
        b"from:",
        b"to:",
        b"subject:",
        b"date:",
        b"received:",
        b"return-path:",
        b"delivered-to:",
        b"message-id:",
        b"mime-version:",
        b"reply-to:",
    ];
    let raw = &raw[..raw.len().min(16 << 10)];
    let lines = raw.split(|&b| b == b'\n').skip(usize::from(raw.starts_with(b"From ")));
    let (mut usual, mut headers) = (0, 0);
    for line in lines.take(200) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        if !is_header_line(line) {
            return false;
        }
        headers += 1;
        usual += usize::from(USUAL.iter().any(|name| line.len() >= name.len() && line[..name.len()].eq_ignore_ascii_case(name)));
    }
    usual >= 2 || (usual == 1 && headers >= 3)
}

/// The messages of an mbox, each without its `From ` line; `>From ` stays as it is written.
pub fn messages(raw: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let (mut at, mut blank) = (0, true);
    for line in raw.split_inclusive(|&b| b == b'\n') {
        if blank && line.starts_with(b"From ") {
            starts.push((at, at + line.len()));
        }
        blank = matches!(line, b"\n" | b"\r\n");
        at += line.len();
    }
    let ends = starts.iter().skip(1).map(|start| start.0).chain([raw.len()]);
    starts.iter().zip(ends).map(|(start, end)| &raw[start.1.min(end)..end]).collect()
}

fn is_header_line(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|&b| b == b':') else { return false };
    colon > 0 && colon <= 80 && line[..colon].iter().all(|&b| b.is_ascii_graphic())
}
