//! Check: a resource that breaks a posture rule.
//!
//! Reads:      config_state (5002), one resource at a time, with what completes it below `linked`.
//! Evidence:   the attributes that the rule read: what stands there and what should.
//! Score:      by the rule's severity; nothing that is not known is reported.   ATT&CK: of the rule.
//! State:      none.   Cost: the rules of the resource's own type.
//! Mistaken by: what is public on purpose (a web site's bucket): suppress it with a reason where it is written.
//! Method:     own rules, `content/rules/posture/`.

use std::sync::Arc;

use decode::posture::Item;
use event::analytic::AnalyticKind;
use event::finding::{Compliance, Evidence, Reason};
use event::{Analytic, Body, Entity, EntityKind, Event, Finding, Score, Severity};
use rule::posture::{Known, Rules, fingerprint, place};

use crate::{Detector, Scope, Seen, Spec, StateError};

pub const SPEC: Spec = Spec {
    analytic: Analytic { uid: "posture.check", name: "Posture check", version: "1.0", kind: AnalyticKind::Rule, techniques: &[] },
    scope: Scope::Event,
    header: "A resource whose configuration breaks a rule: public, unencrypted, too many permissions, no log. Severity is the rule's. \
             Mistaken by: what is public on purpose.",
    build: |knowledge| Box::new(Check { rules: knowledge.posture.clone() }),
};

struct Check {
    rules: Arc<Rules>,
}

impl Detector for Check {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Resource(resource) = &event.body else { return };
        let item = Item::of(resource);
        for verdict in self.rules.judge(&item).into_iter().filter(|v| v.known == Known::True) {
            let rule = &self.rules.all()[verdict.rule];
            let mut finding = Finding::of(&SPEC.analytic, format!("{}\0{}\0{}", rule.id, event.meta.source, item.address).as_bytes());
            let reasons = verdict
                .evidence
                .iter()
                .map(|e| Reason {
                    code: rule.id.to_ascii_lowercase().into(),
                    text: format!("{} is {}", e.path, e.value),
                    usual: e.expected.clone(),
                    now: e.value.clone(),
                    push: 1.0,
                })
                .collect();
            let score = match rule.severity {
                Severity::Critical => 0.95,
                Severity::High => 0.8,
                Severity::Medium => 0.6,
                Severity::Low => 0.4,
                Severity::Info => 0.2,
            };
            finding = finding.explained(Score::new(score), reasons);
            let (line, end_line) = place(&item, &verdict.evidence);
            finding.title = format!("{}: {}", rule.id, rule.title);
            finding.text = format!("{} in {}:{line}: {}. {}", item.address, item.file, rule.title, rule.why);
            finding.severity = rule.severity;
            finding.techniques = rule.techniques.clone();
            finding.entities = vec![Entity::service(&event.meta.source), Entity::new(EntityKind::File, item.file.as_str())];
            finding.first_seen = event.meta.time;
            finding.last_seen = event.meta.time;
            finding.count = 1;
            finding.would_change = rule.fix.clone();
            finding.evidence = vec![Evidence {
                source: event.meta.source.clone(),
                record: event.meta.record,
                event_uid: event.meta.uid,
                time: event.meta.time,
                raw: event.raw.clone(),
                matches: Vec::new(),
            }];
            finding.compliance = Some(Box::new(Compliance {
                rule: rule.id.as_str().into(),
                aliases: rule.aliases.iter().map(|a| a.as_str().into()).collect(),
                resource: item.address.clone(),
                file: item.file.clone(),
                line,
                end_line,
                fix: rule.fix.clone(),
                requirements: self.rules.requirements(verdict.rule).iter().map(|r| r.as_str().into()).collect(),
                fingerprint: fingerprint(rule, &item.address, &verdict.evidence).into(),
            }));
            out.push(finding);
        }
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn load(&mut self, _saved: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}
