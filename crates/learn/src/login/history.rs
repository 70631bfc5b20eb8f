//! What one user was seen with at one level: at most 64 values with counts that fade.

use serde::{Deserialize, Serialize};

/// Values kept a level.
pub(crate) const VALUES_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Value {
    key: u32,
    weight: f32,
    minute: i32,
}

/// Counts by value; each fades by half in the half-life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    values: Vec<Value>,
}

/// What fades of a weight in this many minutes.
pub(crate) fn faded(weight: f32, from_minute: i32, minute: i32, half_life_min: f32) -> f32 {
    let minutes = minute.saturating_sub(from_minute).max(0) as f32;
    weight * (-minutes / half_life_min.max(1.0)).exp2()
}

impl History {
    /// Count of this value now; 0 when it was never seen.
    pub(crate) fn weight(&self, key: u32, minute: i32, half_life_min: f32) -> f32 {
        self.values.iter().find(|v| v.key == key).map_or(0.0, |v| faded(v.weight, v.minute, minute, half_life_min))
    }

    pub(crate) fn add(&mut self, key: u32, weight: f32, minute: i32, half_life_min: f32) {
        if let Some(value) = self.values.iter_mut().find(|v| v.key == key) {
            value.weight = faded(value.weight, value.minute, minute, half_life_min) + weight;
            value.minute = value.minute.max(minute);
            return;
        }
        let new = Value { key, weight, minute };
        if self.values.len() < VALUES_MAX {
            self.values.push(new);
            return;
        }
        // The least known goes; a newcomer never takes the place of what is known better than itself.
        let worth = |v: &Value| faded(v.weight, v.minute, minute, half_life_min);
        if let Some(least) = self.values.iter_mut().min_by(|a, b| worth(a).total_cmp(&worth(b))).filter(|v| worth(v) <= weight) {
            *least = new;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
