//! Compliance frameworks: requirement to rules, by numbers only, and the honest report over them.

use std::collections::{BTreeMap, BTreeSet};

use decode::posture::{Node, yaml_documents};

use super::{Known, Rules, Verdict};

#[derive(Clone, Debug, Default)]
pub struct Framework {
    /// `cis_aws_3.0`
    pub id: String,
    pub name: String,
    /// Where the mapping came from.
    pub source: String,
    pub requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, Default)]
pub struct Requirement {
    pub id: String,
    /// Automated checks of the crosswalk, whether or not there is a rule for them.
    pub checks: Vec<String>,
}

/// What is said about one requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Pass,
    Fail,
    /// What fails is suppressed with a reason where it is written.
    Accepted,
    /// Some of its checks have no rule here, or there is no resource that they are about.
    NotAssessed,
    /// Nothing automatic exists.
    Manual,
}

impl Status {
    pub const fn word(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Fail => "fail",
            Status::Accepted => "accepted",
            Status::NotAssessed => "not_assessed",
            Status::Manual => "manual",
        }
    }
}

/// One line of a report.
#[derive(Clone, Debug)]
pub struct Report {
    pub requirement: String,
    pub status: Status,
    /// Rules that stand for it here.
    pub rules: Vec<String>,
    /// Checks of the crosswalk without a rule.
    pub without_rule: Vec<String>,
    /// Resources that failed.
    pub failed: Vec<String>,
}

impl Framework {
    /// `content/frameworks/<id>.yaml`: `{id, name, source, requirements: {"1.2": [check, ..]}}`.
    pub fn parse(text: &str) -> Result<Framework, String> {
        let documents = yaml_documents(text).map_err(|(line, why)| format!("line {line}: {why}"))?;
        let document = documents.first().ok_or("an empty file")?;
        let word = |key: &str| document.get(key).and_then(Node::scalar).unwrap_or_default();
        let all = document.get("requirements").and_then(Node::as_map).ok_or("no requirements")?;
        let requirements = all
            .iter()
            .map(|(id, checks)| Requirement {
                id: id.clone(),
                checks: checks.as_list().unwrap_or_default().iter().filter_map(Node::scalar).collect(),
            })
            .collect();
        Ok(Framework { id: word("id"), name: word("name"), source: word("source"), requirements })
    }

    /// Requirements that a rule stands for.
    pub fn of_rule<'f>(&'f self, checks: &'f [String]) -> impl Iterator<Item = &'f str> {
        self.requirements.iter().filter(|r| r.checks.iter().any(|c| checks.contains(c))).map(|r| r.id.as_str())
    }
}

/// Per requirement what the verdicts over all resources (by address) say. `accepted`: rule and address of what is suppressed with a reason.
pub fn report(framework: &Framework, rules: &Rules, verdicts: &[(String, Verdict)], accepted: &BTreeSet<(usize, String)>) -> Vec<Report> {
    let mut by_rule: BTreeMap<usize, Vec<(&str, Known)>> = BTreeMap::new();
    for (address, verdict) in verdicts {
        by_rule.entry(verdict.rule).or_default().push((address, verdict.known));
    }
    framework
        .requirements
        .iter()
        .map(|requirement| {
            let standing: Vec<usize> =
                (0..rules.all().len()).filter(|i| rules.all()[*i].checks.iter().any(|c| requirement.checks.contains(c))).collect();
            let seen = || standing.iter().filter_map(|i| by_rule.get(i)).flatten();
            let fails = |open: bool| {
                let of = |i: &usize| {
                    let all = by_rule.get(i).into_iter().flatten().filter(|(_, known)| *known == Known::True);
                    all.filter(|(a, _)| accepted.contains(&(*i, (*a).to_owned())) != open).map(|(a, _)| *a).collect::<Vec<_>>()
                };
                standing.iter().flat_map(of).collect::<BTreeSet<&str>>()
            };
            let failed = fails(true);
            let covered: Vec<&String> = standing.iter().flat_map(|i| &rules.all()[*i].checks).collect();
            let without_rule: Vec<String> = requirement.checks.iter().filter(|c| !covered.contains(c)).cloned().collect();
            let status = if requirement.checks.is_empty() {
                Status::Manual
            } else if !failed.is_empty() {
                Status::Fail
            } else if !fails(false).is_empty() {
                Status::Accepted
            } else if without_rule.is_empty() && seen().any(|(_, known)| *known == Known::False) {
                Status::Pass
            } else {
                Status::NotAssessed
            };
            Report {
                requirement: requirement.id.clone(),
                status,
                rules: standing.iter().map(|i| rules.all()[*i].id.clone()).collect(),
                without_rule,
                failed: failed.into_iter().map(str::to_owned).collect(),
            }
        })
        .collect()
}
