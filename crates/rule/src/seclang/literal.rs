//! Literals that a regular expression needs: before it runs, one of them must stand in the value.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

const STRINGS_MAX: usize = 64;
const BYTES_MAX: usize = 24;
/// A shorter literal stands in too many values to be worth asking for.
const BYTES_MIN: usize = 2;
const DEPTH_MAX: usize = 64;

/// Lower-case literals of which any match holds at least one, without regard to case.
pub(super) fn required(pattern: &str) -> Option<Vec<Vec<u8>>> {
    let hir = ParserBuilder::new().unicode(false).utf8(false).dot_matches_new_line(true).build().parse(pattern).ok()?;
    needed(&hir, 0)
}

type Strings = Vec<Vec<u8>>;

fn needed(hir: &Hir, depth: usize) -> Option<Strings> {
    if depth > DEPTH_MAX {
        return None;
    }
    if let Some(all) = exact(hir, depth).filter(|all| worth(all) >= BYTES_MIN) {
        return Some(all);
    }
    match hir.kind() {
        HirKind::Concat(parts) => {
            let mut best: Option<Strings> = None;
            let mut offer = |strings: Strings| {
                let better = worth(&strings) >= BYTES_MIN && best.as_ref().is_none_or(|b| rank(&strings) > rank(b));
                if better {
                    best = Some(strings);
                }
            };
            let mut run: Strings = vec![Vec::new()];
            for part in parts {
                let joined = exact(part, depth + 1).and_then(|strings| product(&run, &strings));
                if let Some(joined) = joined {
                    run = joined;
                    continue;
                }
                offer(std::mem::replace(&mut run, vec![Vec::new()]));
                match exact(part, depth + 1) {
                    Some(strings) => run = strings,
                    None => needed(part, depth + 1).into_iter().for_each(&mut offer),
                }
            }
            offer(run);
            best
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(needed(part, depth + 1)?);
            }
            (all.len() <= STRINGS_MAX * 4).then_some(all)
        }
        HirKind::Repetition(repetition) if repetition.min >= 1 => needed(&repetition.sub, depth + 1),
        HirKind::Capture(capture) => needed(&capture.sub, depth + 1),
        _ => None,
    }
}

/// Every string that the expression can match, in lower case; `None` when they are many.
fn exact(hir: &Hir, depth: usize) -> Option<Strings> {
    if depth > DEPTH_MAX {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(vec![Vec::new()]),
        HirKind::Literal(literal) => (literal.0.len() <= BYTES_MAX).then(|| vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(class) => {
            let mut all = Vec::new();
            let mut add = |low: u32, high: u32| {
                for byte in low..=high.min(low + 64) {
                    let byte = u8::try_from(byte).ok()?.to_ascii_lowercase();
                    if !all.contains(&vec![byte]) {
                        all.push(vec![byte]);
                    }
                }
                (high - low <= 64 && all.len() <= 8).then_some(())
            };
            match class {
                Class::Bytes(bytes) => bytes.ranges().iter().try_for_each(|r| add(u32::from(r.start()), u32::from(r.end())))?,
                Class::Unicode(chars) => {
                    chars
                        .ranges()
                        .iter()
                        .try_for_each(|r| (r.end() < '\u{80}').then(|| add(r.start() as u32, r.end() as u32)).flatten())?;
                }
            }
            Some(all)
        }
        HirKind::Repetition(repetition) => match (repetition.min, repetition.max) {
            (0, Some(1)) => {
                let mut all = exact(&repetition.sub, depth + 1)?;
                all.push(Vec::new());
                Some(all)
            }
            (n, Some(m)) if n == m && n <= 8 => {
                let one = exact(&repetition.sub, depth + 1)?;
                (0..n).try_fold(vec![Vec::new()], |all, _| product(&all, &one))
            }
            _ => None,
        },
        HirKind::Capture(capture) => exact(&capture.sub, depth + 1),
        HirKind::Concat(parts) => parts.iter().try_fold(vec![Vec::new()], |all, part| product(&all, &exact(part, depth + 1)?)),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(exact(part, depth + 1)?);
            }
            (all.len() <= STRINGS_MAX).then_some(all)
        }
    }
}

fn product(left: &Strings, right: &Strings) -> Option<Strings> {
    if left.len() * right.len() > STRINGS_MAX {
        return None;
    }
    let mut all = Vec::with_capacity(left.len() * right.len());
    for l in left {
        for r in right {
            if l.len() + r.len() > BYTES_MAX {
                return None;
            }
            all.push([l.as_slice(), r].concat());
        }
    }
    Some(all)
}

/// Length of the shortest.
fn worth(strings: &Strings) -> usize {
    strings.iter().map(Vec::len).min().unwrap_or(0)
}

/// Longer is rarer; of equals, fewer are better.
fn rank(strings: &Strings) -> (usize, usize) {
    (worth(strings).min(6), STRINGS_MAX * 4 - strings.len().min(STRINGS_MAX * 4))
}
