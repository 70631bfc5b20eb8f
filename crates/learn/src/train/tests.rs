//! Whole trainings on small tables.

use super::*;
use crate::generate::web as generated;
use crate::sign::{self, KeyRing, SigningKey};
use crate::{Scratch, load};

fn small() -> Vec<Row> {
    let mut rows = [generated::benign(11, 1_500), generated::attacks(12, 1_500)].concat();
    for (at, row) in rows.iter_mut().enumerate() {
        row.source = format!("source-{}", at % 2);
    }
    rows
}

#[test]
fn same_rows_and_seed_give_the_same_bytes_on_any_thread() {
    let rows = small();
    let here = web_payload(&rows, &[], 1).unwrap();
    let there = std::thread::scope(|scope| {
        let running: Vec<_> = (0..2).map(|_| scope.spawn(|| web_payload(&rows, &[], 1).unwrap().folder)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(there.iter().all(|folder| *folder == here.folder));
    assert_ne!(web_payload(&rows, &[], 2).unwrap().folder, here.folder);
    assert!(here.model.to_bytes().len() <= 1 << 20);
}

#[test]
fn a_trained_folder_signs_loads_and_scores_alike() {
    let trained = web_payload(&small(), &[], 1).unwrap();
    let (private, public) = sign::new_key(&[3; 32]).unwrap();
    let ring = KeyRing::from_pems([public]).unwrap();
    assert!(load(&trained.folder, &ring).is_err());
    let mut folder = trained.folder.clone();
    let signature = sign::sign(&folder, "web-payload", &SigningKey::from_pem(&private).unwrap());
    folder.insert(sign::SIGNATURE_NAME, signature).unwrap();
    let loaded = load(&folder, &ring).unwrap();
    let mut scratch = Scratch::default();
    for value in ["1' or 1=1 --", "<script>alert(1)</script>", "a quiet sentence about a garden", "42"] {
        assert_eq!(loaded.score(value.as_bytes(), &mut scratch), trained.model.score(value.as_bytes(), &mut scratch));
    }
    assert!(loaded.score(b"1' or 1=1 --", &mut scratch) > loaded.score(b"a quiet sentence about a garden", &mut scratch));
    let card = crate::card::Card::from_bytes(folder.get("card.json").unwrap()).unwrap();
    // The last digit of a number may differ after reading JSON; the text people see may not.
    assert_eq!(card.to_markdown(), trained.card.to_markdown());
    assert!(trained.card.to_markdown().contains("## Blind spots"));
}

#[test]
fn too_few_rows_and_dev_rows() {
    let rows = generated::benign(1, 300);
    assert!(matches!(web_payload(&rows[..10], &[], 1), Err(TrainError::Rows { label: "attack", found: 0..50, least: 50 })));
    let mut dev = small();
    dev.iter_mut().for_each(|row| row.split = "dev".into());
    assert!(web_payload(&dev, &[], 1).is_err());
}

#[test]
fn leaving_a_source_out_measures_it() {
    let line = leave_source_out(&small(), "source-0", 1).unwrap();
    assert!(line.attacks > 300 && line.benign_from == "own" && line.auc > 0.9, "{line:?}");
    assert!(leave_source_out(&small(), "nobody", 1).is_none());
}
