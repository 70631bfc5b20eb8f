//! Named texts to a set of rules: what cannot be used is refused with its place and a way out, the rest works.

use std::collections::{BTreeMap, HashMap, HashSet};

use event::Event;
use rsigma_parser::{SigmaRule, parse_sigma_yaml};

use super::route::Routes;
use super::source::{self, When};
use super::{Engine, Hit, Rsigma, SourceMap, View};

/// A longer text is no rule.
const TEXT_BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Informational,
    Low,
    #[default]
    Medium,
    High,
    Critical,
}

/// What is told of a rule when it matches. Author and references travel with it.
#[derive(Clone, Debug, Default)]
pub struct Info {
    pub id: String,
    pub title: String,
    pub description: String,
    pub author: String,
    pub license: String,
    pub references: Vec<String>,
    pub level: Level,
    pub tags: Vec<String>,
    pub false_positives: Vec<String>,
    /// `product/category/service`, absent parts as `*`.
    pub source: String,
    pub file: String,
}

/// A rule that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub file: String,
    /// 1-based.
    pub line: usize,
    pub why: String,
    pub fix: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}. fix: {}", self.file, self.line, self.why, self.fix)
    }
}

/// Rules of one log source.
struct Group {
    engine: Box<dyn Engine>,
    when: Vec<When>,
}

/// Loaded rules, ready to match.
#[derive(Default)]
pub struct Set {
    groups: Vec<Group>,
    routes: Routes,
    rules: HashMap<String, Info>,
    pub refused: Vec<Refused>,
    /// Log sources that the map does not know, with the number of their rules: loaded, but they meet no event.
    pub unrouted: BTreeMap<String, usize>,
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Set({} rules)", self.rules.len())
    }
}

impl Set {
    /// Files by name and text. A rule whose id was loaded before is refused.
    pub fn load<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>, map: &SourceMap) -> Set {
        let mut set = Set::default();
        let mut by_source: BTreeMap<[String; 3], Vec<(SigmaRule, usize, &'t str)>> = BTreeMap::new();
        let mut ids = HashSet::new();
        for (file, text) in texts {
            set.read(file, text, &mut ids, &mut by_source);
        }
        for ([product, category, service], rules) in by_source {
            let name = [&product, &category, &service].map(|part| if part.is_empty() { "*" } else { part }).join("/");
            let mut engine = Rsigma::default();
            let (rules, places): (Vec<SigmaRule>, Vec<(usize, &str)>) =
                rules.into_iter().map(|(rule, line, file)| (rule, (line, file))).unzip();
            let faults: HashMap<usize, String> = engine.load(&rules).into_iter().collect();
            let mut used = 0;
            for (index, (rule, (line, file))) in rules.into_iter().zip(places).enumerate() {
                if let Some(why) = faults.get(&index) {
                    set.refuse(file, line, why.clone(), "correct the detection section, or leave the rule out");
                    continue;
                }
                used += 1;
                let info = info(rule, &name, file);
                set.rules.insert(info.id.clone(), info);
            }
            match map.find(&product, &category, &service) {
                Some(when) if used > 0 => {
                    set.routes.add(set.groups.len(), when);
                    set.groups.push(Group { engine: Box::new(engine), when: when.to_vec() });
                }
                None if used > 0 => *set.unrouted.entry(name).or_default() += used,
                _ => {}
            }
        }
        set.refused.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        set
    }

    fn read<'t>(
        &mut self,
        file: &'t str,
        text: &'t str,
        ids: &mut HashSet<String>,
        by_source: &mut BTreeMap<[String; 3], Vec<(SigmaRule, usize, &'t str)>>,
    ) {
        if text.len() > TEXT_BYTES_MAX {
            return self.refuse(file, 1, format!("{} bytes, at most {TEXT_BYTES_MAX} are read", text.len()), "split the file");
        }
        let collection = match parse_sigma_yaml(text) {
            Ok(collection) => collection,
            Err(error) => return self.refuse(file, line_in(&error.to_string()), error.to_string(), "correct the rule"),
        };
        for error in &collection.errors {
            self.refuse(file, line_in(error), error.clone(), "correct the rule");
        }
        for _ in &collection.correlations {
            self.refuse(file, 1, "a correlation over several events".to_owned(), "leave it out: each rule meets one event at a time");
        }
        for _ in &collection.filters {
            self.refuse(file, 1, "a filter for other rules".to_owned(), "add the exception to the rule itself");
        }
        for (number, mut rule) in collection.rules.into_iter().enumerate() {
            let line = line_of(text, &rule.title);
            let id = rule.id.clone().unwrap_or_else(|| event::short_id("sigma", &[file.as_bytes(), &number.to_le_bytes()]).to_string());
            if !ids.insert(id.clone()) {
                self.refuse(
                    file,
                    line,
                    format!("a rule with the id {id} was loaded before"),
                    "remove one of the two, or give it an id of its own",
                );
                continue;
            }
            rule.id = Some(id);
            let part = |part: &Option<String>| part.as_deref().unwrap_or_default().to_lowercase();
            let source = [part(&rule.logsource.product), part(&rule.logsource.category), part(&rule.logsource.service)];
            by_source.entry(source).or_default().push((rule, line, file));
        }
    }

    fn refuse(&mut self, file: &str, line: usize, why: String, fix: &str) {
        self.refused.push(Refused { file: file.to_owned(), line, why, fix: fix.to_owned() });
    }

    pub fn len(&self) -> usize {
        self.rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// In the order of log source and title.
    pub fn rules(&self) -> Vec<&Info> {
        let mut all: Vec<&Info> = self.rules.values().collect();
        all.sort_by(|a, b| (&a.source, &a.title, &a.id).cmp(&(&b.source, &b.title, &b.id)));
        all
    }

    /// Every rule that matches, each once.
    pub fn hits(&self, event: &Event) -> Vec<Hit<'_>> {
        let mut found: Vec<Hit<'_>> = Vec::new();
        if let Some(native) = event.native.as_deref() {
            let id = native.int("EventID");
            for (group, at) in self.routes.native(native, id) {
                let group = &self.groups[group];
                if group.when[at].holds(native, id) {
                    self.meet(group, &View { native, alias: &group.when[at].alias }, &mut found);
                }
            }
        }
        let places = self.routes.body(event.body.word());
        if let Some(native) = (!places.is_empty()).then(|| source::derived(event)).flatten() {
            for &(group, at) in places {
                let group = &self.groups[group];
                self.meet(group, &View { native: &native, alias: &group.when[at].alias }, &mut found);
            }
        }
        found.sort_by(|a, b| (b.rule.level, &a.rule.id).cmp(&(a.rule.level, &b.rule.id)));
        found
    }

    fn meet<'s>(&'s self, group: &Group, view: &View<'_>, found: &mut Vec<Hit<'s>>) {
        for (id, matched) in group.engine.matches(view) {
            if let Some(rule) = self.rules.get(&id).filter(|rule| !found.iter().any(|hit| hit.rule.id == rule.id)) {
                found.push(Hit { rule, matched });
            }
        }
    }
}

fn info(rule: SigmaRule, source: &str, file: &str) -> Info {
    Info {
        id: rule.id.unwrap_or_default(),
        title: rule.title,
        description: rule.description.unwrap_or_default(),
        author: rule.author.unwrap_or_default(),
        license: rule.license.unwrap_or_default(),
        references: rule.references,
        level: match rule.level {
            Some(rsigma_parser::Level::Informational) => Level::Informational,
            Some(rsigma_parser::Level::Low) => Level::Low,
            Some(rsigma_parser::Level::High) => Level::High,
            Some(rsigma_parser::Level::Critical) => Level::Critical,
            Some(rsigma_parser::Level::Medium) | None => Level::Medium,
        },
        tags: rule.tags,
        false_positives: rule.falsepositives,
        source: source.to_owned(),
        file: file.to_owned(),
    }
}

/// Where the rule of that title begins.
fn line_of(text: &str, title: &str) -> usize {
    text.lines().position(|line| line.starts_with("title:") && line.contains(title.trim())).map_or(1, |at| at + 1)
}

/// `.. at line 7 column 3`, when the message says so.
fn line_in(message: &str) -> usize {
    let after = message.split("line ").nth(1).unwrap_or_default();
    after.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok()).unwrap_or(1)
}
