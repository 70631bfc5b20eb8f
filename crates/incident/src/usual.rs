//! What is usual here: how many requests of a site were seen before, and how many of them gave the same reason.
//!
//! Rules and models judge one request by itself; this puts "0 of 9,214 requests here" beside what they say. Counts only, at most
//! `SITES_MAX` sites and `CODES_MAX` reasons a site; what is beyond is not counted and says nothing.

use std::collections::HashMap;

use event::{Body, Event, Finding, Text};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Usual {
    sites: HashMap<Text, Site>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Site {
    requests: u64,
    by_code: HashMap<Text, u64>,
}

/// Fewer requests say nothing about what is usual.
const REQUESTS_MIN: u64 = 50;
const SITES_MAX: usize = 1_000;
const CODES_MAX: usize = 200;

impl Usual {
    /// The whole state, for a checkpoint.
    pub fn save(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The state that was saved.
    pub fn load(saved: &[u8]) -> Result<Usual, serde_json::Error> {
        serde_json::from_slice(saved)
    }

    /// Fills "usual here" of each reason that has none, then counts the batch, so that a batch does not make itself usual.
    pub fn tell(&mut self, findings: &mut [Finding], events: &[&[Event]]) {
        for finding in findings.iter_mut().filter(|f| f.analytic.uid == "web.request") {
            let Some(site) = self.sites.get(&site_of(finding)).filter(|site| site.requests >= REQUESTS_MIN) else { continue };
            for reason in finding.reasons.iter_mut().filter(|r| r.usual.is_empty()) {
                let before = site.by_code.get(&reason.code).copied().unwrap_or(0);
                reason.usual = format!("{} of {} requests", grouped(before), grouped(site.requests));
            }
        }
        for event in events.iter().copied().flatten() {
            if let Body::Http(http) = &event.body
                && let Some(site) = self.site(&http.host)
            {
                site.requests += 1;
            }
        }
        for finding in findings.iter().filter(|f| f.analytic.uid == "web.request") {
            let Some(site) = self.site(&site_of(finding)) else { continue };
            for reason in &finding.reasons {
                if site.by_code.len() < CODES_MAX || site.by_code.contains_key(&reason.code) {
                    *site.by_code.entry(reason.code.clone()).or_default() += 1;
                }
            }
        }
    }

    fn site(&mut self, name: &Text) -> Option<&mut Site> {
        if self.sites.len() >= SITES_MAX && !self.sites.contains_key(name) {
            return None;
        }
        Some(self.sites.entry(name.clone()).or_default())
    }
}

fn site_of(finding: &Finding) -> Text {
    let service = finding.entities.iter().find(|e| e.kind == event::EntityKind::Service);
    service.map(|e| e.name.clone()).unwrap_or_default()
}

/// `9,214`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use event::finding::{AnalyticName, Reason};
    use event::{Bytes, Entity, Http, Meta};

    use super::*;

    #[test]
    fn a_batch_does_not_make_itself_usual() {
        let request = Event::new(Meta::default(), Body::Http(Box::new(Http { host: "shop".into(), ..Http::default() })), Bytes::default());
        let finding = Finding {
            analytic: AnalyticName { uid: "web.request".into(), ..AnalyticName::default() },
            entities: vec![Entity::service("shop")],
            reasons: vec![Reason { code: "sqli.tautology".into(), ..Reason::default() }],
            ..Finding::default()
        };
        let mut usual = Usual::default();
        let first = vec![request; 1_200];
        for expected in ["", "1 of 1,200 requests", "2 of 2,400 requests"] {
            let mut findings = [finding.clone()];
            usual.tell(&mut findings, &[&first]);
            assert_eq!(findings[0].reasons[0].usual, expected);
        }
    }
}
