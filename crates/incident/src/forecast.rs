//! What comes next in an incident, and which measures would stop most of it (D3FEND: harden).
//!
//! Next techniques come from the `forecast` model. Measures are ranked greedily by the probability mass of the expected techniques that they
//! mitigate and that no measure before them mitigates already. Measures that are mapped to more than [`GENERAL_FROM`] techniques touch nearly
//! everything, so that being covered by them says nothing: they are listed apart and not ranked.

mod open;
mod prevention;

use std::sync::Arc;

use event::incident::{Control, Forecast, Next};
use event::{Incident, Severity, Text, attack};
use learn::forecast::ForecastModel;
use serde::Deserialize;

pub use open::Open;
pub use prevention::{Prevention, prevention};

/// A control that is mapped to more techniques than this is general.
pub const GENERAL_FROM: usize = 40;
/// Ranked measures that are listed.
const CONTROLS_MAX: usize = 5;
const GENERAL_MAX: usize = 5;
/// Techniques that are told about an incident.
const NEXT_MAX: usize = 8;
/// Gains below this are noise.
const GAIN_MIN: f32 = 0.01;

/// One control and the share of each technique that it is said to stop.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Mapping {
    pub framework: Text,
    pub control: Text,
    pub name: String,
    pub covers: std::collections::BTreeMap<String, f32>,
}

/// Reads `controls.jsonl`; a line that does not read is named.
pub fn mappings(text: &str) -> Result<Vec<Mapping>, String> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(n, line)| serde_json::from_str(line).map_err(|e| format!("controls.jsonl:{n}: {e}"))).collect()
}

#[derive(Clone)]
pub struct Forecaster {
    model: Arc<ForecastModel>,
    controls: Arc<Vec<Mapping>>,
}

/// Which measures are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'w> {
    pub top: usize,
    /// `nist_800_53`, `aws`, `azure`, `gcp`, `m365`.
    pub framework: &'w str,
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        Wanted { top: 20, framework: "nist_800_53" }
    }
}

impl Forecaster {
    pub fn new(model: Arc<ForecastModel>, controls: Arc<Vec<Mapping>>) -> Forecaster {
        Forecaster { model, controls }
    }

    /// Frameworks that measures can be taken from.
    pub fn frameworks(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.controls.iter().map(|c| c.framework.as_str()).collect();
        names.dedup();
        names
    }

    /// After these techniques; with the ids that nothing is known about.
    pub fn forecast(&self, seen: &[&str], wanted: &Wanted<'_>) -> (Forecast, Vec<String>) {
        let current: Vec<&str> = seen.iter().map(|id| attack_id(id)).collect();
        let answer = self.model.next(&current, wanted.top.max(1));
        let next: Vec<Next> = answer
            .next
            .iter()
            .map(|n| {
                let technique = attack::by_uid(n.technique);
                Next {
                    technique: n.technique.into(),
                    name: technique.map_or(Text::default(), |t| t.name.into()),
                    tactic: technique.map_or(Text::default(), |t| t.tactic.named().1.into()),
                    probability: n.probability,
                    because: n.because.iter().map(|b| Text::from(*b)).collect(),
                    open: Vec::new(),
                }
            })
            .collect();
        let (controls, general) = self.measures(&next, wanted.framework);
        let model = Text::from(format!("{} {}", learn::forecast::NAME, self.model.version()));
        (Forecast { basis: answer.basis.into(), model, next, controls, general }, answer.unknown)
    }

    /// Told with an incident that is worth a person's time.
    pub fn tell(&self, incident: &mut Incident, open: &Open) {
        incident.forecast = None;
        let attacked = incident.severity >= Severity::Medium && !incident.techniques.is_empty();
        if !attacked || incident.stages.iter().all(|s| s.analytic.starts_with("posture.")) {
            return;
        }
        let seen: Vec<&str> = incident.techniques.iter().map(|t| t.uid).collect();
        let (mut forecast, _) = self.forecast(&seen, &Wanted { top: NEXT_MAX, ..Wanted::default() });
        open.mark(&mut forecast);
        incident.forecast = Some(Box::new(forecast));
    }

    fn measures(&self, next: &[Next], framework: &str) -> (Vec<Control>, Vec<Control>) {
        let of_framework = || self.controls.iter().filter(|c| c.framework == framework);
        let expected: Vec<(&str, f32)> = next.iter().map(|n| (n.technique.as_str(), n.probability)).collect();
        let told = |mapping: &Mapping, gain: f32| Control {
            framework: mapping.framework.clone(),
            control: mapping.control.clone(),
            name: mapping.name.clone(),
            covers: next.iter().filter(|n| share(mapping, &n.technique) > 0.0).map(|n| n.technique.clone()).collect(),
            gain,
            open: Vec::new(),
        };
        let mut general: Vec<Control> = of_framework()
            .filter(|c| c.covers.len() > GENERAL_FROM)
            .map(|c| told(c, gain(c, &expected)))
            .filter(|c| !c.covers.is_empty())
            .collect();
        general.sort_by(|a, b| b.gain.total_cmp(&a.gain).then(a.control.cmp(&b.control)));
        general.truncate(GENERAL_MAX);
        let specific: Vec<&Mapping> = of_framework().filter(|c| c.covers.len() <= GENERAL_FROM).collect();
        let controls = rank(&specific, &expected, CONTROLS_MAX).into_iter().map(|(mapping, gained)| told(mapping, gained)).collect();
        (controls, general)
    }
}

/// The measures that take most away, each beyond those before it; mass is what is left of each technique.
fn rank<'m>(specific: &[&'m Mapping], expected: &[(&str, f32)], most: usize) -> Vec<(&'m Mapping, f32)> {
    let mut open = specific.to_vec();
    let mut left = expected.to_vec();
    let mut chosen = Vec::new();
    while chosen.len() < most {
        let best = open.iter().enumerate().map(|(at, c)| (gain(c, &left), at)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let Some((gained, at)) = best.filter(|(gained, _)| *gained >= GAIN_MIN) else { break };
        let mapping = open.remove(at);
        chosen.push((mapping, gained));
        left.iter_mut().for_each(|(id, mass)| *mass *= 1.0 - share(mapping, id));
    }
    chosen
}

fn gain(mapping: &Mapping, expected: &[(&str, f32)]) -> f32 {
    expected.iter().map(|(id, mass)| mass * share(mapping, id)).sum()
}

/// How much of a technique a control stops: as mapped, else as its parent is.
fn share(mapping: &Mapping, technique: &str) -> f32 {
    let exact = mapping.covers.get(technique).copied();
    exact.or_else(|| mapping.covers.get(technique.split_once('.')?.0).copied()).unwrap_or(0.0).clamp(0.0, 1.0)
}

/// Ids that ATT&CK gave up or renamed, and what stands for them in the model's version.
const RENAMED: &[(&str, &str)] = &[
    ("T1022", "T1560"),
    ("T1035", "T1569.002"),
    ("T1050", "T1543.003"),
    ("T1060", "T1547.001"),
    ("T1064", "T1059"),
    ("T1065", "T1571"),
    ("T1076", "T1021.001"),
    ("T1077", "T1021.002"),
    ("T1079", "T1573"),
    ("T1081", "T1552.001"),
    ("T1085", "T1218.011"),
    ("T1086", "T1059.001"),
    ("T1089", "T1562.001"),
    ("T1094", "T1095"),
    ("T1099", "T1070.006"),
    ("T1100", "T1505.003"),
    ("T1107", "T1070.004"),
    ("T1117", "T1218.010"),
    ("T1168", "T1053"),
    ("T1170", "T1218.005"),
    ("T1192", "T1566.002"),
    ("T1193", "T1566.001"),
    ("T1208", "T1558.003"),
    ("T1483", "T1568.002"),
    ("T1685", "T1562.001"),
    ("T1685.001", "T1562.002"),
    ("T1685.002", "T1562.008"),
    ("T1685.004", "T1562.012"),
    ("T1686", "T1562.004"),
];

fn attack_id(id: &str) -> &str {
    RENAMED.binary_search_by(|(old, _)| (*old).cmp(id)).map_or(id, |at| RENAMED[at].1)
}

#[cfg(test)]
mod tests {
    use learn::forecast::{Bag, train};

    use super::*;

    const CONTROLS: &str = r#"{"framework":"nist_800_53","control":"AC-17","name":"Remote Access","covers":{"T1021":0.5,"T1021.002":0.5}}
{"framework":"nist_800_53","control":"SC-7","name":"Boundary","covers":{"T1048":0.5}}
{"framework":"aws","control":"waf","name":"WAF","covers":{"T1190":0.9}}
"#;

    fn forecaster() -> Forecaster {
        let bags: Vec<Bag> = (0..100)
            .map(|n: usize| {
                let all = ["T1003", "T1021.002", "T1059.001", "T1078"];
                all.iter().enumerate().filter(|(i, _)| !(n + i).is_multiple_of(4)).map(|(_, id)| (*id).to_owned()).collect()
            })
            .collect();
        let model = train(&bags, 1).expect("enough").model;
        Forecaster::new(Arc::new(model), Arc::new(mappings(CONTROLS).expect("reads")))
    }

    #[test]
    fn measures_are_ranked_by_what_they_take_away() {
        let (forecast, unknown) = forecaster().forecast(&["T1003", "T1086", "T0000"], &Wanted::default());
        assert_eq!(unknown, ["T0000"]);
        assert!(forecast.next.iter().any(|n| n.technique == "T1021.002" && n.name == "SMB/Windows Admin Shares"));
        assert!(forecast.next.iter().all(|n| n.technique != "T1059.001"), "a renamed id is seen under its new name");
        assert_eq!(
            forecast.controls.iter().map(|c| c.control.as_str()).collect::<Vec<_>>(),
            ["AC-17"],
            "what stops nothing expected is left out"
        );
    }

    #[test]
    fn posture_alone_has_no_attacker() {
        let mut incident = Incident { severity: Severity::High, techniques: vec![attack::EXPLOIT_PUBLIC], ..Incident::default() };
        incident.stages = vec![event::incident::Stage { analytic: "posture.check".into(), ..Default::default() }];
        forecaster().tell(&mut incident, &Open::default());
        assert_eq!(incident.forecast, None);
    }

    #[test]
    fn renamed_ids_are_sorted() {
        assert!(RENAMED.is_sorted());
    }
}
