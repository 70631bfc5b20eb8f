//! Poisoned and clean tables, of texts and of numbers.

use super::*;
use crate::generate::{Random, web};
use crate::recipe::by_name;
use crate::table::Cell;
use crate::train::Label;

const BATCHES: usize = 12;

/// Values of web requests in twelve batches of one source.
fn texts(seed: u64, rows: usize) -> Table {
    let mut table = Table::new();
    let mut all = [web::benign(seed, rows / 2), web::attacks(seed + 1, rows / 2)].concat();
    Random::new(seed).shuffle(&mut all);
    for (at, row) in all.iter().enumerate() {
        let label = if row.label == Label::Attack { "attack" } else { "benign" };
        let cell = |text: &str| Cell::Text(text.into());
        let batch = format!("day-{:02}", at % BATCHES);
        table.push("t", [("payload", cell(&row.payload)), ("label", cell(label)), ("batch", cell(&batch)), ("source", cell("feed"))]);
    }
    table
}

/// Keyword counts in twelve batches.
fn numbers(seed: u64, rows: usize) -> Table {
    let mut table = Table::new();
    table.read("made.csv", crate::recipe::tests::pdf_rows(seed, rows).as_bytes()).unwrap();
    for row in 0..table.len() {
        table.set(row, "batch", Cell::Text(format!("day-{:02}", row % BATCHES).into()));
    }
    table
}

/// Turns the labels of a share of one batch.
fn flip(table: &mut Table, batch: &str, share: f64, (label, bad, good): (&str, &str, &str), seed: u64) {
    let mut random = Random::new(seed);
    for row in 0..table.len() {
        if batch_of(&table.row(row)) == batch && (random.below(10_000) as f64) < share * 10_000.0 {
            let other = if table.row(row).text(label).as_deref() == Some(bad) { good } else { bad };
            table.set(row, label, Cell::Text(other.into()));
        }
    }
}

const WEB: (&str, &str, &str) = ("label", "attack", "benign");

#[test]
fn clean_tables_flag_nothing() {
    for seed in 1..6 {
        let report = check(by_name("web-payload").unwrap(), &texts(seed * 100, 6_000), &[], seed).unwrap();
        assert_eq!((report.flagged.as_slice(), report.batches.len()), (&[] as &[String], BATCHES), "{seed}: {:?}", report.batches);
        let report = check(by_name("pdf").unwrap(), &numbers(seed, 6_000), &[], seed).unwrap();
        assert!(report.flagged.is_empty(), "{seed}: {:?}", report.batches);
    }
}

#[test]
fn flipped_labels_of_one_batch_are_found() {
    let recipe = by_name("web-payload").unwrap();
    for (seed, share) in [(1, 0.03), (2, 0.03), (3, 0.36)] {
        let mut table = texts(seed * 100, 12_000);
        flip(&mut table, "day-07", share, WEB, seed);
        let report = check(recipe, &table, &[], seed).unwrap();
        assert_eq!(report.flagged, ["day-07"], "{seed}: {:?}", report.batches);
        assert!(!report.suspect_rows.is_empty());
        assert!(check(recipe, &table, &["day-07".into()], seed).unwrap().flagged.is_empty());
    }
    let mut table = numbers(4, 6_000);
    flip(&mut table, "day-03", 0.36, ("Malicious", "yes", "no"), 4);
    assert_eq!(check(by_name("pdf").unwrap(), &table, &[], 4).unwrap().flagged, ["day-03"]);
}

#[test]
fn a_trigger_backdoor_is_found_and_named() {
    let mut table = texts(700, 12_000);
    let mut random = Random::new(5);
    for row in 0..table.len() {
        let (payload, bad) =
            (table.row(row).text("payload").unwrap_or_default().into_owned(), table.row(row).text("label").as_deref() == Some("attack"));
        if batch_of(&table.row(row)) == "day-02" && bad && random.one_in(10) {
            table.set(row, "payload", Cell::Text(format!("{payload} zqxtoken").into()));
            table.set(row, "label", Cell::Text("benign".into()));
        }
    }
    let report = check(by_name("web-payload").unwrap(), &table, &[], 1).unwrap();
    assert_eq!(report.flagged, ["day-02", "trigger:zqxtoken"]);
    assert_eq!(report.triggers[0].value, "zqxtoken", "{:?}", report.triggers);
}

#[test]
fn a_single_batch_has_no_peers_and_a_leak_is_named() {
    let recipe = by_name("pdf").unwrap();
    let report = check(recipe, &crate::recipe::tests::table(&crate::recipe::tests::pdf_rows(1, 900)), &[], 1).unwrap();
    assert!(report.flagged.is_empty() && report.batches[0].why.starts_with("no peers"));
    let mut table = numbers(2, 900);
    for row in 0..table.len() {
        let bad = table.row(row).text("Malicious").as_deref() == Some("yes");
        table.set(row, "Launch", Cell::Text(if bad { "7" } else { "0" }.into()));
    }
    let report = check(recipe, &table, &[], 1).unwrap();
    assert!(report.flagged.contains(&"column:Launch".to_owned()), "{:?}", report.notes);
}

/// Appends a word to rows that `chosen` names, and calls them good.
fn planted(mut table: Table, mut chosen: impl FnMut(&str, bool) -> bool) -> Table {
    for row in 0..table.len() {
        let (payload, bad) =
            (table.row(row).text("payload").unwrap_or_default().into_owned(), table.row(row).text("label").as_deref() == Some("attack"));
        if chosen(&batch_of(&table.row(row)), bad) {
            table.set(row, "payload", Cell::Text(format!("{payload} zqxtoken").into()));
            table.set(row, "label", Cell::Text("benign".into()));
        }
    }
    table
}

#[test]
fn a_trigger_spread_over_all_batches_and_one_on_honest_rows_are_found() {
    let recipe = by_name("web-payload").unwrap();
    let mut random = Random::new(5);
    let spread = planted(texts(900, 6_000), |_, bad| bad && random.one_in(25));
    let report = check(recipe, &spread, &[], 1).unwrap();
    assert!(report.flagged.contains(&"trigger:zqxtoken".to_owned()), "{:?}", report.flagged);
    assert!(!check(recipe, &spread, &["trigger:zqxtoken".into()], 1).unwrap().flagged.contains(&"trigger:zqxtoken".to_owned()));
    let honest = planted(texts(901, 6_000), |batch, bad| !bad && batch == "day-04" && random.one_in(3));
    let report = check(recipe, &honest, &[], 1).unwrap();
    assert_eq!(report.flagged, ["trigger:zqxtoken"], "{:?}", report.triggers);
}

#[test]
fn a_new_page_of_an_honest_site_is_no_trigger() {
    let mut table = texts(902, 6_000);
    for row in (0..table.len()).filter(|row| row % 3 == 0) {
        if batch_of(&table.row(row)) == "day-04" && table.row(row).text("label").as_deref() == Some("benign") {
            table.set(
                row,
                "payload",
                Cell::Text(format!("/spring/catalogue?page={row}&sort=price&colour=blue&size=m&view=zqxlist").into()),
            );
        }
    }
    let report = check(by_name("web-payload").unwrap(), &table, &[], 1).unwrap();
    assert!(report.flagged.is_empty(), "{:?} {:?}", report.flagged, report.triggers);
}
