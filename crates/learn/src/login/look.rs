//! One sign-in or use of a session, reduced to the keys that are compared.

use event::{Authentication, Time};
use serde::{Deserialize, Serialize};

use super::{Agent, LEVELS, Level, key, place};

/// Keys of one event; 0 where the event does not say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Key of the account.
    pub user: u64,
    /// Minutes since 1970.
    pub minute: i32,
    /// One key a level.
    pub keys: [u32; LEVELS],
    /// Major version of the browser, 0 when unknown.
    pub major: u16,
    /// Two capital letters, or zeros.
    pub country: [u8; 2],
    /// Autonomous system, 0 when unknown.
    pub network: u32,
    /// Round trip; negative when unknown.
    pub trip_ms: f32,
    /// The agent string is that of a program without a person.
    pub tool: bool,
    /// Key of the session, 0 without one.
    pub session: u32,
    /// Key of the TLS fingerprint, 0 without one.
    pub ja4: u32,
}

impl Look {
    /// `None` without an account or an address. `country` and `network` of the event win; a location file fills them in before.
    pub fn of(auth: &Authentication, time: Time) -> Option<Look> {
        let client = auth.client.filter(|_| !auth.user.is_empty())?;
        let [address, near, wide] = place::keys(client);
        let agent = Agent::parse(&auth.user_agent);
        let mut keys = [0; LEVELS];
        keys[Level::Address as usize] = address;
        keys[Level::Near as usize] = near;
        keys[Level::Wide as usize] = wide;
        keys[Level::Network as usize] = auth.asn.filter(|n| *n > 0).map_or(0, |n| key(&n.to_le_bytes()));
        let country: [u8; 2] = auth.country.as_bytes().try_into().unwrap_or_default();
        keys[Level::Country as usize] = if country == [0; 2] { 0 } else { key(&country) };
        if let Some(agent) = agent {
            keys[Level::Agent as usize] = key(auth.user_agent.as_bytes());
            keys[Level::Browser as usize] = agent.browser_key();
            keys[Level::System as usize] = agent.system_key();
        }
        let optional = |text: &str| if text.is_empty() { 0 } else { key(text.as_bytes()) };
        keys[Level::Hour as usize] = slot(time);
        keys[Level::Device as usize] = optional(&auth.device);
        let trip_ms = auth.rtt_ms.unwrap_or(-1.0);
        keys[Level::Trip as usize] = if trip_ms >= 0.0 { step(trip_ms) } else { 0 };
        Some(Look {
            user: user_key(&auth.user),
            minute: i32::try_from(time.s().div_euclid(60)).unwrap_or(0),
            keys,
            major: agent.map_or(0, |a| a.major),
            country,
            network: auth.asn.unwrap_or(0),
            trip_ms,
            tool: agent.is_some_and(|a| a.class == super::agent::Class::Tool),
            session: optional(&auth.session),
            ja4: optional(&auth.ja4),
        })
    }

    pub(crate) fn key(&self, level: Level) -> u32 {
        self.keys[level as usize]
    }
}

/// Key of an account.
pub(crate) fn user_key(user: &str) -> u64 {
    event::Entity::user(user).key()
}

/// 1..=24 on weekdays, 25..=48 on weekends.
fn slot(time: Time) -> u32 {
    let hours = time.s().div_euclid(3600);
    // 1970-01-01 was a Thursday.
    let weekend = (hours.div_euclid(24) + 3).rem_euclid(7) >= 5;
    1 + hours.rem_euclid(24) as u32 + if weekend { 24 } else { 0 }
}

/// Steps of a factor of 1.4, 1..=40.
fn step(ms: f32) -> u32 {
    1 + (((ms.max(1.0)).ln() / 1.4_f32.ln()) as u32).min(39)
}
