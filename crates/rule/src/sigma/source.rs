//! The map of log sources: which events the rules of a product, category and service meet, and which names their fields have there.

use std::collections::BTreeMap;

use event::native::{Native, Value};
use event::{Body, Event, Text};
use serde::Deserialize;

/// One log source of the map.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    product: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    service: String,
    when: Vec<When>,
}

/// One way to meet it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    #[serde(default)]
    pub(super) product: String,
    /// Windows channel or service of the native event, without case; empty for all.
    #[serde(default)]
    pub(super) channel: String,
    /// Empty for all.
    #[serde(default)]
    pub(super) event_id: Vec<i64>,
    #[serde(default)]
    pub(super) alias: BTreeMap<String, String>,
    /// Class of the normalised event, which is then seen under the names of [`derived`].
    #[serde(default)]
    pub(super) body: String,
}

impl When {
    pub(super) fn holds(&self, native: &Native, id: Option<i64>) -> bool {
        self.body.is_empty()
            && self.product == native.product
            && (self.channel.is_empty() || self.channel.eq_ignore_ascii_case(&native.service))
            && (self.event_id.is_empty() || id.is_some_and(|id| self.event_id.contains(&id)))
    }
}

/// From `content/rules/logsource.yaml`.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("the map of log sources cannot be read: {0}")]
pub struct MapError(String);

impl SourceMap {
    pub fn parse(text: &str) -> Result<SourceMap, MapError> {
        serde_saphyr::from_str(text).map(|entries| SourceMap { entries }).map_err(|e| MapError(e.to_string()))
    }

    /// `None` when the map does not know the log source.
    pub(super) fn find(&self, product: &str, category: &str, service: &str) -> Option<&[When]> {
        let same = |e: &&Entry| e.product == product && e.category == category && e.service == service;
        // A service beside a category says where the category's events come from; the category alone is the wider of the two.
        let wider = |e: &&Entry| !category.is_empty() && e.product == product && e.category == category && e.service.is_empty();
        self.entries.iter().find(same).or_else(|| self.entries.iter().find(wider)).map(|e| e.when.as_slice())
    }
}

/// A normalised event under the names that rules of its class use (W3C for web, plain ones for flows and DNS).
pub(super) fn derived(event: &Event) -> Option<Native> {
    let mut native = Native::default();
    let mut add = |name: &'static str, text: &str| {
        if !text.is_empty() {
            native.fields.push((Text::const_new(name), Value::Text(text.to_owned())));
        }
    };
    let ip = |ip: Option<std::net::IpAddr>| ip.map(|ip| ip.to_string()).unwrap_or_default();
    let mut numbers: Vec<(&'static str, i64)> = Vec::new();
    match &event.body {
        Body::Http(http) => {
            add("c-ip", &ip(http.client));
            add("cs-method", &http.method);
            add("c-uri", &http.target);
            add("cs-uri", &http.target);
            add("c-uri-stem", http.path());
            add("cs-uri-stem", http.path());
            add("c-uri-query", http.query());
            add("cs-uri-query", http.query());
            add("cs-host", &http.host);
            add("cs-user-agent", &http.user_agent);
            add("c-useragent", &http.user_agent);
            add("cs-referer", &http.referrer);
            add("cs-username", &http.user);
            numbers.extend(http.status.map(|status| ("sc-status", i64::from(status))));
        }
        Body::Dns(dns) => {
            add("src_ip", &ip(dns.client));
            add("query", &dns.name);
            add("record_type", &dns.kind);
            for answer in &dns.answers {
                add("answer", &answer.data);
            }
        }
        Body::Network(flow) => {
            add("src_ip", &ip(flow.client));
            add("dst_ip", &ip(flow.server));
            add("protocol", &flow.transport);
            numbers.extend([("src_port", i64::from(flow.client_port)), ("dst_port", i64::from(flow.server_port))]);
        }
        // A process of Windows has its native names.
        Body::Process(process) if process.service != "windows" => {
            let typed = process.command_line.split(' ').next().unwrap_or_default();
            add("Image", if process.image.is_empty() { typed } else { &process.image });
            add("CommandLine", &process.command_line);
            add("ParentImage", &process.parent_image);
            add("ParentCommandLine", &process.parent_command_line);
            add("CurrentDirectory", &process.working_directory);
            add("User", if process.run_as.is_empty() { &process.user } else { &process.run_as });
        }
        _ => return None,
    }
    native.fields.extend(numbers.into_iter().map(|(name, number)| (Text::const_new(name), Value::Int(number))));
    Some(native)
}
