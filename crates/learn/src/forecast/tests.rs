use super::*;

/// Two kinds of intrusion that share one technique.
fn bags() -> Vec<Bag> {
    let kinds = [
        ["T1003", "T1021.002", "T1059.001", "T1078", "T1570", "T1569.002"],
        ["T1190", "T1505.003", "T1059.001", "T1105", "T1048", "T1560"],
    ];
    (0..120)
        .map(|n: usize| {
            let mut bag: Bag =
                kinds[n % 2].iter().enumerate().filter(|(i, _)| !(n / 2 + i).is_multiple_of(5)).map(|(_, id)| (*id).to_owned()).collect();
            bag.push(format!("T9{n:03}"));
            bag.sort_unstable();
            bag
        })
        .collect()
}

#[test]
fn what_goes_together_comes_next_and_says_why() {
    let trained = train(&bags(), 1).expect("enough reports");
    let forecast = trained.model.next(&["T1190", "T1505.003"], 3);
    assert_eq!(forecast.basis, "model");
    let ids: Vec<&str> = forecast.next.iter().map(|n| n.technique).collect();
    assert!(ids.iter().all(|id| ["T1059.001", "T1105", "T1048", "T1560"].contains(id)), "{ids:?}");
    assert!(forecast.next.iter().all(|n| !n.because.is_empty() && n.because.iter().all(|b| ["T1190", "T1505.003"].contains(b))));
    assert!(forecast.next.iter().all(|n| (0.0..=1.0).contains(&n.probability)));
    assert!(forecast.next.windows(2).all(|w| w[0].probability >= w[1].probability));
}

#[test]
fn too_little_seen_gives_what_is_popular_and_says_so() {
    let model = train(&bags(), 1).expect("enough reports").model;
    let forecast = model.next(&["T0000"], 5);
    assert_eq!((forecast.basis, forecast.unknown.as_slice()), ("popular", &["T0000".to_owned()][..]));
    assert_eq!(forecast.next[0].technique, "T1059.001", "both kinds use it");
}

#[test]
fn sub_techniques_and_parents_stand_in_for_each_other() {
    let model = train(&bags(), 1).expect("enough reports").model;
    let by_parent = model.next(&["T1505", "T1190"], 3);
    let by_sub = model.next(&["T1505.003", "T1190.009"], 3);
    assert!(by_parent.unknown.is_empty() && by_sub.unknown.is_empty());
    assert_eq!(by_parent.next[0].technique, by_sub.next[0].technique);
}

#[test]
fn the_same_bags_give_the_same_bytes_and_they_read_back() {
    let bytes = train(&bags(), 1).expect("enough reports").model.to_bytes();
    assert_eq!(bytes, train(&bags(), 1).expect("enough reports").model.to_bytes());
    let model = ForecastModel::from_bytes(&bytes).expect("own bytes");
    assert_eq!(model.to_bytes(), bytes);
    for cut in [0, 7, 8, 20, bytes.len() / 2, bytes.len() - 1] {
        assert!(ForecastModel::from_bytes(&bytes[..cut]).is_err());
    }
}

#[test]
fn rows_without_techniques_are_refused_by_line() {
    assert_eq!(parse("{\"techniques\":{\"T1\":2}}\n{\"x\":1}\n").expect_err("a fault").line, 2);
    assert_eq!(parse("{\"techniques\":[\"T2\",\"T1\",\"T1\"]}").expect("rows"), vec![vec!["T1".to_owned(), "T2".to_owned()]]);
}

#[test]
fn the_model_beats_popularity_on_groups_left_out() {
    let evaluation = train(&bags(), 1).expect("enough reports").evaluation;
    assert!(evaluation.recall_at_20 >= evaluation.popularity_recall_at_20 && evaluation.reports > 0);
}
