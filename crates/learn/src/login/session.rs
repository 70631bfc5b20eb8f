//! A session as it was born, and how far from that its later uses are.

use serde::{Deserialize, Serialize};

use super::{Level, Look};

/// Where a session began, where it was used last, and how often it jumped.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Birth {
    born: Option<Look>,
    last: Option<Look>,
    /// Jumps between /24 networks, fading by half in 30 minutes.
    jumps: f32,
}

/// How far one use is from the session's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// 0 same address .. 4 same country, 5 elsewhere: the nearer of birth and last trusted use.
    pub place: u8,
    /// 0 same string, 1 newer version, 2 other version, 3 other program, 4 other system; `None` when the event does not say.
    pub agent: Option<u8>,
    /// The device cookie is another one.
    pub device: Option<bool>,
    /// The TLS fingerprint is another one.
    pub ja4: Option<bool>,
    /// Jumps between networks of the last half hour, this one included.
    pub jumps: f32,
    /// The session belongs to another account.
    pub other_user: bool,
    /// Minutes since birth.
    pub age_min: f32,
}

impl Birth {
    /// A session of this look begins.
    pub fn begin(look: &Look) -> Birth {
        Birth { born: Some(*look), last: Some(*look), jumps: 0.0 }
    }

    /// `None` when its birth was not seen.
    pub fn drift(&self, look: &Look) -> Option<Drift> {
        let (born, last) = (self.born.as_ref()?, self.last.as_ref()?);
        let differ = |a: u32, b: u32| (a != 0 && b != 0).then_some(a != b);
        Some(Drift {
            place: place_depth(born, look).min(place_depth(last, look)),
            agent: agent_step(born, look),
            device: differ(born.key(Level::Device), look.key(Level::Device)),
            ja4: differ(born.ja4, look.ja4),
            jumps: self.jumps_now(look) + if place_depth(last, look) >= 2 { 1.0 } else { 0.0 },
            other_user: born.user != look.user,
            age_min: look.minute.saturating_sub(born.minute).max(0) as f32,
        })
    }

    fn jumps_now(&self, look: &Look) -> f32 {
        self.last.map_or(0.0, |last| super::history::faded(self.jumps, last.minute, look.minute, 30.0))
    }

    /// The session was used; `trusted` when nothing was odd about it.
    pub fn used(&mut self, look: &Look, trusted: bool) {
        let Some(last) = self.last else {
            *self = Birth::begin(look);
            return;
        };
        self.jumps = self.jumps_now(look) + if place_depth(&last, look) >= 2 { 1.0 } else { 0.0 };
        if trusted {
            self.last = Some(*look);
        } else if let Some(last) = &mut self.last {
            last.minute = last.minute.max(look.minute);
        }
    }
}

/// First level, from fine to coarse, at which both are the same; 5 when none is.
pub(crate) fn place_depth(a: &Look, b: &Look) -> u8 {
    let levels = [Level::Address, Level::Near, Level::Wide, Level::Network, Level::Country];
    levels.iter().position(|l| a.key(*l) != 0 && a.key(*l) == b.key(*l)).unwrap_or(levels.len()) as u8
}

fn agent_step(a: &Look, b: &Look) -> Option<u8> {
    if a.key(Level::Agent) == 0 || b.key(Level::Agent) == 0 {
        return None;
    }
    let same = |level: Level| a.key(level) == b.key(level);
    Some(match () {
        () if same(Level::Agent) => 0,
        () if same(Level::Browser) && b.major >= a.major => 1,
        () if same(Level::Browser) => 2,
        () if same(Level::System) => 3,
        () => 4,
    })
}
