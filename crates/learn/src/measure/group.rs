//! Whether a model is unfair to a group: how many good rows of each language, country, kind of device.. it flags, with intervals.

use std::collections::BTreeMap;

use super::{Share, wilson};

/// Good rows from which a group's share is compared; below it nobody can know.
pub const ROWS_MIN: u64 = 500;
/// Most that the highest share may be a multiple of the lowest.
pub const RATIO_MAX: f64 = 2.0;
/// Most groups of a column; further values are one group.
const GROUPS_MAX: usize = 100;
const OTHERS: &str = "(others)";

/// Good rows of one group.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Group {
    /// Value of the column.
    pub value: String,
    /// Good rows that were flagged.
    #[serde(flatten)]
    pub flagged: Share,
    /// Whether it has [`ROWS_MIN`] rows.
    pub enough: bool,
}

/// The groups of a column.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Groups {
    /// The column.
    pub column: String,
    /// Highest share first.
    pub groups: Vec<Group>,
    /// Highest share over lowest, of groups with enough rows, half a hit added to each; `None` with fewer than two.
    pub ratio: Option<f64>,
    /// Whether the intervals of those two are apart, so that the difference is more than luck.
    pub apart: bool,
    /// Above [`RATIO_MAX`] and apart is unfair; `None` when there is not enough data.
    pub pass: Option<bool>,
}

impl Groups {
    /// Groups of `column` from the value of each good row and whether it was flagged.
    pub fn of<'a>(column: &str, rows: impl Iterator<Item = (&'a str, bool)>) -> Groups {
        let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (value, flagged) in rows {
            let known = counts.len() < GROUPS_MAX || counts.contains_key(value);
            let entry = counts.entry(if known { value } else { OTHERS }.to_owned()).or_default();
            (entry.0, entry.1) = (entry.0 + u64::from(flagged), entry.1 + 1);
        }
        let mut groups: Vec<Group> =
            counts.into_iter().map(|(value, (hits, of))| Group { value, flagged: wilson(hits, of), enough: of >= ROWS_MIN }).collect();
        groups.sort_by(|a, b| b.flagged.share.total_cmp(&a.flagged.share).then_with(|| a.value.cmp(&b.value)));
        let mut enough = groups.iter().filter(|group| group.enough);
        let ends = enough.next().and_then(|high| Some((high, enough.next_back()?)));
        let smooth = |group: &Group| (group.flagged.hits as f64 + 0.5) / (group.flagged.of as f64 + 1.0);
        let ratio = ends.map(|(high, low)| smooth(high) / smooth(low));
        let apart = ends.is_some_and(|(high, low)| high.flagged.low > low.flagged.high);
        Groups { column: column.into(), ratio, apart, pass: ratio.map(|ratio| ratio <= RATIO_MAX || !apart), groups }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(of: &[(&'static str, u64, u64)]) -> Vec<(&'static str, bool)> {
        of.iter().flat_map(|&(value, hits, of)| (0..of).map(move |at| (value, at < hits))).collect()
    }

    #[test]
    fn a_group_that_is_flagged_more_often_fails() {
        let found = Groups::of("language", rows(&[("en", 10, 1_000), ("de", 60, 1_000)]).into_iter());
        assert_eq!((found.pass, found.apart), (Some(false), true));
        assert_eq!(found.groups[0].value, "de");
        assert!(found.ratio.is_some_and(|ratio| ratio > 5.0));
    }

    #[test]
    fn luck_and_little_data_are_not_unfair() {
        assert_eq!(Groups::of("c", rows(&[("a", 1, 600), ("b", 3, 600)]).into_iter()).pass, Some(true), "intervals overlap");
        assert_eq!(Groups::of("c", rows(&[("a", 1, 600), ("b", 300, 400)]).into_iter()).pass, None, "one group is too small");
        assert_eq!(Groups::of("c", rows(&[("a", 0, 900), ("b", 0, 900)]).into_iter()).pass, Some(true));
    }

    #[test]
    fn a_column_of_names_is_bounded() {
        let names: Vec<String> = (0..500).map(|at| format!("user{at}")).collect();
        let found = Groups::of("user", names.iter().map(|name| (name.as_str(), false)));
        assert_eq!(found.groups.len(), GROUPS_MAX + 1);
    }
}
