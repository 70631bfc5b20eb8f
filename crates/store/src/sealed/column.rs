//! The columns of a sealed segment: their names for other tools, their types, and where in a record they come from.
//!
//! Names are those of the search language ([`event::field::ALL`]) where both have one. A column may be added at the end of its kind at
//! any time: readers find columns by name, and a file says itself which place a placeholder stands for.

use parquet::basic::Encoding;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// UTF-8; empty text is null.
    Text,
    /// UTF-8, an address in its usual form.
    Address,
    /// Microseconds since 1970 UTC.
    Time,
    Number,
    Float,
    Bytes,
}

pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Keys from the record's root to the value, by the names of `event`'s fields: `body.http.client`.
    pub(crate) places: &'static [&'static str],
    /// A Bloom filter stands in the file: values that people look for by name.
    pub(crate) bloom: bool,
}

const fn column(name: &'static str, kind: Kind, places: &'static [&'static str]) -> Column {
    Column { name, kind, places, bloom: false }
}

const fn named(name: &'static str, kind: Kind, places: &'static [&'static str]) -> Column {
    Column { name, kind, places, bloom: true }
}

/// In the order of the file, behind `offset` and `class`.
pub(crate) const ALL: &[Column] = &[
    column("time", Kind::Time, &["meta.time"]),
    column("logged", Kind::Time, &["meta.logged"]),
    column("source", Kind::Text, &["meta.source"]),
    column("record", Kind::Number, &["meta.record"]),
    column("format", Kind::Text, &["meta.format"]),
    named(
        "src_ip",
        Kind::Address,
        &["body.http.client", "body.authentication.client", "body.network.client", "body.dns.client", "body.api.client"],
    ),
    column("src_port", Kind::Number, &["body.http.client_port", "body.authentication.client_port", "body.network.client_port"]),
    named("dst_ip", Kind::Address, &["body.network.server", "body.dns.server"]),
    column("dst_port", Kind::Number, &["body.network.server_port", "body.dns.server_port"]),
    named("user", Kind::Text, &["body.http.user", "body.authentication.user", "body.process.user", "body.api.user"]),
    named("host", Kind::Text, &["body.http.host", "body.authentication.host", "body.process.host", "body.file.host", "body.other.host"]),
    column("service", Kind::Text, &["body.authentication.service", "body.process.service", "body.api.service", "body.other.service"]),
    named("domain", Kind::Text, &["body.dns.name", "body.network.server_name"]),
    column("method", Kind::Text, &["body.http.method"]),
    column("target", Kind::Text, &["body.http.target"]),
    column("http_version", Kind::Text, &["body.http.version"]),
    column("status", Kind::Number, &["body.http.status"]),
    column("bytes_in", Kind::Number, &["body.http.request_bytes", "body.network.bytes_in"]),
    column("bytes_out", Kind::Number, &["body.http.response_bytes", "body.network.bytes_out"]),
    column("agent", Kind::Text, &["body.http.user_agent", "body.authentication.user_agent", "body.api.user_agent"]),
    column("referrer", Kind::Text, &["body.http.referrer"]),
    named("request", Kind::Text, &["body.http.request_id", "body.finding.request_id"]),
    column("verdict", Kind::Text, &["body.http.verdict", "body.finding.verdict"]),
    column("score", Kind::Float, &["body.http.score"]),
    column("duration_us", Kind::Number, &["body.http.duration_us"]),
    column("outcome", Kind::Text, &["body.authentication.outcome"]),
    column("action", Kind::Text, &["body.authentication.action", "body.response.action"]),
    column("country", Kind::Text, &["body.authentication.country"]),
    column("command", Kind::Text, &["body.process.command_line"]),
    column("operation", Kind::Text, &["body.api.operation"]),
    column("file", Kind::Text, &["body.file.path"]),
    named("sha256", Kind::Text, &["body.file.sha256", "body.finding.sha256"]),
    named("finding", Kind::Text, &["body.finding.uid"]),
    column("analytic", Kind::Text, &["body.finding.analytic.uid"]),
    column("severity", Kind::Text, &["body.finding.severity", "body.incident.severity"]),
    named("incident", Kind::Text, &["body.incident.uid", "body.response.incident"]),
    named("response", Kind::Text, &["body.response.uid"]),
    column("reason", Kind::Text, &["body.undecoded.reason", "body.authentication.reason"]),
    column("raw", Kind::Bytes, &["raw"]),
];

impl Column {
    /// Numbers that mostly grow are stored as differences; the rest by a dictionary while it pays.
    pub(crate) fn encoding(&self) -> Option<Encoding> {
        match self.name {
            "time" | "logged" | "record" | "bytes_out" | "bytes_in" => Some(Encoding::DELTA_BINARY_PACKED),
            "raw" => Some(Encoding::PLAIN),
            _ => None,
        }
    }
}

pub(crate) fn place(name: &str) -> Option<usize> {
    ALL.iter().position(|column| column.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_places_belong_to_one_column() {
        let mut names: Vec<_> = ALL.iter().map(|c| c.name).chain(["offset", "class", "rest"]).collect();
        let mut places: Vec<_> = ALL.iter().flat_map(|c| c.places).collect();
        for all in [names.len(), places.len()] {
            assert!(all < 200, "a placeholder is one byte");
        }
        let (n, p) = (names.len(), places.len());
        names.sort_unstable();
        names.dedup();
        places.sort_unstable();
        places.dedup();
        assert_eq!((names.len(), places.len()), (n, p));
    }
}
