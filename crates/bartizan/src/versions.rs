//! The highest version of each model that ever served on a data directory: an old one that was signed once is not taken up in its place
//! because somebody put it there. Going back is an order (`model rollback`, `model promote --allow-older`), and in the log.
//!
//! The built-in models are part of the program, so that an older program brings its own.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use console::ModelState;

/// Models are a handful.
const BYTES_MAX: u64 = 1 << 20;

pub struct Highest {
    path: PathBuf,
    of: BTreeMap<String, String>,
}

impl Highest {
    /// A file that cannot be read counts as none, which is said.
    pub fn read(data_dir: &Path) -> (Highest, Option<String>) {
        let path = data_dir.join("models/highest.json");
        let (of, said) = match std::fs::metadata(&path).map(|m| m.len()) {
            Err(_) => (BTreeMap::new(), None),
            Ok(bytes) => {
                let read = if bytes > BYTES_MAX { Err("is too long".to_owned()) } else { std::fs::read(&path).map_err(|e| e.to_string()) };
                match read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|e| e.to_string())) {
                    Ok(of) => (of, None),
                    Err(why) => {
                        (BTreeMap::new(), Some(format!("{}: {why}; which versions of models served before is not known", path.display())))
                    }
                }
            }
        };
        (Highest { path, of }, said)
    }

    /// The version that is newer than this one and served before.
    pub fn above(&self, name: &str, version: &str) -> Option<&str> {
        self.of.get(name).map(String::as_str).filter(|highest| compare(highest, version) == Ordering::Greater)
    }

    /// Takes note of what serves. Written beside, then renamed.
    pub fn note(&mut self, models: &[ModelState]) -> Result<(), String> {
        let newer: Vec<&ModelState> = models
            .iter()
            .filter(|m| m.signed && !m.version.is_empty())
            .filter(|m| self.of.get(&m.name).is_none_or(|highest| compare(&m.version, highest) == Ordering::Greater))
            .collect();
        if newer.is_empty() {
            return Ok(());
        }
        self.of.extend(newer.into_iter().map(|m| (m.name.clone(), m.version.clone())));
        let new = self.path.with_extension("json.new");
        let put = || -> std::io::Result<()> {
            self.path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(&new, serde_json::to_vec_pretty(&self.of)?)?;
            std::fs::File::open(&new)?.sync_all()?;
            std::fs::rename(&new, &self.path)
        };
        put().map_err(|e| format!("{}: {e}", self.path.display()))
    }
}

/// `1.10` is newer than `1.9`. Parts that are no numbers are compared as text.
pub fn compare(a: &str, b: &str) -> Ordering {
    let part = |text: &str| (text.parse::<u64>().ok(), text.to_owned());
    let parts = |text: &str| text.split(['.', '-', '_']).map(part).collect::<Vec<_>>();
    parts(a).cmp(&parts(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (a, b) in [("1.10", "1.9"), ("2.0", "1.99.1"), ("1.0.1", "1.0"), ("1.1-2", "1.1-1")] {
            assert_eq!((compare(a, b), compare(b, a)), (Ordering::Greater, Ordering::Less), "{a} {b}");
        }
        assert_eq!(compare("1.0", "1.0"), Ordering::Equal);
    }
}
