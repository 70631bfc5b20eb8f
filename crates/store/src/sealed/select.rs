//! Which rows can be what is looked for, decided on single columns before any record is put together.
//!
//! A row is passed over only when it cannot match: records that were kept whole (their `time` is null) are always looked at, and a condition
//! that the columns cannot decide passes everything.

use std::net::IpAddr;
use std::ops::Range;

use event::field::Value;
use event::{EntityKind, Time};
use parquet::data_type::ByteArray;
use parquet::errors::Result;

use super::column::{self, Kind};
use super::file::{Column, Sealed, Values};
use crate::query::{Test, contains_bytes};
use crate::search::Needle;

/// A condition on columns; all of a plan's must hold.
pub(crate) enum Condition {
    /// The column alone decides.
    Column {
        column: usize,
        test: Test,
    },
    /// The path or the query in the column `target`.
    Target {
        part: Part,
        test: Test,
    },
    /// One of these columns has this value, no matter which case, or the row is of a class that names entities in its story.
    Named {
        columns: Vec<usize>,
        value: String,
    },
    /// The same for an address, whatever way it is written.
    Address {
        columns: Vec<usize>,
        ip: IpAddr,
    },
    Time {
        from: Option<Time>,
        to: Option<Time>,
    },
    /// One of these byte strings stands in one of the values.
    Says(Vec<Needle>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Path,
    Query,
}

impl Part {
    pub(crate) fn of(self, target: &str) -> Option<&str> {
        match self {
            Part::Path => Some(target.split_once('?').map_or(target, |(path, _)| path)).filter(|p| !p.is_empty()),
            Part::Query => target.split_once('?').map(|(_, query)| query).filter(|q| !q.is_empty()),
        }
    }
}

/// Fields of the search language whose value is the column of the same name, for every class.
const SAME: &[&str] = &[
    "source",
    "format",
    "record",
    "src_ip",
    "user",
    "host",
    "service",
    "dst_ip",
    "dst_port",
    "domain",
    "method",
    "status",
    "bytes_in",
    "bytes_out",
    "agent",
    "referrer",
    "request",
    "verdict",
    "outcome",
    "country",
    "command",
    "operation",
    "finding",
    "analytic",
    "incident",
    "response",
    "action",
    "reason",
];

/// The column that alone holds a field's value.
pub(crate) fn of_field(field: &str) -> Option<usize> {
    SAME.iter().find(|name| **name == field).and_then(|name| column::place(name))
}

pub(crate) fn part_of(field: &str) -> Option<Part> {
    match field {
        "path" => Some(Part::Path),
        "query" => Some(Part::Query),
        _ => None,
    }
}

/// Columns where an entity of this kind is named in the records of activities.
pub(crate) fn of_entity(kind: EntityKind) -> Option<Vec<usize>> {
    let names: &[&str] = match kind {
        EntityKind::Address => &["src_ip", "dst_ip"],
        EntityKind::User => &["user"],
        EntityKind::Host | EntityKind::Service => &["host", "service"],
        EntityKind::Domain => &["domain"],
        _ => return None,
    };
    names.iter().map(|name| column::place(name)).collect()
}

/// Classes whose records name entities elsewhere.
const STORIES: [&[u8]; 4] = [b"finding", b"incident", b"response", b"order"];

impl Sealed {
    /// True when the Bloom filters of the row group say that no row can be what is looked for. `stories`: some of its rows may be of a class
    /// that names entities in its story.
    pub(crate) fn rules_out<'c>(&self, mut conditions: impl Iterator<Item = &'c Condition>, row: u64, stories: bool) -> bool {
        let has_none = |columns: &[usize], values: &[String]| {
            columns.iter().all(|column| values.iter().all(|value| self.bloom_denies(*column, row, value)))
        };
        // Records that were kept whole are in no filter.
        if column::place("time").is_none_or(|time| self.may_be_null(time, row)) {
            return false;
        }
        conditions.any(|condition| match condition {
            // Values are stored as they were written, and filters know no case.
            Condition::Address { columns, ip } if !stories => {
                let mapped = if let IpAddr::V4(v4) = ip { IpAddr::V6(v4.to_ipv6_mapped()) } else { *ip };
                has_none(columns, &[ip.to_string(), mapped.to_string()])
            }
            Condition::Column { column, test: Test::Net(net) } => net.address().is_some_and(|ip| {
                let mapped = if let IpAddr::V4(v4) = ip { IpAddr::V6(v4.to_ipv6_mapped()) } else { ip };
                has_none(&[*column], &[ip.to_string(), mapped.to_string()])
            }),
            _ => false,
        })
    }

    /// One entry a row: whether it has to be looked at. `None`: every row has.
    pub(crate) fn select<'c>(&self, conditions: impl Iterator<Item = &'c Condition>, rows: Range<u64>) -> Result<Option<Vec<bool>>> {
        let count = (rows.end - rows.start) as usize;
        let mut all: Option<Vec<bool>> = None;
        for condition in conditions {
            let mut here = vec![false; count];
            self.mark(condition, &rows, &mut here)?;
            match &mut all {
                Some(all) => all.iter_mut().zip(here).for_each(|(all, here)| *all &= here),
                None => all = Some(here),
            }
            if all.as_ref().is_some_and(|all| !all.contains(&true)) {
                break;
            }
        }
        if let Some(all) = &mut all {
            self.keep_whole(&rows, all)?;
        }
        Ok(all)
    }

    /// Records without columns cannot be judged by them.
    fn keep_whole(&self, rows: &Range<u64>, marks: &mut [bool]) -> Result<()> {
        let Some(time) = column::place("time") else { return Ok(()) };
        if !self.may_be_null(time, rows.start) {
            return Ok(());
        }
        match self.column(time, rows.clone())? {
            Values::Numbers(times) => times.rows().zip(marks).for_each(|(time, mark)| *mark |= time.is_none()),
            _ => marks.fill(true),
        }
        Ok(())
    }

    fn mark(&self, condition: &Condition, rows: &Range<u64>, marks: &mut [bool]) -> Result<()> {
        match condition {
            Condition::Time { from, to } => {
                let Some(time) = column::place("time") else {
                    marks.fill(true);
                    return Ok(());
                };
                if let Values::Numbers(times) = self.column(time, rows.clone())? {
                    let (from, to) = (from.map_or(i64::MIN, Time::us), to.map_or(i64::MAX, Time::us));
                    times.rows().zip(marks).for_each(|(us, mark)| *mark = us.is_some_and(|us| from <= *us && *us < to));
                }
            }
            Condition::Column { column, test } => match self.column(*column, rows.clone())? {
                Values::Nothing => {}
                Values::Numbers(numbers) => {
                    let matches = |n: &i64| test.matches(&Value::Number(*n as f64));
                    numbers.rows().zip(marks).for_each(|(n, mark)| *mark = n.is_some_and(matches));
                }
                Values::Floats(floats) => {
                    let matches = |f: &f32| test.matches(&Value::Number(f64::from(*f)));
                    floats.rows().zip(marks).for_each(|(f, mark)| *mark = f.is_some_and(matches));
                }
                Values::Bytes(texts) => {
                    let address = column::ALL[*column].kind == Kind::Address;
                    each_text(&texts, marks, |text| {
                        let Ok(text) = std::str::from_utf8(text) else { return true };
                        if address {
                            text.parse().is_ok_and(|ip| test.matches(&Value::Address(ip)))
                        } else {
                            test.matches(&Value::Text(text.into()))
                        }
                    });
                }
            },
            Condition::Target { part, test } => {
                let Some(target) = column::place("target") else {
                    marks.fill(true);
                    return Ok(());
                };
                if let Values::Bytes(texts) = self.column(target, rows.clone())? {
                    each_text(&texts, marks, |text| {
                        let Ok(text) = std::str::from_utf8(text) else { return true };
                        part.of(text).is_some_and(|part| test.matches(&Value::Text(part.into())))
                    });
                }
            }
            Condition::Named { columns, value } => {
                for column in columns {
                    if let Values::Bytes(texts) = self.column(*column, rows.clone())? {
                        each_text(&texts, marks, |text| text.eq_ignore_ascii_case(value.as_bytes()));
                    }
                }
                if let Values::Bytes(classes) = self.classes(rows.clone())? {
                    each_text(&classes, marks, names_elsewhere);
                }
            }
            Condition::Address { columns, ip } => {
                let plain = ip.to_string();
                for column in columns {
                    if let Values::Bytes(texts) = self.column(*column, rows.clone())? {
                        each_text(&texts, marks, |text| {
                            text == plain.as_bytes()
                                || (text.contains(&b':')
                                    && std::str::from_utf8(text).is_ok_and(|t| t.parse().is_ok_and(|t: IpAddr| t.to_canonical() == *ip)))
                        });
                    }
                }
                if let Values::Bytes(classes) = self.classes(rows.clone())? {
                    each_text(&classes, marks, names_elsewhere);
                }
            }
            Condition::Says(needles) => {
                let is_in = |text: &[u8]| needles.iter().any(|needle| contains_bytes(needle, text));
                for column in 0..column::ALL.len() {
                    if matches!(column::ALL[column].kind, Kind::Text | Kind::Bytes | Kind::Address)
                        && let Values::Bytes(texts) = self.column(column, rows.clone())?
                    {
                        each_text(&texts, marks, is_in);
                    }
                }
                if let Values::Bytes(rests) = self.rests(rows.clone())? {
                    each_text(&rests, marks, is_in);
                }
            }
        }
        Ok(())
    }
}

/// Classes that this version does not know are stored as their number.
fn names_elsewhere(class: &[u8]) -> bool {
    STORIES.contains(&class) || class.first().is_some_and(u8::is_ascii_digit)
}

/// Marks the rows whose text `matches`. Values of a dictionary are one and the same bytes: each is asked about once, mostly.
fn each_text(texts: &Column<ByteArray>, marks: &mut [bool], matches: impl Fn(&[u8]) -> bool) {
    const SLOTS: usize = 1_024;
    let mut known: Vec<(*const u8, usize, bool)> = vec![(std::ptr::null(), 0, false); SLOTS];
    for (text, mark) in texts.rows().zip(marks) {
        let Some(text) = text.map(ByteArray::data) else { continue };
        if *mark {
            continue;
        }
        let at = text.as_ptr();
        let slot = &mut known[(at as usize >> 3) % SLOTS];
        if (slot.0, slot.1) != (at, text.len()) || text.is_empty() {
            *slot = (at, text.len(), matches(text));
        }
        *mark = slot.2;
    }
}
