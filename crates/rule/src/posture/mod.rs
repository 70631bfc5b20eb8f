//! Posture rules: our own language in YAML, one rule for every input, compiled and indexed by resource type, so that a resource meets
//! only its own rules.
//!
//! `content/rules/posture/<provider>/<service>.yaml` holds lists of rules; `fields.yaml` says what types and fields of other inputs are
//! called here. A rule has a bad and a good example or it does not load; [`Rules::examples`] runs them.

mod condition;
mod framework;
mod load;
mod policy;
mod view;

use std::collections::HashMap;

use decode::posture::{Item, read};
use event::{Severity, Technique};

pub use condition::{Evidence, Known};
pub use framework::{Framework, Report, Requirement, Status, report};

use condition::Condition;
use load::Loader;
use view::Fields;

/// What is wrong in a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    pub line: u32,
    pub text: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

#[derive(Clone, Debug)]
pub struct Rule {
    /// `AWS-S3-01`
    pub id: String,
    pub title: String,
    pub severity: Severity,
    /// Types that it is about, in our words.
    pub resources: Vec<String>,
    pub why: String,
    pub fix: String,
    /// Checks of other scanners that mean the same on the same resource.
    pub aliases: Vec<String>,
    /// Checks of others that are about the same thing and differ.
    pub related: Vec<String>,
    pub techniques: Vec<Technique>,
    /// Names of the crosswalk's checks, by which frameworks find it.
    pub checks: Vec<String>,
    pub categories: Vec<String>,
    pub bad: Vec<String>,
    pub good: Vec<String>,
    when: Condition,
}

impl Rule {
    /// Whether the rule answers to this name: its own or an alias.
    pub fn is_named(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name) || self.aliases.iter().any(|a| a.eq_ignore_ascii_case(name))
    }

    /// The inputs that it can be used on, from its resource types.
    pub fn inputs(&self, rules: &Rules) -> Vec<&'static str> {
        let mut inputs = Vec::new();
        let mut add = |input| {
            if !inputs.contains(&input) {
                inputs.push(input);
            }
        };
        for kind in &self.resources {
            match kind.as_str() {
                "Dockerfile" => add("dockerfile"),
                "compose_service" => add("compose"),
                kind if kind.starts_with("host_") => add("host"),
                kind if kind.starts_with(|c: char| c.is_ascii_uppercase()) => add("kubernetes"),
                _ => add("terraform"),
            }
            if rules.fields.values().any(|n| n.kind == *kind) {
                add("cloudformation");
            }
        }
        inputs
    }
}

/// Every rule, ready to judge.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    all: Vec<Rule>,
    by_kind: HashMap<String, Vec<usize>>,
    fields: Fields,
    /// By rule: `framework:requirement`.
    requirements: Vec<Vec<String>>,
    frameworks: Vec<Framework>,
}

/// What one rule says about one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Index into [`Rules::all`].
    pub rule: usize,
    pub known: Known,
    pub evidence: Vec<Evidence>,
}

impl Rules {
    /// From named texts; every fault at once. Files named `fields.yaml` hold names, all others rules.
    pub fn parse(files: &[(&str, &str)]) -> Result<Rules, Vec<Fault>> {
        let (mut rules, mut faults) = (Rules::default(), Vec::new());
        for (file, text) in files {
            let mut loader = Loader { file, faults: Vec::new() };
            if file.ends_with("fields.yaml") {
                loader.fields(text, &mut rules.fields);
            } else {
                rules.all.extend(loader.rules(text));
            }
            faults.extend(loader.faults);
        }
        rules.all.sort_by(|a, b| a.id.cmp(&b.id));
        for pair in rules.all.windows(2).filter(|p| p[0].id == p[1].id) {
            faults.push(Fault { file: String::new(), line: 0, text: format!("{} stands there twice", pair[0].id) });
        }
        for (i, rule) in rules.all.iter().enumerate() {
            for kind in &rule.resources {
                rules.by_kind.entry(kind.clone()).or_default().push(i);
            }
        }
        if faults.is_empty() { Ok(rules) } else { Err(faults) }
    }

    /// Remembers which requirements each rule stands for.
    #[must_use]
    pub fn with_frameworks(mut self, frameworks: Vec<Framework>) -> Rules {
        let of = |rule: &Rule| -> Vec<String> {
            if rule.checks.is_empty() {
                return Vec::new();
            }
            frameworks.iter().flat_map(|f| f.of_rule(&rule.checks).map(move |r| format!("{}:{r}", f.id))).collect()
        };
        self.requirements = self.all.iter().map(of).collect();
        self.frameworks = frameworks;
        self
    }

    pub fn frameworks(&self) -> &[Framework] {
        &self.frameworks
    }

    /// `framework:requirement` of a rule, by its index.
    pub fn requirements(&self, rule: usize) -> &[String] {
        self.requirements.get(rule).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn all(&self) -> &[Rule] {
        &self.all
    }

    /// What every rule about its type says of the resource, in the order of rules.
    pub fn judge(&self, item: &Item) -> Vec<Verdict> {
        let Some(rules) = self.by_kind.get(view::kind(&self.fields, item)) else { return Vec::new() };
        let renamed = view::of(&self.fields, item);
        let attributes = renamed.as_ref().unwrap_or(&item.attributes);
        rules
            .iter()
            .map(|&rule| {
                let (mut known, evidence) = self.all[rule].when.test(attributes, "", false);
                if known == Known::True && !item.certain {
                    known = Known::Unknown;
                }
                Verdict { rule, known, evidence: if known == Known::True { evidence } else { Vec::new() } }
            })
            .collect()
    }

    /// The examples of every rule that do not do what they say.
    pub fn examples(&self) -> Vec<String> {
        (0..self.all.len()).flat_map(|rule| self.examples_of(rule)).collect()
    }

    /// The examples of one rule that do not do what they say.
    pub fn examples_of(&self, index: usize) -> Vec<String> {
        let rule = &self.all[index];
        let mut wrong = Vec::new();
        let sides = rule.bad.iter().map(|e| (e, true)).chain(rule.good.iter().map(|e| (e, false)));
        for (example, bad) in sides {
            let scan = read(&[(file_of(example).to_owned(), example.clone().into_bytes())]);
            let verdicts: Vec<Known> =
                scan.items.iter().flat_map(|item| self.judge(item)).filter(|v| v.rule == index).map(|v| v.known).collect();
            let fires = verdicts.contains(&Known::True);
            if fires != bad || verdicts.is_empty() || scan.undecoded > 0 {
                let word = if bad { "bad" } else { "good" };
                wrong.push(format!("{} {word} example: verdicts {verdicts:?}, {:?}\n{example}", rule.id, scan.notices));
            }
        }
        wrong
    }
}

/// A name for the finding that survives moved lines: rule, resource and what was found there.
pub fn fingerprint(rule: &Rule, address: &str, evidence: &[Evidence]) -> String {
    let mut text = format!("{}\0{address}", rule.id);
    for one in evidence {
        text.push_str(&format!("\0{}\0{}", one.path, one.value));
    }
    event::short_id("P", &[text.as_bytes()]).to_string()
}

/// Lines of the attribute that decided, else of the whole resource.
pub fn place(item: &Item, evidence: &[Evidence]) -> (u32, u32) {
    let within = |e: &&Evidence| e.line >= item.line && e.end_line <= item.end_line && e.line > 0;
    evidence.iter().find(within).map_or((item.line, item.end_line), |e| (e.line, e.end_line))
}

/// The name under which an example would be found in a folder.
fn file_of(example: &str) -> &'static str {
    if example.lines().any(|l| l.starts_with("FROM ")) {
        "Dockerfile"
    } else if example.contains("resource \"") || example.contains("data \"") {
        "main.tf"
    } else {
        "example.yaml"
    }
}

// Tests read the content.
#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests;
