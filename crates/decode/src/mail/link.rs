//! Links of a message: from HTML attributes and from plain text.

/// Longest target that is kept, in bytes.
pub const TARGET_BYTES_MAX: usize = 4096;

/// Where a target stood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Anchor,
    /// The `action` of a form.
    Form,
    /// `<meta http-equiv=refresh>`.
    Refresh,
    /// Written out in text.
    Text,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub target: String,
    /// What the reader sees.
    pub shown: String,
    pub place: Place,
}

/// URLs that are written out in text, with a scheme, with `www.` or as a bare host name under a known ending.
pub fn in_text(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\u{201c}' | '\u{201d}')) {
        if found.len() >= super::LINKS_MAX {
            break;
        }
        if !word.contains('.') && !word.contains("://") || word.len() < 5 {
            continue;
        }
        let at = ["http://", "https://", "hxxp", "www.", "HTTP", "ftp://"].iter().filter_map(|start| word.find(start)).min();
        let word = match at {
            Some(at) => &word[at..],
            None => word,
        };
        let word =
            word.trim_matches(|c: char| matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '(' | ')' | '\'' | '*' | '|' | '_' | ']' | '['));
        if at.is_none() && !is_host(word) {
            continue;
        }
        if let Some(url) = crate::url::Url::read(word)
            && !url.host.is_empty()
        {
            found.push(Link { target: cut(word).to_owned(), shown: String::new(), place: Place::Text });
        }
    }
    found
}

/// A bare host, perhaps with a path: lower case, no `@`, an ending that is not also one of file names.
fn is_host(word: &str) -> bool {
    const FILES: [&str; 15] = ["sh", "pl", "py", "rs", "md", "zip", "mov", "cc", "so", "ps", "in", "is", "it", "to", "am"];
    let host = word.split(['/', '?', ':']).next().unwrap_or("");
    let Some((name, ending)) = host.rsplit_once('.') else { return false };
    name.len() >= 3
        && ending.len() >= 2
        && !name.contains("..")
        && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && ending.bytes().all(|b| b.is_ascii_lowercase())
        && !FILES.contains(&ending)
}

pub(super) fn cut(target: &str) -> &str {
    super::floor(target, TARGET_BYTES_MAX)
}
