//! The office behind the shop, on the day before the demo starts: people sign in, workstations talk to the outside, mail arrives, and
//! somebody wrote down how the servers are set up. Each has one thing in it that should be found.

use event::Time;
use serde_json::{Value, json};

use super::dice::Dice;

const PEOPLE: u64 = 30;
const WORKSTATIONS: u64 = 24;

const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
];

/// A month of sign-ins as JSON. At the end a list of stolen passwords is tried from sixty addresses, and one of them fits.
pub fn sign_ins(dice: &mut Dice, now: Time) -> Vec<String> {
    let mut rows = Vec::new();
    for day in (1..=28).rev() {
        for n in 0..PEOPLE {
            let at = now.plus_s(-86_400 * day - dice.below(7_200) as i64);
            let home = format!("192.0.2.{}", 150 + n);
            let address = if day % 3 == 0 { "192.0.2.10" } else { home.as_str() };
            let known = json!({"user": format!("user{n}@example.org"), "src_ip": address, "user_agent": AGENTS[n as usize % AGENTS.len()],
                "device": format!("d{n:04x}"), "country": "DE", "asn": 64_496, "service": "sign-in"});
            if dice.below(16) == 0 {
                rows.push((at.plus_s(-20), with(&known, json!({"result": "failure", "reason": "password"}))));
            }
            rows.push((at, with(&known, json!({"result": "success", "session": format!("s{n}-{day}")}))));
        }
    }
    let begin = now.plus_s(-3 * 3_600);
    for n in 0..900 {
        let fits = n == 700;
        let user = if fits { "user11@example.org".to_owned() } else { format!("customer{n}@example.org") };
        let tried = json!({"user": user, "src_ip": format!("198.51.100.{}", 140 + n % 60), "user_agent": "python-requests/2.32", "country": "BR",
            "asn": 64_510, "service": "sign-in", "result": if fits { "success" } else { "failure" }});
        let end = if fits { json!({"session": "stolen"}) } else { json!({"reason": "password"}) };
        rows.push((begin.plus_s(3 * n), with(&tried, end)));
    }
    lines(rows, "time", |at| json!(at.to_string()))
}

/// Nine hours of connections of the workstations. One of them calls an address outside once a minute.
pub fn connections(dice: &mut Dice, now: Time) -> Vec<String> {
    let mut rows = Vec::new();
    for n in 0..WORKSTATIONS {
        let client = format!("10.20.0.{}", 100 + n);
        for hour in 1..=9 {
            for _ in 0..2 + dice.below(4) {
                let at = now.plus_s(-3_600 * hour + dice.below(3_600) as i64);
                let server = format!("198.51.100.{}", 20 + dice.below(60));
                rows.push((at, connection(dice, &client, &server, 900 + 40 * (at.s() as u64 % 200), 40_000)));
            }
        }
    }
    let mut at = now.plus_s(-6 * 3_600);
    while at < now.plus_s(-60) {
        let sent = 310 + dice.below(6);
        rows.push((at, connection(dice, "10.20.0.117", "203.0.113.50", sent, 190)));
        at = at.plus_s(55 + dice.below(10) as i64);
    }
    lines(rows, "ts", |at| json!(at.s() as f64))
}

fn connection(dice: &mut Dice, client: &str, server: &str, sent: u64, received: u64) -> Value {
    json!({"_path": "conn", "uid": format!("C{:x}", dice.below(u64::MAX)), "id.orig_h": client, "id.orig_p": 30_000 + dice.below(30_000),
        "id.resp_h": server, "id.resp_p": 443, "proto": "tcp", "service": "ssl", "duration": 0.4, "orig_bytes": sent, "resp_bytes": received,
        "conn_state": "SF", "orig_pkts": 6, "resp_pkts": 8})
}

/// Handed in by a person: it asks for a payment to a new account.
pub const MAIL: &str = include_str!("../../../../scenarios/a-payment-change-by-mail/new-bank-account.eml");

/// How the servers are set up: a bucket and a database that everybody reaches.
pub const INFRASTRUCTURE: &str = include_str!("../../../../scenarios/a-public-bucket/infra/main.tf");

fn with(known: &Value, more: Value) -> Value {
    let mut all = known.clone();
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}

fn lines(mut rows: Vec<(Time, Value)>, key: &str, shown: impl Fn(Time) -> Value) -> Vec<String> {
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(at, row)| with(&row, json!({ key: shown(at) })).to_string()).collect()
}
