//! Faults are named, drifts are found, and rows as before are left alone.

use super::*;

const NAMES: [&str; 3] = ["size", "share", "score"];

fn rows(seed: u64, count: usize, shift: f32) -> Vec<Vec<f32>> {
    let mut random = Random::new(seed);
    let mut unit = move || random.below(10_000) as f32 / 10_000.0;
    (0..count).map(|_| vec![20.0 + 80.0 * unit() * unit(), unit(), (unit() * unit() + shift).min(1.0)]).collect()
}

#[test]
fn rows_as_before_raise_no_alarm() {
    let reference = Reference::new(&NAMES, &rows(1, 4_000, 0.0));
    let alarms = (0..60).filter(|&at| reference.check(&NAMES, &rows(100 + at, 1_000, 0.0), at).drift).count();
    assert!(alarms <= 2, "{alarms} of 60; {ALARM_RATE} each is the rate that was set");
}

#[test]
fn faults_come_before_drift_and_are_named() {
    let reference = Reference::new(&NAMES, &rows(1, 4_000, 0.0));
    let mut missing = rows(2, 1_000, 0.0);
    missing.iter_mut().step_by(5).for_each(|row| row[0] = f32::NAN);
    let report = reference.check(&NAMES, &missing, 1);
    assert_eq!((report.faults[0].kind, report.faults[0].column.as_str()), ("missing", "size"));
    let mut unit = rows(3, 1_000, 0.0);
    unit.iter_mut().for_each(|row| row[0] *= 1_000.0);
    assert_eq!(reference.check(&NAMES, &unit, 1).faults[0].kind, "unit");
    let gone = reference.check(&["size", "score"], &rows(4, 1_000, 0.0), 1);
    assert!(gone.faults.iter().any(|fault| fault.kind == "schema" && fault.column == "share"));
}

#[test]
fn a_score_that_creeps_up_is_found_and_few_rows_say_nothing() {
    let reference = Reference::new(&NAMES, &rows(1, 4_000, 0.0));
    let report = reference.check(&NAMES, &rows(5, 1_000, 0.08), 1);
    assert!(report.drift && report.faults.is_empty() && report.columns[0].column == "score", "{report:?}");
    assert!(report.first().is_some_and(|text| text.starts_with("score has moved")));
    let few = reference.check(&NAMES, &rows(6, ROWS_MIN - 1, 0.5), 1);
    assert!(!few.enough && !few.drift);
}

#[test]
fn an_alert_rate_that_doubles_for_good_is_found_and_chance_is_not() {
    let mut random = Random::new(5);
    let mut stream = |share: usize, count: usize, test: &mut PageHinkley| {
        (0..count).position(|_| test.see(f64::from(u8::from(random.below(1_000) < share))))
    };
    let mut test = PageHinkley::default();
    assert_eq!(stream(20, 20_000, &mut test), None);
    let found = stream(120, 2_000, &mut test);
    assert!(found.is_some(), "within 2,000");
}
