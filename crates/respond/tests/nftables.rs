//! The packet filter in a network namespace of its own: blocked addresses cannot connect, undo and the end let them in again, rules of others
//! stay. Says "skipped" without `nft`, `ip` or where the kernel gives no network namespace.
#![allow(clippy::print_stderr)]

use std::process::{Command, Output};

use event::decision::Disposition;
use event::response::{Mode, Phase};
use event::{Entity, Response, Time};
use respond::{Action as _, Nftables, NftablesConfig};

fn ip(arguments: &str) -> Option<Output> {
    Command::new("ip").args(arguments.split(' ')).output().ok().filter(|o| o.status.success())
}

/// Two namespaces joined by a pair of links: `server` holds the filter.
struct Net {
    server: String,
    client: String,
}

impl Net {
    fn new() -> Option<Net> {
        let id = std::process::id();
        let net = Net { server: format!("bzt-s{id}"), client: format!("bzt-c{id}") };
        let (server, client) = (&net.server, &net.client);
        Command::new("nft").arg("--version").output().ok()?;
        ip(&format!("netns add {server}"))?;
        ip(&format!("netns add {client}"))?;
        ip(&format!("link add veth-s{id} netns {server} type veth peer name veth-c{id} netns {client}"))?;
        ip(&format!("-n {server} addr add 198.51.100.1/24 dev veth-s{id}"))?;
        ip(&format!("-n {client} addr add 198.51.100.2/24 dev veth-c{id}"))?;
        ip(&format!("-n {client} addr add 198.51.100.3/24 dev veth-c{id}"))?;
        ip(&format!("-n {server} link set veth-s{id} up"))?;
        ip(&format!("-n {client} link set veth-c{id} up"))?;
        Some(net)
    }

    fn nft(&self, script: &str) -> String {
        let arguments: Vec<&str> = ["netns", "exec", &self.server, "nft"].into_iter().chain(script.split(' ')).collect();
        let output = Command::new("ip").args(arguments).output().expect("nft runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The server answers this address of the client within a second: with a refusal of the port, since nobody listens, or not at all.
    fn reaches(&self, from: &str) -> bool {
        let Net { client, .. } = self;
        let id = std::process::id();
        ip(&format!("-n {client} route replace 198.51.100.1/32 dev veth-c{id} src {from}")).expect("a route");
        let connect = ["netns", "exec", client, "timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/198.51.100.1/9"];
        let output = Command::new("ip").args(connect).output().expect("bash runs");
        // 124: `timeout` ended it.
        output.status.code() != Some(124)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.server));
        ip(&format!("netns del {}", self.client));
    }
}

fn block(uid: &str, address: &str, mode: Mode, now: Time, for_s: i64) -> Response {
    Response {
        uid: uid.into(),
        key: uid.into(),
        incident: "INC-1".into(),
        action: "nftables".into(),
        target: Entity::address(address.parse().expect("an address")),
        disposition: Disposition::Block,
        mode,
        analytic: "network.scan".into(),
        by: "test".into(),
        reason: "test".into(),
        requested: now,
        until: now.plus_s(for_s),
        phase: Phase::Requested,
        inverse: "remove the element".into(),
        sha256: event::Text::default(),
    }
}

#[test]
fn blocks_end_and_others_rules_stay() {
    let Some(net) = Net::new() else {
        eprintln!("skipped: no network namespace (nft, ip, and the right to make one)");
        return;
    };
    net.nft("add table inet other");
    net.nft("add set inet other kept { type ipv4_addr ; elements = { 192.0.2.77 } ; }");
    let theirs = net.nft("list table inet other");
    assert!(theirs.contains("192.0.2.77"));
    let config = NftablesConfig { namespace: net.server.clone(), ..NftablesConfig::default() };
    let mut filter = Nftables::open(config.clone()).expect("table");
    let now_s = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    let now = Time::from_s(now_s as i64);
    assert!(net.reaches("198.51.100.2") && net.reaches("198.51.100.3"), "before anything is blocked");

    let first = block("R-1", "198.51.100.2", Mode::Enforce, now, 600);
    let second = block("R-2", "198.51.100.2", Mode::Enforce, now, 900);
    filter.apply(&first, now).expect("applied");
    filter.apply(&first, now).expect("applied twice is applied once");
    filter.apply(&second, now).expect("applied");
    assert!(filter.probe(&first) && filter.probe(&second));
    assert!(!net.reaches("198.51.100.2") && net.reaches("198.51.100.3"));
    assert!(filter.hits(&first) > 0);
    filter.undo(&second).expect("undone");
    assert!(filter.probe(&first) && !filter.probe(&second), "the other response stays");
    filter.undo(&first).expect("undone");
    filter.undo(&first).expect("undoing nothing changes nothing");
    assert!(!filter.probe(&first) && net.reaches("198.51.100.2"));

    // Monitor mode counts and lets through.
    let watched = block("R-3", "198.51.100.3", Mode::Monitor, now, 600);
    filter.apply(&watched, now).expect("applied");
    assert!(net.reaches("198.51.100.3") && filter.hits(&watched) > 0);

    // The kernel ends it by itself, with nobody there to take it out.
    let short = block("R-4", "198.51.100.2", Mode::Enforce, now, 1);
    let six = block("R-5", "2001:db8::9", Mode::Enforce, now, 600);
    filter.apply(&six, now).expect("applied");
    filter.apply(&short, now).expect("applied");
    assert!(filter.probe(&short) && filter.probe(&six));
    std::thread::sleep(std::time::Duration::from_millis(1_300));
    assert!(!filter.probe(&short) && filter.probe(&six) && net.reaches("198.51.100.2"));

    // What an earlier run left is emptied; what the log says is put back by the desk.
    let mut again = Nftables::open(config).expect("table");
    assert!(!net.nft("list table inet bartizan").contains("2001:db8::9"));
    again.apply(&six, now).expect("applied");
    assert!(net.nft("list table inet bartizan").contains("2001:db8::9"));

    for near in ["127.0.0.1", "10.0.0.1", "169.254.0.9", "::1", "fe80::1", "fd00::1", "224.0.0.1", "0.0.0.0"] {
        assert!(again.apply(&block("R-9", near, Mode::Enforce, now, 60), now).is_err(), "{near}");
    }
    assert_eq!(net.nft("list table inet other"), theirs, "tables of others are as they were");
    again.remove_table().expect("removed");
    assert!(!net.nft("list tables").contains("bartizan"));
}
