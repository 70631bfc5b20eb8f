//! Packet filter (D3FEND D3-NTF, network traffic filtering): sets of addresses in a table of our own, `inet bartizan`.
//!
//! Table, sets and chains are made once at start; afterwards only elements of our sets change, each change as one transaction. An element
//! has a timeout in the kernel, so that a dead process leaves no block behind. Nothing of another owner is read or touched. What an earlier run
//! left is emptied at start, and the desk puts back what the log says is in force. `nft` runs as a child process with fixed arguments; its
//! script holds nothing but our own words and addresses that were parsed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use event::response::Mode;
use event::{Response, Text, Time};

use crate::Action;

/// Elements that each set may hold; the kernel refuses more.
const ELEMENTS_MAX: usize = 65_536;
/// A longer timeout is no block that ends.
const TIMEOUT_S_MAX: i64 = 90 * 86_400;
/// `nft` answers in milliseconds; one that does not is ended.
const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Which filter, and whom it may meet although it is near.
#[derive(Clone, Debug, Default)]
pub struct NftablesConfig {
    /// Network namespace to work in; the program's own when empty.
    pub namespace: String,
    /// Private addresses that may be blocked all the same.
    pub named: BTreeSet<IpAddr>,
}

/// Enforcement point `nftables`.
pub struct Nftables {
    config: NftablesConfig,
    /// What this run put in force: address, mode, end.
    held: BTreeMap<Text, (IpAddr, Mode, Time)>,
}

impl Nftables {
    pub const POINT: &'static str = "nftables";

    /// Makes table, sets and chains where they are not there, and empties the sets.
    pub fn open(config: NftablesConfig) -> Result<Nftables, String> {
        let made = Nftables { config, held: BTreeMap::new() };
        let mut script = String::from("add table inet bartizan\n");
        for (family, kind) in [("4", "ipv4_addr"), ("6", "ipv6_addr")] {
            for set in ["blocked", "watched"] {
                script.push_str(&format!(
                    "add set inet bartizan {set}{family} {{ type {kind}; flags timeout; size {ELEMENTS_MAX}; counter; }}\n\
                     flush set inet bartizan {set}{family}\n"
                ));
            }
        }
        for hook in ["input", "forward"] {
            script.push_str(&format!(
                "add chain inet bartizan {hook} {{ type filter hook {hook} priority -10; policy accept; }}\n\
                 flush chain inet bartizan {hook}\n\
                 add rule inet bartizan {hook} ip saddr @watched4 counter\n\
                 add rule inet bartizan {hook} ip6 saddr @watched6 counter\n\
                 add rule inet bartizan {hook} ip saddr @blocked4 counter drop\n\
                 add rule inet bartizan {hook} ip6 saddr @blocked6 counter drop\n"
            ));
        }
        made.nft(&script)?;
        Ok(made)
    }

    /// Takes the whole table away: for the end of the platform on this machine.
    pub fn remove_table(&self) -> Result<(), String> {
        // Adding first makes the removal of what is not there no error.
        self.nft("add table inet bartizan\ndelete table inet bartizan\n").map(|_| ())
    }

    /// Whom this filter must not meet, whatever was planned.
    fn never(&self, ip: IpAddr) -> Option<&'static str> {
        let near = match ip {
            IpAddr::V4(v4) => v4.is_private(),
            IpAddr::V6(v6) => v6.is_unique_local(),
        };
        match ip {
            _ if ip.is_loopback() => Some("it is this machine"),
            _ if ip.is_unspecified() || ip.is_multicast() => Some("it is no machine's address"),
            IpAddr::V4(v4) if v4.is_link_local() || v4.is_broadcast() => Some("it is link-local"),
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("it is link-local"),
            _ if gateways().contains(&ip) => Some("it is the default gateway"),
            _ if near && !self.config.named.contains(&ip) => Some("it is a private address that was not named"),
            _ => None,
        }
    }

    fn nft(&self, script: &str) -> Result<String, String> {
        run(&self.config.namespace, &["-f", "-"], script)
    }

    /// The end that other responses ask for the same address in the same mode.
    fn others(&self, response: &Response, ip: IpAddr) -> Option<Time> {
        let same = self.held.iter().filter(|(uid, held)| **uid != response.uid && held.0 == ip && held.1 == response.mode);
        same.map(|(_, held)| held.2).max()
    }

    fn holds(&self, response: &Response, ip: IpAddr) -> bool {
        let element = format!("{{ {ip} }}");
        run(&self.config.namespace, &["get", "element", "inet", "bartizan", &set(response.mode, ip), &element], "").is_ok()
    }
}

/// `blocked4`, ..
fn set(mode: Mode, ip: IpAddr) -> String {
    let word = if mode == Mode::Enforce { "blocked" } else { "watched" };
    format!("{word}{}", if ip.is_ipv4() { 4 } else { 6 })
}

/// Replaces the element, whether it is there or not, in one transaction.
fn put(set: &str, ip: IpAddr, for_s: i64) -> String {
    let for_s = for_s.clamp(1, TIMEOUT_S_MAX);
    format!("{}add element inet bartizan {set} {{ {ip} timeout {for_s}s }}\n", take(set, ip))
}

/// Adding first makes the removal of what is not there no error.
fn take(set: &str, ip: IpAddr) -> String {
    format!("add element inet bartizan {set} {{ {ip} timeout 1s }}\ndelete element inet bartizan {set} {{ {ip} }}\n")
}

fn target(response: &Response) -> Result<IpAddr, String> {
    response
        .target
        .ip()
        .map(|ip| ip.to_canonical())
        .ok_or_else(|| format!("{} is no address: the packet filter knows only those", response.target.name))
}

impl Action for Nftables {
    fn name(&self) -> &'static str {
        Nftables::POINT
    }

    fn refuses(&self, response: &Response) -> Option<String> {
        match target(response) {
            Ok(ip) => self.never(ip).map(|why| format!("{ip} is never filtered: {why}")),
            Err(why) => Some(why),
        }
    }

    fn apply(&mut self, response: &Response, now: Time) -> Result<Vec<Text>, String> {
        if let Some(why) = self.refuses(response) {
            return Err(why);
        }
        let ip = target(response)?;
        let until = self.others(response, ip).map_or(response.until, |other| other.max(response.until));
        self.nft(&put(&set(response.mode, ip), ip, until.since_s(now).ceil() as i64))?;
        self.held.insert(response.uid.clone(), (ip, response.mode, response.until));
        Ok(vec![Text::const_new(Nftables::POINT)])
    }

    fn undo(&mut self, response: &Response) -> Result<(), String> {
        let ip = target(response)?;
        let set = set(response.mode, ip);
        let script = match self.others(response, ip) {
            None => take(&set, ip),
            Some(until) => {
                let now_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
                put(&set, ip, until.since_s(Time::from_us(now_us)).ceil() as i64)
            }
        };
        self.nft(&script)?;
        self.held.remove(&response.uid);
        Ok(())
    }

    fn probe(&self, response: &Response) -> bool {
        target(response).is_ok_and(|ip| self.held.contains_key(&response.uid) && self.holds(response, ip))
    }

    fn hits(&self, response: &Response) -> u64 {
        let Ok(ip) = target(response) else { return 0 };
        let element = format!("{{ {ip} }}");
        let set = set(response.mode, ip);
        let said = run(&self.config.namespace, &["get", "element", "inet", "bartizan", &set, &element], "").unwrap_or_default();
        let after = said.split_once("counter packets ").map_or("", |(_, rest)| rest);
        after.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    fn undone_words(&self) -> &'static str {
        "let through again"
    }
}

/// Default gateways of this machine; without them it could not be reached.
fn gateways() -> Vec<IpAddr> {
    let four = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    let six = std::fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let mut all = Vec::new();
    for line in four.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [_, "00000000", gateway, ..] = fields.as_slice()
            && let Ok(address) = u32::from_str_radix(gateway, 16)
        {
            // The kernel prints the number as it lies in memory.
            all.push(IpAddr::from(address.to_ne_bytes()));
        }
    }
    for line in six.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [to, "00", _, _, next, ..] = fields.as_slice()
            && to.bytes().all(|b| b == b'0')
            && let Ok(address) = u128::from_str_radix(next, 16)
        {
            all.push(IpAddr::from(address.to_be_bytes()));
        }
    }
    all.retain(|ip| !ip.is_unspecified());
    all
}

fn run(namespace: &str, arguments: &[&str], script: &str) -> Result<String, String> {
    let mut command = if namespace.is_empty() {
        Command::new("nft")
    } else {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", namespace, "nft"]);
        inside
    };
    command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("nft cannot be started: {e}"))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(script.as_bytes()).map_err(|e| format!("nft does not read: {e}"))?;
    }
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(2)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err("nft did not answer within 5 s".to_owned());
            }
            Err(e) => return Err(format!("nft was lost: {e}")),
        }
    };
    let mut said = String::new();
    let read = |from: Option<&mut dyn std::io::Read>, into: &mut String| {
        from.map(|from| from.take(ANSWER_BYTES_MAX).read_to_string(into));
    };
    if status.success() {
        read(child.stdout.as_mut().map(|o| o as &mut dyn std::io::Read), &mut said);
        return Ok(said);
    }
    read(child.stderr.as_mut().map(|o| o as &mut dyn std::io::Read), &mut said);
    Err(format!("nft refused: {}", said.lines().next().unwrap_or_default().trim()))
}
