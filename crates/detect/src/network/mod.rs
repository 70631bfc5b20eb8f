//! The network: who looks for doors, who calls home, who hides in names, who carries data out.

use event::finding::Reason;
use serde::{Deserialize, Serialize};

use crate::Spec;

pub mod beacon;
pub mod dga;
pub mod dns_tunnel;
pub mod exfiltration;
pub mod scan;

pub const ALL: &[&Spec] = &[&scan::SPEC, &beacon::SPEC, &dga::SPEC, &dns_tunnel::SPEC, &exfiltration::SPEC];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub scan: scan::Config,
    pub beacon: beacon::Config,
    pub dga: dga::Config,
    pub dns_tunnel: dns_tunnel::Config,
    pub exfiltration: exfiltration::Config,
}

/// The part of a name that somebody registered, and what stands before it: `("example.co.uk", "a.b")`.
pub(crate) fn registrable(name: &str) -> Option<(&str, &str)> {
    let name = name.trim_end_matches('.');
    if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b':') {
        return None;
    }
    let domain = std::str::from_utf8(psl::domain(name.as_bytes())?.as_bytes()).ok()?;
    let before = name.len() - domain.len();
    Some((&name[before..], name[..before].trim_end_matches('.')))
}

fn reason(code: &str, text: String, usual: &str, now: String, push: f64) -> Reason {
    Reason { code: code.into(), text, usual: usual.to_owned(), now, push: push as f32 }
}

/// Middle value; sorts in place. 0 when there is none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share * last as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    sorted[low] + (sorted[(low + 1).min(last)] - sorted[low]) * part
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = values.collect();
    all.sort_by(f64::total_cmp);
    all
}

/// Median, and the median distance from it as a share of it.
fn spread(values: &[f64]) -> (f64, f64) {
    let all = sorted(values.iter().copied());
    let median = quantile(&all, 0.5);
    let away = sorted(all.iter().map(|v| (v - median).abs()));
    (median, quantile(&away, 0.5) / median.max(1e-9))
}

/// `1.5 MB`
fn bytes_shown(bytes: f64) -> String {
    match bytes {
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.1} MB", b / 1e6),
        b if b >= 1e3 => format!("{:.1} kB", b / 1e3),
        b => format!("{b:.0} B"),
    }
}

/// `1 min`, `2.0 h`
fn time_shown(seconds: f64) -> String {
    match seconds {
        s if s >= 7_200.0 => format!("{:.1} h", s / 3_600.0),
        s if s >= 120.0 => format!("{:.1} min", s / 60.0),
        s => format!("{s:.1} s"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::IpAddr;

    use event::{Body, Bytes, Dns, Event, Meta, Network, Time, Uid};

    use super::*;

    const T0_S: f64 = 1_700_006_400.0;

    fn event(number: u64, at_s: f64, body: Body) -> Event {
        let time = Time::from_us(((T0_S + at_s) * 1e6) as i64);
        let meta = Meta { uid: Uid::of_record("t", number), time, record: number, ..Meta::default() };
        Event::new(meta, body, Bytes::default())
    }

    /// A flow that was answered.
    pub(crate) fn flow(number: u64, at_s: f64, client: &str, server: &str, port: u16, out: u64, back: u64) -> Event {
        let ip = |text: &str| -> Option<IpAddr> { text.parse().ok() };
        let network = Network {
            client: ip(client),
            server: ip(server),
            server_port: port,
            transport: "tcp".into(),
            bytes_out: out,
            bytes_in: back,
            packets_out: 5,
            packets_in: 5,
            state: "closed".into(),
            ..Network::default()
        };
        event(number, at_s, Body::Network(Box::new(network)))
    }

    pub(crate) fn change(mut event: Event, with: impl FnOnce(&mut Network)) -> Event {
        if let Body::Network(network) = &mut event.body {
            with(network);
        }
        event
    }

    pub(crate) fn dns(number: u64, at_s: f64, client: &str, name: &str, kind: &str, rcode: &str, answer: &str) -> Event {
        let answers = (!answer.is_empty()).then(|| event::dns::Answer { kind: kind.into(), data: answer.to_owned(), ttl_s: 60 });
        let dns = Dns {
            client: client.parse().ok(),
            name: name.to_owned(),
            kind: kind.into(),
            rcode: rcode.into(),
            answers: answers.into_iter().collect(),
            ..Dns::default()
        };
        event(number, at_s, Body::Dns(Box::new(dns)))
    }

    /// Repeatable numbers 0..1.
    pub(crate) struct Dice(pub(crate) u64);

    impl Dice {
        pub(crate) fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            (crate::state::mix(self.0) >> 11) as f64 / (1u64 << 53) as f64
        }

        pub(crate) fn below(&mut self, n: usize) -> usize {
            (self.next() * n as f64) as usize
        }
    }

    #[test]
    fn the_registered_part_of_a_name() {
        assert_eq!(registrable("a.b.example.co.uk"), Some(("example.co.uk", "a.b")));
        assert_eq!(registrable("example.com."), Some(("example.com", "")));
        assert_eq!(registrable("192.0.2.1"), None);
        assert_eq!(registrable("com"), None);
    }
}
