//! What a rule sees of an event: its native fields, under their own names and under those that rules use.

use std::borrow::Cow;
use std::collections::BTreeMap;

use event::Native;
use event::native::Value;
use rsigma_eval::event::{Event, EventValue};

/// Fields of one event for one log source.
#[derive(Clone, Copy, Debug)]
pub struct View<'e> {
    pub native: &'e Native,
    /// Name in rules to name in the source.
    pub alias: &'e BTreeMap<String, String>,
}

impl<'e> View<'e> {
    fn named(&self, name: &str) -> Option<EventValue<'e>> {
        let mut values = self.native.fields.iter().filter(|(held, _)| held == name).map(|(_, value)| value);
        let first = read(values.next()?);
        let Some(second) = values.next() else { return Some(first) };
        let mut all = vec![first, read(second)];
        all.extend(values.map(read));
        Some(EventValue::Array(all))
    }

    /// Some logs write `Threat Name` where rules say `ThreatName`.
    fn spaced(&self, name: &str) -> Option<EventValue<'e>> {
        let same = |held: &str| held.contains(' ') && held.chars().filter(|c| *c != ' ').eq(name.chars());
        self.native.fields.iter().find(|(held, _)| same(held)).map(|(_, value)| read(value))
    }
}

fn read(value: &Value) -> EventValue<'_> {
    match value {
        Value::Text(text) => EventValue::Str(Cow::Borrowed(text)),
        Value::Int(number) => EventValue::Int(*number),
        Value::Real(number) => EventValue::Float(*number),
        Value::Bool(yes) => EventValue::Bool(*yes),
        Value::Null => EventValue::Null,
    }
}

/// How the audit policy writes what Sysmon calls integrity level.
fn integrity(sid: &str) -> &str {
    match sid {
        "S-1-16-4096" => "Low",
        "S-1-16-8192" => "Medium",
        "S-1-16-12288" => "High",
        "S-1-16-16384" => "System",
        other => other,
    }
}

fn root(name: &str) -> &str {
    name.split_once('.').map_or(name, |(root, _)| root)
}

impl Event for View<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        if let Some(value) = self.named(path) {
            return Some(value);
        }
        let Some(alias) = self.alias.get(path) else { return self.spaced(path) };
        match self.named(alias)? {
            EventValue::Str(sid) if alias == "MandatoryLabel" => Some(EventValue::Str(Cow::Owned(integrity(&sid).to_owned()))),
            value => Some(value),
        }
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        self.native.fields.iter().any(|(_, value)| matches!(value, Value::Text(text) if pred(text)))
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        let texts = self.native.fields.iter().filter_map(|(_, value)| if let Value::Text(text) = value { Some(text) } else { None });
        texts.map(|text| Cow::Borrowed(text.as_str())).collect()
    }

    fn visit_string_values(&self, visit: &mut dyn FnMut(&str)) {
        for (_, value) in &self.native.fields {
            if let Value::Text(text) = value {
                visit(text);
            }
        }
    }

    fn to_json(&self) -> serde_json::Value {
        let field = |(name, value): &(event::Text, Value)| (name.to_string(), read(value).to_json());
        serde_json::Value::Object(self.native.fields.iter().map(field).collect())
    }

    fn visit_top_level_keys(&self, visit: &mut dyn FnMut(&str)) -> bool {
        for (name, _) in &self.native.fields {
            visit(root(name));
            if name.contains(' ') {
                visit(&name.replace(' ', ""));
            }
        }
        self.alias.keys().for_each(|name| visit(root(name)));
        true
    }

    fn top_level_keys(&self) -> Option<Vec<Cow<'_, str>>> {
        let own = self.native.fields.iter().map(|(name, _)| Cow::Borrowed(root(name)));
        let spaced = self.native.fields.iter().filter(|(name, _)| name.contains(' ')).map(|(name, _)| Cow::Owned(name.replace(' ', "")));
        Some(own.chain(spaced).chain(self.alias.keys().map(|name| Cow::Borrowed(root(name)))).collect())
    }
}
