//! Which decoder reads a source: named by the user, or found from its first records.
//!
//! A source whose sampled records are nearly all of one format is read with it, and only records that it is not sure of are offered to the
//! others. Anything else is mixed: each record goes to the decoder that is surest of it. Either way the event of a record depends on the
//! record and the choice alone, so a choice may be shared by threads. A record that holds another format's record in a field is recognised by
//! its beginning, so a message of one log cannot pass for a line of another.

use event::Event;

use crate::{ALL, Decoder, FILES, FileDecoder, Place};

/// At most this many records are looked at.
pub const SAMPLE_MAX: usize = 64;

/// The chosen decoder keeps a record that it is as sure of as this; below, the others are asked.
const SURE: u8 = 90;

/// Share of the recognised records that one format needs, in percent.
const LEAD_PERCENT: usize = 90;

/// What the user asked for.
#[derive(Clone, Copy, Default)]
pub enum Format {
    #[default]
    Auto,
    Named(&'static dyn Decoder),
    /// Files are read as a whole; records that come one by one are read by the line decoder of the same name, when there is one.
    File(&'static dyn FileDecoder),
}

impl Format {
    /// `auto` and the names of [`ALL`] and [`FILES`].
    pub fn names() -> impl Iterator<Item = &'static str> {
        let files = FILES.iter().map(|d| d.name()).filter(|name| ALL.iter().all(|d| d.name() != *name));
        std::iter::once("auto").chain(ALL.iter().map(|d| d.name())).chain(files)
    }

    pub fn name(self) -> &'static str {
        match self {
            Format::Auto => "auto",
            Format::Named(decoder) => decoder.name(),
            Format::File(decoder) => decoder.name(),
        }
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Format) -> bool {
        self.name() == other.name()
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Format, UnknownFormat> {
        if name == "auto" {
            return Ok(Format::Auto);
        }
        if let Some(decoder) = FILES.iter().find(|d| d.name() == name) {
            return Ok(Format::File(*decoder));
        }
        let found = ALL.iter().find(|d| d.name() == name);
        found.map(|d| Format::Named(*d)).ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format {name:?}, expected one of {}", Format::names().collect::<Vec<_>>().join(", "))]
pub struct UnknownFormat {
    pub name: String,
}

/// The decoder chosen for one source.
#[derive(Clone, Copy)]
pub struct Choice {
    first: Option<&'static dyn Decoder>,
    /// The user named it: no other decoder is tried.
    only: bool,
}

impl Choice {
    /// Each record by itself.
    pub const MIXED: Choice = Choice { first: None, only: false };

    /// From the first records of a source; at most [`SAMPLE_MAX`] are looked at.
    pub fn new<'r>(format: Format, sample: impl IntoIterator<Item = &'r [u8]>) -> Choice {
        match format {
            Format::Named(decoder) => Choice { first: Some(decoder), only: true },
            Format::File(file) => match ALL.iter().find(|d| d.name() == file.name()) {
                Some(decoder) => Choice { first: Some(*decoder), only: true },
                None => Choice::MIXED,
            },
            Format::Auto => Choice { first: leader(sample.into_iter().take(SAMPLE_MAX)), only: false },
        }
    }

    /// `combined`, .. or `mixed`.
    pub fn name(&self) -> &'static str {
        self.first.map_or("mixed", |d| d.name())
    }

    pub fn decode(&self, record: &[u8], at: &Place<'_>) -> Event {
        self.reader(record).decode(record, at)
    }

    fn reader(&self, record: &[u8]) -> &'static dyn Decoder {
        let score = self.first.map_or(0, |first| first.recognise(record));
        match self.first {
            Some(first) if self.only || score >= SURE => first,
            Some(first) => surest(record).filter(|other| other.recognise(record) > score).unwrap_or(first),
            None => surest(record).unwrap_or(ALL[0]),
        }
    }
}

impl std::fmt::Debug for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How sure the surest decoder is of a record; 0 when none knows it.
pub fn sureness(record: &[u8]) -> u8 {
    ALL.iter().map(|decoder| decoder.recognise(record)).max().unwrap_or_default()
}

/// `None` when no decoder knows the record.
fn surest(record: &[u8]) -> Option<&'static dyn Decoder> {
    let mut best: Option<(u8, &'static dyn Decoder)> = None;
    for decoder in ALL {
        let score = decoder.recognise(record);
        if score > best.map_or(0, |(held, _)| held) {
            best = Some((score, *decoder));
        }
    }
    best.map(|(_, decoder)| decoder)
}

fn leader<'r>(sample: impl Iterator<Item = &'r [u8]>) -> Option<&'static dyn Decoder> {
    let mut wins = [0usize; ALL.len()];
    for record in sample {
        if let Some(best) = surest(record) {
            let index = ALL.iter().position(|d| d.name() == best.name());
            wins[index.expect("invariant: the surest is one of ALL")] += 1;
        }
    }
    let known: usize = wins.iter().sum();
    let lead = (0..ALL.len()).find(|&i| wins[i] > 0 && wins[i] * 100 >= known * LEAD_PERCENT)?;
    Some(ALL[lead])
}
