//! Process defence as data (`content/playbooks/*.yaml`): what people do before they pay, reset or answer, whoever seems to ask.
//!
//! Shape: `name`, `title`, `trigger` (intents of `mail-phish`), `wait_hours`, `steps` in the order freeze, wait, call_back, second_approver,
//! close. A call goes to a number of the directory, never to one from the message; the last step says what to do otherwise and whom to tell.

use std::sync::OnceLock;

use serde::Deserialize;

const FILES: [&str; 3] = [
    include_str!("../../../../content/playbooks/payment_change.yaml"),
    include_str!("../../../../content/playbooks/credential_reset.yaml"),
    include_str!("../../../../content/playbooks/urgent_transfer.yaml"),
];
const STEPS: [&str; 5] = ["freeze", "wait", "call_back", "second_approver", "close"];

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    pub name: String,
    pub title: String,
    pub trigger: Vec<String>,
    pub wait_hours: u32,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    #[serde(rename = "do")]
    pub what: String,
    pub text: String,
    #[serde(default)]
    pub proof: String,
    #[serde(default)]
    pub source: String,
    #[serde(default)]
    pub otherwise: String,
    #[serde(default)]
    pub escalate_to: String,
}

impl Playbook {
    /// Reads one; the reason when it is none.
    pub fn parse(text: &str) -> Result<Playbook, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    /// What is wrong with it.
    pub fn lint(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let steps: Vec<&str> = self.steps.iter().map(|step| step.what.as_str()).collect();
        if steps != STEPS {
            faults.push(format!("steps are {steps:?}, expected {STEPS:?}"));
        }
        if self.wait_hours == 0 {
            faults.push("wait_hours is 0: a waiting time is what stops a forged voice".into());
        }
        for trigger in self.trigger.iter().filter(|trigger| !learn::lure::INTENTS.contains(&trigger.as_str())) {
            faults.push(format!("{trigger} is no intent"));
        }
        for step in &self.steps {
            if step.what == "call_back" && (step.source != "directory" || !step.text.to_lowercase().contains("directory")) {
                faults.push("call_back does not name the directory as the source of the number".into());
            }
            if step.what == "close" && (step.otherwise != "escalate" || step.escalate_to.is_empty()) {
                faults.push("close does not say whom to tell otherwise".into());
            }
        }
        faults
    }

    /// For a reason: the first three steps in short.
    pub fn first_steps(&self) -> String {
        format!("freeze, wait {} h, call back a number from the directory, second approver", self.wait_hours)
    }
}

/// The playbooks that come with the program.
pub fn all() -> &'static [Playbook] {
    static ALL: OnceLock<Vec<Playbook>> = OnceLock::new();
    ALL.get_or_init(|| FILES.iter().filter_map(|text| Playbook::parse(text).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_playbook_is_whole() {
        assert_eq!(all().len(), FILES.len(), "{:?}", FILES.iter().filter_map(|text| Playbook::parse(text).err()).collect::<Vec<_>>());
        for one in all() {
            assert_eq!(one.lint(), Vec::<String>::new(), "{}", one.name);
        }
    }

    #[test]
    fn faults_are_named() {
        let mut bad = all()[0].clone();
        bad.steps[2].source = "message".into();
        bad.wait_hours = 0;
        bad.trigger.push("nonsense".into());
        assert_eq!(bad.lint().len(), 3);
        bad.steps.swap(0, 1);
        assert_eq!(bad.lint().len(), 4);
        assert!(Playbook::parse("name: x").is_err());
    }
}
