//! Trees on made rows: exactness of contributions, export, file, limits, monotone columns, missing values.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::generate::Random;

const NAMES: [&str; 4] = ["up", "noise", "bowl", "sometimes"];

/// Label depends on column 0 (more is worse), on the distance of column 2 from 5, and on whether column 3 is there.
fn rows(seed: u64, count: usize) -> (Vec<f32>, Vec<f32>) {
    let mut random = Random::new(seed);
    let mut values = Vec::new();
    let mut labels = Vec::new();
    for _ in 0..count {
        let (up, noise, bowl) = (random.below(100) as f32, random.below(100) as f32, random.below(10) as f32);
        let there = random.one_in(2);
        let logit = (up - 50.0) / 12.0 + (bowl - 5.0).abs() - 2.5 + if there { 1.0 } else { -1.0 };
        let bad = f64::from(logit) + (random.below(1000) as f64 / 500.0 - 1.0) > 0.0;
        values.extend([up, noise, bowl, if there { 1.0 } else { f32::NAN }]);
        labels.push(f32::from(u8::from(bad)));
    }
    (values, labels)
}

fn made(directions: Vec<i8>) -> Forest {
    let (values, labels) = rows(1, 2_000);
    let grid = Grid { values: &values, names: &NAMES, labels: &labels, weights: &[] };
    grid.check().unwrap();
    let settings = Settings { rounds: 40, directions, ..Settings::default() };
    let mut forest = fit(&grid, None, &settings, 7).unwrap();
    (forest.name, forest.version) = ("test".into(), "1".into());
    forest
}

#[test]
fn learns_and_has_leaves_of_twenty_rows() {
    let forest = made(vec![1, 0, 0, 0]);
    let (values, labels) = rows(2, 2_000);
    let scored: Vec<crate::measure::Scored> = values
        .chunks_exact(4)
        .zip(&labels)
        .map(|(row, &label)| crate::measure::Scored { score: forest.logit(row), positive: label == 1.0 })
        .collect();
    assert!(crate::measure::auc(&scored).unwrap() > 0.95);
    // Each leaf of the first tree holds at least 20 of the rows it was grown on (a superset of the sampled ones).
    let (values, _) = rows(1, 2_000);
    for tree in &forest.trees {
        let mut counts = vec![0; tree.len()];
        for row in values.chunks_exact(4) {
            let mut at = 0;
            while !tree[at].is_leaf() {
                at = if tree[at].goes_left(row[usize::from(tree[at].feature)]) { tree[at].left } else { tree[at].right } as usize;
            }
            counts[at] += 1;
        }
        assert!(tree.iter().zip(&counts).all(|(node, &count)| !node.is_leaf() || count >= 20));
    }
}

#[test]
fn same_rows_and_seed_give_the_same_bytes_on_any_thread() {
    let here = made(Vec::new()).to_bytes();
    let there = std::thread::scope(|scope| {
        let running: Vec<_> = (0..3).map(|_| scope.spawn(|| made(Vec::new()).to_bytes())).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(there.iter().all(|bytes| *bytes == here));
}

#[test]
fn a_file_loads_and_scores_alike_and_batches_agree() {
    let forest = made(Vec::new());
    let again = Forest::from_bytes(&forest.to_bytes(), forest.thresholds()).unwrap();
    assert_eq!(again.to_bytes(), forest.to_bytes());
    let (values, _) = rows(3, 200);
    let mut batch = Vec::new();
    again.score_batch(&values, &mut batch);
    let single: Vec<f32> = values.chunks_exact(4).map(|row| forest.score(row)).collect();
    assert_eq!(batch, single);
}

/// A reader of XGBoost JSON that shares no code with the writer: the raw margin of one row.
fn xgboost_margin(model: &Value, row: &[f32]) -> f64 {
    let learner = &model["learner"];
    let base: f64 = learner["learner_model_param"]["base_score"].as_str().unwrap().trim_matches(['[', ']']).parse().unwrap();
    let mut margin = (base / (1.0 - base)).ln();
    for tree in learner["gradient_booster"]["model"]["trees"].as_array().unwrap() {
        let mut node = 0usize;
        loop {
            let left = tree["left_children"][node].as_i64().unwrap();
            if left < 0 {
                margin += tree["split_conditions"][node].as_f64().unwrap();
                break;
            }
            let value = row[tree["split_indices"][node].as_u64().unwrap() as usize];
            let goes_left = if value.is_nan() {
                tree["default_left"][node].as_u64() == Some(1)
            } else {
                f64::from(value) < tree["split_conditions"][node].as_f64().unwrap()
            };
            node = if goes_left { left as usize } else { tree["right_children"][node].as_u64().unwrap() as usize };
        }
    }
    margin
}

#[test]
fn the_export_scores_alike_elsewhere() {
    let forest = made(vec![1, 0, 0, 0]);
    let json: Value = serde_json::from_slice(&export::xgboost_json(&forest, &NAMES)).unwrap();
    let (values, _) = rows(4, 500);
    for row in values.chunks_exact(4) {
        let (ours, theirs) = (f64::from(forest.logit(row)), xgboost_margin(&json, row));
        assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");
    }
    // The training library reads its own way back too.
    let bytes = export::xgboost_json(&forest, &NAMES);
    let library = hessboost::prelude::BoostedModel::decode(&bytes, hessboost::prelude::ModelFormat::XgboostJson).unwrap();
    let matrix = hessboost::prelude::DMatrix::from_dense(&values, 500, 4).unwrap();
    let probabilities = library.predict(&matrix, hessboost::prelude::Iterations::Best).unwrap().into_vec();
    for (row, probability) in values.chunks_exact(4).zip(probabilities) {
        assert!((crate::calibrate::sigmoid(f64::from(forest.logit(row))) - f64::from(probability)).abs() < 1e-5);
    }
}

#[test]
fn faults_name_column_and_row() {
    let (mut values, mut labels) = rows(1, 50);
    let check = |values: &[f32], labels: &[f32]| Grid { values, names: &NAMES, labels, weights: &[] }.check().unwrap_err().to_string();
    labels[7] = f32::NAN;
    assert_eq!(check(&values, &labels), "column label, row 7: expected 0 or 1");
    labels.fill(1.0);
    assert!(check(&values, &labels).starts_with("column label, row 49: every row"));
    labels[3] = 0.0;
    values[4 * 9 + 2] = f32::INFINITY;
    assert_eq!(check(&values, &labels), "column bowl, row 9: the number is infinite");
    for row in values.chunks_exact_mut(4) {
        (row[1], row[2]) = (3.0, row[2].min(9.0));
    }
    assert_eq!(check(&values, &labels), "column noise, row 49: the same value as in every row before; leave the column out");
    let names = ["x"; COLUMNS_MAX + 1];
    let error = Grid { values: &[], names: &names, labels: &[], weights: &[] }.check().unwrap_err();
    assert_eq!(error.to_string(), "columns: 4097, at most 4096");
    let grid = Grid { values: &values, names: &NAMES, labels: &labels, weights: &[] };
    assert!(fit(&grid, None, &Settings { rounds: 2_001, ..Settings::default() }, 1).is_err());
    assert!(fit(&grid, None, &Settings { depth: 7, ..Settings::default() }, 1).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn contributions_add_up(row in proptest::collection::vec(prop_oneof![-10.0f32..110.0, Just(f32::NAN)], 0..5)) {
        thread_local!(static FOREST: Forest = made(vec![1, 0, 0, 0]));
        FOREST.with(|forest| {
            let why = forest.explain(&row);
            let sum: f64 = f64::from(why.base) + why.pushes.iter().map(|&push| f64::from(push)).sum::<f64>();
            assert!((sum - f64::from(why.logit)).abs() < 1e-4, "{sum} {}", why.logit);
            assert_eq!(why.logit, forest.logit(&row));
        });
    }

    #[test]
    fn more_of_a_rising_column_never_lowers_the_score(row in proptest::collection::vec(-10.0f32..110.0, 4), more in 0.0f32..100.0) {
        thread_local!(static FOREST: Forest = made(vec![1, 0, 0, 0]));
        FOREST.with(|forest| {
            let mut up = row.clone();
            up[0] += more;
            assert!(forest.logit(&up) >= forest.logit(&row) - 1e-6);
            // What an attacker reaches who moves columns 1 and 2 lies inside the bounds.
            let (low, high) = forest.bounds(&[row[0], -1e9, -1e9, row[3]], &[row[0], 1e9, 1e9, row[3]]);
            let mut moved = row.clone();
            (moved[1], moved[2]) = (more, row[1]);
            let logit = forest.logit(&moved);
            assert!(low - 1e-4 <= logit && logit <= high + 1e-4);
        });
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..4_000, value in any::<u8>()) {
        thread_local!(static BYTES: Vec<u8> = made(Vec::new()).to_bytes());
        let thresholds = Thresholds { alone: 0.9, alert: 0.5, veto: 0.1 };
        let _ = Forest::from_bytes(&bytes, thresholds);
        let mut real = BYTES.with(Clone::clone);
        let at = at.min(real.len() - 1);
        real[at] = value;
        if let Ok(forest) = Forest::from_bytes(&real, thresholds) {
            prop_assert!(!forest.logit(&[1.0, f32::NAN, 3.0]).is_nan());
        }
    }
}
