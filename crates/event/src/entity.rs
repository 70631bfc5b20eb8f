//! Who or what an event is about. Findings meet in an incident through the entities that they share.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Text, id};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    Address,
    User,
    Device,
    Host,
    Service,
    File,
    Domain,
    Mailbox,
    Model,
}

impl EntityKind {
    pub const ALL: [EntityKind; 9] = [
        EntityKind::Address,
        EntityKind::User,
        EntityKind::Device,
        EntityKind::Host,
        EntityKind::Service,
        EntityKind::File,
        EntityKind::Domain,
        EntityKind::Mailbox,
        EntityKind::Model,
    ];

    pub const fn word(self) -> &'static str {
        match self {
            EntityKind::Address => "address",
            EntityKind::User => "user",
            EntityKind::Device => "device",
            EntityKind::Host => "host",
            EntityKind::Service => "service",
            EntityKind::File => "file",
            EntityKind::Domain => "domain",
            EntityKind::Mailbox => "mailbox",
            EntityKind::Model => "model",
        }
    }

    pub fn parse(word: &str) -> Option<EntityKind> {
        EntityKind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// OCSF 1.8 observable `type_id` and caption.
    pub const fn observable(self) -> (u32, &'static str) {
        match self {
            EntityKind::Address => (2, "IP Address"),
            EntityKind::User => (4, "User Name"),
            EntityKind::Device | EntityKind::Host | EntityKind::Domain => (1, "Hostname"),
            EntityKind::File => (7, "File Name"),
            EntityKind::Mailbox => (5, "Email Address"),
            EntityKind::Service | EntityKind::Model => (99, "Other"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entity {
    pub kind: EntityKind,
    pub name: Text,
}

impl Entity {
    pub fn new(kind: EntityKind, name: impl Into<Text>) -> Entity {
        Entity { kind, name: name.into() }
    }

    /// IPv4-mapped IPv6 is the IPv4 address: one client, one entity.
    pub fn address(ip: IpAddr) -> Entity {
        let mut name = Text::default();
        let _ = fmt::Write::write_fmt(&mut name, format_args!("{}", ip.to_canonical()));
        Entity { kind: EntityKind::Address, name }
    }

    /// One program at an address: what is blocked where many share the address, as on this machine itself.
    pub fn client(ip: IpAddr, user_agent: &str) -> Entity {
        const AGENT_CHARS_MAX: usize = 64;
        let agent: String = user_agent.chars().take(AGENT_CHARS_MAX).collect();
        Entity::new(EntityKind::Device, format!("{} {agent}", ip.to_canonical()))
    }

    pub fn user(name: &str) -> Entity {
        Entity::new(EntityKind::User, name)
    }

    pub fn host(name: &str) -> Entity {
        Entity::new(EntityKind::Host, name)
    }

    pub fn service(name: &str) -> Entity {
        Entity::new(EntityKind::Service, name)
    }

    pub fn ip(&self) -> Option<IpAddr> {
        (self.kind == EntityKind::Address).then(|| self.name.parse().ok()).flatten()
    }

    /// Key for shards, tables and indexes.
    pub fn key(&self) -> u64 {
        id::key(self.kind as u8, self.name.as_bytes())
    }
}

/// `address:203.0.113.9`
impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.word(), self.name)
    }
}

impl std::str::FromStr for Entity {
    type Err = String;
    /// `kind:name`; a bare address is an address.
    fn from_str(text: &str) -> Result<Entity, String> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Entity::address(ip));
        }
        let (kind, name) = text.split_once(':').ok_or_else(|| format!("entity {text:?} needs a kind, for example user:{text}"))?;
        let kind =
            EntityKind::parse(kind).ok_or_else(|| format!("unknown entity kind {kind:?}, one of address, user, host, service, .."))?;
        if kind == EntityKind::Address {
            return name.parse::<IpAddr>().map(Entity::address).map_err(|_| format!("{name:?} is not an address"));
        }
        Ok(Entity::new(kind, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_one_entity() {
        let plain: Entity = "203.0.113.9".parse().expect("an address");
        let mapped: Entity = "address:::ffff:203.0.113.9".parse().expect("an address");
        assert_eq!(plain, mapped);
        assert_eq!(plain.key(), mapped.key());
        assert_ne!(plain.key(), Entity::host("203.0.113.9").key());
        assert_eq!(plain.to_string(), "address:203.0.113.9");
    }
}
