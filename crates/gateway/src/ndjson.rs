//! One line of `--log-ndjson`: schema `bartizan.request/1`.

use event::{Body, Time, Verdict};
use serde::Serialize;

use crate::Observed;

#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    id: &'a str,
    time: String,
    client: Option<String>,
    method: &'a str,
    host: &'a str,
    /// With the query, secrets masked.
    path: &'a str,
    status: Option<u16>,
    verdict: &'static str,
    score: f32,
    rules: Vec<Rule<'a>>,
    models: Vec<Model<'a>>,
    reasons: Vec<Reason<'a>>,
    cpu_us: u32,
    duration_us: Option<u32>,
    request_bytes: Option<u64>,
    response_bytes: Option<u64>,
    body_seen: usize,
    body_bytes: u64,
    /// Whose fault it was that the application did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
}

#[derive(Serialize)]
struct Rule<'a> {
    id: u32,
    tags: &'a [event::Text],
    target: &'a str,
    matched: &'a str,
}

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
    version: &'a str,
    score: f32,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'a str,
    text: &'a str,
}

/// Without the newline. Control characters are escaped: one request is one line, whatever it holds.
pub fn line(observed: &Observed) -> String {
    let Body::Http(http) = &observed.event.body else { return String::new() };
    let finding = observed.finding.as_ref();
    let line = Line {
        schema: "bartizan.request/1",
        id: http.request_id.as_deref().unwrap_or_default(),
        time: rfc3339(observed.event.meta.time),
        client: http.client.map(|ip| ip.to_string()),
        method: &http.method,
        host: &http.host,
        path: &http.target,
        status: http.status,
        verdict: http.verdict.unwrap_or(Verdict::Allowed).word(),
        score: http.score,
        rules: observed.rules.iter().map(|r| Rule { id: r.id, tags: &r.tags, target: &r.target, matched: &r.matched }).collect(),
        models: observed.models.iter().map(|m| Model { name: &m.name, version: &m.version, score: m.score }).collect(),
        reasons: finding.map_or_else(Vec::new, |f| f.reasons.iter().map(|r| Reason { code: &r.code, text: &r.text }).collect()),
        cpu_us: observed.cpu_us,
        duration_us: http.duration_us,
        request_bytes: http.request_bytes,
        response_bytes: http.response_bytes,
        body_seen: observed.body_seen,
        body_bytes: http.body_bytes,
        fault: observed.fault(),
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// Always with microseconds: lines sort as text.
fn rfc3339(time: Time) -> String {
    let text = time.to_string();
    match text.strip_suffix('Z') {
        Some(head) => match head.split_once('.') {
            Some((seconds, decimals)) => format!("{seconds}.{decimals:0<6.6}Z"),
            None => format!("{head}.000000Z"),
        },
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_text() {
        for (us, expected) in
            [(0, "1970-01-01T00:00:00.000000Z"), (1_500_000, "1970-01-01T00:00:01.500000Z"), (7, "1970-01-01T00:00:00.000007Z")]
        {
            assert_eq!(rfc3339(Time::from_us(us)), expected);
        }
    }
}
