//! Layer 1: how much more likely what is seen is for somebody else than for the account's owner, as log ratios that add up.
//!
//! Method:     Freeman, Jain, Dürmuth, Biggio, Giacinto, "Who Are You? A Statistical Approach to Measuring User Authenticity", NDSS 2016.
//!             Instead of one smoothing for all, each user's own rate of being that far from home backs off to everybody's.

/// Log ratios of one sign-in, > 0 speaks against the owner. NaN where the event does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Address, backed off to country.
    pub place: f32,
    /// Agent string, backed off to system.
    pub agent: f32,
    /// Hour of the day, weekends apart.
    pub hour: f32,
    /// Device cookie.
    pub device: f32,
    /// Round trip.
    pub trip: f32,
}

/// Weight of everybody against a user's own counts.
const PRIOR: f32 = 3.0;

impl Ratio {
    /// The sum of what is known: the score of layer 1.
    pub fn sum(&self) -> f32 {
        [self.place, self.agent, self.hour, self.device, self.trip].into_iter().filter(|part| part.is_finite()).sum()
    }
}

/// Share of `at` among the user's counts, backed off to everybody's.
pub(crate) fn depth_share(own: &[f32], all: &[f32], at: u8) -> f32 {
    let at = usize::from(at);
    let all_share = all[at] / all.iter().sum::<f32>().max(1e-6);
    (own[at] + PRIOR * all_share) / (own.iter().sum::<f32>() + PRIOR)
}

/// Share of `at` or further among the user's counts, backed off to everybody's.
pub(crate) fn depth_tail(own: &[f32], all: &[f32], at: u8) -> f32 {
    (at..own.len() as u8).map(|depth| depth_share(own, all, depth)).sum::<f32>().clamp(1e-6, 1.0)
}

/// ln(elsewhere / (depth x share)), kept where one sign cannot outweigh all others.
pub(crate) fn log_ratio(elsewhere: f32, depth: f32, share: f32) -> f32 {
    (elsewhere.max(1e-6).ln() - depth.max(1e-6).ln() - share.max(1e-4).ln()).clamp(-8.0, 7.0)
}

/// Hours: the user's own, smoothed over two hours on both sides and a little over the other part of the week, against any hour.
pub(crate) fn hour(weight: impl Fn(u32) -> f32, slot: u32, total: f32) -> f32 {
    const KERNEL: [(i32, f32); 5] = [(-2, 0.5), (-1, 0.8), (0, 1.0), (1, 0.8), (2, 0.5)];
    const SPREAD: f32 = 3.6;
    let (part, at) = ((slot - 1) / 24, (slot - 1) % 24);
    let around = |part: u32| KERNEL.iter().map(|(d, k)| k * weight(1 + part * 24 + (at as i32 + d).rem_euclid(24) as u32)).sum::<f32>();
    let own = (around(part) + 0.3 * around(1 - part)) / SPREAD;
    let share = (own + PRIOR / 24.0) / (total + PRIOR);
    ((1.0 / 24.0) / share).ln().clamp(-2.5, 2.5)
}

/// Probability that it is not the owner, by layer 1 alone.
pub fn probability(features: &super::Features) -> f64 {
    1.0 / (1.0 + (-logit(features)).exp())
}

/// Log odds of layer 1 alone. Slope and offset are assumptions, not fits: a sum of parts that are not independent counts for less than its
/// size, and one sign-in in fifty is taken to be somebody else's before anything is known.
pub fn logit(features: &super::Features) -> f64 {
    const SLOPE: f64 = 0.8;
    const OFFSET: f64 = -4.0;
    f64::from(features.layer1()) * SLOPE + OFFSET
}

/// What a sign-in counts less for until it is confirmed: whichever model decides, training and use see the same memory.
pub fn doubt(features: &super::Features) -> f32 {
    probability(features) as f32
}
