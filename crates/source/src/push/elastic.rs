//! Elasticsearch's `_bulk`: pairs of lines, what to do and the document, and one answer for each.
//!
//! Documents are only ever added: `index` and `create` do the same, `update` and `delete` are refused item by item, because a log does not change.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answer, ITEMS_MAX, Protocol, Taken};

/// The version that is claimed: shippers ask before they send.
const VERSION: &str = "8.15.0";
/// Of an index or an identity that an answer repeats.
const NAME_BYTES_MAX: usize = 512;

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow)]
    index: Option<Target<'a>>,
    #[serde(borrow)]
    create: Option<Target<'a>>,
    #[serde(borrow)]
    update: Option<Target<'a>>,
    #[serde(borrow)]
    delete: Option<Target<'a>>,
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(borrow, rename = "_index")]
    index: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, rename = "_id")]
    id: Option<std::borrow::Cow<'a, str>>,
}

/// `index` is the one of the path.
pub(super) fn read(body: &[u8], index: Option<&str>, source: Arc<str>) -> Result<(Taken, Answer), Answer> {
    let mut taken = Taken::new(source);
    let mut items = Vec::new();
    let mut errors = false;
    let mut lines = body.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    while let Some((line, number)) = lines.next() {
        if items.len() >= ITEMS_MAX {
            return Err(Answer::too_much(Protocol::Elastic));
        }
        let malformed = || {
            let why = format!("Malformed action/metadata line [{number}], expected one of index, create, update, delete");
            Answer::refusal(Protocol::Elastic, 400, &why)
        };
        let action: Action<'_> = serde_json::from_slice(line).map_err(|_| malformed())?;
        let (word, target) = match (action.index, action.create, action.update, action.delete) {
            (Some(target), None, None, None) => ("index", target),
            (None, Some(target), None, None) => ("create", target),
            (None, None, Some(target), None) => ("update", target),
            (None, None, None, Some(target)) => ("delete", target),
            _ => return Err(malformed()),
        };
        let document = if word == "delete" { None } else { lines.next() };
        let into = target.index.as_deref().or(index).unwrap_or("bartizan");
        let outcome = match (word, document) {
            ("update" | "delete", _) => Err((400, "illegal_argument_exception", "a log does not change: index or create")),
            (_, None) => {
                return Err(Answer::refusal(Protocol::Elastic, 400, "The bulk request ends with an action and without its document"));
            }
            _ if into.len() > NAME_BYTES_MAX || target.id.as_deref().is_some_and(|id| id.len() > NAME_BYTES_MAX) => {
                Err((400, "illegal_argument_exception", "_index or _id is longer than 512 bytes"))
            }
            (_, Some((document, _))) => match object(document) {
                Some(document) => {
                    taken.add_document(document, None).map(|()| 201).map_err(|_| Answer::too_much(Protocol::Elastic)).map(Ok)?
                }
                None => Err((400, "document_parsing_exception", "the document is no JSON object")),
            },
        };
        errors |= outcome.is_err();
        items.push(item(word, clip(into), target.id.as_deref().map(clip), items.len(), outcome));
    }
    if items.is_empty() {
        return Err(Answer::refusal(Protocol::Elastic, 400, "request body is required"));
    }
    Ok((taken, Answer::json(200, &json!({"took": 0, "errors": errors, "items": items}))))
}

fn clip(name: &str) -> &str {
    name.char_indices().nth(NAME_BYTES_MAX).map_or(name, |(at, _)| &name[..at])
}

fn object(document: &[u8]) -> Option<&str> {
    let document: &RawValue = serde_json::from_slice(document).ok()?;
    Some(document.get()).filter(|text| text.starts_with('{'))
}

fn item(word: &str, index: &str, id: Option<&str>, number: usize, outcome: Result<u16, (u16, &str, &str)>) -> Value {
    match outcome {
        Ok(status) => {
            let id = id.map_or_else(|| number.to_string(), str::to_owned);
            let shards = json!({"total": 1, "successful": 1, "failed": 0});
            json!({word: {"_index": index, "_id": id, "_version": 1, "result": "created", "_shards": shards, "_seq_no": number,
                "_primary_term": 1, "status": status}})
        }
        Err((status, kind, why)) => {
            json!({word: {"_index": index, "_id": id, "status": status, "error": {"type": kind, "reason": why}}})
        }
    }
}

/// What shippers ask before they send. `None`: nothing that is known.
pub(super) fn asked(method: &str, path: &str) -> Option<Answer> {
    let read = matches!(method, "GET" | "HEAD");
    let first = path.trim_matches('/').split('/').next().unwrap_or_default();
    let said = match (first, path.trim_end_matches('/')) {
        ("", _) if read => json!({
            "name": "bartizan", "cluster_name": "bartizan", "cluster_uuid": "bartizan-push-source-0", "tagline": "You Know, for Search",
            "version": {"number": VERSION, "build_flavor": "default", "build_type": "tar", "build_hash": "0", "build_date": "2024-08-05T00:00:00Z",
                "build_snapshot": false, "lucene_version": "9.11.1", "minimum_wire_compatibility_version": "7.17.0",
                "minimum_index_compatibility_version": "7.0.0"}}),
        ("_license", _) if read => {
            json!({"license": {"status": "active", "uid": "bartizan", "type": "basic", "issue_date": "2024-01-01T00:00:00.000Z", "max_nodes": 1000,
                "issued_to": "bartizan", "issuer": "bartizan"}})
        }
        ("_xpack", _) if read => {
            let features = json!({"ilm": {"available": true, "enabled": false}, "monitoring": {"available": true, "enabled": false}});
            json!({"build": {"hash": "0"}, "license": {"uid": "bartizan", "type": "basic", "mode": "basic", "status": "active"}, "features": features})
        }
        ("_cluster", "/_cluster/health") if read => {
            json!({"cluster_name": "bartizan", "status": "green", "timed_out": false, "number_of_nodes": 1,
            "number_of_data_nodes": 1, "active_shards": 0})
        }
        ("_nodes", _) if read => json!({"_nodes": {"total": 1, "successful": 1, "failed": 0}, "cluster_name": "bartizan", "nodes": {}}),
        // There is nothing to set up: every document is taken as it is.
        ("_template" | "_index_template" | "_component_template" | "_ilm" | "_ingest" | "_data_stream" | "_alias", _) if read => json!({}),
        ("_template" | "_index_template" | "_component_template" | "_ilm" | "_ingest" | "_data_stream", _)
            if matches!(method, "PUT" | "POST") =>
        {
            json!({"acknowledged": true})
        }
        _ => return None,
    };
    Some(Answer::json(200, &said))
}

/// `/_bulk`, `/INDEX/_bulk`: the index of the path, when there is one.
pub(super) fn bulk(path: &str) -> Option<Option<&str>> {
    let path = path.trim_matches('/');
    if path == "_bulk" {
        return Some(None);
    }
    path.strip_suffix("/_bulk").filter(|index| !index.is_empty() && !index.contains('/')).map(Some)
}
