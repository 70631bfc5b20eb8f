//! Secrets read in bulk: one caller takes many different secrets, parameters or instance passwords in a short time.
//!
//! Reads:      api_activity (6003) with parameters.  Keyed by: caller.
//! Evidence:   different secrets in one burst against the caller's own earlier bursts.   Score: 0..1, logistic over their number.
//!             ATT&CK: T1555.006 (secret store), T1552 (parameters, instance passwords).
//! State:      at most 256 hashes a caller and kind, at most 20,000.   Cost: O(log n) a call.
//! Mistaken by: a deployment that reads the same secrets each day (learned after two bursts), an application that reads its few secrets often.
//! Method:     distinct count against the largest usual burst.

use event::analytic::AnalyticKind;
use event::{Analytic, Severity, Technique};

use crate::burst::{Burst, Kind};
use crate::call::Call;
use crate::campaign::key;
use crate::technique::technique;
use crate::{Scope, Spec};

const STORE: &[Technique] = &[technique("T1555.006"), technique("T1552")];
const INSTANCE: &[Technique] = &[technique("T1552"), technique("T1555")];
const ALL: &[Technique] = &[STORE[0], STORE[1]];

const ANALYTIC: Analytic =
    Analytic { uid: "cloud.secrets", name: "Secrets read in bulk", version: "1.0", kind: AnalyticKind::Behavioral, techniques: ALL };

pub const SPEC: Spec = Spec {
    analytic: ANALYTIC,
    scope: Scope::Whole,
    header: "One caller reads many different secrets in a short time. Medium. Mistaken by: a first deployment.",
    build: |_| Box::new(Burst::new(&ANALYTIC, KINDS)),
};

const KINDS: &[Kind] = &[
    Kind {
        code: "cloud.secrets",
        title: "Secrets read in bulk",
        techniques: STORE,
        verb: "read",
        things: "secrets",
        even: 8.0,
        severity: Severity::Medium,
        of: secrets,
    },
    Kind {
        code: "cloud.instance_passwords",
        title: "Instance passwords asked for",
        techniques: INSTANCE,
        verb: "asked for the password of",
        things: "instances",
        even: 5.0,
        severity: Severity::Medium,
        of: passwords,
    },
];

fn secrets(call: &Call<'_>) -> Vec<u64> {
    let names: &[&str] = match (call.service(), call.operation()) {
        ("secretsmanager", "GetSecretValue") => &["secretId"],
        ("secretsmanager", "BatchGetSecretValue") => &["secretIdList", "values", "secretId"],
        ("ssm", "GetParameter" | "GetParameters" | "GetParametersByPath") => &["name", "names", "path"],
        _ => return Vec::new(),
    };
    things(call, names)
}

fn passwords(call: &Call<'_>) -> Vec<u64> {
    if call.operation() == "GetPasswordData" { things(call, &["instanceId"]) } else { Vec::new() }
}

/// Keys of the named parameters, or of the record's resources.
fn things(call: &Call<'_>, names: &[&str]) -> Vec<u64> {
    let mut keys: Vec<u64> = names.iter().flat_map(|n| call.parameters(n)).map(|v| key(v.as_bytes())).collect();
    if keys.is_empty() {
        keys.extend(call.api.resources.iter().map(|r| key(r.as_bytes())));
    }
    if keys.is_empty() {
        keys.push(0);
    }
    keys
}

#[cfg(test)]
mod tests {
    use crate::call::tests::{at, call, one};
    use event::Event;

    fn reads(user: &str, from_s: i64, secrets: usize) -> Vec<Event> {
        let each = |n| at(call(user, "secretsmanager", "GetSecretValue", &[("secretId", &format!("s-{n}"))]), from_s + n as i64);
        (0..secrets).map(each).collect()
    }

    #[test]
    fn t1555_006_many_secrets() {
        let finding = one(&super::SPEC, &reads("eva", 0, 20));
        assert_eq!(finding.techniques[0].uid, "T1555.006");
        assert!(finding.text.contains("secrets") && finding.reasons[0].usual.contains("has seen 0 of 2"), "{finding:?}");
    }

    #[test]
    fn t1552_instance_passwords() {
        let each = |n: i64| at(call("eva", "ec2", "GetPasswordData", &[("instanceId", &format!("i-{n}"))]), n);
        assert_eq!(one(&super::SPEC, &(0..12).map(each).collect::<Vec<_>>()).techniques[0].uid, "T1552");
    }

    #[test]
    fn an_application_with_few_secrets_is_silent() {
        let events: Vec<Event> = (0..50).flat_map(|n| reads("app", n * 60, 3)).collect();
        assert_eq!(crate::tests::run(&super::SPEC, &events), []);
    }

    /// Six secrets each day are usual; ten the day after are not yet a burst, forty are.
    #[test]
    fn a_daily_deployment_is_learned() {
        let mut events: Vec<Event> = (0..5).flat_map(|day| reads("ci", day * 86_400, 6)).collect();
        events.extend(reads("ci", 5 * 86_400, 10));
        assert_eq!(crate::tests::run(&super::SPEC, &events), []);
        events.extend(reads("ci", 6 * 86_400, 40));
        one(&super::SPEC, &events);
    }
}
