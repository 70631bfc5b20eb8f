//! Playbooks (`content/playbooks/response/*.yaml`): which findings ask for which actions, for how long, within which bounds.
//!
//! Each safety field has a default, and the default is the careful one: `mode` is `monitor`, a block lasts 15 minutes, nobody's silence is an
//! approval. There is no way to write an action without an end.

mod fault;
mod read;
mod tree;

use event::{EntityKind, Finding, Severity, Text};

pub use fault::Fault;

use crate::Never;

#[derive(Clone, Debug)]
pub struct Playbook {
    pub name: Text,
    pub title: String,
    pub when: When,
    pub approach: Approach,
    pub steps: Vec<Step>,
    /// Channels that hear of it, by name: `- notify: ops`.
    pub channels: Vec<Text>,
    pub caps: Caps,
    /// Besides the never-block list of the process.
    pub never: Never,
    /// How long somebody has to approve; then it is rejected.
    pub approval_s: u32,
    /// After so many failures in a row an action rests for an hour.
    pub errors_max: u32,
}

#[derive(Clone, Debug)]
pub struct When {
    pub target: Target,
    /// `web.request`, `web.*`; empty for all.
    pub analytics: Vec<String>,
    pub severity_min: Severity,
    pub score_min: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Address,
    File,
    Model,
    /// Of these nothing is refused or moved; somebody can be told.
    User,
    Host,
    Service,
    Mailbox,
    Domain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approach {
    /// Recorded only, whatever the mode of the process.
    Monitor,
    /// Waits for a person.
    Approve,
    /// As the process: recorded in monitor mode, carried out when it enforces.
    Auto,
}

#[derive(Clone, Debug)]
pub struct Step {
    /// Name of the action, one of [`ACTIONS`].
    pub action: &'static str,
    pub disposition: event::decision::Disposition,
    pub first_s: u32,
    /// Each further time lasts twice as long, up to this.
    pub max_s: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct Caps {
    pub per_10_min: usize,
    pub per_hour: usize,
}

/// What a playbook can ask for: one line an action, with the kind of target it is for.
pub const ACTIONS: &[(&str, Target)] =
    &[("decision", Target::Address), ("nftables", Target::Address), ("quarantine", Target::File), ("model", Target::Model)];

impl Playbook {
    /// Reads one, or lists everything that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Playbook, Vec<Fault>> {
        let read = tree::read(text).map_err(|fault| vec![fault]).and_then(|node| read::playbook(&node));
        read.map_err(|faults| faults.into_iter().map(|fault| Fault { file: file.to_owned(), ..fault }).collect())
    }

    pub fn meets(&self, target: Target, finding: &Finding) -> bool {
        self.when.target == target
            && finding.severity >= self.when.severity_min
            && finding.score.value() >= self.when.score_min
            && (self.when.analytics.is_empty() || self.when.analytics.iter().any(|glob| covers(glob, &finding.analytic.uid)))
    }
}

impl Target {
    pub(crate) const ALL: &[(&'static str, Target)] = &[
        ("address", Target::Address),
        ("file", Target::File),
        ("model", Target::Model),
        ("user", Target::User),
        ("host", Target::Host),
        ("service", Target::Service),
        ("mailbox", Target::Mailbox),
        ("domain", Target::Domain),
    ];

    pub const fn of(kind: EntityKind) -> Target {
        match kind {
            EntityKind::Address | EntityKind::Device => Target::Address,
            EntityKind::File => Target::File,
            EntityKind::Model => Target::Model,
            EntityKind::User => Target::User,
            EntityKind::Host => Target::Host,
            EntityKind::Service => Target::Service,
            EntityKind::Mailbox => Target::Mailbox,
            EntityKind::Domain => Target::Domain,
        }
    }
}

impl Approach {
    pub const fn word(self) -> &'static str {
        match self {
            Approach::Monitor => "monitor",
            Approach::Approve => "approve",
            Approach::Auto => "auto",
        }
    }
}

fn covers(glob: &str, analytic: &str) -> bool {
    glob.strip_suffix('*').map_or(glob == analytic, |start| analytic.starts_with(start))
}

/// Those in force, in the order of their names; the first that meets a finding plans for it.
#[derive(Clone, Debug)]
pub struct Playbooks(Vec<Playbook>);

impl Playbooks {
    /// `files`: name and text. All faults of all files at once.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Playbooks, Vec<Fault>> {
        let (mut all, mut faults): (Vec<Playbook>, Vec<Fault>) = (Vec::new(), Vec::new());
        for (file, text) in files {
            match Playbook::parse(file, text) {
                Ok(playbook) if all.iter().any(|p| p.name == playbook.name) => {
                    let fault = Fault::new("P005", 1, format!("a second playbook is called {}", playbook.name), "another name");
                    faults.push(Fault { file: file.to_owned(), ..fault });
                }
                Ok(playbook) => all.push(playbook),
                Err(more) => faults.extend(more),
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        if faults.is_empty() { Ok(Playbooks(all)) } else { Err(faults) }
    }

    /// Those that come with the program.
    pub fn shipped() -> Playbooks {
        let files = [
            ("malware-file.yaml", include_str!("../../../../content/playbooks/response/malware-file.yaml")),
            ("model-rollback.yaml", include_str!("../../../../content/playbooks/response/model-rollback.yaml")),
            ("web-and-login-attack.yaml", include_str!("../../../../content/playbooks/response/web-and-login-attack.yaml")),
        ];
        Playbooks::parse(files).expect("invariant: a test reads the shipped playbooks")
    }

    pub fn iter(&self) -> impl Iterator<Item = &Playbook> {
        self.0.iter()
    }

    pub fn meeting(&self, target: Target, finding: &Finding) -> Option<&Playbook> {
        self.0.iter().find(|playbook| playbook.meets(target, finding))
    }
}

#[cfg(test)]
mod tests;
