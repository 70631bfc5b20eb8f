//! Values that rules and model found nothing in, so that the same user agent, path or host is not read a million times.
//!
//! A value is known only when its bytes, its name and its kind are the same, byte for byte: nobody can make an attack look known by a
//! collision. The table has a fixed size; a stream of new values only makes it forget.

use decode::request::Value;
use xxhash_rust::xxh3::xxh3_64;

const SLOTS: usize = 16_384;
/// Longer values seldom come twice.
const VALUE_BYTES_MAX: usize = 512;

#[derive(Debug)]
pub(super) struct Clean {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    kind: u8,
    name: Box<[u8]>,
    value: Box<[u8]>,
    used: bool,
    /// The model's score, so that the request's score is the same as without the table.
    score: Option<f32>,
}

impl Default for Clean {
    fn default() -> Clean {
        Clean { slots: vec![Slot::default(); SLOTS] }
    }
}

impl Clean {
    /// The model's score of a known value (`None` inside when the model does not read such values).
    pub(super) fn known(&self, value: &Value<'_>) -> Option<Option<f32>> {
        let slot = &self.slots[at(value)];
        let same = slot.used && slot.kind == value.target as u8 && *slot.value == *value.decoded && *slot.name == *value.name;
        same.then_some(slot.score)
    }

    pub(super) fn learn(&mut self, value: &Value<'_>, score: Option<f32>) {
        if value.decoded.len() <= VALUE_BYTES_MAX && value.name.len() <= VALUE_BYTES_MAX {
            let slot = &mut self.slots[at(value)];
            *slot = Slot { kind: value.target as u8, name: value.name.into(), value: value.decoded.into(), used: true, score };
        }
    }
}

fn at(value: &Value<'_>) -> usize {
    (xxh3_64(value.decoded) ^ value.target as u64) as usize % SLOTS
}
