//! Stuffing and spraying: one campaign against a whole service, from many addresses, fast or slow.
//!
//! Reads:      authentication (3002).  Keyed by: service.
//! Evidence:   failures from places that are neither the account's nor anybody's home, an hour, against the service's own hour of the week;
//!             accounts that do not exist; sources; the sign-ins that succeeded from there.
//! Score:      0..1, logistic over the log of tries beyond the usual; a success adds most.   ATT&CK: T1110.003, T1110.004, T1078.
//! State:      168 hours and 64 strays a service, 400,000 known pairs.   Cost: a dozen look-ups a sign-in.
//! Mistaken by: a password change that many programs missed (they repeat one account: counted once), an office behind one address.
//! Method:     cumulative sum, Page 1954; strays by known pairs of account and network.

use event::analytic::AnalyticKind;
use event::finding::Reason;
use event::{Analytic, Authentication, Body, Entity, Event, Finding, Score, Severity, attack};

use crate::campaign::logistic;
use crate::sign_in::{Attack, Campaigns, Claim};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "identity.credential",
        name: "Stuffing and spraying",
        version: "1.0",
        kind: AnalyticKind::Statistical,
        techniques: &[attack::CREDENTIAL_STUFFING, attack::PASSWORD_SPRAYING, attack::VALID_ACCOUNTS],
    },
    scope: Scope::Whole,
    header: "One campaign of stolen or common passwords against a whole service, from many addresses, fast or a few tries an hour. Successes inside \
             it are named first. Mistaken by: nothing common; an office behind one address and programs with old passwords are left alone.",
    build: |_| Box::new(Credential { state: Campaigns::new(SEED) }),
};

/// Of the recogniser's tables; the detectors that ask it as well use the same one and so agree.
pub(crate) const SEED: u64 = 0x6372_6564;

struct Credential {
    state: Campaigns,
}

impl Detector for Credential {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Authentication(auth) = &event.body else { return };
        if self.state.observe(event, auth) == Claim::No {
            return;
        }
        let Some(attack) = self.state.attack(auth, event.meta.time) else { return };
        if attack.campaign.due(attack.taken.len() as u32) {
            out.push(finding(auth, attack));
        }
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.state = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

fn finding(auth: &Authentication, attack: &mut Attack) -> Finding {
    let taken = attack.taken.clone();
    // Leaked pairs name accounts that are not here; who sprays has a list of those that are.
    let stuffing = attack.unknown * 10 >= attack.tries * 3;
    let (technique, title) =
        if stuffing { (attack::CREDENTIAL_STUFFING, "Credential stuffing") } else { (attack::PASSWORD_SPRAYING, "Password spraying") };
    let hours = (attack.campaign.last.since_s(attack.campaign.start) / 3_600.0).max(1.0);
    let rate = attack.tries as f64 / hours;
    let mut reasons = vec![Reason {
        code: "credential.strays".into(),
        text: format!("{} failed sign-ins from places that are not the accounts' own", attack.tries),
        usual: format!("{:.1} an hour at this hour of the week", attack.usual),
        now: format!("{rate:.1} an hour"),
        push: (1.0 + attack.tries as f32 / 8.0).ln().max(0.5),
    }];
    reasons.push(Reason {
        code: "credential.sources".into(),
        text: format!(
            "{} addresses tried {} accounts, {} of the tries for accounts that never signed in",
            attack.sources, attack.users, attack.unknown
        ),
        usual: "one account an address".to_owned(),
        now: format!("{} addresses", attack.sources),
        push: (1.0 + attack.sources as f32 / 8.0).ln(),
    });
    if !taken.is_empty() {
        reasons.push(Reason {
            code: "credential.succeeded".into(),
            text: format!("{} signed in from the campaign's addresses or with its program", taken.join(", ")),
            usual: "0".to_owned(),
            now: taken.len().to_string(),
            push: 4.0,
        });
    }
    let odds: f32 = reasons.iter().map(|r| r.push).sum();
    let service = if auth.service.is_empty() { "sign-in" } else { auth.service.as_str() };
    let name = format!("campaign {}", auth.service);
    let mut finding = attack.campaign.tell(&SPEC.analytic, &name, taken.len() as u32);
    finding = finding.explained(Score::new(logistic(f64::from(odds) - 1.0)), reasons);
    let pace = if attack.slow { "slowly" } else { "quickly" };
    finding.title = if taken.is_empty() { title.to_owned() } else { format!("{title} that succeeded") };
    finding.text = if taken.is_empty() {
        format!("{} addresses tried {} accounts {pace}, none got in", attack.sources, attack.users)
    } else {
        format!(
            "{} of {} got in: {}; {} addresses tried {} accounts {pace}",
            taken.len(),
            attack.tries,
            taken.join(", "),
            attack.sources,
            attack.users
        )
    };
    finding.would_change = "half a day at the usual rate ends it; a sign-in from an account's own network is never part of it".to_owned();
    finding.severity = match taken.len() {
        0 => Severity::Low,
        1..=4 => Severity::High,
        _ => Severity::Critical,
    };
    finding.succeeded = !taken.is_empty();
    finding.techniques = vec![technique];
    finding.techniques.extend(finding.succeeded.then_some(attack::VALID_ACCOUNTS));
    // The first address stands for the campaign, however many join.
    finding.entities = attack.shown.iter().take(1).cloned().collect();
    finding.entities.push(Entity::service(service));
    finding.entities.extend(taken.iter().take(12).map(|user| Entity::user(user)));
    finding.entities.extend(attack.shown.iter().skip(1).cloned());
    finding
}

#[cfg(test)]
mod tests;
