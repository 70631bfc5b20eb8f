//! Example weights: a cluster counts as the square root of its size, a source and class as the square root of its clusters.
//!
//! So a generator that wrote 27,000 path traversals does not drown 30 LDAP filters, and 70,000 single words do not teach that short
//! means benign. Sources with many rows of little content are damped once more, by name of their known flaw.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::prepare::Prepared;
use crate::generate::web::SOURCE;

/// Factor on the benign weight of a source; 1 for sources not named. From the data's own list of flaws.
fn benign_factor(source: &str) -> f32 {
    match source {
        "grananqvist" => 0.3,  // single dictionary words and numbers
        "httpparams" => 0.5,   // one synthetic shop
        "modsec-learn" => 3.0, // the only real traffic
        "libinjection" => 2.0, // hard negatives
        SOURCE => 3.0,         // few templates, many kinds of text
        _ => 1.0,
    }
}

/// Factor on the attack weight of generated rows: the only ones of several classes.
const GENERATED_ATTACKS: f32 = 2.0;

/// Weights stay in this range: no row decides alone, none is lost.
const WEIGHT_MIN: f32 = 0.1;
const WEIGHT_MAX: f32 = 4.0;

/// Sets weights; each label sums to the number of all examples over two (before the limits above).
pub(super) fn set(prepared: &mut Prepared) {
    let mut cluster_size: HashMap<u32, f32, FixedState> = HashMap::with_hasher(FixedState::with_seed(3));
    for example in &prepared.examples {
        *cluster_size.entry(example.cluster).or_default() += 1.0;
    }
    let mut group: HashMap<(bool, u16, u16), f32, FixedState> = HashMap::with_hasher(FixedState::with_seed(4));
    for example in &mut prepared.examples {
        example.cluster_rows = cluster_size[&example.cluster] as u32;
        example.weight = 1.0 / cluster_size[&example.cluster].sqrt();
        *group.entry((example.positive, example.source, example.class)).or_default() += example.weight;
    }
    let mut sums = [0f64; 2];
    for example in &mut prepared.examples {
        // Group total becomes (sum)^0.7: between every row alike and every group alike.
        example.weight *= group[&(example.positive, example.source, example.class)].powf(-0.3);
        let source = &prepared.sources[usize::from(example.source)];
        if !example.positive {
            example.weight *= benign_factor(source);
        } else if source == SOURCE {
            example.weight *= GENERATED_ATTACKS;
        }
        sums[usize::from(example.positive)] += f64::from(example.weight);
    }
    let half = prepared.examples.len() as f64 / 2.0;
    for example in &mut prepared.examples {
        let scale = half / sums[usize::from(example.positive)].max(1e-9);
        example.weight = (example.weight * scale as f32).clamp(WEIGHT_MIN, WEIGHT_MAX);
    }
}
