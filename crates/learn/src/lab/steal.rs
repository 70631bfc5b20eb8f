//! Theft: a client with an ordinary key asks, sees graded scores, and fits a copy. Does the alarm come before the copy is good?
//!
//! Clients:    `neighbours` walk from known attacks along the border; `mixed` ask natural texts, half of them hostile; `patient` hide five
//!             hostile questions among a hundred. Beside them twenty honest clients, who must raise no alarm.
//! Agreement:  share of fresh texts on which the copy says what the model says; the trivial copy says "let through" to everything.

use std::collections::BTreeMap;

use super::operator::Operator;
use super::seeds::Seed;
use super::{Answer, Attack, Figures, Outcome, Worst};
use crate::extraction::Watch;
use crate::gate::quick;
use crate::generate::Random;
use crate::measure::wilson;

/// This attack.
pub const ATTACK: Attack = Attack {
    name: "steal",
    pass: "an alarm before question 1,000 of every attacker, none for honest clients; no graded score without a key",
};
/// Questions within which the alarm has to come.
pub const QUESTIONS: usize = 1_000;
const HONEST: usize = 20;

/// Texts of both kinds, as many as asked for, by seed.
pub type Texts<'a> = &'a dyn Fn(u64, usize) -> (Vec<Seed>, Vec<String>);

/// Attacks; `graded_without_key` is the number of scores that a client without a key was told, counted by the caller.
pub fn run(model: &str, texts: Texts<'_>, alert: f32, graded_without_key: u64, seed: u64, ask: &mut dyn FnMut(&str) -> Answer) -> Outcome {
    let mut figures = Figures::default();
    let mut worst = Vec::new();
    let (test_bad, test_good) = texts(seed ^ 0xFE57, 500);
    let test: Vec<(String, bool)> = test_bad
        .into_iter()
        .map(|one| one.text)
        .chain(test_good)
        .map(|text| {
            let caught = ask(&text).caught;
            (text, caught)
        })
        .collect();
    let trivial = test.iter().filter(|(_, caught)| !caught).count() as u64;
    let mut passed = 0;
    let mut alarms: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for client in ["neighbours", "mixed", "patient"] {
        let asked = questions(client, texts, seed);
        let mut watch = Watch::default();
        let mut alarm = None;
        let mut told: Vec<(String, bool)> = Vec::new();
        for text in asked {
            let answer = ask(&text);
            if let Some(why) = watch.see(text.as_bytes(), answer.score, alert).filter(|_| alarm.is_none()) {
                alarm = Some((watch.asked(), why));
            }
            told.push((text, answer.caught));
        }
        let at = alarm.map(|(at, _)| at);
        alarms.insert(client, at);
        passed += u64::from(at.is_some_and(|at| at < QUESTIONS as u64));
        let stop = at.map_or(told.len(), |at| at as usize);
        for (name, upto) in [("all", told.len()), ("alarm", stop)] {
            figures.add(&format!("{client}_agreement_at_{name}"), wilson(agreement(&told[..upto], &test, seed), test.len() as u64));
        }
        let last = alarm.map_or("no alarm".to_owned(), |(at, why)| format!("alarm at question {at}: {why:?}"));
        worst.push(Worst { seed: client.into(), r#final: last, score: 0.0 });
    }
    let honest = (0..HONEST)
        .filter(|client| {
            let mut watch = Watch::default();
            let (_, good) = texts(seed.wrapping_add(7_000 + *client as u64), 2 * QUESTIONS);
            good.iter().any(|text| watch.see(text.as_bytes(), ask(text).score, alert).is_some())
        })
        .count() as u64;
    figures.add("alarm_at_question", &alarms);
    figures.add("agreement_of_the_trivial_copy", wilson(trivial, test.len() as u64));
    figures.add("honest_clients_with_an_alarm", wilson(honest, HONEST as u64));
    figures.add("graded_scores_without_a_key", graded_without_key);
    figures.add("questions", QUESTIONS);
    let pass = passed == 3 && honest == 0 && graded_without_key == 0;
    Outcome { attack: ATTACK.name, model: model.into(), seeds: 3, passed, figures: figures.0, pass, worst }
}

fn questions(client: &str, texts: Texts<'_>, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed ^ 0x57EA1);
    let (bad, good) = texts(seed ^ 0x99, QUESTIONS);
    let bad_in_100 = match client {
        "neighbours" => {
            let all: Vec<&'static Operator> = Operator::TRAIN.iter().chain(Operator::TEST).copied().collect();
            let mut current: Vec<Seed> = bad.into_iter().take(20).collect();
            return (0..QUESTIONS)
                .map(|_| {
                    let at = random.below(current.len());
                    let operators = Operator::of(&all, current[at].family);
                    let text = (operators[random.below(operators.len())].apply)(&current[at].text, &mut random);
                    if text.len() < 1_500 {
                        current[at].text.clone_from(&text);
                    }
                    text
                })
                .collect();
        }
        "mixed" => 50,
        _ => 5,
    };
    (0..QUESTIONS)
        .map(|at| if random.below(100) < bad_in_100 { bad[at % bad.len()].text.clone() } else { good[at % good.len()].clone() })
        .collect()
}

fn agreement(told: &[(String, bool)], test: &[(String, bool)], seed: u64) -> u64 {
    let read = quick::of_texts(told.iter().chain(test).map(|(text, _)| text.as_str()));
    let labels: Vec<bool> = told.iter().chain(test).map(|(_, caught)| *caught).collect();
    let copy = quick::fit(&read, &labels, |row| row < told.len(), seed);
    (told.len()..labels.len()).filter(|&row| (copy.probability(&read.rows[row]) >= 0.5) == labels[row]).count() as u64
}
