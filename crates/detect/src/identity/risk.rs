//! Login risk: a right password in hands that do not behave like the account's owner.
//!
//! Reads:      authentication (3002): sign-ins, uses of sessions, resets, second factors.  Keyed by: user; addresses are compared over all users.
//! Evidence:   place from address to country, program, hour, device, round trip, each against the user's own rate of change; other accounts
//!             tried from the address; where the session was before.
//! Score:      calibrated probability that it is not the owner; told from `finding_risk` on when two independent signs agree.   ATT&CK: T1078.
//! State:      at most `users_max` profiles of about 2 KiB, 64 values a level, half-life 60 d.   Cost: < 100 us a sign-in.
//! Mistaken by: a first journey with a new telephone. Silent: known pairs of places, VPN of a known user, newer browsers, offices.
//! Method:     Freeman et al., NDSS 2016, backed off by each user's own rate of novelty; boosted trees above it.

use event::analytic::AnalyticKind;
use event::authentication::{Action, Outcome};
use event::finding::{ModelScore, Reason};
use event::login::Step;
use event::{Analytic, Authentication, Body, Entity, Event, Finding, LoginDecision, Score, Severity, attack};

use crate::campaign::Campaign;
pub use crate::sign_in::Config;
use crate::sign_in::{Campaigns, Claim, Judge, Judged, Scorer};
use crate::{Detector, Scope, Seen, Spec, StateError, state};
use takeover::Takeovers;

mod takeover;

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "identity.risk",
        name: "Login risk",
        version: "1.0",
        kind: AnalyticKind::Learning,
        techniques: &[attack::VALID_ACCOUNTS],
    },
    // Addresses are compared over all users.
    scope: Scope::Whole,
    header: "A right password in hands that do not behave like the account's owner: place, program, hour, device, speed of travel and company of a \
             sign-in against the user's own habits, and the password or second factor changed after it. Mistaken by: a first journey with a new telephone.",
    build: |knowledge| Box::new(Risk::new(knowledge.config.risk.clone(), Scorer::new(knowledge.models.tree("login").cloned()))),
};

/// A sign-in that the gateway refused before the password was looked at. All of an address at an account in a day are one.
pub(crate) fn turned_away(event: &Event, auth: &Authentication, judged: &Judged) -> Finding {
    let day = event.meta.time.s().div_euclid(86_400);
    let client = auth.client.map(|ip| Entity::address(ip).name).unwrap_or_default();
    let mut finding = finding(event, auth, judged, &format!("{} {client} {day} turned away", auth.user));
    finding.title = "Sign-in turned away at the gateway".to_owned();
    let before = judged.decision.prior_logins;
    finding.text =
        format!("a sign-in as {} from {client} was refused before its password was looked at: unlike {before} earlier ones", auth.user);
    finding.severity = Severity::Medium;
    finding.succeeded = false;
    finding
}

/// What the finding about a sign-in is called.
fn name(event: &Event, auth: &Authentication) -> String {
    format!("{} {}", auth.user, event.meta.uid)
}

struct Risk {
    config: Config,
    judge: Judge,
    /// What got in within a campaign is told by `identity.credential`, once.
    campaigns: Campaigns,
    /// Sign-ins that should have been asked again, and what followed.
    takeovers: Takeovers,
    decided: Option<LoginDecision>,
}

impl Risk {
    fn new(config: Config, scorer: Scorer) -> Risk {
        Risk {
            judge: Judge::new(config.clone(), scorer),
            campaigns: Campaigns::new(super::credential::SEED),
            takeovers: Takeovers::new(),
            config,
            decided: None,
        }
    }
}

/// The finding about one sign-in, with the reasons that speak against it.
fn finding(event: &Event, auth: &Authentication, judged: &Judged, name: &str) -> Finding {
    let decision = &judged.decision;
    let mut about = Campaign::default();
    about.begin_if_idle(event.meta.time, 0);
    about.add(event, 1);
    let mut finding = about.tell(&SPEC.analytic, name, 0);
    let reasons: Vec<Reason> = decision
        .reasons
        .iter()
        .filter(|r| r.push > 0.0)
        .map(|r| Reason { code: r.code.clone(), text: r.text.clone(), usual: String::new(), now: String::new(), push: r.push })
        .collect();
    finding = finding.explained(Score::new(decision.risk as f32), reasons);
    let client = auth.client.map(|ip| Entity::address(ip).name).unwrap_or_default();
    let by = if auth.outcome == Outcome::Success { "signed in" } else { "gave the right password" };
    finding.title = "Sign-in that is not like the account's owner".to_owned();
    let place = match (auth.country.as_str(), auth.asn) {
        ("", None) => " (location unknown)".to_owned(),
        ("", Some(network)) => format!(" (AS{network})"),
        (country, _) => format!(" ({country})"),
    };
    finding.text = format!("{} {by} from {client}{place}, unlike {} earlier sign-ins", auth.user, decision.prior_logins);
    let strongest = finding.reasons.first().map(|r| r.text.clone()).unwrap_or_default();
    finding.would_change = format!("a passed second factor, or without: {strongest}");
    finding.severity = if judged.signs.len() >= 3 { Severity::High } else { Severity::Medium };
    finding.succeeded = true;
    finding.entities = auth.client.map(Entity::address).into_iter().chain([Entity::user(&auth.user)]).collect();
    finding.entities.extend((!auth.service.is_empty()).then(|| Entity::service(&auth.service)));
    finding.models = vec![ModelScore {
        name: decision.model.split('@').next().unwrap_or_default().into(),
        version: decision.model.split('@').nth(1).unwrap_or_default().into(),
        score: decision.risk as f32,
    }];
    finding
}

impl Detector for Risk {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        self.decided = None;
        let Body::Authentication(auth) = &event.body else { return };
        let claim = self.campaigns.observe(event, auth);
        out.extend(self.takeovers.follow(event, auth, &SPEC.analytic));
        let Some(judged) = self.judge.look(event, auth) else { return };
        // A use of a session is told by `identity.session`; a wrong password let nobody in.
        let got_in = auth.action == Action::Login && auth.outcome != Outcome::Failure;
        let cold = judged.features.confirmed < self.config.cold_logins;
        if got_in && !cold && claim == Claim::No && judged.decision.risk >= self.config.finding_risk && judged.signs.len() >= 2 {
            out.push(finding(event, auth, &judged, &name(event, auth)));
        }
        // What got in within a campaign is told there.
        let asked_again = judged.decision.decision >= Step::StepUp && !judged.signs.is_empty();
        if got_in && !cold && claim == Claim::No && asked_again {
            let why = judged.decision.reasons.first().map(|r| r.text.clone()).unwrap_or_default();
            self.takeovers.risky(event, auth, &name(event, auth), judged.decision.risk, why);
        }
        self.decided = Some(judged.decision);
    }

    fn decided(&mut self) -> Option<LoginDecision> {
        self.decided.take()
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        [self.campaigns.filled(), self.takeovers.filled()].concat()
    }

    fn save(&self) -> Vec<u8> {
        state::save(&(&self.judge.state, &self.campaigns, &self.takeovers))
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        (self.judge.state, self.campaigns, self.takeovers) = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
