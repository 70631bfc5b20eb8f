//! A model under attack, alone and with all that the product sets beside it.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use detect::content::{self, Input, Matter, Verdict};
use detect::web::request::{Inspector, Place, Scratch};
use learn::lab::operator::Family;
use learn::lab::seeds::{self, Seed};
use learn::lab::{Answer, Outcome, columns, drift, evade, members, poison, steal};
use learn::lure::{self, Heads};
use learn::recipe::{Form, Recipe};
use learn::table::Table;
use learn::{Forest, Model, TextModel};

use super::AttackArgs;
use crate::cli::Global;
use crate::cli::fail::{Exit, Fail};
use crate::knowledge::Content;

pub(super) struct Victim {
    name: String,
    version: String,
    knowledge: detect::Knowledge,
    kind: Kind,
}

/// Attacks and harmless rows from a seed and a number.
type Made = fn(u64, usize) -> (Vec<Seed>, Vec<String>);

enum Kind {
    Web(Arc<TextModel>),
    Mail(Arc<Heads>),
    Url(Arc<Heads>),
    Trees(Arc<Forest>, &'static Recipe),
    /// Why there is nothing to attack.
    Other(&'static str),
}

impl Victim {
    pub(super) fn load(name: &str, content: &Content, global: &Global) -> Result<Victim, Fail> {
        let (knowledge, said) = content.knowledge()?;
        said.iter().for_each(crate::cli::out::note);
        let heads = knowledge.models.heads(name).cloned();
        let kind = match (name, heads) {
            ("mail-phish", Some(heads)) => Kind::Mail(heads),
            ("url-phish", Some(heads)) => Kind::Url(heads),
            (learn::forecast::NAME, _) => Kind::Other(
                "it ranks what comes next from an incident's own record: nobody hands it an input that it lets through or stops",
            ),
            _ => match super::super::eval::load(name, global)? {
                Model::Text(model) => Kind::Web(model),
                Model::Trees(forest) => {
                    let recipe = super::super::eval::recipe_of(forest.name())?;
                    Kind::Trees(forest, recipe)
                }
                Model::Prose(_) => Kind::Other("no operators are written for its texts"),
                Model::Names(_) => Kind::Other("whoever generates names can generate others: no change of one name keeps what it is for"),
            },
        };
        let shown = Path::new(name).file_name().map_or_else(|| name.to_owned(), |last| last.to_string_lossy().into_owned());
        let (name, version) = match &kind {
            Kind::Web(model) => (model.name().to_owned(), model.version().to_owned()),
            Kind::Mail(heads) | Kind::Url(heads) => (heads.name.clone(), heads.version.clone()),
            Kind::Trees(forest, _) => (forest.name().to_owned(), forest.version().to_owned()),
            Kind::Other(_) => (shown, String::new()),
        };
        Ok(Victim { name, version, knowledge, kind })
    }

    fn shown(&self) -> String {
        if self.version.is_empty() { self.name.clone() } else { format!("{}@{}", self.name, self.version) }
    }

    pub(super) fn attack(&self, attack: &str, args: &AttackArgs, data: Option<&Table>) -> Result<Outcome, Fail> {
        match attack {
            "evade" => self.evade(args, data),
            "poison" => self.poison(args, data),
            "steal" => self.steal(args),
            "infer" => self.infer(args, data),
            "drift" => self.drift(args),
            other => Err(self.senseless(&format!("no attack {other}"))),
        }
    }

    fn senseless(&self, why: &str) -> Fail {
        Fail::new("E0509", format!("{}: {why}", self.name)).exit(Exit::CouldNot)
    }

    fn evade(&self, args: &AttackArgs, data: Option<&Table>) -> Result<Outcome, Fail> {
        if let Kind::Other(why) = self.kind {
            return Err(self.senseless(why));
        }
        if let Kind::Trees(forest, recipe) = &self.kind {
            let table = data.ok_or_else(|| self.senseless("its rows come from a table").fix("--data TABLE with its columns"))?;
            let (features, bad, good) = vectors(recipe, table, args.seeds)?;
            return Ok(columns::run(&self.shown(), forest, features, &bad, &good, args.queries, args.seed));
        }
        let (seeds, benign) = match data {
            Some(table) => self.texts(table, args)?,
            None => self.own_texts(args),
        };
        let product = self.run(&seeds, &benign, args, &mut self.product());
        let alone = self.run(&seeds, &benign, args, &mut self.alone());
        let mut outcome = product;
        for figure in [
            "got_through",
            "got_through_unchanged",
            "got_through_by_decision_alone",
            "got_through_with_held_back_operators",
            "appended_lowered_score",
            "appended_fell_below_threshold",
        ] {
            outcome.figures.insert(format!("model_alone_{figure}"), alone.figures[figure].clone());
        }
        let beside = match self.kind {
            Kind::Web(_) => "a request through the gateway's rules and the model; caught: it would be refused",
            Kind::Mail(_) => "the text as `check` judges it; caught: suspicious or worse",
            _ => "the address as `check` judges it; caught: suspicious or worse",
        };
        outcome.figures.insert("against".into(), beside.into());
        outcome
            .figures
            .insert("seeds_from".into(), if data.is_some() { "the table" } else { "our own generators, which trained it too" }.into());
        Ok(outcome)
    }

    /// Texts of both kinds from the generators of the model's own field.
    fn made(&self) -> Option<Made> {
        match self.kind {
            Kind::Web(_) => Some(|seed, count| (seeds::web(seed, count), seeds::web_benign(seed, count))),
            Kind::Mail(_) => Some(seeds::mail),
            Kind::Url(_) => Some(seeds::url),
            Kind::Trees(..) | Kind::Other(_) => None,
        }
    }

    fn poison(&self, args: &AttackArgs, data: Option<&Table>) -> Result<Outcome, Fail> {
        let made = self.made().ok_or_else(|| match self.kind {
            Kind::Other(why) => self.senseless(why),
            _ => self.senseless("tables of numbers are judged by `model train --gate-only`; the lab poisons texts"),
        })?;
        let own;
        let table = match data {
            Some(table) => {
                own = self.texts(table, &AttackArgs { seeds: 20_000, ..args.clone() })?;
                Some(&own)
            }
            None => None,
        };
        let rows = |seed: u64, count: usize| -> poison::Rows {
            let (bad, good) = match table {
                Some((bad, good)) => (thinned(bad, seed, count / 2), thinned(good, seed + 1, count / 2)),
                None => made(seed, count / 2),
            };
            let mut rows: poison::Rows =
                bad.into_iter().map(|one| (one.text, true)).chain(good.into_iter().map(|text| (text, false))).collect();
            learn::generate::Random::new(seed ^ 0xD3A1).shuffle(&mut rows);
            rows
        };
        let times = (args.seeds / 25).max(1);
        let size = poison::Size { rows: 4_000, times, clean: 5 * times };
        Ok(poison::run(&self.shown(), &rows, size, args.seed, &side_by_side))
    }

    fn steal(&self, args: &AttackArgs) -> Result<Outcome, Fail> {
        let made = self.made().ok_or_else(|| match self.kind {
            Kind::Other(why) => self.senseless(why),
            _ => self.senseless("nobody but a person at this machine has it judge rows: there is no key to ask with"),
        })?;
        let alert = match &self.kind {
            Kind::Web(model) => model.thresholds().alert,
            _ => 0.5,
        };
        let graded = gateway::every_answer("r-0123456789ab", event::Time::from_s(1_772_600_000))
            .iter()
            .filter(|answer| answer.to_lowercase().contains("score") || answer.contains("0."))
            .count() as u64;
        Ok(steal::run(&self.shown(), &made, alert, graded, args.seed, &mut self.alone()))
    }

    fn infer(&self, args: &AttackArgs, data: Option<&Table>) -> Result<Outcome, Fail> {
        const ROWS: usize = 6_000;
        match &self.kind {
            Kind::Web(_) => Ok(members::web_payload(&self.shown(), ROWS, args.seed)),
            Kind::Mail(_) => Ok(members::mail_phish(&self.shown(), ROWS, args.seed)),
            Kind::Url(_) => Ok(members::url_phish(&self.shown(), ROWS, args.seed)),
            Kind::Trees(_, recipe) => {
                let table = data.ok_or_else(|| self.senseless("its rows come from a table").fix("--data TABLE with its columns"))?;
                let (features, bad, good) = vectors(recipe, table, ROWS / 2)?;
                let every = good.len().div_ceil(ROWS / 2).max(1);
                let good = good.into_iter().step_by(every).map(|row| (row, false));
                let rows: Vec<(Vec<f32>, bool)> = bad.into_iter().map(|row| (row, true)).chain(good).collect();
                let Form::Trees(trees) = &recipe.form else { return Err(self.senseless("no trees")) };
                Ok(members::trees(&self.shown(), features, &(trees.settings)(), &rows, args.seed))
            }
            Kind::Other(_) => Err(self.senseless("it learned from published incident reports, which are no secret")),
        }
    }

    fn drift(&self, args: &AttackArgs) -> Result<Outcome, Fail> {
        let texts: fn(u64, usize) -> Vec<String> = match self.kind {
            Kind::Web(_) => seeds::web_benign,
            Kind::Mail(_) => |seed, count| [seeds::small_talk(seed, count / 2), seeds::mail(seed, count - count / 2).1].concat(),
            Kind::Url(_) => |seed, count| seeds::url(seed, count).1,
            Kind::Trees(..) => {
                return Err(self.senseless("its rows come from a table: `model drift NAME --data TABLE` compares two halves of one"));
            }
            Kind::Other(_) => return Err(self.senseless("it sees no stream of rows: an incident is not a sample of anything")),
        };
        let worlds = (args.seeds / 25).max(1);
        Ok(drift::run(&self.shown(), &texts, worlds, args.seed, &mut self.alone()))
    }

    fn run(&self, seeds: &[Seed], benign: &[String], args: &AttackArgs, ask: &mut dyn FnMut(&str) -> Answer) -> Outcome {
        evade::run(&self.shown(), seeds, benign, args.queries, args.seed, ask)
    }

    /// The model and what stands beside it.
    fn product(&self) -> Box<dyn FnMut(&str) -> Answer + '_> {
        match &self.kind {
            Kind::Web(_) => {
                let (inspector, mut scratch) = (Inspector::new(&self.knowledge), Scratch::default());
                Box::new(move |text| {
                    let said = inspector.inspect_row(text.as_bytes(), Place::Query, &mut scratch);
                    Answer { score: said.score, caught: said.verdict_block }
                })
            }
            _ => Box::new(|text| {
                let url = format!("http://{text}");
                let matter = if matches!(self.kind, Kind::Url(_)) { Matter::Url(&url) } else { Matter::Text(text) };
                let said = content::judge(&Input { name: "lab", matter }, &self.knowledge);
                Answer { score: said.score.unwrap_or(0.0), caught: said.verdict >= Verdict::Suspicious }
            }),
        }
    }

    /// The model and nothing else.
    fn alone(&self) -> Box<dyn FnMut(&str) -> Answer + '_> {
        match &self.kind {
            Kind::Web(model) => {
                let mut scratch = learn::Scratch::default();
                let limit = model.thresholds().alone;
                Box::new(move |text| {
                    let score = model.score(text.as_bytes(), &mut scratch);
                    Answer { score, caught: score >= limit }
                })
            }
            Kind::Mail(heads) => {
                Box::new(move |text| against(lure::mail::logit(heads, text, lure::LURE), heads.threshold.get(lure::LURE).copied()))
            }
            Kind::Url(heads) => Box::new(move |text| against(heads.spelling(text), heads.threshold.first().copied())),
            _ => Box::new(|_| Answer { score: 0.0, caught: true }),
        }
    }

    fn own_texts(&self, args: &AttackArgs) -> (Vec<Seed>, Vec<String>) {
        match self.kind {
            Kind::Mail(_) => (seeds::mail(args.seed, args.seeds).0, seeds::small_talk(args.seed, args.seeds)),
            Kind::Url(_) => seeds::url(args.seed, args.seeds),
            _ => (seeds::web(args.seed, args.seeds), seeds::web_benign(args.seed, 2 * args.seeds)),
        }
    }

    /// Seeds and benign texts of a table: every n-th row, so that all of it takes part.
    fn texts(&self, table: &Table, args: &AttackArgs) -> Result<(Vec<Seed>, Vec<String>), Fail> {
        let column = match self.kind {
            Kind::Web(_) => ["payload", "payload"],
            Kind::Mail(_) => ["text", "raw"],
            _ => ["url", "key"],
        };
        let (mut seeds, mut benign) = (Vec::new(), Vec::new());
        for row in table.rows() {
            let Some(text) = column.iter().find_map(|name| row.text(name)) else { continue };
            let label = row.text("label").unwrap_or_default().to_lowercase();
            let good = matches!(&*label, "benign" | "ham" | "good" | "0" | "no" | "norm")
                || (label.is_empty() && row.text("phish").as_deref() == Some("0"));
            let family = match self.kind {
                Kind::Web(_) => seeds::family_of(&row.text("class").unwrap_or_default()),
                Kind::Mail(_) => Some(Family::Mail),
                _ => Some(Family::Url),
            };
            let text = match self.kind {
                Kind::Url(_) => text.split_once("://").map_or(&*text, |(_, rest)| rest).to_owned(),
                _ => text.into_owned(),
            };
            match family {
                _ if good => benign.push(text),
                Some(family) if text.len() <= 4_000 => seeds.push(Seed { family, text }),
                _ => {}
            }
        }
        if seeds.is_empty() {
            return Err(self
                .senseless("the table has no hostile rows that an operator knows")
                .fix(format!("columns label and {}", column[0])));
        }
        let thin = |length: usize| length.div_ceil(args.seeds).max(1);
        let (every, other) = (thin(seeds.len()), thin(benign.len()));
        Ok((seeds.into_iter().step_by(every).collect(), benign.into_iter().step_by(other).collect()))
    }
}

/// Every case once, on as many threads as there are cores; the answers in the order of the cases.
fn side_by_side(cases: &[poison::Case], work: &(dyn Fn(&poison::Case) -> poison::Done + Sync)) -> Vec<poison::Done> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(cases.len().max(1));
    let take = || -> Vec<(usize, poison::Done)> {
        let numbers = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        numbers.map_while(|at| Some((at, work(cases.get(at)?)))).collect()
    };
    let mut done: Vec<(usize, poison::Done)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, done)| done).collect()
}

/// `count` of them, drawn by seed.
fn thinned<T: Clone>(from: &[T], seed: u64, count: usize) -> Vec<T> {
    let mut random = learn::generate::Random::new(seed);
    (0..count.min(from.len() * 4)).filter_map(|_| from.get(random.below(from.len())).cloned()).collect()
}

fn against(logit: f32, threshold: Option<f32>) -> Answer {
    let over = logit - threshold.unwrap_or(0.0);
    Answer { score: 1.0 / (1.0 + (-over).exp()), caught: over >= 0.0 }
}

type Vectors = (&'static [learn::features::Feature], Vec<Vec<f32>>, Vec<Vec<f32>>);

/// Feature vectors of bad and good rows; a row of several windows counts by its first.
fn vectors(recipe: &'static Recipe, table: &Table, most: usize) -> Result<Vectors, Fail> {
    let Form::Trees(trees) = &recipe.form else { return Err(Fail::new("E0509", "no trees")) };
    recipe.check_columns(table).map_err(|e| super::table::fault(&e))?;
    let label = recipe.label_column(table).unwrap_or_default().to_owned();
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for row in table.rows() {
        let mut values = Vec::new();
        (trees.read)(&row, &mut values);
        values.truncate(trees.features.len());
        if values.len() == trees.features.len() {
            let hostile = recipe.is_bad(&row, &label).map_err(|e| super::table::fault(&e))?;
            if hostile { bad.push(values) } else { good.push(values) }
        }
    }
    let every = bad.len().div_ceil(most).max(1);
    Ok((trees.features, bad.into_iter().step_by(every).collect(), good))
}
