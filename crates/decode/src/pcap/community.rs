//! Community ID v1: the same name for a flow in every tool (corelight/community-id-spec, seed 0).

use std::net::IpAddr;

use base64::Engine as _;
use event::Text;

use super::digest;

pub(super) fn id(a: (IpAddr, u16), b: (IpAddr, u16), protocol: u8) -> Text {
    let (mut a, mut b, mut one_way) = (a, b, false);
    if matches!(protocol, 1 | 58) {
        // Port fields hold type and code; types that answer each other are the two ports of one conversation.
        match counterpart(protocol, a.1) {
            Some(other) => b.1 = other,
            None => one_way = true,
        }
    }
    if !one_way && (bytes(b.0), b.1) < (bytes(a.0), a.1) {
        std::mem::swap(&mut a, &mut b);
    }
    let mut message = vec![0, 0];
    message.extend(bytes(a.0));
    message.extend(bytes(b.0));
    message.extend([protocol, 0]);
    message.extend(a.1.to_be_bytes());
    message.extend(b.1.to_be_bytes());
    let mut text = Text::const_new("1:");
    text.push_str(&base64::engine::general_purpose::STANDARD.encode(digest::sha1(&message)));
    text
}

fn bytes(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The ICMP type that answers this one.
pub(super) fn counterpart(protocol: u8, kind: u16) -> Option<u16> {
    const FOUR: [(u16, u16); 5] = [(8, 0), (13, 14), (15, 16), (10, 9), (17, 18)];
    const SIX: [(u16, u16); 6] = [(128, 129), (133, 134), (135, 136), (130, 131), (144, 145), (139, 140)];
    let table: &[(u16, u16)] = if protocol == 1 { &FOUR } else { &SIX };
    table.iter().find_map(|(ask, answer)| match kind {
        k if k == *ask => Some(*answer),
        k if k == *answer => Some(*ask),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples() {
        let ip = |text: &str| -> IpAddr { text.parse().expect("an address") };
        for (a, b, protocol, expected) in [
            (("128.232.110.120", 34855), ("66.35.250.204", 80), 6, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            (("66.35.250.204", 80), ("128.232.110.120", 34855), 6, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            (("192.168.1.52", 54585), ("8.8.8.8", 53), 17, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
            (("192.168.0.89", 8), ("192.168.0.1", 0), 1, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
        ] {
            assert_eq!(id((ip(a.0), a.1), (ip(b.0), b.1), protocol), expected, "{a:?} {b:?}");
        }
    }
}
