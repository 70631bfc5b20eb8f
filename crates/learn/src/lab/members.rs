//! The trainings that the membership attack is run on: each shipped model's own, on rows of our generators; trees on rows of a table.

use super::Outcome;
use super::infer::{self, Says};
use crate::features::Feature;
use crate::generate::web;
use crate::lure;
use crate::text::Scratch;
use crate::train::{self, Label, Row};
use crate::tree::{self, Grid, Settings};

/// `web-payload`.
pub fn web_payload(model: &str, rows: usize, seed: u64) -> Outcome {
    let all: Vec<Row> = [web::attacks(seed ^ 0x3E3, rows / 2), web::benign(seed ^ 0x3E4, rows / 2)].concat();
    infer::run(model, all.len(), seed, &|members, seed| {
        let trained = train::bare(&members.iter().map(|&row| all[row].clone()).collect::<Vec<_>>(), seed);
        let mut scratch = Scratch::default();
        let says: Vec<f32> = all
            .iter()
            .map(|row| {
                let logit = trained.logit(row.payload.as_bytes(), &mut scratch);
                if row.label == Label::Attack { logit } else { -logit }
            })
            .collect();
        Box::new(move |row| says[row]) as Says
    })
}

/// `mail-phish`: the head that says lure.
pub fn mail_phish(model: &str, rows: usize, seed: u64) -> Outcome {
    let all = lure::mail::own_rows(rows / 2, seed ^ 0x3E5);
    heads(model, &all, lure::LURE, seed, lure::mail::bare)
}

/// `url-phish`.
pub fn url_phish(model: &str, rows: usize, seed: u64) -> Outcome {
    let all = lure::url::own_rows(rows, seed ^ 0x3E6);
    heads(model, &all, 0, seed, lure::url::bare)
}

fn heads(model: &str, all: &[lure::TrainRow], head: usize, seed: u64, train: fn(&[lure::TrainRow], u64) -> lure::Heads) -> Outcome {
    infer::run(model, all.len(), seed, &|members, seed| {
        let trained = train(&members.iter().map(|&row| all[row].clone()).collect::<Vec<_>>(), seed);
        let says: Vec<f32> = all
            .iter()
            .map(|row| {
                let logit = trained.of_row(row, head);
                if row.truth >> head & 1 == 1 { logit } else { -logit }
            })
            .collect();
        Box::new(move |row| says[row]) as Says
    })
}

/// Trees by a recipe's settings on rows of a table.
pub fn trees(model: &str, features: &[Feature], settings: &Settings, rows: &[(Vec<f32>, bool)], seed: u64) -> Outcome {
    let names: Vec<&str> = features.iter().map(|feature| feature.name).collect();
    infer::run(model, rows.len(), seed, &|members, seed| {
        let values: Vec<f32> = members.iter().flat_map(|&row| rows[row].0.iter().copied()).collect();
        let labels: Vec<f32> = members.iter().map(|&row| f32::from(u8::from(rows[row].1))).collect();
        let weights = vec![1.0; labels.len()];
        let grid = Grid { values: &values, names: &names, labels: &labels, weights: &weights };
        let Ok(forest) = tree::fit(&grid, None, settings, seed) else { return Box::new(|_| 0.0_f32) as Says };
        let says: Vec<f32> = rows.iter().map(|(row, bad)| if *bad { forest.logit(row) } else { -forest.logit(row) }).collect();
        Box::new(move |row| says[row]) as Says
    })
}
