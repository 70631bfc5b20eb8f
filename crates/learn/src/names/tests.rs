//! Which part is judged, the file, and a small training.

use proptest::prelude::*;

use super::*;
use crate::generate::names;

#[test]
fn the_registered_label_is_judged() {
    for (name, expected) in [
        ("www.Example.co.uk", Some("example")),
        ("example.com.", Some("example")),
        ("d111111abcdef8.cloudfront.net", Some("cloudfront")),
        ("x7f.s3.eu-west-1.amazonaws.com", Some("amazonaws")),
        ("qhwekrjt.duckdns.org", Some("qhwekrjt")),
        ("xn--bcher-kva.example", None),
        ("192.0.2.1", None),
        ("printer", None),
        ("1.2.0.192.in-addr.arpa", None),
        ("", None),
        ("com", None),
    ] {
        assert_eq!(label(name).as_deref(), expected, "{name}");
    }
}

pub(crate) fn small() -> NameModel {
    let honest: Vec<String> = names::honest(3, 3_000);
    let made = names::rows(5, 150);
    let mut examples: Vec<fit::Example<'_>> =
        honest.iter().map(|label| fit::Example { label, positive: false, words: false, weight: 1.0 }).collect();
    examples.extend(made.iter().map(|made| fit::Example { label: &made.label, positive: true, words: made.is_words(), weight: 1.0 }));
    fit::fit(&examples, 1).unwrap()
}

#[test]
fn random_letters_score_higher_and_the_file_comes_back() {
    let model = small();
    for (good, bad) in [("gardenhouse", "qxkvjwzpthg"), ("musicstore", "x8k2v9q4z7w1")] {
        assert!(model.logit(bad) > model.logit(good) + 1.0, "{bad} {} {good} {}", model.logit(bad), model.logit(good));
        let why = model.explain(bad);
        assert!((why.base + why.pushes.iter().sum::<f32>() - why.logit).abs() < 1e-3);
    }
    let bytes = model.to_bytes();
    let again = NameModel::from_bytes(&bytes, model.thresholds()).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(again.logit("qxkvjwzpthg"), model.logit("qxkvjwzpthg"));
    assert_eq!(small().to_bytes(), bytes);
    for cut in [0, 7, 20, bytes.len() / 2, bytes.len() - 1] {
        assert!(NameModel::from_bytes(&bytes[..cut], model.thresholds()).is_err());
    }
}

proptest! {
    #[test]
    fn no_name_panics(name in "\\PC{0,80}", dotted in "[a-z0-9.-]{0,90}") {
        for name in [name, dotted] {
            if let Some(label) = label(&name) {
                prop_assert!(label.len() <= 63 && !label.contains('.'));
                prop_assert!(entropy(&label) <= 6.0);
            }
        }
    }
}
