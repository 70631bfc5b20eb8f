use proptest::prelude::*;

use super::super::scan::words;
use super::*;

fn mine(lines: &[String]) -> (Miner, Vec<u32>) {
    let mut miner = Miner::default();
    let mut ids = Vec::new();
    for line in lines {
        let mut cut = Words::default();
        words(line, &mut cut);
        ids.push(miner.add(&cut));
    }
    (miner, ids)
}

fn check(lines: &[&str], expected: &[&str]) {
    let lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
    let (miner, ids) = mine(&lines);
    let texts: Vec<String> = ids.iter().map(|id| miner.text(miner.now(*id))).collect();
    assert_eq!(texts, expected);
}

#[test]
fn a_column_that_falls_apart_is_a_value() {
    let users = ["bob", "eva", "tim", "ann", "joe", "kim", "lea"].map(|u| format!("session opened for user {u}"));
    let lines: Vec<&str> = users.iter().map(String::as_str).collect();
    check(&lines, &["session opened for user <*>"; 7]);
}

#[test]
fn a_few_words_stay_words() {
    check(
        &["service web started", "service web stopped", "service web started"],
        &["service web started", "service web stopped", "service web started"],
    );
    check(&["login from 10.0.0.1 port 22", "login from 10.0.0.2 port 23"], &["login from <*> port <*>"; 2]);
}

#[test]
fn merges_are_told_and_counts_kept() {
    let lines: Vec<String> = ["bob", "eva", "tim", "bob"].iter().map(|u| format!("Accepted key for user {u}")).collect();
    let (mut miner, ids) = mine(&lines);
    let merges = miner.merges();
    assert!(!merges.is_empty() && merges.iter().all(|m| miner.now(m.old) == miner.now(m.new)));
    assert_eq!(miner.count(miner.now(ids[0])), 4);
    assert_eq!(miner.len(), 2);
}

#[test]
fn limits_hold_over_random_lines() {
    let mut miner = Miner::default();
    let mut state = 1u64;
    for _ in 0..30_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let line: String = (0..4).map(|k| format!("{} ", (b'a' + ((state >> (k * 8 + 20)) % 26) as u8) as char).repeat(3)).collect();
        let mut cut = Words::default();
        words(&line, &mut cut);
        miner.add(&cut);
    }
    assert!(miner.templates.len() <= TEMPLATES_MAX);
    assert!(miner.columns.values().all(|c| c.len() <= CHILDREN_MAX));
}

proptest! {
    /// The template of a line does not depend on how the miner was stored in between.
    #[test]
    fn a_checkpoint_changes_nothing(lines in proptest::collection::vec("(user|host) [a-d]{1,2} (up|down) [0-9]{0,3}", 1..60)) {
        let (whole, ids) = mine(&lines);
        let half = lines.len() / 2;
        let (first, mut again) = mine(&lines[..half]);
        let mut first: Miner = serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
        for line in &lines[half..] {
            let mut cut = Words::default();
            words(line, &mut cut);
            again.push(first.add(&cut));
        }
        let texts = |miner: &Miner, ids: &[u32]| ids.iter().map(|id| miner.text(miner.now(*id))).collect::<Vec<_>>();
        prop_assert_eq!(texts(&first, &again), texts(&whole, &ids));
    }

    #[test]
    fn any_line_is_taken(line in any::<String>()) {
        let mut source = super::super::Source::default();
        let mut out = Vec::new();
        source.push(&line, &mut out);
        source.flush(&mut out);
        prop_assert_eq!(out.len(), 1);
    }
}
