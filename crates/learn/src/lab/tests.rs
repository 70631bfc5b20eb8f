//! The lab finds what is there: a weak filter falls, a strong one holds, and the operators keep to their sides.

use std::collections::BTreeSet;

use super::operator::{Family, Operator};
use super::*;

fn ask(caught: impl Fn(&str) -> bool) -> impl FnMut(&str) -> Answer {
    move |text| {
        let caught = caught(text);
        Answer { score: f32::from(u8::from(caught)), caught }
    }
}

#[test]
fn operators_that_measure_are_not_those_that_train() {
    let names = |list: &[&'static Operator]| list.iter().map(|operator| operator.name).collect::<BTreeSet<_>>();
    let (train, test) = (names(Operator::TRAIN), names(Operator::TEST));
    assert!(train.is_disjoint(&test));
    assert_eq!(train.len() + test.len(), Operator::TRAIN.len() + Operator::TEST.len(), "each name once");
    for family in [Family::Sql, Family::Html, Family::Shell, Family::Path, Family::Mail, Family::Url] {
        assert!(Operator::of(Operator::TEST, family).len() >= 2, "{family:?}");
    }
}

#[test]
fn a_filter_of_one_spelling_falls_and_one_that_refuses_all_holds() {
    let seeds = seeds::web(3, 30);
    assert!(seeds.len() == 30 && seeds.iter().filter(|seed| seed.family == Family::Sql).count() == 18);
    let benign = seeds::web_benign(3, 20);
    let known: BTreeSet<String> = seeds.iter().map(|seed| seed.text.clone()).collect();
    let weak = evade::run("weak", &seeds, &benign, 20, 1, &mut ask(|text| known.contains(text)));
    assert!(!weak.pass && weak.passed < 3, "{:?}", weak.figures);
    assert!(weak.figures["appended_fell_below_threshold"].as_u64() > Some(0));
    let strong = evade::run("strong", &seeds, &benign, 20, 1, &mut ask(|_| true));
    assert!(strong.pass && strong.passed == 30, "{:?}", strong.figures);
    assert_eq!(evade::run("weak", &seeds, &benign, 20, 1, &mut ask(|text| known.contains(text))), weak, "same seed, same outcome");
}

#[test]
fn whoever_may_choose_the_telling_column_gets_through() {
    use crate::features::{Forge, feature};
    use crate::tree::{Grid, Settings, fit};
    let mut random = crate::generate::Random::new(9);
    let (mut values, mut labels, mut bad, mut good) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for at in 0..400 {
        let hostile = at % 2 == 0;
        let row = vec![random.below(10) as f32 + if hostile { 20.0 } else { 0.0 }, random.below(5) as f32];
        values.extend_from_slice(&row);
        labels.push(f32::from(u8::from(hostile)));
        if hostile { bad.push(row) } else { good.push(row) }
    }
    let weights = vec![1.0; labels.len()];
    let grid = Grid { values: &values, names: &["a", "b"], labels: &labels, weights: &weights };
    let mut forest = fit(&grid, None, &Settings { rounds: 20, ..Settings::default() }, 1).expect("trees");
    forest.thresholds = crate::Thresholds { alone: 0.5, alert: 0.5, veto: 0.0 };
    let hard = [feature("a", "x", Forge::Hard), feature("b", "x", Forge::Some)];
    let soft = [feature("a", "x", Forge::Some), feature("b", "x", Forge::Some)];
    let held = columns::run("hard", &forest, &hard, &bad[..20], &good, 50, 1);
    assert!(held.pass && held.figures["free_or_some_work_certified"]["hits"] == 20, "{:?}", held.figures);
    let fell = columns::run("soft", &forest, &soft, &bad[..20], &good, 50, 1);
    assert!(!fell.pass && fell.passed == 0 && fell.figures["free_got_through"]["hits"] == 0, "{:?}", fell.figures);
}

#[test]
fn a_model_that_remembers_its_rows_is_found_out_and_one_that_does_not_is_not() {
    let remembers = infer::run("m", 1_200, 1, &|members, _| {
        let members: BTreeSet<usize> = members.iter().copied().collect();
        Box::new(move |row| if members.contains(&row) { 4.0 } else { (row % 7) as f32 })
    });
    assert!(!remembers.pass && remembers.figures["loss_auc"].as_f64() > Some(0.55), "{:?}", remembers.figures);
    let forgets = infer::run("m", 1_200, 1, &|_, _| Box::new(|row| (row * 7_919 % 1_201) as f32));
    assert!(forgets.figures["loss_auc"].as_f64() < Some(0.55), "{:?}", forgets.figures);
}

#[test]
fn copying_is_noticed_before_the_thousandth_question() {
    let texts = |seed: u64, count: usize| (seeds::web(seed, count), seeds::web_benign(seed, count));
    // A filter that is right about most: enough to copy.
    let mut filter = |text: &str| {
        let lower = text.to_lowercase();
        let caught = ["' or", "' and", "<", "../", "select", "; ", "|"].iter().any(|sign| lower.contains(sign));
        Answer { score: if caught { 0.9 } else { 0.01 }, caught }
    };
    let outcome = steal::run("m", &texts, 0.5, 0, 1, &mut filter);
    assert_eq!(outcome.passed, 3, "{:?}", outcome.figures);
    assert!(!steal::run("m", &texts, 0.5, 2, 1, &mut filter).pass, "graded scores without a key are a miss");
}

#[test]
fn planted_faults_of_a_stream_are_found() {
    let outcome = drift::run("m", &seeds::web_benign, 1, 1, &mut |text| Answer { score: (text.len() % 50) as f32 / 100.0, caught: false });
    assert!(outcome.seeds == 5 && outcome.passed >= 4, "{:?}", outcome.figures);
    assert!(outcome.figures["false_alarms_in_30_days_most"].as_u64() <= Some(1), "{:?}", outcome.figures);
}
