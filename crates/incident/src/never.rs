//! Whom no response may act on. Checked when a response is planned and again when it is applied.

use std::net::IpAddr;

use event::{Entity, EntityKind};

/// Loopback and link-local are built in; the binary adds own addresses, upstreams, name servers and live console logins.
#[derive(Clone, Debug, Default)]
pub struct Never {
    nets: Vec<(IpAddr, u8, String)>,
    names: Vec<(Entity, String)>,
}

impl Never {
    /// `why` ends the sentence `10.0.0.1 is never blocked: ..`.
    pub fn add_net(&mut self, net: IpAddr, prefix: u8, why: &str) {
        self.nets.push((net, prefix, why.to_owned()));
    }

    pub fn add_address(&mut self, ip: IpAddr, why: &str) {
        let ip = ip.to_canonical();
        self.add_net(ip, if ip.is_ipv4() { 32 } else { 128 }, why);
    }

    pub fn add_entity(&mut self, entity: Entity, why: &str) {
        self.names.push((entity, why.to_owned()));
    }

    /// Why this entity must not be acted on.
    pub fn refuses(&self, entity: &Entity) -> Option<String> {
        if let Some((_, why)) = self.names.iter().find(|(e, _)| e == entity) {
            return Some(format!("{} is never blocked: {why}", entity.name));
        }
        if entity.kind != EntityKind::Address {
            return None;
        }
        let Some(ip) = entity.ip().map(|ip| ip.to_canonical()) else {
            return Some(format!("{:?} is not an address", entity.name));
        };
        let built_in = match ip {
            _ if ip.is_loopback() => Some("it is this machine (loopback)"),
            _ if ip.is_unspecified() || ip.is_multicast() => Some("it is no client's address"),
            IpAddr::V4(v4) if v4.is_link_local() => Some("it is link-local"),
            IpAddr::V6(v6) if v6.segments()[0] & 0xffc0 == 0xfe80 => Some("it is link-local"),
            _ => None,
        };
        let listed = || self.nets.iter().find(|(net, prefix, _)| inside(ip, *net, *prefix)).map(|(_, _, why)| why.as_str());
        built_in.or_else(listed).map(|why| format!("{ip} is never blocked: {why}"))
    }
}

fn inside(ip: IpAddr, net: IpAddr, prefix: u8) -> bool {
    match (ip, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same_bits(u128::from(u32::from(a)) << 96, u128::from(u32::from(b)) << 96, prefix),
        (IpAddr::V6(a), IpAddr::V6(b)) => same_bits(a.into(), b.into(), prefix),
        _ => false,
    }
}

fn same_bits(a: u128, b: u128, prefix: u8) -> bool {
    prefix == 0 || (a ^ b) >> (128 - u32::from(prefix.min(128))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_would_hurt_us() {
        let mut never = Never::default();
        never.add_net("10.0.0.0".parse().expect("net"), 8, "it is in the allow set");
        never.add_address("2001:db8::7".parse().expect("address"), "a console login comes from it");
        for (text, refused) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("169.254.1.1", true),
            ("fe80::1", true),
            ("0.0.0.0", true),
            ("10.9.8.7", true),
            ("11.0.0.1", false),
            ("2001:db8::7", true),
            ("2001:db8::8", false),
            ("203.0.113.9", false),
        ] {
            let entity = Entity::address(text.parse().expect("address"));
            assert_eq!(never.refuses(&entity).is_some(), refused, "{text}");
        }
        assert_eq!(
            never.refuses(&Entity::client("127.0.0.1".parse().expect("address"), "sqlmap/1.7")),
            None,
            "one program, not the machine"
        );
    }
}
