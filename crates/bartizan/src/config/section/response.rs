//! `[response]`: what may be done about an attack, and whom it may never meet.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use respond::NftablesConfig;

use crate::config::fault::Code;
use crate::config::key::TakenUp::{Reload, Restart};
use crate::config::key::{Key, Kind, Section};
use crate::config::layer::Values;

pub const SECTION: Section = Section {
    name: "response",
    many: false,
    doc: "What may be done about an attack, and whom it may never meet.",
    keys: &[
        Key {
            name: "never_block",
            kind: Kind::Many(&Kind::Network),
            default: "[]",
            doc: "Addresses and networks that are never blocked, beside loopback, link-local, this machine, its name servers and the application.",
            taken_up: Reload,
        },
        Key {
            name: "nftables",
            kind: Kind::Switch,
            default: "false",
            doc: "Block at the packet filter as well. Needs nft and CAP_NET_ADMIN.",
            taken_up: Restart,
        },
        Key {
            name: "block_private",
            kind: Kind::Many(&Kind::Network),
            default: "[]",
            doc: "Private addresses that the packet filter may block all the same.",
            taken_up: Restart,
        },
    ],
};

#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    pub never_block: Vec<IpNet>,
    pub nftables: bool,
    pub block_private: BTreeSet<IpAddr>,
}

pub fn read(values: &mut Values) -> Response {
    let part = values.one("response").clone();
    let mut block_private = BTreeSet::new();
    for net in part.networks("block_private") {
        if net.prefix_len() == net.max_prefix_len() {
            block_private.insert(net.addr());
        } else {
            values.fault(Code::Value, &part.at("block_private"), format!("block_private: {net} is a network"), "single addresses".into());
        }
    }
    let nftables = part.switch("nftables");
    if !nftables && !block_private.is_empty() {
        let at = part.at("block_private");
        values.fault(Code::Together, &at, "block_private without nftables".into(), "nftables = true as well".into());
    }
    Response { never_block: part.networks("never_block"), nftables, block_private }
}

impl Response {
    pub fn filter(&self) -> Option<NftablesConfig> {
        self.nftables.then(|| NftablesConfig { named: self.block_private.clone(), ..NftablesConfig::default() })
    }

    pub fn add_to(&self, never: &mut incident::Never) {
        for net in &self.never_block {
            never.add_net(net.addr(), net.prefix_len(), "response.never_block says so");
        }
    }
}
