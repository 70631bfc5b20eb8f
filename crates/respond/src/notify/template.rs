//! What a far side wants to read, as data: `content/notify/NAME.json`, one file each.
//!
//! A template is JSON whose texts hold `{headline}`, `{text}`, `{incident}`, ..; the values go in after it was parsed and are not looked at again,
//! so that nothing in them can become part of the template. Webhooks of one's own are signed as Standard Webhooks does.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hmac;
use serde::Deserialize;
use serde_json::Value;

use super::escape::{Markup, cut};
use super::{Message, Secret};

/// Names and values.
type Headers = Vec<(String, String)>;

/// One line a template: a name in the configuration, and its file.
const FILES: &[(&str, &str)] = &[
    ("webhook", include_str!("../../../../content/notify/webhook.json")),
    ("slack", include_str!("../../../../content/notify/slack.json")),
    ("teams", include_str!("../../../../content/notify/teams.json")),
    ("mattermost", include_str!("../../../../content/notify/mattermost.json")),
    ("discord", include_str!("../../../../content/notify/discord.json")),
    ("pagerduty", include_str!("../../../../content/notify/pagerduty.json")),
    ("ntfy", include_str!("../../../../content/notify/ntfy.json")),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    #[serde(skip)]
    pub name: &'static str,
    /// For whoever reads the file.
    pub about: String,
    pub markup: Markup,
    /// Of `{text}`.
    pub text_bytes_max: usize,
    /// The address itself lets everybody write who knows it.
    #[serde(default)]
    pub secret_url: bool,
    /// What the secret is for; without it none is taken.
    #[serde(default)]
    pub secret: SecretUse,
    /// Where it goes when the configuration does not say.
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A severity in the words or numbers of the far side, for `{level}`.
    #[serde(default)]
    pub levels: BTreeMap<String, Value>,
    /// Absent: the whole message as `bartizan.notification/1`.
    #[serde(default)]
    body: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretUse {
    #[default]
    None,
    /// Stands in a header or the body, as `{secret}`.
    Placed,
    Maybe,
    /// Signs.
    Sign,
}

pub fn named(name: &str) -> Option<&'static Template> {
    all().iter().find(|template| template.name == name)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

fn all() -> &'static [Template] {
    static ALL: OnceLock<Vec<Template>> = OnceLock::new();
    ALL.get_or_init(|| FILES.iter().filter_map(|(name, text)| Some(Template { name, ..serde_json::from_str(text).ok()? })).collect())
}

impl Template {
    /// Headers and body.
    pub(super) fn fill(&self, message: &Message, secret: Option<&Secret>, topic: &str, now_s: i64) -> Result<(Headers, Vec<u8>), String> {
        let fields = message.fields(self.markup);
        let text = message.text(self.markup, self.text_bytes_max);
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest).to_owned();
        let paragraphs = rest.replace('\n', "\n\n");
        let secret_text = secret.map_or("", Secret::expose);
        let values: [(&str, &str); 13] = [
            ("{headline}", &fields.headline),
            ("{rest}", &rest),
            ("{paragraphs}", &paragraphs),
            ("{text}", &text),
            ("{title}", &fields.title),
            ("{story}", &fields.story),
            ("{severity}", fields.severity),
            ("{incident}", if message.incident.is_empty() { &message.key } else { &message.incident }),
            ("{key}", &message.key),
            ("{link}", &message.link),
            ("{undo}", &message.undo),
            ("{topic}", topic),
            ("{secret}", secret_text),
        ];
        let level = self.levels.get(fields.severity).cloned().unwrap_or_default();
        let body = match &self.body {
            Some(body) => filled(body, &values, &level),
            None => message.json(),
        };
        let body = body.to_string().into_bytes();
        let mut headers =
            vec![("Content-Type".to_owned(), "application/json".to_owned()), ("Idempotency-Key".to_owned(), message.key.to_string())];
        for (name, value) in &self.headers {
            if value.contains("{secret}") && secret.is_none() {
                continue;
            }
            let value = replaced(value, &values);
            if value.bytes().any(|b| !(b' '..=b'~').contains(&b)) {
                return Err(format!("the header {name} would have a control character in it: the secret is not one line of ASCII"));
            }
            headers.push((name.clone(), value));
        }
        if let (SecretUse::Sign, Some(secret)) = (self.secret, secret) {
            headers.push(("webhook-id".into(), message.key.to_string()));
            headers.push(("webhook-timestamp".into(), now_s.to_string()));
            headers.push(("webhook-signature".into(), signature(secret, &message.key, now_s, &body)?));
        }
        Ok((headers, body))
    }
}

/// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. A secret `whsec_..` is base64, any other is taken as it stands.
fn signature(secret: &Secret, id: &str, now_s: i64, body: &[u8]) -> Result<String, String> {
    let key = match secret.expose().strip_prefix("whsec_") {
        Some(coded) => BASE64.decode(coded).map_err(|_| "the secret begins with whsec_ and is no base64 behind it".to_owned())?,
        None => secret.expose().as_bytes().to_vec(),
    };
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    context.update(format!("{id}.{now_s}.").as_bytes());
    context.update(body);
    Ok(format!("v1,{}", BASE64.encode(context.sign())))
}

fn filled(value: &Value, values: &[(&str, &str)], level: &Value) -> Value {
    match value {
        Value::String(text) if text == "{level}" => level.clone(),
        Value::String(text) => Value::String(replaced(text, values)),
        Value::Array(items) => items.iter().map(|item| filled(item, values, level)).collect(),
        Value::Object(pairs) => Value::Object(pairs.iter().map(|(key, value)| (key.clone(), filled(value, values, level))).collect()),
        other => other.clone(),
    }
}

/// One pass: what was put in is not looked at again.
fn replaced(text: &str, values: &[(&str, &str)]) -> String {
    const VALUE_BYTES_MAX: usize = 64 * 1024;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        match values.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => {
                out.push_str(&cut(value, VALUE_BYTES_MAX));
                rest = &rest[name.len()..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use event::{Severity, Time};

    use super::*;

    fn hostile() -> Message {
        Message {
            key: "R-1".into(),
            incident: "INC-7".into(),
            severity: Severity::Critical,
            why: "new".into(),
            title: "{secret} \"}],\"x\":\" <!channel> @everyone **b** http://evil.example/ \u{202e}".into(),
            story: "{text}{secret}\r\nX-Evil: 1".into(),
            reasons: vec!["{secret}".into(), "two".into(), "three".into(), "four".into()],
            done: vec!["block 203.0.113.9".into()],
            link: "https://console.example/incident/INC-7".into(),
            undo: "bartizan undo INC-7".into(),
            at: Time::from_s(1_772_600_000),
            ..Message::default()
        }
    }

    #[test]
    fn every_template_is_read_and_no_text_of_others_breaks_out_or_gets_the_secret() {
        assert_eq!(all().len(), FILES.len(), "a template is no JSON or has an unknown key");
        let secret = Secret::new("s3cr3t-value");
        for template in all() {
            let (headers, body) = template.fill(&hostile(), Some(&secret), "ops", 5).expect("filled");
            let parsed: Value = serde_json::from_slice(&body).expect("JSON");
            let text = parsed.to_string();
            assert!(!text.contains("http://evil") && !text.contains('\u{202e}'), "{}: {text}", template.name);
            assert!(headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])), "{}", template.name);
            let placed = text.matches("s3cr3t-value").count();
            assert!(placed == usize::from(template.name == "pagerduty"), "{}: the secret stands {placed} times in {text}", template.name);
            if !matches!(template.markup, Markup::Plain) {
                assert!(!text.contains("@everyone") && !text.contains("<!channel>"), "{}: {text}", template.name);
            }
            assert!(text.contains("INC-7") && text.contains("bartizan undo INC-7"), "{}: {text}", template.name);
            assert!(!text.contains("four"), "three reasons");
        }
    }

    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        // The example of the specification of Standard Webhooks.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let made = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(made.as_deref(), Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn the_end_of_a_long_message_is_how_to_take_it_back() {
        let mut message = hostile();
        message.story = "x".repeat(10_000);
        let text = message.text(Markup::Markdown, 500);
        assert!(
            text.len() <= 500 && text.contains("Undo: bartizan undo INC-7") && text.contains("Open: https://console.example/"),
            "{text}"
        );
    }
}
