//! Which values of a request rules and model look at.

use decode::request::{Target, Value, Values};
use rule::seclang::{Input, Variable};

/// Every value as rules see it, in the same order. Path segments are shown to the model alone.
pub(super) fn of(values: &Values) -> impl Iterator<Item = Input<'_>> + Clone {
    (0..values.len()).filter_map(|n| values.at(n)).map(|value| {
        let variable = match value.target {
            Target::Method => Variable::RequestMethod,
            Target::Uri => Variable::RequestUri,
            Target::Query => Variable::QueryString,
            Target::Path => Variable::RequestFilename,
            Target::Segment => Variable::MatchedVar,
            Target::ArgName => Variable::ArgsNames,
            Target::Arg | Target::Json | Target::Xml => Variable::Args,
            Target::CookieName => Variable::RequestCookiesNames,
            Target::Cookie => Variable::RequestCookies,
            Target::Header => Variable::RequestHeaders,
            Target::Body => Variable::RequestBody,
            Target::File => Variable::Files,
            Target::FileBody => Variable::FilesContent,
        };
        Input { variable, name: value.name, value: value.decoded }
    })
}

/// Headers whose values browsers and proxies make; the model was not taught their look.
const ORDINARY_HEADERS: [&str; 34] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "content-disposition",
    "content-length",
    "content-type",
    "date",
    "dnt",
    "expect",
    "forwarded",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "origin",
    "pragma",
    "priority",
    "range",
    "referer",
    "te",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-requested-with",
];

pub(super) fn for_model(value: &Value<'_>) -> bool {
    match value.target {
        Target::Arg | Target::ArgName | Target::Json | Target::Xml | Target::Segment | Target::File => true,
        Target::Header => {
            let name = value.name;
            !name.starts_with(b"sec-") && !ORDINARY_HEADERS.iter().any(|known| known.as_bytes() == name)
        }
        _ => false,
    }
}
