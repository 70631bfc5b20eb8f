//! Rate baseline: how many events a second an entity usually has, and when the last tick is far above that.
//!
//! Reads:      (key, time in us, count). Keyed by whatever the caller hashes into 64 bits.
//! State:      [`Rate`]: a tick counter, mean and spread of the square root of counts, a tail; about 170 bytes.
//! Threshold:  the larger of mean + `spread_max` spreads and the tail's threshold for `false_alerts_per_day`.
//! Learning:   conditional merge: a tick above the threshold is not learned, save that a level that stays for
//!             `accept_after_ticks` ticks is learned as the new usual (a site that grew) at a capped pace.
//! Mistaken by: the first ticks of a new key (no verdict before `warm_ticks`), daily rhythm steeper than the decay.
//! Method:     square root of counts has a spread that hardly depends on the rate (Anscombe 1948); EWMA of mean and absolute
//!             deviation; peaks over threshold, Siffer et al., KDD 2017.

use super::table::Table;
use super::tail::Tail;

/// Settings. The defaults fit requests per client address.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Length of one tick, in seconds.
    pub tick_s: u32,
    /// Ticks before the first verdict.
    pub warm_ticks: u32,
    /// Share of the newest tick in the running mean.
    pub newest_share: f32,
    /// Least distance from the usual, in spreads.
    pub spread_max: f32,
    /// Rates below this never alert, in events per second.
    pub rate_min_per_s: f64,
    /// Budget of false alerts per key.
    pub false_alerts_per_day: f64,
    /// A raised level that stays this long is learned.
    pub accept_after_ticks: u32,
    /// Most keys kept.
    pub keys_max: usize,
    /// Keys unseen for this long go first, in seconds.
    pub idle_s: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            tick_s: 10,
            warm_ticks: 12,
            newest_share: 0.05,
            spread_max: 6.0,
            rate_min_per_s: 1.0,
            false_alerts_per_day: 0.1,
            accept_after_ticks: 360,
            keys_max: 100_000,
            idle_s: 7 * 24 * 3600,
        }
    }
}

/// A tick far above the usual.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Excess {
    /// Rate of the running tick, in events per second.
    pub now_per_s: f64,
    /// Usual rate, in events per second.
    pub usual_per_s: f64,
    /// Rate above which this alerts, in events per second.
    pub threshold_per_s: f64,
}

/// The baseline of one key.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rate {
    /// Number of the running tick (time / tick length).
    tick: i64,
    /// Events in the running tick.
    count: u64,
    /// Ticks learned, saturating.
    learned: u32,
    /// Ticks in a row above the threshold.
    above: u32,
    /// Running mean of sqrt(count per tick).
    mean: f32,
    /// Running mean absolute deviation of the same.
    deviation: f32,
    tail: Tail,
}

/// Least spread of sqrt(count): a Poisson count has one half.
const SPREAD_MIN: f32 = 0.5;
/// Mean absolute deviation to standard deviation of a normal.
const DEVIATION_TO_SPREAD: f32 = 1.2533;
/// Most empty ticks that one gap teaches: a long silence is not evidence of a low rate without bound.
const GAP_TICKS_MAX: i64 = 64;

impl Rate {
    /// Counts `n` events at `time_us` and says whether the running tick is now in excess. Time going backwards counts as now.
    pub fn observe(&mut self, time_us: i64, n: u64, config: &Config) -> Option<Excess> {
        let tick = time_us.div_euclid(i64::from(config.tick_s.max(1)) * 1_000_000);
        if self.learned == 0 && self.count == 0 {
            self.tick = tick;
        }
        if tick > self.tick {
            self.close(config);
            for _ in 0..(tick - self.tick - 1).min(GAP_TICKS_MAX) {
                self.close(config);
            }
            self.tick = tick;
        }
        self.count = self.count.saturating_add(n);
        let threshold = self.threshold(config)?;
        let value = (self.count as f64).sqrt() as f32;
        let seconds = f64::from(config.tick_s.max(1));
        let now_per_s = self.count as f64 / seconds;
        (value > threshold && now_per_s > config.rate_min_per_s).then(|| Excess {
            now_per_s,
            usual_per_s: square(self.mean) / seconds,
            threshold_per_s: (square(threshold) / seconds).max(config.rate_min_per_s),
        })
    }

    /// Usual rate, in events per second; `None` before the warm-up is over.
    pub fn usual_per_s(&self, config: &Config) -> Option<f64> {
        (self.learned >= config.warm_ticks).then(|| square(self.mean) / f64::from(config.tick_s.max(1)))
    }

    /// Value for eviction: how much is lost when this key is forgotten.
    pub(super) fn ticks_learned(&self) -> u32 {
        self.learned
    }

    /// Threshold in units of sqrt(count per tick).
    fn threshold(&self, config: &Config) -> Option<f32> {
        if self.learned < config.warm_ticks {
            return None;
        }
        let spread = (self.deviation * DEVIATION_TO_SPREAD).max(SPREAD_MIN);
        let ticks_per_day = 86_400.0 / f64::from(config.tick_s.max(1));
        let risk = (config.false_alerts_per_day / ticks_per_day).clamp(1e-9, 0.5);
        // The tail works on distances from the mean in spreads, so that it survives a slow change of level.
        let tail = self.tail.threshold(risk).unwrap_or(0.0) as f32;
        Some(self.mean + spread * config.spread_max.max(tail))
    }

    /// Ends the running tick: learns it unless it was in excess.
    fn close(&mut self, config: &Config) {
        let value = (self.count as f64).sqrt() as f32;
        self.count = 0;
        let excess = self.threshold(config).is_some_and(|threshold| value > threshold);
        self.above = if excess { self.above.saturating_add(1) } else { 0 };
        if excess && self.above < config.accept_after_ticks {
            return;
        }
        if excess {
            // The level stayed: move towards it, but no more than one spread a tick.
            let step = (value - self.mean) * config.newest_share;
            self.mean += step.min((self.deviation * DEVIATION_TO_SPREAD).max(SPREAD_MIN));
            return;
        }
        // The first ticks weigh equally, later ones by the configured share.
        let share = config.newest_share.max(1.0 / (self.learned as f32 + 1.0));
        let distance = (value - self.mean).abs();
        if self.learned > 0 {
            let spread = (self.deviation * DEVIATION_TO_SPREAD).max(SPREAD_MIN);
            self.tail.add(f64::from((value - self.mean) / spread));
            self.deviation += share * (distance - self.deviation);
        }
        self.mean += share * (value - self.mean);
        self.learned = self.learned.saturating_add(1);
    }
}

fn square(x: f32) -> f64 {
    f64::from(x) * f64::from(x)
}

/// Baselines of many keys.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct RateTable {
    config: Config,
    table: Table<Rate>,
}

impl RateTable {
    /// An empty table. The seed drives the random share of eviction; keep it secret from clients.
    pub fn new(config: Config, seed: u64) -> RateTable {
        let table = Table::new(config.keys_max.max(1), i64::from(config.idle_s) * 1_000_000, seed);
        RateTable { config, table }
    }

    /// Counts `n` events of `key` (a hash of the entity) at `time_us`.
    pub fn observe(&mut self, key: u64, time_us: i64, n: u64) -> Option<Excess> {
        let config = &self.config;
        let rate = self.table.entry(key, time_us, |rate: &Rate| rate.ticks_learned());
        rate.observe(time_us, n, config)
    }

    /// Baseline of a key, if kept.
    pub fn get(&self, key: u64) -> Option<&Rate> {
        self.table.get(key)
    }

    /// Forgets a key (erasure of an entity).
    pub fn forget(&mut self, key: u64) {
        self.table.remove(key);
    }

    /// Keys kept now.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no key is kept.
    pub fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deterministic Poisson-like stream: `per_s` events a second with jitter.
    fn feed(rate: &mut Rate, config: &Config, from_s: i64, to_s: i64, per_s: u64) -> Vec<Excess> {
        let mut state = 1u64;
        (from_s..to_s)
            .filter_map(|second| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let jitter = (state >> 33) % (per_s / 2 + 1);
                rate.observe(second * 1_000_000, per_s - per_s / 4 + jitter, config)
            })
            .collect()
    }

    #[test]
    fn steady_is_silent_and_a_burst_is_told() {
        let (config, mut rate) = (Config::default(), Rate::default());
        assert_eq!(feed(&mut rate, &config, 0, 20_000, 20), []);
        let usual = rate.usual_per_s(&config).unwrap();
        assert!((usual - 20.0).abs() < 2.0, "{usual}");
        let excess = feed(&mut rate, &config, 20_000, 20_060, 200);
        assert!(!excess.is_empty());
        assert!(excess[0].threshold_per_s > usual && excess[0].now_per_s > excess[0].threshold_per_s);
        let after = rate.usual_per_s(&config).unwrap();
        assert!((after - usual).abs() < 1.0, "an anomalous tick was learned: {after}");
    }

    #[test]
    fn new_keys_get_no_verdict() {
        let (config, mut rate) = (Config::default(), Rate::default());
        assert_eq!(feed(&mut rate, &config, 0, 100, 500), []);
    }

    #[test]
    fn a_level_that_stays_becomes_usual() {
        let (config, mut rate) = (Config { accept_after_ticks: 20, ..Config::default() }, Rate::default());
        feed(&mut rate, &config, 0, 5_000, 10);
        feed(&mut rate, &config, 5_000, 30_000, 60);
        assert_eq!(feed(&mut rate, &config, 30_000, 31_000, 60), []);
    }

    #[test]
    fn silence_gaps_and_time_going_back_are_safe() {
        let (config, mut rate) = (Config::default(), Rate::default());
        for time_us in [0, 5, -7, i64::MAX, i64::MIN, 3] {
            rate.observe(time_us, u64::MAX, &config);
        }
    }

    #[test]
    fn state_is_small_and_survives_a_checkpoint() {
        let (config, mut rate) = (Config::default(), Rate::default());
        feed(&mut rate, &config, 0, 20_000, 20);
        assert!(size_of::<Rate>() <= 512, "{}", size_of::<Rate>());
        let text = serde_json::to_string(&rate).unwrap();
        let again: Rate = serde_json::from_str(&text).unwrap();
        assert_eq!(again, rate);
    }

    #[test]
    fn a_flood_of_keys_does_not_push_out_a_victim() {
        let mut table = RateTable::new(Config { keys_max: 4_096, ..Config::default() }, 1);
        for second in 0..2_000 {
            table.observe(42, second * 1_000_000, 5);
        }
        for key in 0..1_000_000u64 {
            table.observe(key.wrapping_mul(0x9E37_79B9_7F4A_7C15), 2_000_000_000 + key as i64, 1);
        }
        assert!(table.len() <= 4_096);
        assert!(table.get(42).is_some_and(|rate| rate.ticks_learned() > 100));
    }
}
