//! One source of lines: header, words, template.

use serde::{Deserialize, Serialize};

use super::header::LINES;
use super::scan::{Words, words};
use super::{Header, Miner};

/// Lines longer than this are cut.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Templates of one log. The first lines are kept back until the header is known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Source {
    header: Option<Header>,
    held: Vec<String>,
    /// Lines of the running check, and how many did not have the header.
    checked: u32,
    missed: u32,
    /// The running lines are kept to learn a new header from.
    relearning: bool,
    pub miner: Miner,
}

impl Source {
    /// Reads one line. `out` gets the template of each line that is now known, in the order of the lines: none at first, then many at once.
    pub fn push(&mut self, line: &str, out: &mut Vec<u32>) {
        if self.header.is_some() {
            out.push(self.mine(line));
            return;
        }
        self.held.push(cut(line).to_owned());
        if self.held.len() >= LINES {
            self.flush(out);
        }
    }

    /// Ends the waiting for a header: with fewer lines than it takes, and at the end of a source.
    pub fn flush(&mut self, out: &mut Vec<u32>) {
        if self.header.is_none() {
            self.header = Some(Header::detect(self.held.iter().map(String::as_str)));
            for line in std::mem::take(&mut self.held) {
                out.push(self.mine(&line));
            }
        }
    }

    fn mine(&mut self, line: &str) -> u32 {
        let line = cut(line);
        let header = self.header.get_or_insert_default();
        let message = header.message(line);
        self.checked += 1;
        self.missed += u32::from(message.is_none());
        let mut cut = Words::default();
        words(message.unwrap_or(line), &mut cut);
        let id = self.miner.add(&cut);
        self.check(line);
        id
    }

    /// After every [`LINES`] lines: when most did not have the header, another logger writes now, and its header is learned from the next ones.
    fn check(&mut self, line: &str) {
        if self.relearning {
            self.held.push(line.to_owned());
        }
        if self.checked < LINES as u32 {
            return;
        }
        if self.relearning {
            self.header = Some(Header::detect(self.held.iter().map(String::as_str)));
            self.held.clear();
        }
        self.relearning = !self.relearning && self.missed * 2 > self.checked;
        (self.checked, self.missed) = (0, 0);
    }
}

fn cut(line: &str) -> &str {
    &line[..line.floor_char_boundary(LINE_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_header_is_learned_later() {
        let (mut source, mut ids) = (Source::default(), Vec::new());
        (0..400).for_each(|n| source.push(&format!("2024-01-02 10:00:{:02} INFO job {n} done", n % 60), &mut ids));
        (0..900).for_each(|n| source.push(&format!("Jan  2 11:00:{:02} web cron[{n}]: job {n} done", n % 60), &mut ids));
        assert_eq!(ids.len(), 1_300);
        assert_eq!(source.miner.text(source.miner.now(ids[0])), "job <*> done");
        assert_eq!(source.miner.now(ids[0]), source.miner.now(ids[1_299]));
    }
}
