use super::*;
use proptest::prelude::*;

/// A model with pseudo-random weights: properties may not depend on what was learned.
pub(crate) fn arbitrary() -> TextModel {
    let mut state = 7u64;
    let weights = (0..1usize << BUCKET_BITS)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 57) as i8 - 64
        })
        .collect();
    let mut flags = [0.0; STEP_NAMES.len()];
    flags.iter_mut().enumerate().for_each(|(i, flag)| *flag = i as f32 / 10.0);
    Parts {
        name: "test".into(),
        version: "1".into(),
        unit: 0.01,
        bias: -4.0,
        drift: 3,
        weights,
        flags,
        curve: Curve::identity(),
        thresholds: Thresholds { alone: 0.9, alert: 0.5, veto: 0.1 },
    }
    .into()
}

proptest! {
    #[test]
    fn parts_add_up_to_the_logit(value in proptest::collection::vec(any::<u8>(), 0..300), text in "[a-z<>'%0-9 =();/*.-]{0,200}") {
        let model = arbitrary();
        for value in [value.as_slice(), text.as_bytes()] {
            let explanation = model.explain(value);
            let logit = model.logit(value, &mut Scratch::default());
            let sum: f64 = explanation.parts.iter().map(|part| f64::from(part.push)).sum::<f64>() + f64::from(explanation.bias);
            prop_assert!((sum - f64::from(logit)).abs() < 1e-4, "{} {}", sum, logit);
            prop_assert!((explanation.score - model.score(value, &mut Scratch::default())).abs() < 1e-6);
            for part in &explanation.parts {
                prop_assert!(part.start <= part.end && part.end as usize <= value.len());
            }
        }
    }

    #[test]
    fn appending_never_lowers(value in "[a-z<>'0-9 =();/*.-]{1,80}[a-z'=]", more in " [a-zA-Z0-9 .,<>=]{0,200}") {
        let model = arbitrary();
        let mut scratch = Scratch::default();
        let before = model.logit(value.as_bytes(), &mut scratch);
        let after = model.logit(format!("{value}{more}").as_bytes(), &mut scratch);
        prop_assert!(after >= before, "{} < {}", after, before);
    }

    #[test]
    fn appending_a_script_to_a_plain_value_never_lowers(value in "[a-z0-9]{1,8}", more in "\\PC{0,40}") {
        let model = arbitrary();
        let mut scratch = Scratch::default();
        let longer = format!("{value}{more}");
        prop_assert!(model.score(longer.as_bytes(), &mut scratch) >= model.score(value.as_bytes(), &mut scratch));
    }
}

#[test]
fn long_values_are_read_at_both_ends() {
    let model = arbitrary();
    let mut scratch = Scratch::default();
    let quiet = model.logit(&b"\x80".repeat(200_000), &mut scratch);
    let worst = b"'; drop table users --".to_vec();
    let alone = model.logit(&worst, &mut scratch);
    for at in [0, 200_000 - worst.len()] {
        let mut value = b"\x80".repeat(200_000);
        value[at..at + worst.len()].copy_from_slice(&worst);
        assert!(model.logit(&value, &mut scratch) >= alone.min(quiet));
        assert!(model.explain(&value).cut);
    }
}
