//! Enforcement points of this process, and the addresses near it that none of them may meet.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use event::{Response, Time};
use incident::Never;
use respond::{Action, DecisionTable, Nftables, NftablesConfig, Quarantine};

use crate::cli::fail::Fail;
use crate::engine::Shared;

#[derive(Clone, Debug, Default)]
pub struct Points {
    /// The packet filter, when it was asked for.
    pub nftables: Option<NftablesConfig>,
    /// Files in quarantine lie below it.
    pub data_dir: PathBuf,
}

impl Points {
    /// One line an action. The packet filter is also opened when an earlier run left something in it.
    pub(crate) fn open(&self, shared: &Shared, left: &[Response], now: Time) -> Result<Vec<Box<dyn Action>>, Fail> {
        let mut actions: Vec<Box<dyn Action>> =
            vec![Box::new(DecisionTable::new(Arc::clone(&shared.decisions))), Box::new(Quarantine::new(&self.data_dir))];
        let filtered = left.iter().any(|r| r.action == Nftables::POINT && r.is_active(now));
        match (&self.nftables, filtered) {
            (Some(config), _) => actions.push(Box::new(Nftables::open(config.clone()).map_err(|why| {
                Fail::new("E0207", format!("cannot use the packet filter: {why}"))
                    .fix("install nftables, and run as root or with the capability CAP_NET_ADMIN")
            })?)),
            (None, true) => match Nftables::open(NftablesConfig::default()) {
                Ok(filter) => actions.push(Box::new(filter)),
                Err(why) => crate::cli::out::note(format!(
                    "blocks of an earlier run may be in the packet filter, where they end by themselves; undo cannot reach them: {why}"
                )),
            },
            (None, false) => {}
        }
        Ok(actions)
    }

    /// Whether what was asked for can be used, without using it.
    pub(crate) fn check(&self) -> Result<(), Fail> {
        if self.nftables.is_none() {
            return Ok(());
        }
        let asked = std::process::Command::new("nft").args(["list", "tables"]).stdin(std::process::Stdio::null()).output();
        let why = match asked {
            Ok(out) if out.status.success() => return Ok(()),
            Ok(out) => String::from_utf8_lossy(&out.stderr).lines().next().unwrap_or_default().to_owned(),
            Err(error) => error.to_string(),
        };
        Err(Fail::new("E0207", format!("cannot use the packet filter: {why}"))
            .fix("install nftables, and run as root or with the capability CAP_NET_ADMIN"))
    }

    pub(crate) fn planned(&self) -> incident::Points {
        incident::Points { nftables: self.nftables.is_some(), quarantine: true }
    }

    /// Adds what this machine and its operator need: own addresses, name servers, where the operator is signed in from.
    pub(crate) fn near(&self, mut never: Never) -> Never {
        for ip in own_addresses() {
            never.add_address(ip, "it is this machine");
        }
        let resolvers = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        for ip in resolvers.lines().filter_map(|line| line.strip_prefix("nameserver")).filter_map(|rest| rest.trim().parse().ok()) {
            never.add_address(ip, "it is a name server of this machine");
        }
        let from = std::env::var("SSH_CONNECTION").unwrap_or_default();
        if let Some(ip) = from.split(' ').next().and_then(|ip| ip.parse().ok()) {
            never.add_address(ip, "the operator is signed in from it");
        }
        never
    }
}

/// As the kernel lists them; an address in use is `/32 host LOCAL` in its trie.
fn own_addresses() -> Vec<IpAddr> {
    const ADDRESSES_MAX: usize = 4_096;
    let trie = std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let lines: Vec<&str> = trie.lines().map(str::trim).collect();
    let four = lines.windows(2).filter(|pair| pair[1] == "/32 host LOCAL").filter_map(|pair| pair[0].strip_prefix("|-- ")?.parse().ok());
    let six = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let six =
        six.lines().filter_map(|line| u128::from_str_radix(line.split(' ').next()?, 16).ok()).map(|bits| IpAddr::from(bits.to_be_bytes()));
    let mut all: Vec<IpAddr> = four.chain(six).filter(|ip: &IpAddr| !ip.is_loopback()).take(ADDRESSES_MAX).collect();
    all.sort_unstable();
    all.dedup();
    all
}
