use super::*;
use crate::lure::words::View;
use proptest::prelude::*;

/// A model whose weights are noise: what must hold holds for any weights.
fn noise() -> Heads {
    let mut random = crate::generate::Random::new(3);
    Heads {
        name: "t".into(),
        version: "1".into(),
        heads: INTENTS.iter().map(|&name| name.to_owned()).collect(),
        bias: vec![-3.0; 16],
        threshold: vec![0.0; 16],
        unit: 0.01,
        languages: vec!["en".into()],
        weights: (0..16 << BITS).map(|_| random.bits() as i8).collect(),
    }
}

fn text(words: &[u16]) -> String {
    words.iter().map(|word| format!("w{}x ", char::from(b'a' + (word % 26) as u8))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn added_words_never_lower_a_head(core in proptest::collection::vec(any::<u16>(), 12..80), before in proptest::collection::vec(any::<u16>(), 0..90), after in proptest::collection::vec(any::<u16>(), 0..90)) {
        let model = noise();
        let alone = model.worst(&Words::read(&text(&core), View::AsSent));
        let appended = model.worst(&Words::read(&(text(&core) + &text(&after)), View::AsSent));
        for (a, b) in alone.iter().zip(&appended) {
            prop_assert!(b.logit >= a.logit);
        }
        // Words in front change the features of the first two words only.
        let _ = model.worst(&Words::read(&(text(&before) + &text(&core)), View::AsSent));
    }

    #[test]
    fn damaged_files_are_refused(at in 0_usize..400, byte in any::<u8>()) {
        let bytes = noise().to_bytes();
        let mut damaged = bytes.clone();
        damaged[at] = byte;
        let _ = Heads::from_bytes(&damaged);
        prop_assert!(Heads::from_bytes(&bytes[..bytes.len() - 1 - at]).is_err());
    }
}

#[test]
fn bytes_and_back() {
    let model = noise();
    assert_eq!(Heads::from_bytes(&model.to_bytes()).unwrap(), model);
    assert!(Heads::from_bytes(b"").is_err());
    assert_eq!(model.worst(&Words::default())[0].logit, -3.0);
}
