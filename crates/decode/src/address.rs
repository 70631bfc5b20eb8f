//! Client addresses as logs write them.

use std::net::IpAddr;

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`, `fe80::1%eth0`; IPv4 inside IPv6 becomes IPv4. `None` for a host name.
pub(crate) fn endpoint(word: &[u8]) -> Option<(IpAddr, Option<u16>)> {
    if let Some(address) = address(word) {
        return Some((address, None));
    }
    if let Some(inner) = word.strip_prefix(b"[") {
        let close = memchr::memchr(b']', inner)?;
        let address = address(&inner[..close])?;
        let port = match &inner[close + 1..] {
            [] => None,
            rest => Some(port(rest.strip_prefix(b":")?)?),
        };
        return Some((address, port));
    }
    let colon = memchr::memrchr(b':', word)?;
    let address = address(&word[..colon]).filter(IpAddr::is_ipv4)?;
    Some((address, Some(port(&word[colon + 1..])?)))
}

/// An address and nothing else.
pub(crate) fn address(word: &[u8]) -> Option<IpAddr> {
    // The longest form, with IPv4 at its end and a zone, stays under this.
    if word.len() > 64 || !word.first().is_some_and(|b| b.is_ascii_hexdigit() || *b == b':') {
        return None;
    }
    if let Some(v4) = v4(word) {
        return Some(v4);
    }
    let bare = memchr::memchr(b'%', word).map_or(word, |zone| &word[..zone]);
    std::str::from_utf8(bare).ok()?.parse::<std::net::Ipv6Addr>().ok().map(|a| IpAddr::V6(a).to_canonical())
}

pub(crate) fn port(word: &[u8]) -> Option<u16> {
    crate::text::number(word).and_then(|n| u16::try_from(n).ok())
}

/// Four decimal numbers without leading zeros, which some readers take for octal.
fn v4(word: &[u8]) -> Option<IpAddr> {
    if !(7..=15).contains(&word.len()) {
        return None;
    }
    let mut octets = [0u8; 4];
    let mut at = 0;
    let mut digits = 0;
    let mut value = 0u16;
    for &byte in word {
        match byte {
            b'0'..=b'9' if !(digits == 1 && value == 0) => {
                value = value * 10 + u16::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return None;
                }
            }
            b'.' if digits > 0 && at < 3 => {
                octets[at] = value as u8;
                (at, digits, value) = (at + 1, 0, 0);
            }
            _ => return None,
        }
    }
    if at != 3 || digits == 0 {
        return None;
    }
    octets[3] = value as u8;
    Some(IpAddr::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for (word, expected) in [
            ("192.0.2.1", Some(("192.0.2.1", None))),
            ("255.255.255.255", Some(("255.255.255.255", None))),
            ("192.0.2.1:8080", Some(("192.0.2.1", Some(8080)))),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("[2001:db8::1]", Some(("2001:db8::1", None))),
            ("[2001:db8::1]:443", Some(("2001:db8::1", Some(443)))),
            ("::ffff:192.0.2.7", Some(("192.0.2.7", None))),
            ("fe80::1%eth0", Some(("fe80::1", None))),
            ("::", Some(("::", None))),
            ("192.0.2.01", None),
            ("192.0.2.256", None),
            ("192.0.2", None),
            ("192.0.2.1.5", None),
            ("192.0.2.1:99999", None),
            ("192.0.2.1:", None),
            ("[2001:db8::1", None),
            ("host.example", None),
            ("dead", None),
            ("-", None),
            ("", None),
        ] {
            let found = endpoint(word.as_bytes());
            let expected = expected.map(|(a, p)| (a.parse::<IpAddr>().expect("address in the table"), p));
            assert_eq!(found, expected, "{word}");
        }
    }
}
