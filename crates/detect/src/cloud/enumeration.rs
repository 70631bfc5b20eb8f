//! Enumeration: one caller asks for everything there is, or is refused again and again.
//!
//! Reads:      api_activity (6003).  Keyed by: caller.
//! Evidence:   different operations and resources that were refused; different reading operations in one burst, against the caller's own
//!             earlier bursts.   Score: 0..1, logistic over their number.   ATT&CK: T1580, T1526, T1087.004.
//! State:      at most 256 hashes a caller and kind, at most 20,000.   Cost: O(log n) a call.
//! Mistaken by: a console page (asks for a dozen things), posture scanners (learned after two bursts), a role with a missing right
//!             (refused for one operation and one resource again and again: one thing).
//! Method:     distinct count against the largest usual burst.

use event::analytic::AnalyticKind;
use event::{Analytic, Severity, Technique};

use crate::burst::{Burst, Kind};
use crate::call::Call;
use crate::campaign::key;
use crate::technique::technique;
use crate::{Scope, Spec};

const REFUSED: &[Technique] = &[technique("T1580"), technique("T1526")];
const ASKED: &[Technique] = &[technique("T1580"), technique("T1526"), technique("T1087.004")];
const USER_DATA: &[Technique] = &[technique("T1552.005"), technique("T1580")];
const ALL: &[Technique] = &[ASKED[0], ASKED[1], ASKED[2], USER_DATA[0]];

const ANALYTIC: Analytic =
    Analytic { uid: "cloud.enumeration", name: "Cloud enumeration", version: "1.0", kind: AnalyticKind::Behavioral, techniques: ALL };

pub const SPEC: Spec = Spec {
    analytic: ANALYTIC,
    scope: Scope::Whole,
    header: "One caller asks for everything there is, or is refused for many things. Low to medium. Mistaken by: posture scanners, console pages.",
    build: |_| Box::new(Burst::new(&ANALYTIC, KINDS)),
};

const KINDS: &[Kind] = &[
    Kind {
        code: "cloud.refused_burst",
        title: "Refused for many things",
        techniques: REFUSED,
        verb: "was refused for",
        things: "operations and resources",
        even: 8.0,
        severity: Severity::Medium,
        of: refused,
    },
    Kind {
        code: "cloud.describe_burst",
        title: "Asked for everything there is",
        techniques: ASKED,
        verb: "asked with",
        things: "reading operations",
        even: 30.0,
        severity: Severity::Low,
        of: asked,
    },
    Kind {
        code: "cloud.user_data",
        title: "Start-up scripts of many instances read",
        techniques: USER_DATA,
        verb: "asked for the start-up script of",
        things: "instances",
        even: 5.0,
        severity: Severity::Medium,
        of: user_data,
    },
];

fn refused(call: &Call<'_>) -> Vec<u64> {
    if !call.denied() {
        return Vec::new();
    }
    let about =
        ["instanceId", "secretId", "bucketName", "roleArn", "userName"].iter().flat_map(|n| call.parameters(n)).next().unwrap_or_default();
    vec![key(format!("{} {} {about}", call.service(), call.operation()).as_bytes())]
}

fn asked(call: &Call<'_>) -> Vec<u64> {
    let operation = call.operation();
    let console = call.api.user_agent.contains("console.amazonaws.com")
        || call.api.user_agent.contains("AWS Internal")
        || call.api.client_name == "AWS Internal";
    let reads = ["Describe", "List", "Get", "BatchGet"].iter().any(|p| operation.starts_with(p));
    if reads && !console { vec![key(format!("{} {operation}", call.service()).as_bytes())] } else { Vec::new() }
}

fn user_data(call: &Call<'_>) -> Vec<u64> {
    let asks =
        call.operation() == "DescribeInstanceAttribute" && call.parameters("attribute").iter().any(|a| a.eq_ignore_ascii_case("userData"));
    if asks { call.parameters("instanceId").iter().map(|i| key(i.as_bytes())).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use crate::call::tests::{at, call, denied, one};
    use event::Event;

    #[test]
    fn t1580_refused_for_many_things() {
        let events: Vec<Event> = (0..12).map(|n| at(denied(call("eva", "ec2", &format!("Describe{n}x"), &[])), n)).collect();
        assert_eq!(one(&super::SPEC, &events).techniques[0].uid, "T1580");
    }

    #[test]
    fn t1580_everything_is_asked_for() {
        let events: Vec<Event> = (0..40).map(|n| at(call("eva", "iam", &format!("List{n}x"), &[]), n)).collect();
        assert_eq!(one(&super::SPEC, &events).techniques[0].uid, "T1580");
    }

    #[test]
    fn t1552_005_start_up_scripts() {
        let ask = |n: i64| {
            at(call("eva", "ec2", "DescribeInstanceAttribute", &[("attribute", "userData"), ("instanceId", &format!("i-{n}"))]), n)
        };
        assert_eq!(one(&super::SPEC, &(0..15).map(ask).collect::<Vec<_>>()).techniques[0].uid, "T1552.005");
    }

    #[test]
    fn a_missing_right_a_poller_and_a_daily_scanner_are_silent() {
        let mut events: Vec<Event> = (0..500).map(|n| at(denied(call("app", "s3", "GetObject", &[("bucketName", "b")])), n)).collect();
        events.extend(
            (0..2_000).map(|n| at(call("poller", "ec2", ["DescribeInstances", "DescribeVolumes", "ListTags"][n as usize % 3], &[]), n)),
        );
        assert_eq!(crate::tests::run(&super::SPEC, &events), []);
    }
}
