//! Evasion: a hostile text is rewritten, its meaning kept, until it is let through.
//!
//! Graded:     the attacker sees the score and keeps the best rewritings (a small beam); `queries` questions a seed.
//! Decision:   the attacker sees allow or deny alone, and tries longer and longer chains of operators.
//! Appended:   benign text behind a seed that is caught; no score may fall. Text before and around it is counted apart.
//! Held back:  the graded search once more with [`Operator::TEST`] alone, which training has not seen.
//! Counted:    a seed that is let through as it stands counts as got through.

use std::collections::BTreeMap;

use super::operator::{Family, Operator};
use super::seeds::Seed;
use super::still::still;
use super::{Answer, Attack, Figures, Outcome, WORST_MAX, Worst};
use crate::generate::Random;
use crate::measure::wilson;

/// This attack.
pub const ATTACK: Attack =
    Attack { name: "evade", pass: "at most 5 % of the seeds get through within the queries; appended benign text lowers 0 scores" };
/// Share of seeds that may get through.
pub const THROUGH_MAX: f64 = 0.05;
/// Rewritings that the graded search keeps.
const BEAM: usize = 6;
/// A score has fallen when it is lower by more than this: sums of floats differ in the last place.
const FELL: f32 = 1e-5;

/// What the attacker asks: the text as it would be sent.
pub type Ask<'a> = &'a mut dyn FnMut(&str) -> Answer;

/// One search.
struct Found {
    text: String,
    answer: Answer,
    queries: usize,
    chain: Vec<&'static str>,
}

/// Attacks with `queries` questions a seed; `benign` are texts to hide in.
pub fn run(model: &str, seeds: &[Seed], benign: &[String], queries: usize, seed: u64, ask: Ask<'_>) -> Outcome {
    let mut figures = Figures::default();
    let mut through: Vec<Worst> = Vec::new();
    let (mut by_family, mut by_operator) = (BTreeMap::<Family, (u64, u64)>::new(), BTreeMap::<&str, u64>::new());
    let (mut at_once, mut blind, mut held_back, mut queries_spent) = (0_u64, 0_u64, 0_u64, Vec::new());
    let all: Vec<&'static Operator> = Operator::TRAIN.iter().chain(Operator::TEST).copied().collect();
    let mut hardest: Vec<Worst> = Vec::new();
    for (at, one) in seeds.iter().enumerate() {
        let entry = by_family.entry(one.family).or_default();
        entry.0 += 1;
        if !ask(&one.text).caught {
            at_once += 1;
        }
        let mut random = Random::new(seed ^ (at as u64) << 20);
        let found = graded(one, &Operator::of(&all, one.family), queries, &mut random, ask);
        let worst = Worst { seed: shorten(&one.text), r#final: shorten(&found.text), score: found.answer.score };
        if found.answer.caught {
            hardest.push(worst);
        } else {
            entry.1 += 1;
            queries_spent.push(found.queries);
            found.chain.iter().for_each(|name| *by_operator.entry(name).or_default() += 1);
            through.push(worst);
        }
        held_back += u64::from(!graded(one, &Operator::of(Operator::TEST, one.family), queries, &mut random, ask).answer.caught);
        blind += u64::from(!decision_only(one, &Operator::of(&all, one.family), queries, &mut random, ask).answer.caught);
    }
    let appended = append(seeds, benign, seed, ask);
    let of = seeds.len() as u64;
    let got = through.len() as u64;
    queries_spent.sort_unstable();
    figures.add("queries_a_seed", queries);
    figures.add("got_through", wilson(got, of));
    figures.add("got_through_unchanged", wilson(at_once, of));
    figures.add("got_through_by_decision_alone", wilson(blind, of));
    figures.add("got_through_with_held_back_operators", wilson(held_back, of));
    figures.add("got_through_max", THROUGH_MAX);
    figures.add("queries_median_of_those_through", queries_spent.get(queries_spent.len() / 2));
    figures.add(
        "by_family",
        by_family.iter().map(|(family, (of, got))| (family_name(*family), wilson(*got, *of))).collect::<BTreeMap<_, _>>(),
    );
    figures.add("operators_in_what_got_through", &by_operator);
    figures.add("appended", appended.tried);
    figures.add("appended_lowered_score", appended.lowered);
    figures.add("appended_fell_below_threshold", appended.fell);
    figures.add("before_or_around", appended.around_tried);
    figures.add("before_or_around_lowered_score", appended.around_lowered);
    figures.add("before_or_around_fell_below_threshold", appended.around_fell);
    let pass = got as f64 <= THROUGH_MAX * of as f64 && appended.lowered == 0 && appended.fell == 0;
    through.sort_by(|a, b| a.score.total_cmp(&b.score));
    hardest.sort_by(|a, b| a.score.total_cmp(&b.score));
    through.extend(hardest);
    through.truncate(WORST_MAX);
    Outcome { attack: ATTACK.name, model: model.into(), seeds: of, passed: of - got, figures: figures.0, pass, worst: through }
}

fn family_name(family: Family) -> String {
    format!("{family:?}").to_lowercase()
}

pub(super) fn shorten(text: &str) -> String {
    text.chars().take(300).collect()
}

/// The best of the beam is rewritten by one to three operators at a time.
fn graded(seed: &Seed, operators: &[&'static Operator], queries: usize, random: &mut Random, ask: Ask<'_>) -> Found {
    let first = ask(&seed.text);
    let mut best = Found { text: seed.text.clone(), answer: first, queries: 0, chain: Vec::new() };
    let mut beam: Vec<(Answer, String, Vec<&'static str>)> = vec![(first, seed.text.clone(), Vec::new())];
    let mut asked = 0;
    // Operators that find nothing to do cost no question; without a bound they would cost time for ever.
    let mut tries = 0;
    while best.answer.caught && asked < queries && tries < 20 * queries && !operators.is_empty() {
        tries += 1;
        // Better rewritings are chosen more often.
        let at = random.below(beam.len()).min(random.below(beam.len()));
        let (_, from, chain) = &beam[at];
        let (text, chain) = rewrite(from, chain, operators, random.between(1, 3), random);
        if text == *from || beam.iter().any(|known| known.1 == text) || !still(seed.family, &seed.text, &text) {
            continue;
        }
        asked += 1;
        let answer = ask(&text);
        if !answer.caught || answer.score < best.answer.score {
            best = Found { text: text.clone(), answer, queries: asked, chain: chain.clone() };
        }
        beam.push((answer, text, chain));
        beam.sort_by(|a, b| a.0.score.total_cmp(&b.0.score));
        beam.truncate(BEAM);
    }
    best
}

/// Chains that grow with the number of questions; only allow or deny comes back.
fn decision_only(seed: &Seed, operators: &[&'static Operator], queries: usize, random: &mut Random, ask: Ask<'_>) -> Found {
    let mut best = Found { text: seed.text.clone(), answer: ask(&seed.text), queries: 0, chain: Vec::new() };
    let (mut asked, mut tries) = (0, 0);
    while best.answer.caught && asked < queries && tries < 20 * queries && !operators.is_empty() {
        tries += 1;
        let (text, chain) = rewrite(&seed.text, &[], operators, 1 + asked * 12 / queries.max(1), random);
        if text == seed.text || !still(seed.family, &seed.text, &text) {
            continue;
        }
        asked += 1;
        let answer = ask(&text);
        if !answer.caught {
            best = Found { text, answer, queries: asked, chain };
        }
    }
    best
}

fn rewrite(
    from: &str,
    chain: &[&'static str],
    operators: &[&'static Operator],
    steps: usize,
    random: &mut Random,
) -> (String, Vec<&'static str>) {
    let (mut text, mut chain) = (from.to_owned(), chain.to_vec());
    for _ in 0..steps {
        let operator = operators[random.below(operators.len())];
        let next = (operator.apply)(&text, random);
        if next != text {
            chain.push(operator.name);
            text = next;
        }
    }
    (text, chain)
}

#[derive(Default)]
struct Appended {
    tried: u64,
    lowered: u64,
    fell: u64,
    /// Benign text before the seed, or on both sides.
    around_tried: u64,
    around_lowered: u64,
    around_fell: u64,
}

fn append(seeds: &[Seed], benign: &[String], seed: u64, ask: Ask<'_>) -> Appended {
    let mut random = Random::new(seed ^ 0xA99E);
    let mut done = Appended::default();
    if benign.is_empty() {
        return done;
    }
    for one in seeds {
        let alone = ask(&one.text);
        if !alone.caught {
            continue;
        }
        for pieces in [1, 4, 30] {
            let text = (0..pieces).map(|_| benign[random.below(benign.len())].as_str()).collect::<Vec<_>>().join(" ");
            let whole = match one.family {
                // What follows the host belongs to its owner; what stands before it is another host.
                Family::Url => vec![format!("{}{}{}", one.text, if one.text.contains('/') { "/" } else { "/p/" }, host_free(&text))],
                _ => vec![format!("{} {text}", one.text), format!("{text} {}", one.text), format!("{text} {} {text}", one.text)],
            };
            for (at, text) in whole.into_iter().enumerate() {
                let answer = ask(&text);
                let (lowered, fell) = (u64::from(answer.score < alone.score - FELL), u64::from(!answer.caught));
                if at == 0 {
                    done.tried += 1;
                    done.lowered += lowered;
                    done.fell += fell;
                } else {
                    done.around_tried += 1;
                    done.around_lowered += lowered;
                    done.around_fell += fell;
                }
            }
        }
    }
    done
}

/// Benign addresses as a path.
fn host_free(text: &str) -> String {
    text.split(' ').filter_map(|url| url.split_once('/')).map(|(_, path)| path).take(4).collect::<Vec<_>>().join("/")
}
