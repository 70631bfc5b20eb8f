//! AWS CloudTrail: one event a line, or a document that holds many: `{"Records": [..]}`, an array, objects one after the other.
//!
//! Gives:      API activity; `ConsoleLogin` is an authentication. Native names are those of the record, nested ones dotted.

use event::authentication::Outcome;
use event::native::Native;
use event::{Api, Authentication, Body, Event, Text};
use memchr::memmem;
use serde_json::{Map, Value};

use crate::{Decoder, FileDecoder, Place, Reading, When, address, civil, flat, record};

pub struct Cloudtrail;

const NAME: &str = "cloudtrail";
const ABOUT: &str = "AWS CloudTrail: JSON lines, documents with Records, arrays";
/// Resource names kept of one call.
const RESOURCES_MAX: usize = 32;

fn marks(record: &[u8]) -> bool {
    let has = |mark: &[u8]| memmem::find(record, mark).is_some();
    has(b"\"eventSource\"") && has(b"\"eventName\"") && has(b"\"awsRegion\"")
}

impl Decoder for Cloudtrail {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn recognise(&self, record: &[u8]) -> u8 {
        if record.trim_ascii_start().starts_with(b"{") && marks(record) { 97 } else { 0 }
    }

    fn read(&self, record: &[u8], _at: &Place<'_>) -> Result<Reading, Text> {
        reading(&flat::object(record)?)
    }
}

impl FileDecoder for Cloudtrail {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    /// Lines that are whole events are left to the line decoder: they may be more than fit into memory.
    fn recognise(&self, head: &[u8], _name: &str) -> u8 {
        let start = head.trim_ascii_start();
        let document = start.starts_with(b"[") || start.starts_with(b"{");
        let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_line = line.starts_with(b"{") && !line.starts_with(b"{\"Records\"") && marks(line);
        if document && marks(head) && !is_line { 95 } else { 0 }
    }

    fn decode(&self, bytes: &[u8], at: &Place<'_>, out: &mut dyn FnMut(Event)) {
        let mut number = 0;
        let mut documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
        loop {
            let offset = documents.byte_offset();
            let mut one = |value: Value| {
                number += 1;
                let raw = serde_json::to_vec(&value).unwrap_or_default();
                out(record(NAME, &raw, at, number, |_| match value {
                    Value::Object(members) => reading(&members),
                    _ => Err(Text::const_new("JSON, but no object")),
                }));
            };
            match documents.next() {
                None => return,
                Some(Ok(Value::Array(items))) => items.into_iter().for_each(one),
                Some(Ok(Value::Object(mut members))) => match members.get_mut("Records").map(Value::take) {
                    Some(Value::Array(items)) => items.into_iter().for_each(one),
                    _ => one(Value::Object(members)),
                },
                Some(Ok(other)) => one(other),
                Some(Err(error)) => {
                    let rest = bytes.get(offset..).unwrap_or_default();
                    return out(record(NAME, &rest[..rest.len().min(4_096)], at, number + 1, |_| {
                        Err(format!("offset {offset}: {error}").into())
                    }));
                }
            }
        }
    }
}

fn reading(members: &Map<String, Value>) -> Result<Reading, Text> {
    let text = |path: &str| pointer(members, path).and_then(Value::as_str).unwrap_or_default();
    let operation = text("eventName");
    if operation.is_empty() || text("eventSource").is_empty() {
        return Err(Text::const_new("no CloudTrail event: eventName or eventSource is missing"));
    }
    let time = [text("eventTime"), text("@timestamp")].into_iter().find(|t| !t.is_empty()).unwrap_or_default();
    let when = civil::rfc3339(time).map_or(When::Unsaid, When::Said);
    let source = text("sourceIPAddress");
    let client = address::address(source.as_bytes());
    let mfa = match text("additionalEventData.MFAUsed") {
        "" => match text("userIdentity.sessionContext.attributes.mfaAuthenticated") {
            "" => None,
            said => Some(said == "true"),
        },
        said => Some(said == "Yes"),
    };
    let names = [
        "userIdentity.userName",
        "userIdentity.sessionContext.sessionIssuer.userName",
        "userIdentity.invokedBy",
        "userIdentity.principalId",
    ];
    let mut user = names.iter().map(|name| text(name)).find(|name| !name.is_empty()).unwrap_or_default();
    if text("userIdentity.type") == "Root" {
        user = "root";
    }
    let error = [text("errorCode"), text("errorMessage")].into_iter().find(|t| !t.is_empty()).unwrap_or_default();
    let body = if operation == "ConsoleLogin" {
        let success = text("responseElements.ConsoleLogin") == "Success";
        Body::Authentication(Box::new(Authentication {
            outcome: if success { Outcome::Success } else { Outcome::Failure },
            user: user.into(),
            user_unknown: text("errorMessage").starts_with("No username found"),
            client,
            host: text("recipientAccountId").into(),
            service: Text::const_new("aws console"),
            factor: Text::const_new(if mfa == Some(true) { "mfa" } else { "password" }),
            reason: text("errorMessage").into(),
            user_agent: text("userAgent").to_owned(),
            repeats: 1,
            id: text("eventID").into(),
            ..Authentication::default()
        }))
    } else {
        let read_only = match members.get("readOnly") {
            Some(Value::Bool(yes)) => *yes,
            Some(Value::String(said)) => said == "true",
            _ => ["Describe", "List", "Get", "Lookup", "Head"].iter().any(|verb| operation.starts_with(verb)),
        };
        Body::Api(Box::new(Api {
            provider: Text::const_new("aws"),
            service: text("eventSource").into(),
            operation: operation.into(),
            user: user.into(),
            user_kind: text("userIdentity.type").into(),
            principal: text("userIdentity.arn").to_owned(),
            credential: text("userIdentity.accessKeyId").into(),
            client,
            client_name: if client.is_none() { source.into() } else { Text::default() },
            user_agent: text("userAgent").to_owned(),
            account: [text("recipientAccountId"), text("userIdentity.accountId")]
                .into_iter()
                .find(|t| !t.is_empty())
                .unwrap_or_default()
                .into(),
            region: text("awsRegion").into(),
            success: error.is_empty(),
            error: error.into(),
            read_only,
            mfa,
            resources: resources(members),
        }))
    };
    let mut native = Native { product: Text::const_new("aws"), service: Text::const_new(NAME), fields: Vec::with_capacity(48) };
    flat::add(&mut native, "", members);
    Ok(Reading { when, body, native: Some(Box::new(native)) })
}

fn pointer<'m>(members: &'m Map<String, Value>, path: &str) -> Option<&'m Value> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = members.get(first)?;
    match rest {
        None => Some(value),
        Some(rest) => pointer(value.as_object()?, rest),
    }
}

/// ARNs the record lists, else the names among the parameters.
fn resources(members: &Map<String, Value>) -> Vec<Text> {
    let arns = members.get("resources").and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<Text> = arns.filter_map(|r| r.get("ARN").or_else(|| r.get("arn"))?.as_str()).map(Text::from).collect();
    if all.is_empty()
        && let Some(Value::Object(parameters)) = members.get("requestParameters")
    {
        let named = |name: &str| ["Name", "name", "Id", "Arn", "ARN"].iter().any(|end| name.ends_with(end));
        all = parameters.iter().filter(|(name, _)| named(name)).filter_map(|(_, value)| value.as_str()).map(Text::from).collect();
    }
    all.truncate(RESOURCES_MAX);
    all
}
