//! Words to templates: exact shapes first; a column of otherwise equal templates is opened when its values fall apart.
//!
//! A shape is the sequence of separators, constant words and masks. Its hash is a sum over columns, so that the hash with one column
//! open costs one subtraction. Each template is filed under each of its columns left open; when enough templates meet there, they differ in
//! that column alone and become one. A template that is wider takes up the narrower ones it covers.
//! Cost of a known line: its words and one look-up for each set of open columns of its length and separators.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::scan::Words;

/// Templates of one source; lines beyond fall into the template 0, `<*>`.
pub const TEMPLATES_MAX: usize = 10_000;
/// Templates that wait in one column.
const CHILDREN_MAX: usize = 64;
/// Columns that can be opened; further right all words are constant.
const COLUMNS_MAX: usize = 32;
/// Sets of open columns of one length and separators.
const MASKS_MAX: usize = 16;
/// Values of a column before it is opened: for a word, and for what stands where values stand (after `=`, in brackets, not a word of a language).
const WORD_VALUES: usize = 6;
const NAME_VALUES: usize = 3;
const ASSIGNED_VALUES: usize = 4;
const KNOWN_VALUES: usize = 2;
/// Words remembered as values of an opened column.
const VALUES_MAX: usize = 16_384;

const OPEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// `old` is now `new`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    pub old: u32,
    pub new: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Template {
    /// Separators and words by turns: before, word, before, word, .., after.
    parts: Vec<String>,
    /// Hash of each word; [`OPEN`] where a value stands.
    words: Vec<u64>,
    /// Columns opened here; masks of the scanner are not counted.
    opened: u32,
    group: u64,
    count: u64,
    /// Itself, or the template it became.
    now: u32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Group {
    /// Sets of opened columns in use.
    masks: Vec<u32>,
    members: Vec<u32>,
}

/// The templates of one source.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Miner {
    templates: Vec<Template>,
    /// Hash of a shape -> template.
    shapes: HashMap<u64, u32, FixedState>,
    groups: HashMap<u64, Group, FixedState>,
    columns: HashMap<u64, Vec<u32>, FixedState>,
    /// Words that stood in a column when it was opened: where they fall apart again, fewer are needed.
    values: HashSet<u64, FixedState>,
    #[serde(skip)]
    merges: Vec<Merge>,
    #[serde(skip)]
    hashes: Vec<u64>,
}

impl Miner {
    /// The template of a message, made when it is new. Number 0 is `<*>`, for what does not fit.
    pub fn add(&mut self, message: &Words<'_>) -> u32 {
        if self.templates.is_empty() {
            let any = Template {
                parts: vec![String::new(), "<*>".into(), String::new()],
                words: vec![OPEN],
                opened: 1,
                group: 0,
                count: 0,
                now: 0,
            };
            self.templates.push(any);
        }
        let mut hashes = std::mem::take(&mut self.hashes);
        hashes.clear();
        let mut group = hash(message.after.trim_end()).wrapping_add(message.words.len() as u64);
        for word in &message.words {
            group = mix(group ^ squeezed(word.before));
            hashes.push(if word.masked { OPEN } else { hash(word.text) });
        }
        let sum = sum(group, &hashes);
        let id = match self.find(group, sum, &hashes) {
            Some(id) => id,
            None if self.templates.len() >= TEMPLATES_MAX => 0,
            None => {
                let mut parts: Vec<String> = Vec::with_capacity(message.words.len() * 2 + 1);
                for word in &message.words {
                    parts.push(word.before.to_owned());
                    parts.push(if word.masked { "<*>".to_owned() } else { word.text.to_owned() });
                }
                parts.push(message.after.trim_end().to_owned());
                let id = self.insert(Template { parts, words: hashes.clone(), opened: 0, group, count: 0, now: 0 });
                self.settle(id)
            }
        };
        self.hashes = hashes;
        self.templates[id as usize].count += 1;
        id
    }

    /// What a template became by merges; itself when nothing happened to it.
    pub fn now(&self, mut id: u32) -> u32 {
        while let Some(template) = self.templates.get(id as usize).filter(|t| t.now != id) {
            id = template.now;
        }
        id
    }

    /// `Invalid user <*> from <*>`
    pub fn text(&self, id: u32) -> String {
        self.templates.get(id as usize).map(|t| t.parts.concat()).unwrap_or_default()
    }

    /// Lines of a template, those of its former parts included.
    pub fn count(&self, id: u32) -> u64 {
        self.templates.get(id as usize).map_or(0, |t| t.count)
    }

    /// Templates in use, `<*>` included.
    pub fn len(&self) -> usize {
        self.templates.iter().enumerate().filter(|(id, t)| t.now == *id as u32).count()
    }

    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// Merges since the last call.
    pub fn merges(&mut self) -> Vec<Merge> {
        std::mem::take(&mut self.merges)
    }

    fn find(&self, group: u64, sum: u64, hashes: &[u64]) -> Option<u32> {
        if let Some(id) = self.shapes.get(&sum) {
            return Some(self.now(*id));
        }
        let masks = &self.groups.get(&group)?.masks;
        masks.iter().find_map(|mask| {
            let mut with = sum;
            for (column, hash) in hashes.iter().enumerate().take(COLUMNS_MAX) {
                if mask >> column & 1 == 1 {
                    with = reopen(with, column, *hash);
                }
            }
            self.shapes.get(&with).map(|id| self.now(*id))
        })
    }

    fn insert(&mut self, mut template: Template) -> u32 {
        let id = self.templates.len() as u32;
        template.now = id;
        self.shapes.insert(sum(template.group, &template.words), id);
        let group = self.groups.entry(template.group).or_default();
        group.members.push(id);
        if template.opened != 0 && !group.masks.contains(&template.opened) && group.masks.len() < MASKS_MAX {
            group.masks.push(template.opened);
        }
        self.templates.push(template);
        id
    }

    /// Files a new template under its columns and opens those that fall apart; gives the template it became.
    fn settle(&mut self, id: u32) -> u32 {
        let mut id = id;
        // Each round opens one column, and there are at most COLUMNS_MAX of them.
        'again: for _ in 0..COLUMNS_MAX {
            let (group, words) = (self.templates[id as usize].group, self.templates[id as usize].words.clone());
            let whole = sum(group, &words);
            for (column, &word) in words.iter().enumerate().take(COLUMNS_MAX) {
                if word == OPEN {
                    continue;
                }
                let key = reopen(whole, column, word) ^ OPEN.rotate_left(column as u32);
                let mut waiting = self.columns.remove(&key).unwrap_or_default();
                waiting.iter_mut().for_each(|w| *w = self.now(*w));
                waiting.retain(|w| self.templates[*w as usize].words.get(column).is_some_and(|h| *h != OPEN));
                waiting.push(id);
                waiting.sort_unstable();
                waiting.dedup();
                if waiting.len() >= self.needed(id, column, &waiting) && self.templates.len() < TEMPLATES_MAX {
                    id = self.open(id, column);
                    continue 'again;
                }
                waiting.truncate(CHILDREN_MAX);
                self.columns.insert(key, waiting);
            }
            break;
        }
        id
    }

    /// How many values this column needs before it is a value and no word.
    fn needed(&self, id: u32, column: usize, waiting: &[u32]) -> usize {
        let template = &self.templates[id as usize];
        let constants = template.parts.iter().skip(1).step_by(2).filter(|w| *w != "<*>").count();
        let numbered = waiting.iter().all(|w| self.templates[*w as usize].parts[column * 2 + 1].bytes().any(|b| b.is_ascii_digit()));
        if numbered {
            return KNOWN_VALUES;
        }
        if constants < 2 {
            return usize::MAX;
        }
        let before = template.parts[column * 2].as_str();
        let assigned = before.ends_with('=') && column > 0;
        let known = !assigned && waiting.iter().all(|w| self.values.contains(&self.templates[*w as usize].words[column]));
        let words = || waiting.iter().map(|w| self.templates[*w as usize].parts[column * 2 + 1].as_str());
        let named = words().all(|w| w.contains(['.', '_', '-', '$', '/']) || w.bytes().skip(1).any(|b| b.is_ascii_uppercase()));
        let about = if column > 0 { template.parts[column * 2 - 1].as_str() } else { "" };
        let named = named || matches!(about, "user" | "User" | "account" | "host") && before == " ";
        let needed = if known {
            KNOWN_VALUES
        } else if assigned {
            ASSIGNED_VALUES
        } else if named {
            if before.ends_with(": ") { KNOWN_VALUES } else { NAME_VALUES }
        } else {
            WORD_VALUES
        };
        // With little else that is constant, more must be seen.
        if constants == 2 || column == 0 { needed * 2 } else { needed }
    }

    /// A template with one more open column; it takes up all that it covers.
    fn open(&mut self, id: u32, column: usize) -> u32 {
        let mut wider = self.templates[id as usize].clone();
        wider.words[column] = OPEN;
        wider.parts[column * 2 + 1] = "<*>".to_owned();
        wider.opened |= 1 << column;
        wider.count = 0;
        let (group, words) = (wider.group, wider.words.clone());
        // A shape that is open there already (the value had a digit) is the same template.
        let existing = self.shapes.get(&sum(group, &words)).map(|id| self.now(*id));
        let new = match existing {
            Some(new) => {
                let opened = wider.opened | self.templates[new as usize].opened;
                self.templates[new as usize].opened = opened;
                let masks = &mut self.groups.entry(group).or_default().masks;
                if !masks.contains(&wider.opened) && masks.len() < MASKS_MAX {
                    masks.push(wider.opened);
                }
                new
            }
            None => self.insert(wider),
        };
        let members = std::mem::take(&mut self.groups.entry(group).or_default().members);
        let mut kept = Vec::with_capacity(members.len());
        for member in members {
            let narrower = &self.templates[member as usize];
            let covered = member != new && narrower.words.iter().zip(&words).all(|(n, w)| n == w || *w == OPEN);
            if !covered {
                kept.push(member);
                continue;
            }
            let count = narrower.count;
            if self.values.len() < VALUES_MAX {
                self.values.insert(narrower.words[column]);
            }
            self.shapes.remove(&sum(group, &narrower.words));
            self.templates[member as usize].now = new;
            self.templates[member as usize].parts = Vec::new();
            self.templates[new as usize].count += count;
            self.merges.push(Merge { old: member, new });
        }
        self.groups.entry(group).or_default().members = kept;
        new
    }
}

fn sum(group: u64, words: &[u64]) -> u64 {
    words.iter().enumerate().fold(group, |sum, (column, word)| sum.wrapping_add(at(column, *word)))
}

/// The sum with one column open instead of `word`.
fn reopen(sum: u64, column: usize, word: u64) -> u64 {
    sum.wrapping_sub(at(column, word)).wrapping_add(at(column, OPEN))
}

fn at(column: usize, word: u64) -> u64 {
    mix(word ^ (column as u64 + 1).wrapping_mul(0xd6e8_feb8_6659_fd93))
}

fn hash(text: &str) -> u64 {
    use std::hash::BuildHasher;
    FixedState::with_seed(0x7465_6d70).hash_one(text)
}

/// Blanks count as one, however many.
fn squeezed(separator: &str) -> u64 {
    if !separator.contains("  ") {
        return hash(separator);
    }
    let mut one = String::with_capacity(separator.len());
    for c in separator.chars() {
        if c != ' ' || !one.ends_with(' ') {
            one.push(c);
        }
    }
    hash(&one)
}

fn mix(mut x: u64) -> u64 {
    x ^= x >> 32;
    x = x.wrapping_mul(0x9fb2_1c65_1e98_df25);
    x ^ x >> 29
}

#[cfg(test)]
mod tests;
