//! Names that are imitated, found in a host in time linear in its length.
//!
//! A name counts outside the domains of its owner: as a word, at either end of a longer word, inside one (long names only), to the eye, or
//! a letter apart. Names of four letters and less count as whole words only.

use std::sync::OnceLock;

use foldhash::{HashMap, HashMapExt as _};

use super::super::list;
use super::feature::{distance, skeleton};
use super::word;

const MORE: &str = include_str!("../../../../../content/frameworks/link_names.toml");
/// Shortest name that counts inside a longer word.
const GLUED_MIN: usize = 5;
/// Shortest name that counts in the middle of a word.
const INSIDE_MIN: usize = 7;
/// Longest name that is looked for.
const NAME_MAX: usize = 20;
/// Words that are a letter apart from a name and honest.
const HONEST: [&str; 34] = [
    "finance",
    "discard",
    "record",
    "looking",
    "cooking",
    "hooking",
    "booking",
    "bookings",
    "revolt",
    "telecom",
    "horizon",
    "outlooks",
    "target",
    "targets",
    "apples",
    "google",
    "goggle",
    "googles",
    "strip",
    "stripes",
    "striped",
    "spotify",
    "notify",
    "american",
    "docusign",
    "amazing",
    "fidelia",
    "correo",
    "correos",
    "postbank",
    "facebooks",
    "santander",
    "rakuten",
    "citizen",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// Under another ending: `name.example`.
    Ending,
    /// Inside another word.
    Glued,
    /// A word of the host.
    Word,
    /// A letter apart.
    Near,
    /// The same to the eye.
    Eye,
}

struct Names {
    all: HashMap<&'static str, (&'static str, Vec<&'static str>)>,
    /// Every name of six letters or more without one of its letters.
    near: HashMap<String, &'static str>,
}

fn names() -> &'static Names {
    static ALL: OnceLock<Names> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: HashMap<&'static str, (&'static str, Vec<&'static str>)> = HashMap::new();
        for line in MORE.lines().filter(|line| line.starts_with('"')) {
            let mut parts = line.split('"').skip(1).step_by(2);
            if let Some(name) = parts.next() {
                all.entry(name).or_insert((name, Vec::new())).1.extend(parts);
            }
        }
        for brand in list::brands() {
            all.entry(brand.squeezed.as_str()).or_insert((brand.name, Vec::new())).1.extend(brand.domains.iter().copied());
        }
        let mut near = HashMap::new();
        for name in all.keys().filter(|name| name.len() >= 6) {
            for at in 0..name.len() {
                let mut less = (*name).to_owned();
                less.remove(at);
                near.insert(less, *name);
            }
        }
        Names { all, near }
    })
}

/// Whether a registered domain belongs to one of the names.
pub(super) fn is_owner(domain: &str) -> bool {
    static ALL: OnceLock<foldhash::HashSet<&'static str>> = OnceLock::new();
    ALL.get_or_init(|| names().all.values().flat_map(|(_, domains)| domains.iter().copied()).collect()).contains(domain)
}

/// The strongest name in `text` (labels without the public suffix); `label` is the one that was registered.
pub(super) fn find(text: &str, label: &str, registered: &str) -> Option<(&'static str, How)> {
    let names = names();
    let mut best: Option<(&'static str, How)> = None;
    let mut keep = |name: &'static str, how: How| {
        let (shown, domains) = &names.all[name];
        if !domains.contains(&registered) && best.is_none_or(|(_, old)| old < how) {
            best = Some((shown, how));
        }
    };
    for one in text.split('.') {
        let flat: String = one.chars().filter(|c| *c != '-' && *c != '_').take(64).collect();
        if one.len() != flat.len()
            && let Some((name, _)) = names.all.get_key_value(flat.as_str())
        {
            keep(name, How::Word);
        }
        for token in word::split(one).chain((!one.is_ascii()).then_some(one)).filter(|token| token.len() <= 64) {
            if let Some((name, _)) = names.all.get_key_value(token) {
                keep(name, if token == label { How::Ending } else { How::Word });
                continue;
            }
            if token.len() < GLUED_MIN || HONEST.contains(&token) {
                continue;
            }
            let seen = skeleton(token);
            if seen != token
                && let Some((name, _)) = names.all.get_key_value(seen.as_str()).filter(|(name, _)| name.len() >= GLUED_MIN)
            {
                keep(name, How::Eye);
                continue;
            }
            if !token.is_ascii() {
                continue;
            }
            for long in GLUED_MIN..=NAME_MAX.min(token.len() - 1) {
                for at in 0..=token.len() - long {
                    let end = at == 0 || at + long == token.len();
                    if (end || long >= INSIDE_MIN)
                        && let Some((name, _)) = names.all.get_key_value(&token[at..at + long])
                    {
                        keep(name, How::Glued);
                    }
                }
            }
            if let Some(name) = apart(token, names) {
                keep(name, How::Near);
            }
        }
    }
    best
}

/// A name that is one letter more, less, other or swapped.
fn apart(token: &str, names: &Names) -> Option<&'static str> {
    if token.len() < 5 || token.len() > NAME_MAX || token.ends_with('s') && names.all.contains_key(&token[..token.len() - 1]) {
        return None;
    }
    let checked = |name: &'static str| (distance(token, name) == 1).then_some(name);
    if let Some(found) = names.near.get(token).copied().and_then(checked) {
        return Some(found);
    }
    let mut less = String::with_capacity(token.len());
    for at in 0..token.len() {
        less.clear();
        less.push_str(&token[..at]);
        less.push_str(&token[at + 1..]);
        let found = names.all.get_key_value(less.as_str()).map(|(name, _)| *name).filter(|name| name.len() >= 6);
        if let Some(found) = found.and_then(checked).or_else(|| names.near.get(&less).copied().and_then(checked)) {
            return Some(found);
        }
    }
    None
}
