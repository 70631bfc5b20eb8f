//! Variables (targets) of a rule and the inputs that a request offers for them.

use super::parse::Fault;

/// One value of a request, as rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'v> {
    pub variable: Variable,
    /// Name of the parameter, header or cookie; empty where there is none.
    pub name: &'v [u8],
    pub value: &'v [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Variable {
    Args,
    ArgsNames,
    RequestUri,
    RequestFilename,
    QueryString,
    RequestHeaders,
    RequestCookies,
    RequestCookiesNames,
    RequestBody,
    RequestMethod,
    Files,
    FilesContent,
    /// In a chained rule: the value that the rule before it matched.
    MatchedVar,
}

const NAMED: [(Variable, &str); 15] = [
    (Variable::Args, "ARGS"),
    (Variable::ArgsNames, "ARGS_NAMES"),
    (Variable::RequestUri, "REQUEST_URI"),
    (Variable::RequestUri, "REQUEST_URI_RAW"),
    (Variable::RequestFilename, "REQUEST_FILENAME"),
    (Variable::QueryString, "QUERY_STRING"),
    (Variable::RequestHeaders, "REQUEST_HEADERS"),
    (Variable::RequestCookies, "REQUEST_COOKIES"),
    (Variable::RequestCookiesNames, "REQUEST_COOKIES_NAMES"),
    (Variable::RequestBody, "REQUEST_BODY"),
    (Variable::RequestMethod, "REQUEST_METHOD"),
    (Variable::Files, "FILES"),
    (Variable::Files, "FILES_NAMES"),
    (Variable::FilesContent, "FILES_TMP_CONTENT"),
    (Variable::MatchedVar, "MATCHED_VAR"),
];

impl Variable {
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }

    pub fn name(self) -> &'static str {
        NAMED.iter().find(|(v, _)| *v == self).map_or("", |(_, name)| name)
    }
}

/// `REQUEST_HEADERS:User-Agent`, `!ARGS:comment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) variable: Variable,
    /// Lower case; `None` is every name.
    pub(super) name: Option<Box<[u8]>>,
}

impl Selector {
    fn admits(&self, input: &Input<'_>) -> bool {
        self.variable == input.variable && self.name.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(input.name))
    }
}

/// What a rule looks at: selectors joined by `|`, some taken out again by `!`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Targets {
    take: Vec<Selector>,
    leave: Vec<Selector>,
    mask: u32,
}

impl Targets {
    pub(super) fn parse(text: &str) -> Result<Targets, Fault> {
        let mut targets = Targets::default();
        for part in text.split('|').map(str::trim) {
            let (leave, part) = part.strip_prefix('!').map_or((false, part), |rest| (true, rest));
            let (word, name) = part.split_once(':').map_or((part, None), |(word, name)| (word, Some(name)));
            let Some((variable, _)) = NAMED.iter().find(|(_, known)| known.eq_ignore_ascii_case(word)) else {
                let known: Vec<&str> = NAMED.iter().map(|(_, name)| *name).collect();
                return Err(Fault::new("variable", part, format!("one of {}", known.join(" "))));
            };
            let name = match name {
                Some(name) if name.is_empty() || name.starts_with(['/', '\'']) => {
                    return Err(Fault::new("selector", part, "a plain name after the colon; no regular expression here yet".to_owned()));
                }
                name => name.map(|n| n.to_ascii_lowercase().into_bytes().into_boxed_slice()),
            };
            let selector = Selector { variable: *variable, name };
            if leave {
                targets.leave.push(selector);
            } else {
                targets.mask |= variable.bit();
                targets.take.push(selector);
            }
        }
        if targets.take.is_empty() {
            return Err(Fault::new("variable", text, "at least one variable without `!`".to_owned()));
        }
        Ok(targets)
    }

    pub(super) fn mask(&self) -> u32 {
        self.mask
    }

    pub(super) fn admit(&self, input: &Input<'_>) -> bool {
        self.mask & input.variable.bit() != 0 && self.take.iter().any(|s| s.admits(input)) && !self.leave.iter().any(|s| s.admits(input))
    }
}
