//! JSON to the flat native form: objects become dotted names, arrays repeat a name.

use event::Text;
use event::native::{FIELDS_MAX, Native, Value as Held};
use serde_json::{Map, Value};

/// Objects nested deeper than this are left out of the native form; the raw record keeps them.
const DEPTH_MAX: usize = 64;

/// Adds every leaf of `members` under `prefix`.
pub(crate) fn add(native: &mut Native, prefix: &str, members: &Map<String, Value>) {
    for (name, value) in members {
        let name = if prefix.is_empty() { Text::from(name.as_str()) } else { Text::from(format!("{prefix}.{name}")) };
        add_value(native, name, value, DEPTH_MAX);
    }
}

fn add_value(native: &mut Native, name: Text, value: &Value, depth: usize) {
    if native.fields.len() >= FIELDS_MAX || depth == 0 {
        return;
    }
    match value {
        Value::Object(members) => {
            for (inner, value) in members {
                add_value(native, Text::from(format!("{name}.{inner}")), value, depth - 1);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| add_value(native, name.clone(), item, depth - 1)),
        leaf => native.fields.push((name, held(leaf))),
    }
}

pub(crate) fn held(leaf: &Value) -> Held {
    match leaf {
        Value::String(text) => Held::Text(text.clone()),
        Value::Bool(yes) => Held::Bool(*yes),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Held::Int(whole),
            None => Held::Real(number.as_f64().unwrap_or(f64::NAN)),
        },
        _ => Held::Null,
    }
}

/// One JSON object, or why it is none.
pub(crate) fn object(record: &[u8]) -> Result<Map<String, Value>, Text> {
    match serde_json::from_slice(record) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Text::const_new("JSON, but no object")),
        Err(error) => Err(format!("no JSON object: {error}").into()),
    }
}
