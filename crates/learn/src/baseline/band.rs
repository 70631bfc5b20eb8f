//! Counts of one key by hour of the week, and how many are too many.
//!
//! Reads:      one call an event. Keeps the mean of sqrt(count) for each of 168 hours, its spread, and the tail of its residuals.
//! Gives:      an excess when the running hour passes the threshold of its place in the week. Nothing for the first week.
//! Learning:   an hour in excess is not learned, unless the excess comes back for three weeks: then it is how things are now.
//! State:      below 512 bytes.
//! Method:     square root of a count has nearly constant spread; peaks over threshold ([`super::tail`]) set the distance to a budget of false alerts.

use serde::{Deserialize, Serialize};

use super::tail::Tail;

const HOURS: usize = 168;
const HOUR_US: i64 = 3_600_000_000;
/// Hours before anything is said.
const WARM_HOURS: u32 = 168;
/// Unit of the means: sqrt(count) in 1/64, 0 is not seen yet.
const UNIT: f32 = 64.0;
/// Share of the newest week.
const NEWEST: f32 = 0.3;
const SPREAD_MIN: f32 = 0.5;
/// Least distance from the usual, in spreads.
const SPREADS_MIN: f32 = 5.0;
/// Excesses in a row, counted by hours, after which they are learned.
const ACCEPT_HOURS: u16 = 24;
const GAP_HOURS_MAX: i64 = HOURS as i64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    hour: i64,
    count: u32,
    learned: u32,
    above: u16,
    deviation: f32,
    mean: f32,
    tail: Tail,
    #[serde(with = "hours")]
    hours: [u16; HOURS],
}

impl Default for Band {
    fn default() -> Band {
        Band { hour: 0, count: 0, learned: 0, above: 0, deviation: 0.0, mean: 0.0, tail: Tail::default(), hours: [0; HOURS] }
    }
}

/// The running hour is above its threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HourExcess {
    pub now: u32,
    pub usual: f64,
    pub threshold: f64,
    pub days: f64,
}

impl Band {
    /// Counts one event. Time going backwards counts as now.
    pub fn observe(&mut self, time_us: i64, false_alerts_per_day: f64) -> Option<HourExcess> {
        let hour = time_us.div_euclid(HOUR_US);
        if self.learned == 0 && self.count == 0 {
            self.hour = hour;
        }
        if hour > self.hour {
            self.close(false_alerts_per_day);
            for _ in 0..(hour - self.hour - 1).min(GAP_HOURS_MAX) {
                self.hour += 1;
                self.close(false_alerts_per_day);
            }
            self.hour = hour;
        }
        self.count = self.count.saturating_add(1);
        let threshold = self.threshold(false_alerts_per_day)?;
        (root(self.count) > threshold).then(|| HourExcess {
            now: self.count,
            usual: f64::from(self.expected() * self.expected()),
            threshold: f64::from(threshold * threshold),
            days: f64::from(self.learned) / 24.0,
        })
    }

    /// Value for eviction.
    pub fn hours_learned(&self) -> u32 {
        self.learned
    }

    fn place(&self) -> usize {
        self.hour.rem_euclid(HOURS as i64) as usize
    }

    /// Usual sqrt(count) of the running hour; where its place in the week is new, the same hour of other days, else of all.
    fn expected(&self) -> f32 {
        let at = |place: usize| Some(self.hours[place % HOURS]).filter(|held| *held > 0).map(|held| f32::from(held - 1) / UNIT);
        let place = self.place();
        at(place).or_else(|| (1..7).filter_map(|day| at(place + day * 24)).reduce(f32::max)).unwrap_or(self.mean)
    }

    fn threshold(&self, false_alerts_per_day: f64) -> Option<f32> {
        if self.learned < WARM_HOURS {
            return None;
        }
        let risk = (false_alerts_per_day / 24.0).clamp(1e-9, 0.5);
        let tail = self.tail.threshold(risk).unwrap_or(0.0) as f32;
        // The same hour of the day before or after: what is late or early is no excess.
        let near = [HOURS - 1, 1].map(|off| f32::from(self.hours[(self.place() + off) % HOURS].saturating_sub(1)) / UNIT);
        let expected = near.into_iter().fold(self.expected(), f32::max);
        Some(expected + self.spread() * SPREADS_MIN.max(tail))
    }

    fn spread(&self) -> f32 {
        (self.deviation * 1.2533).max(SPREAD_MIN)
    }

    fn close(&mut self, false_alerts_per_day: f64) {
        let value = root(self.count);
        self.count = 0;
        let excess = self.threshold(false_alerts_per_day).is_some_and(|threshold| value > threshold);
        self.above = if excess { self.above.saturating_add(1) } else { self.above.saturating_sub(1) };
        if excess && self.above < ACCEPT_HOURS {
            return;
        }
        let place = self.place();
        if self.hours[place] > 0 {
            let residual = value - self.expected();
            self.tail.add(f64::from(residual / self.spread()));
            let share = 0.02_f32.max(1.0 / (self.learned as f32 - WARM_HOURS as f32 + 2.0).max(1.0));
            self.deviation += share * (residual.abs() - self.deviation);
        }
        let before = f32::from(self.hours[place].saturating_sub(1)) / UNIT;
        let mean = if self.hours[place] == 0 { value } else { before + NEWEST * (value - before) };
        self.hours[place] = 1 + (mean * UNIT).clamp(0.0, f32::from(u16::MAX) - 1.0) as u16;
        self.learned = self.learned.saturating_add(1);
        self.mean += (value - self.mean) * 0.01_f32.max(1.0 / self.learned as f32);
    }
}

fn root(count: u32) -> f32 {
    (count as f32).sqrt()
}

/// Arrays of this length have no serialisation of their own.
mod hours {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(hours: &[u16; super::HOURS], serializer: S) -> Result<S::Ok, S::Error> {
        hours.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u16; super::HOURS], D::Error> {
        let held = Vec::<u16>::deserialize(deserializer)?;
        held.try_into().map_err(|_| D::Error::custom("not the hours of a week"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small_and_survives_a_checkpoint() {
        assert!(size_of::<Band>() <= 512, "{}", size_of::<Band>());
        let mut band = Band::default();
        (0..2_000).for_each(|n| {
            band.observe(n * HOUR_US / 3, 0.01);
        });
        let again: Band = serde_json::from_str(&serde_json::to_string(&band).unwrap()).unwrap();
        assert_eq!(again, band);
    }

    #[test]
    fn odd_times_are_safe() {
        let mut band = Band::default();
        for time in [0, i64::MAX, i64::MIN, -1, 5] {
            band.observe(time, 0.01);
        }
    }

    #[test]
    fn what_comes_back_is_learned() {
        let mut band = Band::default();
        let mut told = Vec::new();
        for hour in 0..24 * 40 {
            let count = if hour < 24 * 14 { 20 } else { 400 };
            let excess = (0..count).filter_map(|n| band.observe(hour * HOUR_US + n, 0.01)).count();
            told.push(excess);
        }
        assert!(told[24 * 14] > 0 && told[24 * 39..].iter().all(|n| *n == 0));
    }
}
