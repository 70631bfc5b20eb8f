//! The quick model of the gate: logistic regression over hashed words and letters, or over binned columns. Seconds, not accuracy.

use crate::features::Feature;
use crate::generate::Random;
use crate::recipe::{Form, Recipe};
use crate::table::{Row, Table};

/// Buckets, as a power of two.
const BITS: u32 = 17;
/// Bins of a number column.
const BINS: usize = 12;
/// Bytes of a text that are read.
const BYTES_MAX: usize = 1_000;
const EPOCHS: u32 = 4;
const STEP: f32 = 0.15;

/// Number of a bucket that no row has.
const NOWHERE: u32 = u32::MAX;

/// Each row as a sorted set of buckets, which are numbered by how many rows have them: the usual ones lie side by side in memory.
pub(crate) struct Grams {
    pub(crate) rows: Vec<Vec<u32>>,
    names: std::collections::BTreeMap<u32, String>,
    /// Number of each bucket, or [`NOWHERE`].
    number: Vec<u32>,
    /// Buckets that some row has.
    used: usize,
}

impl Grams {
    /// Whether the bucket is a word or a bin, not a run of letters.
    pub(crate) fn has_name(&self, gram: u32) -> bool {
        self.names.contains_key(&gram)
    }

    /// Buckets of the runs of letters inside a word, and of the word.
    pub(crate) fn of_word(&self, gram: u32) -> Vec<u32> {
        let Some(word) = self.names.get(&gram) else { return Vec::new() };
        // With what stands around it: blanks, or the ends of the text.
        let framed = [format!(" {word} "), format!("^{word} "), format!(" {word}$"), format!("^{word}$")];
        let frames = framed.iter().map(|text| text.as_bytes());
        let runs = frames.flat_map(|bytes| bytes.windows(3).map(|run| bucket(run, 2)).chain(bytes.windows(4).map(|run| bucket(run, 3))));
        let mut all: Vec<u32> = runs.map(|run| self.number[run as usize]).filter(|&number| number != NOWHERE).collect();
        all.push(gram);
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(crate) fn name(&self, gram: u32) -> String {
        self.names.get(&gram).cloned().unwrap_or_else(|| "(letters)".into())
    }

    /// Numbers the buckets of rows that have just been read.
    fn numbered(rows: Vec<Vec<u32>>, names: std::collections::BTreeMap<u32, String>) -> Grams {
        let mut have = vec![0_u32; 1 << BITS];
        rows.iter().flatten().for_each(|&bucket| have[bucket as usize] += 1);
        let mut order: Vec<u32> = (0..1 << BITS).filter(|&bucket| have[bucket as usize] > 0).collect();
        order.sort_unstable_by_key(|&bucket| (std::cmp::Reverse(have[bucket as usize]), bucket));
        let mut number = vec![NOWHERE; 1 << BITS];
        order.iter().zip(0..).for_each(|(&bucket, at)| number[bucket as usize] = at);
        let mut grams = Grams { rows, names: Default::default(), number, used: order.len() };
        for row in &mut grams.rows {
            row.iter_mut().for_each(|gram| *gram = grams.number[*gram as usize]);
            row.sort_unstable();
        }
        grams.names = names.into_iter().map(|(bucket, name)| (grams.number[bucket as usize], name)).collect();
        grams
    }
}

pub(crate) fn read(recipe: &Recipe, table: &Table) -> Grams {
    match &recipe.form {
        Form::Web => texts(table, |row| row.text("payload").map(|text| text.into_owned())),
        Form::Prose(prose) => texts(table, |row| (prose.text)(row).map(|text| text.into_owned())),
        Form::Names(names) => texts(table, |row| (names.label)(row)),
        Form::Trees(trees) => numbers(table, trees.features, trees.read),
    }
}

fn texts(table: &Table, text: impl Fn(&Row<'_>) -> Option<String>) -> Grams {
    let texts: Vec<String> = table.rows().map(|row| text(&row).unwrap_or_default()).collect();
    of_texts(texts.iter().map(String::as_str))
}

/// Texts that stand in no table.
pub(crate) fn of_texts<'a>(texts: impl Iterator<Item = &'a str>) -> Grams {
    let (mut rows, mut names) = (Vec::new(), std::collections::BTreeMap::new());
    let mut set = vec![false; 1 << BITS];
    for text in texts {
        let text = text.to_lowercase();
        let mut end = text.len().min(BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let mut found: Vec<u32> = Vec::new();
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()) {
            let gram = bucket(word.as_bytes(), 1);
            found.push(gram);
            if names.len() < 200_000 {
                names.entry(gram).or_insert_with(|| word.chars().take(40).collect());
            }
        }
        let framed = [b"^".as_slice(), text.as_bytes(), b"$"].concat();
        found.extend(framed.windows(3).map(|gram| bucket(gram, 2)));
        found.extend(framed.windows(4).map(|gram| bucket(gram, 3)));
        // Each once; they are sorted when they are numbered.
        found.retain(|&gram| !std::mem::replace(&mut set[gram as usize], true));
        found.iter().for_each(|&gram| set[gram as usize] = false);
        found.shrink_to_fit();
        rows.push(found);
    }
    Grams::numbered(rows, names)
}

fn numbers(table: &Table, features: &[Feature], read: fn(&Row<'_>, &mut Vec<f32>)) -> Grams {
    let columns = features.len();
    let all: Vec<Vec<f32>> = table
        .rows()
        .map(|row| {
            let mut values = Vec::with_capacity(columns);
            read(&row, &mut values);
            values
        })
        .collect();
    let (mut rows, mut names) = (vec![Vec::new(); all.len()], std::collections::BTreeMap::new());
    for (column, feature) in features.iter().enumerate() {
        let mut sorted: Vec<f32> =
            all.iter().flat_map(|values| values.iter().skip(column).step_by(columns.max(1))).copied().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f32::total_cmp);
        let mut edges: Vec<f32> = (1..BINS).filter_map(|bin| sorted.get(sorted.len() * bin / BINS)).copied().collect();
        edges.dedup();
        for (row, values) in rows.iter_mut().zip(&all) {
            for value in values.iter().skip(column).step_by(columns.max(1)) {
                let bin = if value.is_finite() { edges.partition_point(|edge| edge <= value) } else { BINS + 1 };
                let gram = (column * (BINS + 2) + bin) as u32 & ((1 << BITS) - 1);
                row.push(gram);
                names.entry(gram).or_insert_with(|| format!("{} in bin {bin}", feature.name));
            }
        }
    }
    // Pairs of neighbouring columns catch what bins alone cannot say.
    for row in &mut rows {
        row.sort_unstable();
        row.dedup();
        let pairs: Vec<u32> = row.windows(2).map(|pair| bucket(&[pair[0].to_le_bytes(), pair[1].to_le_bytes()].concat(), 4)).collect();
        row.extend(pairs);
        row.sort_unstable();
        row.dedup();
    }
    Grams::numbered(rows, names)
}

fn bucket(bytes: &[u8], family: u64) -> u32 {
    let hash = bytes.iter().fold(0xCBF2_9CE4_8422_2325u64 ^ family, |s, &b| (s ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3));
    (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BITS)) as u32
}

/// A weight, and the sum of squares that its steps are divided by.
#[derive(Clone, Copy)]
struct Weight {
    value: f32,
    squares: f32,
}

pub(crate) struct Quick {
    weights: Vec<Weight>,
    bias: f32,
}

impl Quick {
    pub(crate) fn probability(&self, row: &[u32]) -> f64 {
        let scale = 1.0 / (row.len().max(1) as f32).sqrt();
        // Four sums side by side: one would wait for itself.
        let (mut sums, weight) = ([0.0_f32; 4], |gram: u32| self.weights[gram as usize].value);
        let fours = row.chunks_exact(4);
        let rest: f32 = fours.remainder().iter().map(|&gram| weight(gram)).sum();
        for four in fours {
            sums[0] += weight(four[0]);
            sums[1] += weight(four[1]);
            sums[2] += weight(four[2]);
            sums[3] += weight(four[3]);
        }
        let sum = (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest;
        crate::calibrate::sigmoid(f64::from(self.bias + sum * scale))
    }

    /// The same as if the row had none of these buckets; both sorted.
    pub(crate) fn probability_without(&self, row: &[u32], without: &[u32]) -> f64 {
        let (mut sum, mut count) = (0.0_f32, 0_u32);
        for gram in row.iter().filter(|gram| without.binary_search(gram).is_err()) {
            sum += self.weights[*gram as usize].value;
            count += 1;
        }
        crate::calibrate::sigmoid(f64::from(self.bias + sum / (count.max(1) as f32).sqrt()))
    }
}

pub(crate) fn fit(grams: &Grams, bad: &[bool], keep: impl Fn(usize) -> bool, seed: u64) -> Quick {
    let mut order: Vec<usize> = (0..bad.len()).filter(|&row| keep(row)).collect();
    let mut random = Random::new(seed ^ 0x6A7E);
    let mut model = Quick { weights: vec![Weight { value: 0.0, squares: 0.1 }; grams.used], bias: 0.0 };
    for epoch in 0..EPOCHS {
        random.shuffle(&mut order);
        let step = STEP * 4.0 / (1.0 + epoch as f32);
        for &at in &order {
            let row = &grams.rows[at];
            let error = model.probability(row) as f32 - f32::from(u8::from(bad[at]));
            if error.abs() < 0.02 {
                continue;
            }
            let pull = error / (row.len().max(1) as f32).sqrt();
            model.bias -= 0.01 * error;
            for &gram in row {
                let weight = &mut model.weights[gram as usize];
                weight.squares += pull * pull;
                weight.value -= step * pull / weight.squares.sqrt();
            }
        }
    }
    model
}
