//! Keys of a place: the address and the networks around it. IPv4-mapped IPv6 is IPv4.

use std::net::IpAddr;

/// Keys of the address itself, of its /24 (IPv6 /64) and of its /16 (IPv6 /48).
pub fn keys(address: IpAddr) -> [u32; 3] {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let octets = v4.octets();
            [super::key(&octets), super::key(&octets[..3]), super::key(&octets[..2])]
        }
        IpAddr::V6(v6) => {
            let octets = v6.octets();
            // Longer than any IPv4 key: the two families never meet.
            [super::key(&octets), super::key(&octets[..8]), super::key(&octets[..6])]
        }
    }
}

/// `203.0.113.0/24`, `2001:db8::/64`
pub fn near(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let masked = u128::from(v6) >> 64 << 64;
            format!("{}/64", std::net::Ipv6Addr::from(masked))
        }
    }
}

/// Networks that rent out machines, by number: sign-ins from there are by programs, tunnels or people who hide. From public routing names.
const HOSTING: &[u32] = &[
    7203, 8075, 8100, 9009, 12876, 13213, 14061, 14576, 14618, 15169, 16276, 16509, 18978, 19318, 20473, 20860, 21859, 22612, 24940, 25369,
    25820, 26347, 26496, 28753, 29066, 29802, 30633, 31898, 32097, 33387, 35540, 36351, 36352, 37963, 39351, 42708, 43350, 45090, 45102,
    46475, 46606, 46664, 47583, 49453, 49505, 49981, 50304, 51167, 51396, 53667, 55286, 57043, 58061, 60068, 60781, 62240, 62567, 63023,
    63949, 64267, 132_203, 136_787, 141_039, 147_049, 197_540, 200_019, 202_425, 206_092, 207_137, 208_323, 209_103, 211_252, 212_238,
    213_230, 394_711, 396_982, 398_101, 399_629,
];

/// Whether the network rents out machines, as far as the list goes.
pub fn is_hosting(network: u32) -> bool {
    HOSTING.binary_search(&network).is_ok()
}
