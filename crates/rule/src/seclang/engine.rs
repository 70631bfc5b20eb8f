//! Runs a rule set over the values of a request.
//!
//! For each chain of transformations: one `aho-corasick` pass over the required literals of all its rules says which rules can match this
//! value, and only those run. Never one `RegexSet` over all: it is many times slower on varied input.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::parse::{self, Fault, Link, Rule, RuleError};
use super::transform::{Buffers, Transform};
use super::variable::{Input, Variable};

/// At most this many hits a request; more would not change a verdict.
pub(super) const HITS_MAX: usize = 64;
/// Bytes of a value shown around a match.
const SHOWN_BYTES: usize = 256;

/// One rule that matched one value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hit {
    /// Position in [`Ruleset::rules`].
    pub rule: usize,
    /// Position of the value among the inputs.
    pub input: usize,
    /// At most 256 bytes of the transformed value around the match, and where the match lies in them.
    pub shown: Vec<u8>,
    pub start: usize,
    pub end: usize,
}

impl Hit {
    /// The transformed text that matched.
    pub fn matched(&self) -> &[u8] {
        self.shown.get(self.start..self.end).unwrap_or_default()
    }
}

/// Immutable rules, compiled; an empty one hits nothing.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    rules: Vec<Rule>,
    groups: Vec<Group>,
}

/// Rules whose first condition shares a chain of transformations.
#[derive(Clone, Debug)]
struct Group {
    transforms: Vec<Transform>,
    /// Variables that any of its rules looks at.
    mask: u32,
    literals: Option<AhoCorasick>,
    /// Literal to rules: `owners[starts[l]..starts[l + 1]]`.
    starts: Vec<u32>,
    owners: Vec<u32>,
    /// Rules without a required literal.
    always: Vec<u32>,
}

/// Buffers, one a thread; nothing is allocated once they are warm and nothing hits.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    first: Buffers,
    then: Buffers,
    candidates: Vec<u32>,
    /// Bit a rule: already a candidate.
    seen: Vec<u64>,
    near: bool,
}

impl Scratch {
    /// A first condition matched in the last call of [`Ruleset::hits`], whether or not the rest of its chain did.
    pub fn near(&self) -> bool {
        self.near
    }
}

impl Ruleset {
    /// Rules from named texts; every fault of all of them at once.
    pub fn parse(files: &[(&str, &str)]) -> Result<Ruleset, Vec<RuleError>> {
        let rules = parse::parse(files)?;
        let mut by_chain: Vec<(Vec<Transform>, Vec<u32>)> = Vec::new();
        for (index, rule) in (0u32..).zip(&rules) {
            let chain = &rule.links[0].transforms;
            match by_chain.iter_mut().find(|(known, _)| known == chain) {
                Some((_, members)) => members.push(index),
                None => by_chain.push((chain.clone(), vec![index])),
            }
        }
        let groups: Result<Vec<Group>, Fault> = by_chain.into_iter().map(|(chain, members)| Group::new(chain, &members, &rules)).collect();
        match groups {
            Ok(groups) => Ok(Ruleset { rules, groups }),
            Err(fault) => Err(vec![fault.whole_set()]),
        }
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Adds the hits of all rules over `inputs` to `out`; at most one hit a rule and value, [`HITS_MAX`] in all.
    pub fn hits<'v>(&self, inputs: &(impl Iterator<Item = Input<'v>> + Clone), scratch: &mut Scratch, out: &mut Vec<Hit>) {
        scratch.seen.resize(self.rules.len().div_ceil(64), 0);
        scratch.near = false;
        for (number, input) in inputs.clone().enumerate() {
            for group in &self.groups {
                if group.mask & input.variable.bit() == 0 {
                    continue;
                }
                let Scratch { first, then, candidates, seen, near } = scratch;
                let value = first.run(&group.transforms, input.value);
                group.candidates(value, seen, candidates);
                for &index in candidates.iter() {
                    seen[index as usize / 64] &= !(1 << (index % 64));
                    let rule = &self.rules[index as usize];
                    let Some(range) = matched(&rule.links[0], &input, value) else { continue };
                    *near = true;
                    if rest_matches(&rule.links[1..], &input, inputs, then) && out.len() < HITS_MAX {
                        out.push(hit(index as usize, number, value, range));
                    }
                }
            }
        }
    }
}

impl Group {
    fn new(transforms: Vec<Transform>, members: &[u32], rules: &[Rule]) -> Result<Group, Fault> {
        let mut mask = 0;
        let mut always = Vec::new();
        let mut by_literal: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        for &index in members {
            let link = &rules[index as usize].links[0];
            mask |= link.targets.mask();
            match link.operator.literals().filter(|_| !link.negate) {
                Some(literals) => literals.into_iter().for_each(|l| by_literal.entry(l).or_default().push(index)),
                None => always.push(index),
            }
        }
        let mut all: Vec<(Vec<u8>, Vec<u32>)> = by_literal.into_iter().collect();
        all.sort();
        let (mut starts, mut owners) = (vec![0], Vec::new());
        for (_, members) in &all {
            owners.extend_from_slice(members);
            starts.push(owners.len() as u32);
        }
        let literals = (!all.is_empty())
            .then(|| {
                AhoCorasick::builder()
                    .ascii_case_insensitive(true)
                    .match_kind(MatchKind::Standard)
                    .kind((all.len() <= 5_000).then_some(AhoCorasickKind::DFA))
                    .build(all.iter().map(|(literal, _)| literal))
            })
            .transpose()
            .map_err(|why| Fault::new("size", "all rules", format!("fewer literals ({why})")))?;
        Ok(Group { transforms, mask, literals, starts, owners, always })
    }

    /// Rules that may match this value; each once, its bit in `seen` set.
    fn candidates(&self, value: &[u8], seen: &mut [u64], out: &mut Vec<u32>) {
        out.clear();
        out.extend_from_slice(&self.always);
        let Some(literals) = &self.literals else { return };
        for found in literals.find_overlapping_iter(value) {
            let literal = found.pattern().as_usize();
            for &rule in &self.owners[self.starts[literal] as usize..self.starts[literal + 1] as usize] {
                let (word, bit) = (rule as usize / 64, 1u64 << (rule % 64));
                if seen[word] & bit == 0 {
                    seen[word] |= bit;
                    out.push(rule);
                }
            }
        }
    }
}

fn matched(link: &Link, input: &Input<'_>, value: &[u8]) -> Option<Range<usize>> {
    if !link.targets.admit(input) {
        return None;
    }
    match (link.operator.find(value), link.negate) {
        (found, false) => found,
        (None, true) => Some(0..value.len()),
        (Some(_), true) => None,
    }
}

/// Every chained condition matches some value.
fn rest_matches<'v>(links: &[Link], first: &Input<'v>, inputs: &(impl Iterator<Item = Input<'v>> + Clone), buffers: &mut Buffers) -> bool {
    links.iter().all(|link| {
        let mut one = |input: &Input<'_>| {
            link.targets.mask() & input.variable.bit() != 0 && {
                let value = buffers.run(&link.transforms, input.value);
                matched(link, input, value).is_some()
            }
        };
        let same = Input { variable: Variable::MatchedVar, ..*first };
        one(&same) || inputs.clone().any(|input| one(&input))
    })
}

#[cold]
fn hit(rule: usize, input: usize, value: &[u8], range: Range<usize>) -> Hit {
    let length = range.len().min(SHOWN_BYTES);
    let around = (SHOWN_BYTES - length) / 2;
    let from = range.start.saturating_sub(around);
    let shown = &value[from..(range.start + length + around).min(value.len())];
    Hit { rule, input, shown: shown.to_vec(), start: range.start - from, end: range.start - from + length }
}
