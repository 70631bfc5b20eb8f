//! New ways to sign in: a key or a password for another user, a new user, a second factor taken away, federated credentials.
//!
//! Reads:      api_activity (6003) with parameters.  Keyed by: caller and kind of change.
//! Evidence:   whose key, password or factor.   Score: fixed for each kind, lower when refused.
//!             ATT&CK: T1098.001 (key, password or factor), T1136.003 (user).
//! State:      one campaign for each caller and kind, at most 20,000.   Cost: a few comparisons a call.
//! Mistaken by: the first set-up of an account, infrastructure code, a help desk (all low or medium).
//! Method:     documented calls.

use event::analytic::AnalyticKind;
use event::{Analytic, Severity, Technique};

use crate::call::{Call, Judge, Meaning};
use crate::technique::technique;
use crate::{Scope, Spec};

const CREDENTIALS: &[Technique] = &[technique("T1098.001")];
const NEW_USER: &[Technique] = &[technique("T1136.003")];
const ALL: &[Technique] = &[CREDENTIALS[0], NEW_USER[0]];

const ANALYTIC: Analytic = Analytic {
    uid: "cloud.new_credential",
    name: "New way to sign in to the cloud",
    version: "1.0",
    kind: AnalyticKind::Behavioral,
    techniques: ALL,
};

pub const SPEC: Spec = Spec {
    analytic: ANALYTIC,
    scope: Scope::Whole,
    header: "A key or a password for another user, a new user, a second factor taken away. Low to medium. \
             Mistaken by: the first set-up of an account, a help desk.",
    build: |_| Box::new(Judge::new(&ANALYTIC, judge)),
};

fn judge(call: &Call<'_>) -> Option<Meaning> {
    if call.by_provider() || call.api.read_only {
        return None;
    }
    let about = call.api.resources.first().map(|r| format!(" of {r}")).unwrap_or_default();
    let say = |code, title, techniques, severity, odds, text, usual, now: &str, would_change| {
        Some(Meaning { code, title, techniques, severity, odds, text, usual, now: now.to_owned(), would_change })
    };
    match (call.service(), call.operation()) {
        ("iam", "CreateAccessKey") => {
            let whose = call.parameters("userName").into_iter().next().unwrap_or_default();
            let other = !whose.is_empty() && whose != call.api.user.as_str();
            let text = if other { format!("made an access key for {whose}") } else { "made an access key for itself".to_owned() };
            let severity = if other { Severity::Medium } else { Severity::Low };
            say(
                "cloud.key",
                "Access key created",
                CREDENTIALS,
                severity,
                if other { 1.0 } else { 0.0 },
                text,
                "keys for oneself",
                &whose,
                "a key that its user makes",
            )
        }
        ("iam", "CreateLoginProfile" | "UpdateLoginProfile") => {
            let whose = call.parameters("userName").into_iter().next().unwrap_or_default();
            if whose.is_empty() || whose == call.api.user.as_str() {
                return None;
            }
            let text = format!("set a console password for {whose}");
            say(
                "cloud.password",
                "Console password set for another user",
                CREDENTIALS,
                Severity::Medium,
                1.0,
                text,
                "users set their own",
                &whose,
                "a password that its user sets",
            )
        }
        ("iam", "DeactivateMFADevice" | "DeleteVirtualMFADevice") => {
            let text = format!("took away a second factor{about}");
            say(
                "cloud.mfa_off",
                "Second factor taken away",
                CREDENTIALS,
                Severity::Medium,
                1.0,
                text,
                "a second factor stays",
                "off",
                "a new device in its place",
            )
        }
        ("sts", "GetFederationToken") => {
            let text = "asked for federated credentials that outlive a disabled key".to_owned();
            say("cloud.federation", "Federated credentials", CREDENTIALS, Severity::Low, 0.5, text, "roles", "federation token", "a role")
        }
        ("iam", "CreateUser") => {
            let text = format!("created a user{about}");
            say(
                "cloud.user",
                "Cloud user created",
                NEW_USER,
                Severity::Low,
                0.0,
                text,
                "users come from the directory",
                "new user",
                "a user of the directory",
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::call::tests::{call, one};
    use event::Event;

    fn check(event: Event, technique: &str) {
        let finding = one(&super::SPEC, &[event]);
        assert!(finding.techniques.iter().any(|t| t.uid == technique), "{}", finding.text);
    }

    #[test]
    fn t1098_001_keys_and_t1136_003_users() {
        check(call("eva", "iam", "CreateAccessKey", &[("userName", "backup")]), "T1098.001");
        check(call("eva", "iam", "CreateLoginProfile", &[("userName", "backup")]), "T1098.001");
        check(call("eva", "iam", "CreateUser", &[("userName", "backup")]), "T1136.003");
    }

    #[test]
    fn ones_own_password_and_reading_are_silent() {
        let events = [call("eva", "iam", "UpdateLoginProfile", &[("userName", "eva")]), call("eva", "iam", "ListAccessKeys", &[])];
        assert_eq!(crate::tests::run(&super::SPEC, &events), []);
    }
}
