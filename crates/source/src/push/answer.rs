//! What a shipper is told, in the words of its protocol.

use serde_json::json;

use super::{Protocol, otlp};

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub kind: &'static str,
    pub body: Vec<u8>,
}

pub(super) const JSON: &str = "application/json";

impl Answer {
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Answer {
        Answer { status, kind: JSON, body: body.to_string().into_bytes() }
    }

    /// Nothing of the request was taken.
    pub(super) fn refusal(protocol: Protocol, status: u16, why: &str) -> Answer {
        match protocol {
            Protocol::Elastic => {
                let kind = match status {
                    401 | 403 => "security_exception",
                    413 => "content_too_long_exception",
                    429 => "es_rejected_execution_exception",
                    503 => "unavailable_shards_exception",
                    _ => "illegal_argument_exception",
                };
                let cause = json!({"type": kind, "reason": why});
                Answer::json(status, &json!({"error": {"root_cause": [cause], "type": kind, "reason": why}, "status": status}))
            }
            Protocol::HecEvents | Protocol::HecRaw => {
                let (text, code) = match status {
                    401 => ("Token is required", 2),
                    403 => ("Invalid token", 4),
                    413 => ("Content-Length of the request exceeds the limit", 27),
                    429 | 503 => ("Server is busy", 9),
                    404 => ("The requested URL was not found on this server.", 404),
                    _ => (why, 6),
                };
                Answer::json(status, &json!({"text": text, "code": code}))
            }
            Protocol::OtlpProto | Protocol::OtlpJson => {
                // google.rpc.Code
                let code = match status {
                    401 => 16,
                    403 => 7,
                    413 | 429 => 8,
                    503 => 14,
                    404 => 5,
                    _ => 3,
                };
                if protocol == Protocol::OtlpJson {
                    Answer::json(status, &json!({"code": code, "message": why}))
                } else {
                    Answer { status, kind: otlp::PROTOBUF, body: otlp::status(code, why) }
                }
            }
            Protocol::Lines => Answer::json(status, &json!({"error": why})),
        }
    }

    pub(super) fn too_much(protocol: Protocol) -> Answer {
        Answer::refusal(protocol, 413, "too much in one request: send at most 50,000 items and 16 MiB at once")
    }
}
