//! `--groups COLUMN`: whether good rows of one language, source, country.. are flagged more often than those of another.

use std::borrow::Cow;

use learn::measure::{Groups, RATIO_MAX, ROWS_MIN};
use learn::table::Table;

use crate::cli::fail::Fail;
use crate::cli::out;

/// Groups of each column, from the rows that were judged: place in the table, whether bad, whether flagged. `extra` answers for columns that
/// the table does not have.
pub(super) fn of(
    columns: &[String],
    table: &Table,
    judged: &[(usize, bool, bool)],
    extra: &dyn Fn(&str, usize) -> Option<String>,
) -> Result<Vec<Groups>, Fail> {
    let mut all = Vec::new();
    for column in columns {
        let value = |at: usize| match table.row(at).text(column) {
            Some(text) => Some(text.into_owned()),
            None => extra(column, at),
        };
        let values: Vec<(Cow<'_, str>, bool)> =
            judged.iter().filter(|(_, bad, _)| !bad).filter_map(|&(at, _, flagged)| Some((Cow::Owned(value(at)?), flagged))).collect();
        if values.is_empty() {
            return Err(Fail::new("E0514", format!("no good row has a value in {}", out::shown(column)))
                .fix(format!("columns of the table: {}", table.columns().join(", "))));
        }
        all.push(Groups::of(column, values.iter().map(|(value, flagged)| (value.as_ref(), *flagged))));
    }
    Ok(all)
}

pub(super) fn print(all: &[Groups]) {
    for groups in all {
        let word = match (groups.pass, groups.ratio) {
            (Some(true), Some(ratio)) => format!("fair: highest over lowest {ratio:.2}{}", if groups.apart { "" } else { ", within luck" }),
            (Some(false), Some(ratio)) => format!("UNFAIR: highest over lowest {ratio:.2}, more than {RATIO_MAX:.1}"),
            _ => format!("not enough data: fewer than two groups with {ROWS_MIN} good rows"),
        };
        out::line(format!(" good rows flagged by {}: {word}", out::shown(&groups.column)));
        for group in &groups.groups {
            let share = &group.flagged;
            let few = if group.enough { "" } else { "  not enough data" };
            out::line(format!(
                "   {:<28} {:>8.3} %  ({:.3} to {:.3}), {} of {}{few}",
                out::shown(&group.value),
                share.share * 100.0,
                share.low * 100.0,
                share.high * 100.0,
                share.hits,
                share.of
            ));
        }
    }
}
