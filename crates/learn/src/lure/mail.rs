//! Trains `mail-phish`: which intents a stretch of a mail carries.
//!
//! Rows:       windows of delivered mail (ham: no intent; spam: the spam head only, the others unknown), of our own lures and their honest
//!             twins (labels sentence by sentence), and lures of ours mixed into delivered mail.
//! Threshold:  for each head the logit that at most [`BUDGET`] of the held-back mails of every source reach: a model of one half of our
//!             phrasings and one group of the mail is measured on the other half and the other groups. The shipped weights then learn all.

use sha2::{Digest as _, Sha256};

use super::train::{Row, train};
use super::{ASKS, Heads, INTENTS, LURE, SPAM, View, Words};
use crate::calibrate::Curve;
use crate::card::{Calibration, Card, Figure, Source};
use crate::generate::Random;
use crate::generate::mail::{Document, Generator, Half};
use crate::measure::{self, Scored};
use crate::sign::{Folder, hex};
use crate::text::Thresholds;

/// Share of held-back good mails of a source that may reach a threshold.
pub const BUDGET: f64 = 0.01;
/// Share for the spam head, whose verdict nobody has to act on.
const SPAM_BUDGET: f64 = 0.005;
/// Share for each head of an ask: any of them is enough for a word.
const ASK_BUDGET: f64 = 0.001;
/// Pairs of our own for training, and for measuring.
const PAIRS: usize = 6_000;
const PAIRS_HELD: usize = 1_500;
/// Most windows of one mail that teach.
const WINDOWS_MAX: usize = 12;
const BIAS: f32 = -4.0;
/// Size of a step of training.
const STEP: f32 = 0.03;
/// Weight of a stretch of spam as a lure, against a delivered mail's 1.
const SPAM_AS_LURE: f32 = 0.1;
/// Weight of our lures, and of their honest twins, of which there are too many that sound alike.
const OWN: f32 = 0.7;
const TWIN: f32 = 0.35;

/// What a delivered mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ham,
    Spam,
}

/// One delivered mail: subject and visible text.
#[derive(Clone, Debug)]
pub struct Sample {
    pub source: String,
    pub group: String,
    pub kind: Kind,
    pub text: String,
}

/// Training cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    #[error("{0} may not train a model that ships: its licence allows measuring only")]
    Licence(String),
    #[error("no ham in the rows: give spamassassin_raw or delivered mail of your own")]
    NoHam,
}

/// A model folder with its card.
#[derive(Debug)]
pub struct Trained {
    pub model: Heads,
    pub card: Card,
    pub folder: Folder,
}

/// Sources that measure and never teach.
const MEASURE_ONLY: [&str; 2] = ["phishing_pot", "llm_written"];

/// Licence by beginning of the source's name.
fn licence(source: &str) -> (&'static str, &'static str) {
    if source.starts_with("spamassassin") {
        ("SpamAssassin public corpus through stdlib-js/datasets-spam-assassin @ 1b84d49", "PDDL-1.0 AND CC0-1.0")
    } else if source.starts_with("bounce_ham") {
        ("sisimai/set-of-emails @ 18e585c", "BSD-2-Clause")
    } else if source == "own" {
        ("this program's generator, content/generators/mail", "Apache-2.0")
    } else {
        ("mail of the user", "LicenseRef-user")
    }
}

/// The heads alone, without held-back measuring: for matrices and tests.
pub fn weights(samples: &[&Sample], half: Half, seed: u64) -> Heads {
    let mut random = Random::new(seed);
    let mut rows = Vec::new();
    let mut carriers: Vec<&str> = Vec::new();
    for sample in samples {
        if sample.kind == Kind::Ham {
            carriers.push(&sample.text);
        }
        delivered(sample, &mut random, &mut rows);
    }
    let generator = Generator::new(half);
    for _ in 0..PAIRS {
        let (lure, twin) = generator.pair(&mut random);
        for document in [&lure, &twin] {
            own(document, &[], &mut random, &mut rows);
        }
        own(&generator.small_talk(&mut random), &[], &mut random, &mut rows);
        own(&generator.notice(&mut random), &[], &mut random, &mut rows);
        // The same lure inside ordinary mail.
        if !carriers.is_empty() {
            let carrier = carriers[random.below(carriers.len())];
            let words: Vec<&str> = carrier.split_whitespace().take(4_000).collect();
            let from = random.below(words.len().saturating_sub(40).max(1));
            own(&lure, &words[from.min(words.len())..(from + 40).min(words.len())], &mut random, &mut rows);
        }
    }
    let mut model = train("mail-phish", "2.0", &INTENTS, BIAS, STEP, &rows, seed);
    model.languages = super::meaning::languages().iter().map(|code| (*code).to_owned()).collect();
    model
}

/// Rows of our own documents, as training makes them: for models that are trained many times over.
pub(crate) fn own_rows(pairs: usize, seed: u64) -> Vec<Row> {
    let (generator, mut random, mut rows) = (Generator::new(Half::All), Random::new(seed), Vec::new());
    for _ in 0..pairs {
        let (lure, twin) = generator.pair(&mut random);
        own(&lure, &[], &mut random, &mut rows);
        own(&twin, &[], &mut random, &mut rows);
    }
    rows
}

/// A model of these rows alone.
pub(crate) fn bare(rows: &[Row], seed: u64) -> Heads {
    train("mail-phish", "lab", &INTENTS, BIAS, STEP, rows, seed)
}

/// Whether a row may learn the words themselves: three of ten teach meanings alone, which other phrasings share.
fn spelled(random: &mut Random) -> bool {
    random.below(10) < 7
}

fn delivered(sample: &Sample, random: &mut Random, rows: &mut Vec<Row>) {
    let words = Words::read(&sample.text, View::AsSent);
    let count = words.words.len();
    let mut from = 0;
    let mut windows = 0;
    while from < count.max(1) && windows < WINDOWS_MAX {
        let length = random.between(20, 60);
        let mut row = Row::of_words(&words, from, from + length, spelled(random));
        if sample.kind == Kind::Spam {
            // Much of it asks as a lure does; which part of it does, nobody wrote down.
            rows.push(Row { truth: 1 << LURE, known: 1 << LURE, weight: SPAM_AS_LURE, ..row.clone() });
            (row.truth, row.known) = (1 << SPAM, 1 << SPAM);
        }
        rows.push(row);
        from += length;
        windows += 1;
    }
}

/// One of our documents, perhaps between words of a delivered mail, cut at random places.
fn own(document: &Document, carrier: &[&str], random: &mut Random, rows: &mut Vec<Row>) {
    let split = random.below(carrier.len() + 1);
    let mut text = carrier[..split].join(" ");
    let mut truth = 0_u16;
    let skip = if random.one_in(3) { random.below(document.sentences.len()) } else { 0 };
    let with_subject = skip == 0 && carrier.is_empty() && random.one_in(2);
    if with_subject {
        text.push_str(&document.subject);
    }
    for sentence in document.sentences.iter().skip(skip) {
        text.push(' ');
        text.push_str(&sentence.text);
        for intent in &sentence.intents {
            if let Some(head) = INTENTS.iter().position(|name| name == intent) {
                truth |= 1 << head;
            }
        }
    }
    if split < carrier.len() {
        text.push(' ');
        text.push_str(&carrier[split..].join(" "));
    }
    let words = Words::read(&text, View::AsSent);
    let mut row = Row::of_words(&words, 0, 90, spelled(random));
    row.truth = truth;
    // Whether it is spam is another question.
    row.known = !(1 << SPAM);
    if !document.lure {
        row.known |= 1 << SPAM;
    }
    row.weight = if document.lure { OWN } else { TWIN };
    rows.push(row);
}

/// Logit of a head for a whole text: the worse of both views.
pub fn logit(model: &Heads, text: &str, head: usize) -> f32 {
    let sent = model.worst(&Words::read(text, View::AsSent))[head].logit;
    sent.max(model.worst(&Words::read(text, View::Undone))[head].logit)
}

/// Trains on all rows, with thresholds and figures from a model that held rows back.
pub fn mail_phish(samples: &[Sample], seed: u64) -> Result<Trained, TrainError> {
    if let Some(bad) = samples.iter().find(|sample| MEASURE_ONLY.iter().any(|name| sample.source.starts_with(name))) {
        return Err(TrainError::Licence(bad.source.clone()));
    }
    if !samples.iter().any(|sample| sample.kind == Kind::Ham) {
        return Err(TrainError::NoHam);
    }
    // Groups by turns: what the first model saw, the second half is measured on.
    let mut groups: Vec<(&str, &str)> = samples.iter().map(|sample| (sample.source.as_str(), sample.group.as_str())).collect();
    groups.sort_unstable();
    groups.dedup();
    let seen = |sample: &Sample| {
        groups.iter().position(|group| *group == (sample.source.as_str(), sample.group.as_str())).is_some_and(|at| at % 2 == 0)
    };
    let teaching: Vec<&Sample> = samples.iter().filter(|sample| seen(sample)).collect();
    let held: Vec<&Sample> = samples.iter().filter(|sample| !seen(sample)).collect();
    let half = weights(&teaching, Half::Even, seed);
    let other = Generator::new(Half::Odd);
    let mut random = Random::new(seed ^ 0xE7A1);
    let (mut lures, mut twins, mut notices) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS_HELD {
        notices.push(all_logits(&half, &other.notice(&mut random).text()));
        let (lure, twin) = other.pair(&mut random);
        lures.push(all_logits(&half, &lure.text()));
        twins.push(all_logits(&half, &twin.text()));
    }
    let ham: Vec<Vec<f32>> = held.iter().filter(|s| s.kind == Kind::Ham).map(|s| all_logits(&half, &s.text)).collect();
    let spam: Vec<Vec<f32>> = held.iter().filter(|s| s.kind == Kind::Spam).map(|s| all_logits(&half, &s.text)).collect();
    let all: Vec<&Sample> = samples.iter().collect();
    let mut model = weights(&all, Half::All, seed);
    let column = |rows: &[Vec<f32>], head: usize| rows.iter().map(|row| row[head]).collect::<Vec<f32>>();
    for (head, name) in INTENTS.iter().enumerate() {
        let budget = match head {
            SPAM => SPAM_BUDGET,
            _ if ASKS.contains(name) => ASK_BUDGET,
            _ => BUDGET,
        };
        let of_ham = measure::threshold_at_fpr(&column(&ham, head), budget);
        let of_own = |rows: &[Vec<f32>]| if head == SPAM { f32::MIN } else { measure::threshold_at_fpr(&column(rows, head), 2.0 * budget) };
        model.threshold[head] = of_ham.max(of_own(&twins)).max(of_own(&notices)).clamp(-3.0, 60.0);
    }
    let share = |rows: &[Vec<f32>], head: usize| {
        let hits = rows.iter().filter(|row| row[head] >= model.threshold[head]).count() as u64;
        measure::wilson(hits, rows.len() as u64)
    };
    let heads: Vec<usize> = (0..INTENTS.len()).filter(|&head| head == LURE || ASKS.contains(&INTENTS[head])).collect();
    let any = |rows: &[Vec<f32>]| {
        let hits = rows.iter().filter(|row| heads.iter().any(|&head| row[head] >= model.threshold[head])).count();
        measure::wilson(hits as u64, rows.len() as u64)
    };
    let figures = vec![
        Figure { what: "delivered ham of groups held back, lure or an ask".into(), share: any(&ham) },
        Figure { what: "honest twins of phrasings held back, lure or an ask".into(), share: any(&twins) },
        Figure { what: "honest notices of phrasings held back, lure or an ask".into(), share: any(&notices) },
        Figure { what: "our lures of phrasings held back, lure or an ask (recall; not real phishing)".into(), share: any(&lures) },
        Figure { what: "delivered ham of groups held back, lure head".into(), share: share(&ham, LURE) },
        Figure { what: "honest twins of phrasings held back, lure head".into(), share: share(&twins, LURE) },
        Figure { what: "our lures of phrasings held back, lure head (recall; not real phishing)".into(), share: share(&lures, LURE) },
        Figure { what: "delivered ham of groups held back, spam head".into(), share: share(&ham, SPAM) },
        Figure { what: "delivered spam of groups held back, spam head (recall)".into(), share: share(&spam, SPAM) },
    ];
    let scored: Vec<Scored> = (lures.iter().map(|row| (row, true)))
        .chain(ham.iter().chain(&twins).chain(&notices).map(|row| (row, false)))
        .map(|(row, positive)| Scored { score: Curve::identity().score(row[LURE] - model.threshold[LURE]), positive })
        .collect();
    let (error, table) = measure::calibration_error(&scored);
    let card = Card {
        schema: "bartizan.card/1".into(),
        name: "mail-phish".into(),
        version: "2.0".into(),
        purpose: "Says which harmful asks and pressures the worst stretch of a mail's text carries.".into(),
        method: "Hashed words, beginnings of words, their pairs and triples, and what words mean (content/frameworks/lure_words.toml) with what \
                 stands near them; three of ten rows teach meanings alone; 16 linear heads; the worst 12 to 60 words count, so added text \
                 lowers nothing; facts about sender and links are weighed by detect::mail with fixed weights."
            .into(),
        ships: samples.iter().all(|sample| licence(&sample.source).1 != "LicenseRef-user"),
        sources: sources(samples),
        rows: samples.len() as u64 + 5 * PAIRS as u64,
        dropped: Vec::new(),
        split: "Thresholds and held figures: every second group of the delivered mail and every second phrasing of our grammars held back; the \
                shipped weights then learn all rows."
            .into(),
        seed,
        base_rate: 0.5,
        figures,
        left_out: Vec::new(),
        calibration: Calibration { error, table },
        thresholds: Thresholds { alone: 1.0, alert: 0.5, veto: 0.0 },
        budget: None,
        trivial: String::new(),
        auc: None,
        trivial_auc: None,
        beside: Vec::new(),
        blind_spots: BLIND_SPOTS.iter().map(|&text| text.to_owned()).collect(),
        attacks_tried: ATTACKS_TRIED.iter().map(|&text| text.to_owned()).collect(),
        command_eval: "bartizan model eval mail-phish --sources DIR".into(),
        command_train: format!("bartizan model train mail-phish --data spamassassin_raw.jsonl.zst --data bounce_ham.jsonl.zst --seed {seed}"),
    };
    let folder = super::folder(&model, &card, &crate::card::Features::words());
    Ok(Trained { model, card, folder })
}

fn all_logits(model: &Heads, text: &str) -> Vec<f32> {
    model.worst(&Words::read(text, View::AsSent)).iter().map(|worst| worst.logit).collect()
}

fn sources(samples: &[Sample]) -> Vec<Source> {
    let mut names: Vec<&str> = samples.iter().map(|sample| sample.source.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut found: Vec<Source> = names
        .into_iter()
        .map(|name| {
            let mut hash = Sha256::new();
            let of = samples.iter().filter(|sample| sample.source == name);
            of.clone().for_each(|sample| {
                hash.update(sample.text.as_bytes());
                hash.update([0]);
            });
            let (origin, licence) = licence(name);
            Source {
                name: name.into(),
                origin: origin.into(),
                licence: licence.into(),
                attacks: of.clone().filter(|sample| sample.kind == Kind::Spam).count() as u64,
                benign: of.filter(|sample| sample.kind == Kind::Ham).count() as u64,
                sha256: hex(&hash.finalize()),
            }
        })
        .collect();
    let (origin, licence) = licence("own");
    let mut hash = Sha256::new();
    crate::generate::mail::LANGUAGES.iter().for_each(|(_, grammar)| hash.update(grammar.as_bytes()));
    found.push(Source {
        name: "own".into(),
        origin: origin.into(),
        licence: licence.into(),
        attacks: PAIRS as u64,
        benign: 3 * PAIRS as u64,
        sha256: hex(&hash.finalize()),
    });
    found
}

const BLIND_SPOTS: [&str; 9] = [
    "Has never seen real phishing of this decade: it carries intents of our own grammars, our own list of words, mail of 2002 to 2005, and what the operator calibrates.",
    "Its ham is mailing lists, newsletters of that time and bounces; business mail about payments, payroll and passwords, orders and appointments is known from our twins and notices alone.",
    "English, German, French, Spanish, Portuguese, Italian, Dutch; anything else abstains. All but English stand on our own grammars and words, the last three on words alone, and no mail of theirs measured it.",
    "Mails that were written to sound like phishing are flagged nearly as often as lures: see the honest half of llm_written among the figures.",
    "Text inside images is not read.",
    "Asks that are phrased as ordinary work without pressure, link or known pattern.",
    "Spam of its sources is twenty years old; a tenth of its weight teaches the lure head.",
    "The sets of recent and of written phishing were used to choose between forms of this model (step, share of rows with meanings alone, weight of spam): their figures are development figures, and other data will be harder.",
    "Scores are not probabilities of phishing; .5 is the shipped threshold.",
];

const ATTACKS_TRIED: [&str; 5] = [
    "Words before or after a lure: no head falls (property test, by construction).",
    "Look-alike letters, characters without width, soft hyphens, full width, digits for letters: read as the plain words (tests).",
    "Synonyms, other spacing, spelling and order: 79 of 100 mails of our generator get through the product, 2 of them unchanged, and 100 the model alone (`model attack mail-phish --evade --seed 1`).",
    "Membership: 16 shadow models tell rows that it learned from others with AUC .606 (`model attack mail-phish --infer`; .55 is the goal).",
    "Theft: an alarm at question 100, for a patient thief none; none for 20 honest clients (`model attack mail-phish --steal`).",
];
