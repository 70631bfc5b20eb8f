//! The action list of a rule: what it is called, what it says, how its values are transformed.

use super::parse::{Fault, Severity};
use super::transform::Transform;

const SUPPORTED: &str = "id phase msg tag severity chain t log nolog auditlog noauditlog pass block deny rev ver";

#[derive(Clone, Debug, Default)]
pub(super) struct Actions {
    pub(super) id: Option<u32>,
    pub(super) phase: Option<u8>,
    pub(super) message: String,
    pub(super) tags: Vec<String>,
    pub(super) severity: Option<Severity>,
    pub(super) chain: bool,
    pub(super) transforms: Vec<Transform>,
    pub(super) pass: bool,
}

impl Actions {
    pub(super) fn parse(text: &str) -> Result<Actions, Fault> {
        let mut actions = Actions::default();
        for item in split(text) {
            let (word, value) = item.split_once(':').unwrap_or((item.as_str(), ""));
            let (word, value) = (word.trim(), value.trim().trim_matches('\''));
            let wrong = |expected: &str| Fault::new("action", &item, expected.to_owned());
            match word.to_ascii_lowercase().as_str() {
                "" => {}
                "id" => actions.id = Some(value.parse().map_err(|_| wrong("a whole number"))?),
                "phase" => {
                    let phase = match value {
                        "request" => "2",
                        "response" => "4",
                        "logging" => "5",
                        other => other,
                    };
                    actions.phase = Some(phase.parse().ok().filter(|p| (1..=2).contains(p)).ok_or_else(|| wrong("phase 1 or 2"))?);
                }
                "msg" => value.clone_into(&mut actions.message),
                "tag" => actions.tags.push(value.to_owned()),
                "severity" => {
                    actions.severity = Some(Severity::parse(value).ok_or_else(|| wrong("CRITICAL ERROR WARNING NOTICE or 2 to 5"))?);
                }
                "chain" => actions.chain = true,
                "t" if value.eq_ignore_ascii_case("none") => actions.transforms.clear(),
                "t" => actions.transforms.push(Transform::parse(value)?),
                "pass" => actions.pass = true,
                "log" | "nolog" | "auditlog" | "noauditlog" | "block" | "deny" | "rev" | "ver" => {}
                _ => return Err(wrong(SUPPORTED)),
            }
        }
        Ok(actions)
    }
}

/// Commas separate, but not inside single quotes.
fn split(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            '\'' if !escaped => quoted = !quoted,
            ',' if !quoted => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = items.last_mut() {
            last.push(c);
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).collect()
}
