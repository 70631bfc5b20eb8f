//! A bounded table of per-key state whose evictions an attacker cannot steer.
//!
//! Rule:       when full, eight random slots are looked at. Idle ones go first; else the one that knows least goes, and ties and one
//!             choice in eight are decided by the seeded generator. A flood of new keys therefore evicts other new keys: they know
//!             nothing yet, while a victim's long-learned state loses only in the random eighth against seven other candidates.
//! Newcomers:  a key that has learned nothing competes among newcomers, so the random eighth is also taken among the least
//!             valuable half of the sample: a valuable key among eight is never the victim while a worthless one stands beside it.
//! Cost:       O(1) for each new key. State: keys plus 24 bytes each.

use std::collections::HashMap;

use foldhash::fast::FixedState;

const SAMPLE: usize = 8;

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Slot<T> {
    key: u64,
    seen_us: i64,
    state: T,
}

/// Key -> state, at most `keys_max` of them.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(
    from = "Stored<T>",
    into = "Stored<T>",
    bound(serialize = "T: Clone + serde::Serialize", deserialize = "T: serde::Deserialize<'de>")
)]
pub struct Table<T> {
    slots: Vec<Slot<T>>,
    index: HashMap<u64, u32, FixedState>,
    keys_max: usize,
    idle_us: i64,
    random: u64,
}

/// What is written at a checkpoint; the index is rebuilt.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stored<T> {
    slots: Vec<Slot<T>>,
    keys_max: usize,
    idle_us: i64,
    random: u64,
}

impl<T> From<Stored<T>> for Table<T> {
    fn from(stored: Stored<T>) -> Table<T> {
        let Stored { slots, keys_max, idle_us, random } = stored;
        let mut index = HashMap::with_hasher(FixedState::with_seed(random));
        index.extend(slots.iter().enumerate().map(|(at, slot)| (slot.key, at as u32)));
        Table { slots, index, keys_max: keys_max.max(1), idle_us, random }
    }
}

impl<T> From<Table<T>> for Stored<T> {
    fn from(table: Table<T>) -> Stored<T> {
        Stored { slots: table.slots, keys_max: table.keys_max, idle_us: table.idle_us, random: table.random }
    }
}

impl<T: Default> Table<T> {
    /// An empty table. `keys_max` is at least 1; the seed drives hashing and eviction.
    pub fn new(keys_max: usize, idle_us: i64, seed: u64) -> Table<T> {
        Stored { slots: Vec::new(), keys_max: keys_max.clamp(1, u32::MAX as usize), idle_us, random: seed | 1 }.into()
    }

    /// State of `key`, made when it is new. `value` says how much a state knows; higher is kept longer.
    pub fn entry(&mut self, key: u64, time_us: i64, value: impl Fn(&T) -> u32) -> &mut T {
        let at = match self.index.get(&key) {
            Some(&at) => at as usize,
            None => {
                let slot = Slot { key, seen_us: time_us, state: T::default() };
                let at = if self.slots.len() < self.keys_max {
                    self.slots.push(slot);
                    self.slots.len() - 1
                } else {
                    let at = self.victim(time_us, value);
                    self.index.remove(&self.slots[at].key);
                    self.slots[at] = slot;
                    at
                };
                self.index.insert(key, at as u32);
                at
            }
        };
        let slot = &mut self.slots[at];
        slot.seen_us = slot.seen_us.max(time_us);
        &mut slot.state
    }

    /// State of a key, if kept.
    pub fn get(&self, key: u64) -> Option<&T> {
        self.index.get(&key).map(|&at| &self.slots[at as usize].state)
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: u64) {
        if let Some(at) = self.index.remove(&key) {
            let at = at as usize;
            self.slots.swap_remove(at);
            if let Some(moved) = self.slots.get(at) {
                self.index.insert(moved.key, at as u32);
            }
        }
    }

    /// Keys kept.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no key is kept.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    fn victim(&mut self, now_us: i64, value: impl Fn(&T) -> u32) -> usize {
        let mut sample = [(0u32, 0u64, 0usize); SAMPLE];
        for choice in &mut sample {
            let at = (self.draw() % self.slots.len() as u64) as usize;
            let slot = &self.slots[at];
            let idle = now_us.saturating_sub(slot.seen_us) > self.idle_us;
            let worth = if idle { 0 } else { value(&slot.state).saturating_add(1) };
            *choice = (worth, self.random >> 20, at);
        }
        sample.sort_unstable();
        let random_half = self.draw().is_multiple_of(SAMPLE as u64);
        let at = if random_half { (self.draw() % (SAMPLE as u64 / 2)) as usize } else { 0 };
        // Never a valuable key while a worthless one stands beside it.
        if sample[at].0 > sample[0].0.saturating_mul(2).saturating_add(2) { sample[0].2 } else { sample[at].2 }
    }

    /// xorshift64*: enough for sampling; the seed is what an attacker lacks.
    fn draw(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bounded_and_consistent(keys in proptest::collection::vec((0u64..64, any::<bool>()), 0..400)) {
            let mut table: Table<u32> = Table::new(16, 1_000, 3);
            for (time_us, (key, remove)) in keys.into_iter().enumerate() {
                if remove { table.remove(key) } else { *table.entry(key, time_us as i64, |&n| n) += 1 }
                prop_assert!(table.len() <= 16);
                prop_assert_eq!(table.get(key).is_none(), remove);
            }
            let text = serde_json::to_string(&table).unwrap();
            let mut again: Table<u32> = serde_json::from_str(&text).unwrap();
            for key in 0..64 {
                prop_assert_eq!(again.get(key), table.get(key));
            }
            // The same draws after a checkpoint: replay gives the same evictions.
            for key in 100..200 {
                again.entry(key, 1_000, |&n| n);
                table.entry(key, 1_000, |&n| n);
            }
            for key in 0..200 {
                prop_assert_eq!(again.get(key), table.get(key));
            }
        }
    }
}
