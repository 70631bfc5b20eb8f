//! What the posture scan left open here, by technique and by control: so that what comes next is told together with what would let it happen.

use std::collections::BTreeMap;

use event::incident::Forecast;
use event::{Finding, Severity, Text};

/// Weaknesses that are remembered, worst first.
const WEAKNESSES_MAX: usize = 10_000;
/// Shown with one technique or control.
const SHOWN_MAX: usize = 5;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Weakness {
    /// `AWS-S3-01 infra/s3.tf:14`
    label: Text,
    severity: Severity,
    techniques: Vec<Text>,
    /// As controls are called: `AC-04`.
    controls: Vec<Text>,
}

/// Open findings about configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    worst_first: Vec<Weakness>,
}

impl Open {
    /// Of the findings that are open; those about something else are passed over.
    pub fn of<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Open {
        let mut by_label: BTreeMap<Text, Weakness> = BTreeMap::new();
        for finding in findings {
            let Some(compliance) = finding.compliance.as_deref().filter(|_| by_label.len() < WEAKNESSES_MAX) else { continue };
            let techniques: Vec<&str> = finding.techniques.iter().map(|t| t.uid).collect();
            let requirements: Vec<&str> = compliance.requirements.iter().map(Text::as_str).collect();
            let one = weakness(&compliance.rule, &compliance.file, compliance.line, finding.severity, &techniques, &requirements);
            by_label.insert(one.label.clone(), one);
        }
        Open::sorted(by_label.into_values().collect())
    }

    /// Of a result of `posture --json`: rule, file, line, severity, techniques, `framework:requirement`.
    pub fn add(&mut self, rule: &str, file: &str, line: u32, severity: Severity, techniques: &[&str], requirements: &[&str]) {
        if self.worst_first.len() < WEAKNESSES_MAX {
            let mut all = std::mem::take(&mut self.worst_first);
            all.push(weakness(rule, file, line, severity, techniques, requirements));
            *self = Open::sorted(all);
        }
    }

    fn sorted(mut all: Vec<Weakness>) -> Open {
        all.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.label.cmp(&b.label)));
        Open { worst_first: all }
    }

    /// Marks what of a forecast is open here.
    pub fn mark(&self, forecast: &mut Forecast) {
        for next in &mut forecast.next {
            next.open = self.shown(|w| w.techniques.iter().any(|t| same(t, &next.technique)));
        }
        for control in forecast.controls.iter_mut().chain(&mut forecast.general) {
            control.open = self.shown(|w| control.framework == "nist_800_53" && w.controls.contains(&control.control));
        }
    }

    fn shown(&self, wanted: impl Fn(&Weakness) -> bool) -> Vec<Text> {
        self.worst_first.iter().filter(|w| wanted(w)).take(SHOWN_MAX).map(|w| w.label.clone()).collect()
    }
}

fn weakness(rule: &str, file: &str, line: u32, severity: Severity, techniques: &[&str], requirements: &[&str]) -> Weakness {
    let place = if line > 0 { format!("{rule} {file}:{line}") } else { format!("{rule} {file}") };
    let mut controls: Vec<Text> = requirements.iter().filter_map(|r| control(r)).collect();
    controls.sort_unstable();
    controls.dedup();
    Weakness { label: place.into(), severity, techniques: techniques.iter().map(|t| Text::from(*t)).collect(), controls }
}

/// A technique and its sub-techniques.
fn same(a: &str, b: &str) -> bool {
    a == b || a.split_once('.').is_some_and(|(parent, _)| parent == b) || b.split_once('.').is_some_and(|(parent, _)| parent == a)
}

/// `nist_800_53_r5_aws:ac_4_21` is `AC-04`.
fn control(requirement: &str) -> Option<Text> {
    let (framework, id) = requirement.split_once(':')?;
    let mut parts = id.split(['_', '-']).filter(|_| framework.starts_with("nist_800_53"));
    let (family, number) = (parts.next()?, parts.next()?.parse::<u32>().ok()?);
    (family.len() == 2).then(|| format!("{}-{number:02}", family.to_ascii_uppercase()).into())
}

#[cfg(test)]
mod tests {
    use event::incident::{Control, Next};

    use super::*;

    #[test]
    fn techniques_and_controls_meet_what_is_open() {
        let mut open = Open::default();
        open.add("AWS-S3-04", "infra/s3.tf", 3, Severity::Low, &["T1530"], &["nist_800_53_r5_aws:ac_4_26", "soc2_aws:cc_6_1"]);
        open.add("HOST-SSH-01", "/etc/ssh/sshd_config", 0, Severity::High, &["T1110.001"], &[]);
        let next = |id: &str| Next { technique: id.into(), ..Next::default() };
        let control = |framework: &str, id: &str| Control { framework: framework.into(), control: id.into(), ..Control::default() };
        let mut forecast = Forecast {
            next: vec![next("T1530"), next("T1110"), next("T1110.001"), next("T1110.003"), next("T1059")],
            controls: vec![control("nist_800_53", "AC-04"), control("aws", "AC-04"), control("nist_800_53", "AC-06")],
            ..Forecast::default()
        };
        open.mark(&mut forecast);
        let shown: Vec<Vec<&str>> = forecast.next.iter().map(|n| n.open.iter().map(Text::as_str).collect()).collect();
        let ssh = "HOST-SSH-01 /etc/ssh/sshd_config";
        assert_eq!(shown, [vec!["AWS-S3-04 infra/s3.tf:3"], vec![ssh], vec![ssh], vec![], vec![]]);
        let marked: Vec<usize> = forecast.controls.iter().map(|c| c.open.len()).collect();
        assert_eq!(marked, [1, 0, 0]);
    }
}
