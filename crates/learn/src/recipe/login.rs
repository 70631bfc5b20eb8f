//! `login`: layer 2 of the login risk: boosted trees over what layer 1 and the memory of accounts say about a sign-in.
//!
//! Rows are those of `generate logins --features`: one sign-in or use of a session each, with the features as they were when it came.

use super::{Budget, Form, Licence, Recipe, Trees, Trivial};
use crate::features::{Class, Direction, Feature, Forge, named};
use crate::login;
use crate::tree::Settings;

/// The features of the memory in the words of a recipe.
const FEATURES: &[Feature; login::features::COUNT] = &{
    let blank = Feature { name: "", unit: "", class: Class::Personal, forge: Forge::Some, direction: Direction::Free };
    let mut all = [blank; login::features::COUNT];
    let mut at = 0;
    while at < all.len() {
        let spec = login::FEATURES[at];
        let direction = match spec.monotone {
            1 => Direction::Rises,
            -1 => Direction::Falls,
            _ => Direction::Free,
        };
        all[at] = Feature { name: spec.name, unit: spec.unit, class: Class::Personal, forge: Forge::Some, direction };
        at += 1;
    }
    all
};

pub(super) static RECIPE: Recipe = Recipe {
    name: "login",
    version: "1.0",
    purpose: "No licensed real sign-ins exist for it: trained on made-up ones alone. Says how much a sign-in with the right password looks like \
              somebody else's than the account's owner's.",
    method: "Five averaged ensembles of boosted trees of depth 4, monotone in each novelty, over the parts of layer 1 (likelihood ratios after \
             Freeman et al., NDSS 2016), the account's own rate of novelty and what else happened at the address.",
    ships: true,
    sources: &[Licence {
        source: "generated",
        origin: "this program's generator, crates/learn/src/generate/logins.rs",
        licence: "Apache-2.0",
        ships: true,
    }],
    label: &["label"],
    bad: &[],
    needs: &["layer1", "place_depth"],
    reads: &[],
    group: Some("user"),
    by: &["kind"],
    trivial: Trivial { what: "layer 1 alone", score: |row| row.number("layer1").map_or(f32::MIN, |number| number as f32) },
    budget: Budget { alone: 0.001, alert: 0.05 },
    form: Form::Trees(Trees {
        settings: || Settings { depth: 4, rounds: 150, eta: 0.1, ..Settings::default() },
        present_min: 0.2,
        ..Trees::named(FEATURES, |row, out| out.extend(named(row, FEATURES)))
    }),
    blind_spots: &[
        "People in a generator are simpler than people: figures on real sign-ins will be worse.",
        "Accounts shared by several people, and attackers inside the owner's own network with the owner's own device.",
        "Accounts with fewer than five earlier sign-ins: everybody's habits stand in for their own.",
        "The reference data set (Wiefling et al., ACM TOPS 2022) was not available: its schema and attacker models are followed, its rows were not read.",
    ],
    prepare: None,
};
