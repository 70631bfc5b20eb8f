//! Our own sign-ins: people with homes, offices, telephones and journeys, and those who are after their accounts.
//!
//! Modelled: addresses and devices that change at each user's own pace, shared office and carrier addresses, VPN users, journeys, browser
//! releases and late updates, second browsers, cleared cookies, errors and resets, machines, newcomers, hours and weekdays; attackers
//! naive, VPN and targeted; stuffing and spraying campaigns fast and slow; stolen sessions. Not modelled: families that share one account,
//! address reuse between providers, real geography, seasons.
//!
//! Same seed, same rows. Addresses are of 240.0.0.0/4, users of example.org: nobody's. Distributions: `logins.json`.

mod attack;
mod people;
mod world;

use event::authentication::{Action, Outcome};
use event::{Authentication, Time};
use serde::Deserialize;

use super::Random;
pub use attack::Kind;

/// What to make.
#[derive(Clone, Debug)]
pub struct Config {
    /// Same seed, same rows.
    pub seed: u64,
    /// Accounts.
    pub users: usize,
    /// Days of time.
    pub days: u32,
    /// `home`, `roaming` or `office`: how people live.
    pub mix: String,
    /// Attackers per hundred accounts, of each model; and stolen sessions.
    pub attacks_per_100: f64,
    /// Stuffing and spraying campaigns.
    pub campaigns: usize,
    /// Without device cookie and round trip.
    pub plain: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { seed: 1, users: 1_000, days: 60, mix: "home".into(), attacks_per_100: 15.0, campaigns: 4, plain: false }
    }
}

/// How people live: one of the mixes of `logins.json`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Mix {
    static_home: f64,
    dynamic_home: f64,
    office: f64,
    office_users: usize,
    mobile: f64,
    mobile_share: f64,
    vpn_users: f64,
    trips_per_year: f64,
    devices: f64,
    new_device_per_year: f64,
    cookie_kept: f64,
    mistype: f64,
    reset: f64,
    machines: f64,
    foreign: f64,
    second_browser: f64,
    move_per_year: f64,
}

#[derive(Deserialize)]
struct Data {
    mixes: std::collections::BTreeMap<String, Mix>,
    countries: Vec<(String, f64)>,
    desktop: Vec<(String, String, f64)>,
    phone: Vec<(String, String, f64)>,
}

/// One sign-in or use of a session, with the truth about it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Name of the row.
    pub id: String,
    /// Seconds since 1970.
    pub time_s: i64,
    /// Account.
    pub user: String,
    /// Client.
    pub address: u32,
    /// Two letters.
    pub country: [u8; 2],
    /// Autonomous system.
    pub network: u32,
    /// Town, made up.
    pub city: String,
    /// As sent.
    pub agent: String,
    /// `desktop`, `mobile`, `tool`
    pub device_type: &'static str,
    /// Device cookie.
    pub device: String,
    /// Round trip.
    pub trip_ms: f32,
    /// Session.
    pub session: String,
    /// What is done.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// Who it was.
    pub kind: Kind,
    /// Number of the campaign, 0 for none.
    pub campaign: u32,
}

impl Row {
    /// The row as the event that a decoder makes of it.
    pub fn event(&self) -> (Authentication, Time) {
        let auth = Authentication {
            action: self.action,
            outcome: self.outcome,
            user: self.user.as_str().into(),
            client: Some(std::net::Ipv4Addr::from(self.address).into()),
            session: self.session.as_str().into(),
            device: self.device.as_str().into(),
            user_agent: self.agent.clone(),
            country: String::from_utf8_lossy(&self.country).as_ref().into(),
            asn: Some(self.network),
            rtt_ms: (self.trip_ms >= 0.0).then_some(self.trip_ms),
            repeats: 1,
            id: self.id.as_str().into(),
            ..Authentication::default()
        };
        (auth, Time::from_s(self.time_s))
    }

    /// One line of the format `json`, without line end.
    pub fn to_json(&self) -> String {
        let mut object = serde_json::json!({
            "time": Time::from_s(self.time_s).to_string(), "user": self.user, "src_ip": std::net::Ipv4Addr::from(self.address).to_string(),
            "result": self.outcome.word(), "action": self.action.word(), "id": self.id, "user_agent": self.agent,
            "country": String::from_utf8_lossy(&self.country), "asn": self.network, "city": self.city, "device_type": self.device_type,
        });
        for (name, value) in [("session", &self.session), ("device", &self.device)] {
            if !value.is_empty() {
                object[name] = value.as_str().into();
            }
        }
        if self.trip_ms >= 0.0 {
            object["rtt_ms"] = ((self.trip_ms * 10.0).round() / 10.0).into();
        }
        object.to_string()
    }

    /// One line of the truth, for rows that are not by the account's owner.
    pub fn truth(&self) -> Option<String> {
        let owner = self.kind == Kind::Owner;
        (!owner).then(|| serde_json::json!({"id": self.id, "kind": self.kind.word(), "campaign": self.campaign}).to_string())
    }
}

/// 2025-09-01, a Monday.
pub(crate) const START_S: i64 = 1_756_684_800;
pub(crate) const DAY_S: i64 = 86_400;

/// Names of the mixes.
pub fn mixes() -> Vec<String> {
    data().mixes.into_keys().collect()
}

fn data() -> Data {
    serde_json::from_str(include_str!("logins.json")).expect("invariant: a test reads the file")
}

/// All rows by time; `None` for an unknown mix.
pub fn logins(config: &Config) -> Option<Vec<Row>> {
    let data = data();
    let mix = data.mixes.get(&config.mix)?.clone();
    let mut random = Random::new(config.seed ^ 0x6c6f_6769_6e73);
    let world = world::World::new(&data, &mix, config.users, &mut random);
    let (mut rows, people) = people::rows(&world, &data, &mix, config, &mut random);
    rows.sort_by(|a, b| (a.time_s, &a.user).cmp(&(b.time_s, &b.user)));
    let attacks = attack::rows(&world, &data, &people, &rows, config, &mut random);
    rows.extend(attacks);
    rows.sort_by(|a, b| (a.time_s, &a.user, &a.session).cmp(&(b.time_s, &b.user, &b.session)));
    for (n, row) in rows.iter_mut().enumerate() {
        row.id = format!("l{}", n + 1);
        if config.plain {
            row.device.clear();
            row.trip_ms = -1.0;
        }
    }
    Some(rows)
}

impl Random {
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Exponential with this mean.
    pub(crate) fn wait(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// About normal: mean 0, deviation 1 (Irwin-Hall of twelve).
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Position of one of several weights.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.unit() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (n, weight) in weights.enumerate() {
            last = n;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_rows_and_every_kind_is_there() {
        let config = Config { users: 150, days: 25, ..Config::default() };
        let rows = logins(&config).expect("a known mix");
        let again = logins(&config).expect("a known mix");
        assert!(rows.iter().zip(&again).all(|(a, b)| a.to_json() == b.to_json()) && rows.len() == again.len());
        assert!(rows.windows(2).all(|pair| pair[0].time_s <= pair[1].time_s));
        for kind in Kind::ALL {
            assert!(rows.iter().any(|row| row.kind == *kind), "{}", kind.word());
        }
        let other = logins(&Config { seed: 2, ..config.clone() }).expect("a known mix");
        assert!(rows.iter().zip(&other).any(|(a, b)| a.to_json() != b.to_json()));
        assert!(logins(&Config { mix: "none".into(), ..config }).is_none());
        assert_eq!(mixes(), ["home", "office", "roaming"]);
    }
}
