//! Functions over address ranges.

use std::net::Ipv4Addr;

use crate::posture::value::{Node, Value};

pub(super) fn call(name: &str, args: &[Node]) -> Option<Value> {
    let (base, prefix) = range(args.first()?.as_str()?)?;
    let number = |i: usize| args.get(i).and_then(Node::as_number).map(|n| n as i64);
    match name {
        "cidrsubnet" => subnet(base, prefix, number(1)?, number(2)?).map(Value::Text),
        "cidrhost" => {
            let (n, size) = (number(1)?, 1_i64 << (32 - prefix));
            let offset = if n < 0 { size + n } else { n };
            (0..size).contains(&offset).then(|| Value::Text(Ipv4Addr::from(base + offset as u32).to_string()))
        }
        "cidrnetmask" => Some(Value::Text(Ipv4Addr::from(mask(prefix)).to_string())),
        "cidrsubnets" => {
            let mut at = u64::from(base);
            let mut all = Vec::new();
            for bits in args[1..].iter().map(Node::as_number) {
                let length = prefix + bits? as u32;
                let size = 1_u64 << 32_u32.checked_sub(length)?;
                at = at.div_ceil(size) * size;
                all.push(Node::text(format!("{}/{length}", Ipv4Addr::from(u32::try_from(at).ok()?))));
                at += size;
            }
            Some(Value::List(all))
        }
        _ => None,
    }
}

fn range(text: &str) -> Option<(u32, u32)> {
    let (address, prefix) = text.split_once('/')?;
    let prefix: u32 = prefix.parse().ok().filter(|p| *p <= 32)?;
    Some((u32::from(address.parse::<Ipv4Addr>().ok()?) & mask(prefix), prefix))
}

fn mask(prefix: u32) -> u32 {
    u32::MAX.checked_shl(32 - prefix).unwrap_or(0)
}

fn subnet(base: u32, prefix: u32, bits: i64, number: i64) -> Option<String> {
    let length = prefix.checked_add(u32::try_from(bits).ok()?).filter(|l| *l <= 32)?;
    let number = u64::try_from(number).ok().filter(|n| bits < 33 && *n < 1_u64 << bits)?;
    let address = u64::from(base) + (number << (32 - length));
    Some(format!("{}/{length}", Ipv4Addr::from(u32::try_from(address).ok()?)))
}
