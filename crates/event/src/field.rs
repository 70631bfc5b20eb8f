//! The field table: name in queries, type, OCSF path and privacy class of each typed field, and how to read it.
//!
//! Search, masking on write, console columns and reference pages are made from it.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::{Body, Event, Severity};

pub struct Field {
    /// In queries: `src_ip:10.0.0.0/8`.
    pub name: &'static str,
    pub kind: Kind,
    pub ocsf: &'static str,
    pub privacy: Privacy,
    pub read: for<'a> fn(&'a Event) -> Option<Value<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Address,
    Bool,
}

/// What may be done with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    Public,
    /// About a person: pseudonymised on write where asked for.
    Personal,
    /// Never stored in clear.
    Secret,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Address(IpAddr),
    Bool(bool),
}

impl std::fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Number(number) => write!(f, "{number}"),
            Value::Address(ip) => write!(f, "{ip}"),
            Value::Bool(yes) => write!(f, "{yes}"),
        }
    }
}

fn text(value: &str) -> Option<Value<'_>> {
    (!value.is_empty()).then_some(Value::Text(Cow::Borrowed(value)))
}

fn number(value: impl Into<f64>) -> Option<Value<'static>> {
    Some(Value::Number(value.into()))
}

macro_rules! of {
    ($variant:ident, $e:ident => $read:expr) => {
        |event| match &event.body {
            Body::$variant($e) => $read,
            _ => None,
        }
    };
}

use Kind::{Address, Bool, Number, Text};
use Privacy::{Personal, Public};

const fn field(
    name: &'static str,
    kind: Kind,
    ocsf: &'static str,
    privacy: Privacy,
    read: for<'a> fn(&'a Event) -> Option<Value<'a>>,
) -> Field {
    Field { name, kind, ocsf, privacy, read }
}

pub const ALL: &[Field] = &[
    field("uid", Text, "metadata.uid", Public, |e| Some(Value::Text(e.meta.uid.to_string().into()))),
    field("source", Text, "metadata.log_source", Public, |e| text(&e.meta.source)),
    field("format", Text, "metadata.log_format", Public, |e| text(&e.meta.format)),
    field("record", Number, "metadata.sequence", Public, |e| number(e.meta.record as f64)),
    field("class", Text, "class_name", Public, |e| text(e.body.word())),
    field("raw", Text, "raw_data", Personal, |e| Some(Value::Text(e.raw.text()))),
    field("src_ip", Address, "src_endpoint.ip", Personal, |e| e.client().map(Value::Address)),
    field("user", Text, "user.name", Personal, |e| text(e.user())),
    field("host", Text, "device.hostname", Public, |e| text(e.host())),
    field("service", Text, "service.name", Public, |e| match &e.body {
        Body::Http(_) => None,
        _ => text(e.service()),
    }),
    field("dst_ip", Address, "dst_endpoint.ip", Public, |e| {
        match &e.body {
            Body::Network(flow) => flow.server,
            Body::Dns(dns) => dns.server,
            _ => None,
        }
        .map(Value::Address)
    }),
    field("dst_port", Number, "dst_endpoint.port", Public, |e| match &e.body {
        Body::Network(flow) => number(flow.server_port),
        Body::Dns(dns) => number(dns.server_port),
        _ => None,
    }),
    field(
        "protocol",
        Text,
        "connection_info.protocol_name",
        Public,
        of!(Network, n => text(if n.protocol.is_empty() { &n.transport } else { &n.protocol })),
    ),
    field("domain", Text, "query.hostname", Public, |e| match &e.body {
        Body::Dns(dns) => text(&dns.name),
        Body::Network(flow) => text(&flow.server_name),
        _ => None,
    }),
    field("ja4", Text, "ja4_fingerprint_list.value", Public, |e| match &e.body {
        Body::Network(flow) => flow.tls.as_ref().and_then(|t| text(&t.ja4)),
        Body::Authentication(auth) => text(&auth.ja4),
        _ => None,
    }),
    field("operation", Text, "api.operation", Public, of!(Api, a => text(&a.operation))),
    field("region", Text, "cloud.region", Public, of!(Api, a => text(&a.region))),
    field("sender", Text, "email.from", Personal, of!(Mail, m => text(&m.from))),
    field("subject", Text, "email.subject", Personal, of!(Mail, m => text(&m.subject))),
    field("file", Text, "file.path", Public, |e| match &e.body {
        Body::File(file) => text(&file.path),
        Body::Resource(resource) => text(&resource.file),
        Body::Finding(finding) => finding.compliance.as_ref().and_then(|c| text(&c.file)),
        _ => None,
    }),
    field("sha256", Text, "file.hashes.value", Public, of!(File, f => text(&f.sha256))),
    field("resource", Text, "resource.uid", Public, |e| match &e.body {
        Body::Resource(resource) => text(&resource.address),
        Body::Finding(finding) => finding.compliance.as_ref().and_then(|c| text(&c.resource)),
        _ => None,
    }),
    field("method", Text, "http_request.http_method", Public, of!(Http, h => text(&h.method))),
    field("path", Text, "http_request.url.path", Personal, of!(Http, h => text(h.path()))),
    field("query", Text, "http_request.url.query_string", Personal, of!(Http, h => text(h.query()))),
    field("status", Number, "http_response.code", Public, of!(Http, h => h.status.and_then(number))),
    field("bytes_out", Number, "traffic.bytes_out", Public, |e| match &e.body {
        Body::Http(http) => http.response_bytes.and_then(|n| number(n as f64)),
        Body::Network(flow) => number(flow.bytes_out as f64),
        _ => None,
    }),
    field("bytes_in", Number, "traffic.bytes_in", Public, |e| match &e.body {
        Body::Http(http) => http.request_bytes.and_then(|n| number(n as f64)),
        Body::Network(flow) => number(flow.bytes_in as f64),
        _ => None,
    }),
    field("agent", Text, "http_request.user_agent", Personal, |e| match &e.body {
        Body::Http(http) => text(&http.user_agent),
        Body::Authentication(auth) => text(&auth.user_agent),
        Body::Api(api) => text(&api.user_agent),
        _ => None,
    }),
    field("referrer", Text, "http_request.referrer", Personal, of!(Http, h => text(&h.referrer))),
    field("request", Text, "http_request.uid", Public, |e| match &e.body {
        Body::Http(http) => http.request_id.as_deref().and_then(text),
        Body::Finding(finding) => finding.request_id.as_deref().and_then(text),
        _ => None,
    }),
    field("verdict", Text, "disposition", Public, |e| match &e.body {
        Body::Http(http) => http.verdict.and_then(|v| text(v.word())),
        Body::Finding(finding) => finding.verdict.and_then(|v| text(v.word())),
        _ => None,
    }),
    field("outcome", Text, "status", Public, of!(Authentication, a => text(a.outcome.word()))),
    field("action", Text, "activity_name", Public, |e| match &e.body {
        Body::Authentication(auth) => text(auth.action.word()),
        Body::Response(response) => text(&response.action),
        _ => None,
    }),
    field("factor", Text, "auth_factors.factor_type", Public, of!(Authentication, a => text(&a.factor))),
    field("user_unknown", Bool, "unmapped.user_unknown", Public, of!(Authentication, a => Some(Value::Bool(a.user_unknown)))),
    field("country", Text, "src_endpoint.location.country", Personal, of!(Authentication, a => text(&a.country))),
    field("session", Text, "session.uid", Personal, of!(Authentication, a => text(&a.session))),
    field("command", Text, "process.cmd_line", Personal, of!(Process, p => text(&p.command_line))),
    field("run_as", Text, "process.user.name", Personal, of!(Process, p => text(&p.run_as))),
    field("finding", Text, "finding_info.uid", Public, of!(Finding, f => text(&f.uid))),
    field("analytic", Text, "finding_info.analytic.uid", Public, of!(Finding, f => text(&f.analytic.uid))),
    field("score", Number, "confidence_score", Public, |e| match &e.body {
        Body::Finding(finding) => number(finding.score.value()),
        Body::Incident(incident) => number(incident.score.value()),
        Body::Http(http) => number(http.score),
        _ => None,
    }),
    field("severity", Text, "severity", Public, |e| match &e.body {
        Body::Finding(finding) => text(Severity::word(finding.severity)),
        Body::Incident(incident) => text(Severity::word(incident.severity)),
        _ => None,
    }),
    field("incident", Text, "metadata.correlation_uid", Public, |e| match &e.body {
        Body::Incident(incident) => text(&incident.uid),
        Body::Response(response) => text(&response.incident),
        _ => None,
    }),
    field("response", Text, "command_uid", Public, of!(Response, r => text(&r.uid))),
    field("phase", Text, "status", Public, of!(Response, r => text(r.phase.word()))),
    field("reason", Text, "unmapped.reason", Public, |e| match &e.body {
        Body::Undecoded { reason } => text(reason),
        Body::Authentication(auth) => text(&auth.reason),
        _ => None,
    }),
];

pub fn by_name(name: &str) -> Option<&'static Field> {
    ALL.iter().find(|field| field.name == name)
}

/// The known name that is nearest to a mistyped one, by edit distance of at most 3.
pub fn nearest(name: &str) -> Option<&'static str> {
    ALL.iter().map(|f| (edits(name, f.name), f.name)).min().filter(|(d, _)| *d <= 3).map(|(_, n)| n)
}

/// Levenshtein distance; both names are short.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != y)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for (i, field) in ALL.iter().enumerate() {
            assert!(ALL[i + 1..].iter().all(|other| other.name != field.name), "{} stands twice", field.name);
            assert!(by_name(field.name).is_some());
        }
        assert_eq!(nearest("src_pi"), Some("src_ip"));
        assert_eq!(nearest("completely_else"), None);
    }
}
