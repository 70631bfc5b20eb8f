//! From a frame to the IP packet in it: link layers and the tags and tunnels between link and network.

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside<'a> {
    Ip(&'a [u8]),
    /// Something else that is understood so far: `arp`, `lldp`, ..
    Other(&'static str),
    Broken(&'static str),
}

/// Tags and labels in one frame; more are an attempt at a loop.
const TAGS_MAX: usize = 16;

pub(super) fn inside(link: u32, frame: &[u8]) -> Inside<'_> {
    match link {
        1 => ethernet(frame),
        // BSD loopback: four bytes of address family in the order of the capturing machine, or network order.
        0 | 108 => after(frame, 4).map_or(Inside::Broken("the frame ends inside its loopback header"), ip),
        12 | 14 | 101 | 228 | 229 => ip(frame),
        9 | 50 => ppp(frame),
        113 => cooked(frame, 14, 16),
        276 => cooked(frame, 0, 20),
        u32::MAX => Inside::Broken("the frame's interface is not described"),
        _ => Inside::Broken("link type not known"),
    }
}

fn after(bytes: &[u8], n: usize) -> Option<&[u8]> {
    bytes.get(n..)
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|b| u16::from_be_bytes(*b))
}

/// By its version field.
fn ip(packet: &[u8]) -> Inside<'_> {
    match packet.first().map(|b| b >> 4) {
        Some(4 | 6) => Inside::Ip(packet),
        _ => Inside::Broken("neither IPv4 nor IPv6"),
    }
}

pub(super) fn ethernet(frame: &[u8]) -> Inside<'_> {
    match (word(frame, 12), after(frame, 14)) {
        (Some(kind), Some(rest)) => by_type(kind, rest),
        _ => Inside::Broken("the frame ends inside its Ethernet header"),
    }
}

fn cooked(frame: &[u8], type_at: usize, header: usize) -> Inside<'_> {
    match (word(frame, type_at), after(frame, header)) {
        (Some(kind), Some(rest)) => by_type(kind, rest),
        _ => Inside::Broken("the frame ends inside its cooked header"),
    }
}

fn ppp(frame: &[u8]) -> Inside<'_> {
    let frame = frame.strip_prefix(&[0xff, 0x03]).unwrap_or(frame);
    match (word(frame, 0), after(frame, 2)) {
        (Some(0x0021 | 0x0057), Some(rest)) => ip(rest),
        (Some(0x0281), Some(rest)) => by_type(0x8847, rest),
        (Some(_), Some(_)) => Inside::Other("ppp"),
        _ => Inside::Broken("the frame ends inside its PPP header"),
    }
}

/// By EtherType, through tags and labels.
pub(super) fn by_type(kind: u16, payload: &[u8]) -> Inside<'_> {
    let (mut kind, mut rest) = (kind, payload);
    for _ in 0..TAGS_MAX {
        let tag = match kind {
            0x0800 | 0x86dd => return ip(rest),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => word(rest, 2).zip(after(rest, 4)),
            // Provider backbone: a whole Ethernet frame after the service tag.
            0x88e7 => word(rest, 16).zip(after(rest, 18)),
            0x8847 | 0x8848 => return labels(rest),
            0x8864 => return after(rest, 6).map_or(Inside::Broken("the frame ends inside PPPoE"), ppp),
            0x6558 => word(rest, 12).zip(after(rest, 14)),
            0x0806 => return Inside::Other("arp"),
            0x88cc => return Inside::Other("lldp"),
            0x888e => return Inside::Other("eapol"),
            0x8863 => return Inside::Other("pppoe"),
            0x88f7 => return Inside::Other("ptp"),
            0x8809 => return Inside::Other("lacp"),
            // A length: 802.2 follows, with SNAP an EtherType again.
            0..=1500 => match rest {
                [0xaa, 0xaa, 0x03, _, _, _, high, low, inner @ ..] => Some((u16::from_be_bytes([*high, *low]), inner)),
                [0x06, 0x06, 0x03, inner @ ..] => return ip(inner),
                [_, ..] => return Inside::Other("llc"),
                [] => None,
            },
            _ => return Inside::Other("ethernet"),
        };
        match tag {
            Some((next, inner)) => (kind, rest) = (next, inner),
            None => return Inside::Broken("the frame ends inside a tag"),
        }
    }
    Inside::Broken("more than 16 tags")
}

fn labels(stack: &[u8]) -> Inside<'_> {
    for n in 0..TAGS_MAX {
        let Some(label) = stack.get(n * 4..n * 4 + 4) else { return Inside::Broken("the frame ends inside MPLS") };
        if label[2] & 1 == 1 {
            let rest = &stack[n * 4 + 4..];
            return match rest.first().map(|b| b >> 4) {
                Some(4 | 6) => Inside::Ip(rest),
                // A pseudowire with its control word.
                Some(0) => after(rest, 4).map_or(Inside::Broken("the frame ends inside MPLS"), ethernet),
                _ => Inside::Other("mpls"),
            };
        }
    }
    Inside::Broken("more than 16 labels")
}
