//! Token buckets for decisions to limit, and the number of open connections per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use event::{Entity, Time};

use crate::Limits;

/// The oldest goes beyond this many; only entities with a decision to limit get here.
pub const BUCKETS_MAX: usize = 100_000;

#[derive(Default)]
pub(crate) struct Buckets(Mutex<HashMap<Entity, Bucket>>);

struct Bucket {
    tokens: f64,
    at: Time,
}

impl Buckets {
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// True when this request is within the entity's rate.
    pub(crate) fn take(&self, entity: &Entity, now: Time, limits: &Limits) -> bool {
        let rate_per_s = f64::from(limits.limit_rate_per_s);
        let full = f64::from(limits.limit_burst.max(1));
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(entity) {
            buckets.retain(|_, b| b.tokens + now.since_s(b.at).max(0.0) * rate_per_s < full);
            if buckets.len() >= BUCKETS_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(entity.clone()).or_insert(Bucket { tokens: full, at: now });
        bucket.tokens = (bucket.tokens + now.since_s(bucket.at).max(0.0) * rate_per_s).min(full);
        bucket.at = now;
        let within = bucket.tokens >= 1.0;
        if within {
            bucket.tokens -= 1.0;
        }
        within
    }
}

#[derive(Default)]
pub(crate) struct Addresses(Mutex<HashMap<IpAddr, u32>>);

impl Addresses {
    /// False when the address has `max` already.
    pub(crate) fn enter(&self, address: IpAddr, max: u32) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        let free = *count < max;
        if free {
            *count += 1;
        }
        free
    }

    pub(crate) fn leave(&self, address: IpAddr) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refills_with_time() {
        let buckets = Buckets::default();
        let limits = Limits { limit_rate_per_s: 2, limit_burst: 3, ..Limits::default() };
        let entity = Entity::address([192, 0, 2, 1].into());
        let passed = |us: i64| (0..10).filter(|_| buckets.take(&entity, Time::from_us(us), &limits)).count();
        assert_eq!(passed(0), 3);
        assert_eq!(passed(1_000_000), 2);
        assert_eq!(passed(60_000_000), 3);
        assert_eq!(passed(0), 0, "a clock that steps back gives nothing");
    }

    #[test]
    fn addresses_are_counted_apart() {
        let addresses = Addresses::default();
        let (a, b) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        assert!(addresses.enter(a, 1) && !addresses.enter(a, 1) && addresses.enter(b, 1));
        addresses.leave(a);
        assert!(addresses.enter(a, 1));
    }
}
