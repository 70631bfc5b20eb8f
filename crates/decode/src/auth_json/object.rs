//! One JSON object with its members in order, within bounds; a name that stands twice is refused, because readers disagree on which one counts.

use std::fmt;

use event::Text;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

const DEPTH_MAX: usize = 64;
const MEMBERS_MAX: usize = 2_048;

pub(super) fn read(record: &[u8]) -> Result<Vec<(String, Value)>, Text> {
    if depth_exceeds(record, DEPTH_MAX) {
        return Err(format!("nested deeper than {DEPTH_MAX}").into());
    }
    let said = |error: serde_json::Error| {
        // `at line 1 column 7` is about the record; the line number of the file stands beside the reason.
        let text = error.to_string();
        match text.rsplit_once(" at line ") {
            Some((what, _)) if error.is_data() => Text::from(what),
            Some((what, _)) => format!("no JSON object: {what} at byte {}", error.column()).into(),
            None => format!("no JSON object: {text}").into(),
        }
    };
    serde_json::from_slice::<Object>(record).map(|object| object.0).map_err(said)
}

struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::with_capacity(16);
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.len() == MEMBERS_MAX {
                return Err(A::Error::custom(format_args!("more than {MEMBERS_MAX} keys")));
            }
            members.push((name, value));
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(A::Error::custom(format_args!("{}: given twice", twice[0])));
        }
        Ok(Object(members))
    }
}

/// Brackets outside of strings, counted before anything is built.
fn depth_exceeds(record: &[u8], depth_max: usize) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for byte in record {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > depth_max {
            return true;
        }
    }
    false
}
