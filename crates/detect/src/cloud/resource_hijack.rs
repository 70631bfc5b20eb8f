//! Somebody else's work on the bill: machines of the largest sizes, many at once, or paid model calls that were just switched on.
//!
//! Reads:      api_activity (6003) with parameters.  Keyed by: caller and kind of call.
//! Evidence:   instance type and number; the chain "agreement, entitlement, invocation".   Score: fixed for each kind, lower when refused.
//!             ATT&CK: T1496.001 (compute), T1496.004 (services), T1578.002 (instance).
//! State:      one campaign for each caller and kind, at most 20,000.   Cost: a few comparisons a call.
//! Mistaken by: machine-learning teams (the same caller, the same sizes, each week), autoscaling (called by the provider: left out).
//! Method:     documented sizes; accelerators and sizes of 24 times "large" and more.

use event::analytic::AnalyticKind;
use event::{Analytic, Severity, Technique};

use crate::call::{Call, Judge, Meaning};
use crate::technique::technique;
use crate::{Scope, Spec};

const COMPUTE: &[Technique] = &[technique("T1496.001"), technique("T1578.002")];
const SERVICES: &[Technique] = &[technique("T1496.004")];
const ALL: &[Technique] = &[COMPUTE[0], COMPUTE[1], SERVICES[0]];
/// Instances in one call.
const MANY: u64 = 20;

const ANALYTIC: Analytic =
    Analytic { uid: "cloud.resource_hijack", name: "Costly resources", version: "1.0", kind: AnalyticKind::Behavioral, techniques: ALL };

pub const SPEC: Spec = Spec {
    analytic: ANALYTIC,
    scope: Scope::Whole,
    header: "Instances of the largest or accelerated sizes, many at once, or model access switched on. Mistaken by: machine-learning teams.",
    build: |_| Box::new(Judge::new(&ANALYTIC, judge)),
};

fn judge(call: &Call<'_>) -> Option<Meaning> {
    if call.by_provider() {
        return None;
    }
    let (techniques, title, text, odds) = match (call.service(), call.operation()) {
        ("ec2", "RunInstances" | "RequestSpotInstances" | "RequestSpotFleet") => {
            let kind = call.parameters("instanceType").into_iter().next().unwrap_or_default();
            let count = call.parameters("maxCount").iter().filter_map(|n| n.parse::<u64>().ok()).max().unwrap_or(1);
            if !is_costly(&kind, count) && count < MANY {
                return None;
            }
            (COMPUTE, "Costly instances started", format!("started {count} instances of {kind}"), 1.0)
        }
        ("bedrock", "PutFoundationModelEntitlement" | "PutUseCaseForModelAccess" | "CreateFoundationModelAgreement") => {
            (SERVICES, "Paid model access switched on", format!("switched on access to a paid model ({})", call.operation()), 0.5)
        }
        ("ses", "UpdateAccountSendingEnabled" | "PutAccountSendingAttributes" | "PutAccountDetails") | ("sns", "SetSMSAttributes") => {
            (SERVICES, "Mass sending switched on", format!("switched on or raised mass sending ({})", call.operation()), 0.5)
        }
        _ => return None,
    };
    Some(Meaning {
        code: "cloud.resource_hijack",
        title,
        techniques,
        severity: Severity::Medium,
        odds,
        text,
        usual: "",
        now: call.operation().to_owned(),
        would_change: "a caller that starts such machines each week",
    })
}

/// Accelerators of eight times the smallest size together, and sizes of 24 times `large` and more.
fn is_costly(kind: &str, count: u64) -> bool {
    let (family, size) = kind.split_once('.').unwrap_or((kind, ""));
    let accelerated = ["p", "g", "trn", "inf", "dl", "f", "vt"]
        .iter()
        .any(|f| family.strip_prefix(f).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())));
    let times = size.strip_suffix("xlarge").map_or(0, |n| n.parse::<u64>().unwrap_or(1));
    (accelerated && times.saturating_mul(count) >= 8) || times >= 24 || size.contains("metal")
}

#[cfg(test)]
mod tests {
    use crate::call::tests::{call, one};

    #[test]
    fn t1496_large_machines_and_models() {
        let run = call("eva", "ec2", "RunInstances", &[("instanceType", "p3.16xlarge"), ("instancesSet.items.maxCount", "4")]);
        assert_eq!(one(&super::SPEC, &[run]).techniques[0].uid, "T1496.001");
        let many = call("eva", "ec2", "RunInstances", &[("instanceType", "p2.xlarge"), ("instancesSet.items.maxCount", "10")]);
        assert_eq!(one(&super::SPEC, &[many]).techniques[0].uid, "T1496.001");
        assert_eq!(one(&super::SPEC, &[call("eva", "bedrock", "PutFoundationModelEntitlement", &[])]).techniques[0].uid, "T1496.004");
    }

    #[test]
    fn ordinary_machines_and_autoscaling_are_silent() {
        let scaled = crate::call::tests::change(call("x", "ec2", "RunInstances", &[("instanceType", "p3.16xlarge")]), |api| {
            (api.client, api.client_name) = (None, "autoscaling.amazonaws.com".into());
        });
        let one = call("eva", "ec2", "RunInstances", &[("instanceType", "g4dn.xlarge"), ("maxCount", "1")]);
        let events = [call("eva", "ec2", "RunInstances", &[("instanceType", "t3.large"), ("maxCount", "3")]), one, scaled];
        assert_eq!(crate::tests::run(&super::SPEC, &events), []);
    }
}
