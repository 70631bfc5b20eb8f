//! The container: pcap and pcapng, both byte orders, micro- and nanoseconds, several sections and interfaces.

use event::Time;

/// One captured frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// 1-based, over the whole file.
    pub(super) number: u64,
    pub(super) time: Time,
    /// LINKTYPE of the interface.
    pub(super) link: u32,
    pub(super) bytes: &'a [u8],
}

/// How the file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End<'a> {
    pub(super) frames: u64,
    /// What follows the last whole frame, and why it is none.
    pub(super) broken: Option<(&'a [u8], &'static str)>,
}

/// Larger frames are not captured by anybody: the length field is damaged.
const FRAME_BYTES_MAX: usize = 16 << 20;
/// Interfaces of a pcapng section; further ones have no link type and their frames are undecoded.
const INTERFACES_MAX: usize = 4_096;

const PCAP_MICRO: u32 = 0xa1b2_c3d4;
const PCAP_NANO: u32 = 0xa1b2_3c4d;
const SECTION: u32 = 0x0a0d_0d0a;
const SECTION_ORDER: u32 = 0x1a2b_3c4d;

/// The file begins like a capture.
pub(super) fn is_capture(bytes: &[u8]) -> bool {
    let Some(first) = bytes.first_chunk::<4>() else { return false };
    let magic = u32::from_le_bytes(*first);
    [PCAP_MICRO, PCAP_NANO].iter().any(|m| magic == *m || magic == m.swap_bytes()) && bytes.len() >= 24
        || magic == SECTION && order(bytes.get(8..12)).is_some()
}

/// Hands every frame to `each`.
pub(super) fn read<'a>(bytes: &'a [u8], each: &mut dyn FnMut(Frame<'a>)) -> End<'a> {
    match bytes.first_chunk::<4>().map(|m| u32::from_le_bytes(*m)) {
        Some(SECTION) => sections(bytes, each),
        Some(magic) if [PCAP_MICRO, PCAP_NANO].contains(&magic) && bytes.len() >= 24 => plain(bytes, Order::Little, magic, each),
        Some(magic) if [PCAP_MICRO, PCAP_NANO].contains(&magic.swap_bytes()) && bytes.len() >= 24 => {
            plain(bytes, Order::Big, magic.swap_bytes(), each)
        }
        _ => End { frames: 0, broken: Some((bytes, "neither pcap nor pcapng")) },
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let four = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(if self == Order::Little { u16::from_le_bytes(four) } else { u16::from_be_bytes(four) })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let four = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(if self == Order::Little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    }
}

fn plain<'a>(bytes: &'a [u8], order: Order, magic: u32, each: &mut dyn FnMut(Frame<'a>)) -> End<'a> {
    // The upper bits of the field say how long the frame check sequence is.
    let link = order.u32(bytes, 20).unwrap_or(0) & 0x0fff_ffff;
    let mut at = 24;
    let mut frames = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (Some(seconds), Some(fraction), Some(kept)) = (order.u32(rest, 0), order.u32(rest, 4), order.u32(rest, 8)) else {
            return End { frames, broken: Some((rest, "the file ends inside a frame's header")) };
        };
        if rest.len() < 16 {
            return End { frames, broken: Some((rest, "the file ends inside a frame's header")) };
        }
        let kept = kept as usize;
        if kept > FRAME_BYTES_MAX {
            return End { frames, broken: Some((rest, "a frame's length is impossible")) };
        }
        let us = if magic == PCAP_NANO { fraction / 1_000 } else { fraction };
        let time = Time::from_us(i64::from(seconds) * 1_000_000 + i64::from(us));
        let Some(frame) = rest.get(16..16 + kept) else {
            return End { frames, broken: Some((rest, "the file ends inside a frame")) };
        };
        frames += 1;
        each(Frame { number: frames, time, link, bytes: frame });
        at += 16 + kept;
    }
    End { frames, broken: None }
}

struct Interface {
    link: u32,
    /// Ticks a second.
    ticks: u64,
    offset_s: i64,
}

fn order(at: Option<&[u8]>) -> Option<Order> {
    let four = *at?.first_chunk::<4>()?;
    if u32::from_le_bytes(four) == SECTION_ORDER {
        Some(Order::Little)
    } else {
        (u32::from_be_bytes(four) == SECTION_ORDER).then_some(Order::Big)
    }
}

fn sections<'a>(bytes: &'a [u8], each: &mut dyn FnMut(Frame<'a>)) -> End<'a> {
    let mut now = Order::Little;
    let mut interfaces: Vec<Interface> = Vec::new();
    let (mut at, mut frames) = (0, 0);
    let mut last = Time::ZERO;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let broken = |why| End { frames, broken: Some((rest, why)) };
        if now.u32(rest, 0) == Some(SECTION) {
            let Some(said) = order(rest.get(8..12)) else { return broken("a section without its byte order") };
            now = said;
            interfaces.clear();
        }
        let (Some(kind), Some(length)) = (now.u32(rest, 0), now.u32(rest, 4)) else { return broken("the file ends inside a block") };
        let length = length as usize;
        if length < 12 || !length.is_multiple_of(4) || length > FRAME_BYTES_MAX {
            return broken("a block's length is impossible");
        }
        let Some(block) = rest.get(8..length - 4) else { return broken("the file ends inside a block") };
        match kind {
            1 if interfaces.len() < INTERFACES_MAX => interfaces.push(interface(block, now)),
            6 | 2 => {
                // Enhanced packet; kind 2 is its obsolete form with a 16-bit interface.
                let index = if kind == 6 { now.u32(block, 0) } else { now.u16(block, 0).map(u32::from) };
                let known = index.and_then(|i| interfaces.get(i as usize));
                if let (Some(high), Some(low), Some(kept)) = (now.u32(block, 4), now.u32(block, 8), now.u32(block, 12)) {
                    last = known.map_or(last, |i| i.time(u64::from(high) << 32 | u64::from(low)));
                    let frame = block.get(20..).unwrap_or_default();
                    frames += 1;
                    let link = known.map_or(u32::MAX, |i| i.link);
                    each(Frame { number: frames, time: last, link, bytes: &frame[..frame.len().min(kept as usize)] });
                }
            }
            3 => {
                let wire = now.u32(block, 0).unwrap_or(0) as usize;
                let frame = block.get(4..).unwrap_or_default();
                frames += 1;
                let link = interfaces.first().map_or(u32::MAX, |i| i.link);
                each(Frame { number: frames, time: last, link, bytes: &frame[..frame.len().min(wire)] });
            }
            _ => {}
        }
        at += length;
    }
    End { frames, broken: None }
}

fn interface(block: &[u8], order: Order) -> Interface {
    let mut made = Interface { link: order.u16(block, 0).map_or(u32::MAX, u32::from), ticks: 1_000_000, offset_s: 0 };
    let mut at = 8;
    while let (Some(code), Some(length)) = (order.u16(block, at), order.u16(block, at + 2)) {
        let value = block.get(at + 4..at + 4 + usize::from(length)).unwrap_or_default();
        match (code, value) {
            (0, _) => break,
            // Resolution: a power of ten, or of two when the upper bit is set.
            (9, [two @ 0x80..=0xff, ..]) => made.ticks = 1u64.checked_shl(u32::from(two & 0x7f)).unwrap_or(1_000_000).max(1),
            (9, [ten, ..]) => made.ticks = 10u64.checked_pow(u32::from(*ten)).unwrap_or(1_000_000),
            (14, value) => {
                if let Some(eight) = value.first_chunk::<8>() {
                    made.offset_s = if order == Order::Little { i64::from_le_bytes(*eight) } else { i64::from_be_bytes(*eight) };
                }
            }
            _ => {}
        }
        at += 4 + usize::from(length).next_multiple_of(4);
    }
    made
}

impl Interface {
    fn time(&self, ticks: u64) -> Time {
        let us = u128::from(ticks) * 1_000_000 / u128::from(self.ticks.max(1));
        let us = i64::try_from(us).unwrap_or(0);
        Time::from_us(us.saturating_add(self.offset_s.saturating_mul(1_000_000)))
    }
}
