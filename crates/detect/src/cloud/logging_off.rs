//! Cloud logging switched off: a trail, flow log, query log or detector is stopped, deleted, narrowed, or its files are made to expire.
//!
//! Reads:      api_activity (6003) with parameters.  Keyed by: caller and kind of change.
//! Evidence:   the call itself and what it was about.   Score: fixed for each kind, lower when the provider refused it.   ATT&CK: T1562.008.
//! State:      one campaign for each caller and kind, at most 20,000.   Cost: a few comparisons a call.
//! Mistaken by: a trail that is moved to another account, infrastructure code that is taken down (shows as a change of the same caller).
//! Method:     documented calls of each service.

use event::analytic::AnalyticKind;
use event::{Analytic, Severity, Technique};

use crate::call::{Call, Judge, Meaning};
use crate::technique::technique;
use crate::{Scope, Spec};

const CLOUD_LOGS: &[Technique] = &[technique("T1562.008")];
const TOOLS: &[Technique] = &[technique("T1562.001"), technique("T1562.008")];

const ANALYTIC: Analytic = Analytic {
    uid: "cloud.logging_off",
    name: "Cloud logging switched off",
    version: "1.0",
    kind: AnalyticKind::Behavioral,
    techniques: TOOLS,
};

pub const SPEC: Spec = Spec {
    analytic: ANALYTIC,
    scope: Scope::Whole,
    header: "A trail, flow log, query log or detector is stopped, deleted or narrowed, or its files are made to expire. High; low when refused. \
             Mistaken by: a trail that is moved, infrastructure code that is taken down.",
    build: |_| Box::new(Judge::new(&ANALYTIC, judge)),
};

fn judge(call: &Call<'_>) -> Option<Meaning> {
    let about = call.api.resources.first().map(|r| format!(" {r}")).unwrap_or_default();
    let (techniques, severity, what) = match (call.service(), call.operation()) {
        ("cloudtrail", "StopLogging") => (CLOUD_LOGS, Severity::High, format!("stopped the trail{about}")),
        ("cloudtrail", "DeleteTrail" | "DeleteEventDataStore") => (CLOUD_LOGS, Severity::High, format!("deleted the trail{about}")),
        ("cloudtrail", "PutEventSelectors") if narrows(call) => {
            (CLOUD_LOGS, Severity::Medium, format!("told the trail{about} to leave out management events"))
        }
        ("cloudtrail", "UpdateTrail") if call.all_parameters().contains("ismultiregiontrail=false") => {
            (CLOUD_LOGS, Severity::Medium, format!("narrowed the trail{about} to one region"))
        }
        ("ec2", "DeleteFlowLogs") => (CLOUD_LOGS, Severity::Medium, "deleted flow logs of the network".to_owned()),
        ("logs", "DeleteLogGroup" | "DeleteLogStream" | "DeleteSubscriptionFilter") => {
            (CLOUD_LOGS, Severity::Medium, format!("deleted a log{about}"))
        }
        ("route53resolver", "DeleteResolverQueryLogConfig" | "DisassociateResolverQueryLogConfig") => {
            (CLOUD_LOGS, Severity::Medium, "switched off the logging of DNS queries".to_owned())
        }
        ("waf" | "wafv2", "DeleteLoggingConfiguration") | ("elasticloadbalancing", "DeleteLoggingConfiguration") => {
            (CLOUD_LOGS, Severity::Medium, "switched off the logging of a web filter".to_owned())
        }
        ("s3", "PutBucketLifecycle" | "PutBucketLifecycleConfiguration" | "PutLifecycleConfiguration") if expires_logs(call) => {
            (CLOUD_LOGS, Severity::Medium, format!("made the files of a log bucket expire within days{about}"))
        }
        (
            "guardduty",
            "DeleteDetector" | "StopMonitoringMembers" | "DisassociateFromMasterAccount" | "DisassociateFromAdministratorAccount",
        )
        | ("config", "StopConfigurationRecorder" | "DeleteConfigurationRecorder" | "DeleteDeliveryChannel")
        | ("securityhub", "DisableSecurityHub")
        | ("macie2", "DisableMacie")
        | ("inspector2", "Disable")
        | ("access-analyzer", "DeleteAnalyzer")
        | ("cloudwatch" | "monitoring", "DeleteAlarms" | "DisableAlarmActions") => {
            (TOOLS, Severity::High, format!("switched off {} ({})", call.service(), call.operation()))
        }
        ("guardduty", "UpdateDetector") if call.all_parameters().contains("enable=false") => {
            (TOOLS, Severity::High, "suspended a GuardDuty detector".to_owned())
        }
        ("organizations", "LeaveOrganization") => {
            (CLOUD_LOGS, Severity::High, "took the account out of its organisation and of the organisation's logging".to_owned())
        }
        (_, operation) if is_azure_or_gcp_off(operation) => (CLOUD_LOGS, Severity::High, format!("called {operation}{about}")),
        _ => return None,
    };
    if call.by_provider() {
        return None;
    }
    Some(Meaning {
        code: "cloud.logging_off",
        title: "Cloud logging switched off",
        techniques,
        severity,
        odds: if severity == Severity::High { 2.5 } else { 1.5 },
        text: what,
        usual: "logging stays on",
        now: call.operation().to_owned(),
        would_change: "a planned change that moves the log elsewhere and keeps it on",
    })
}

/// Event selectors that leave out management events, or of one direction only.
fn narrows(call: &Call<'_>) -> bool {
    let all = call.all_parameters();
    all.contains("includemanagementevents=false")
        || all.contains("readwritetype=readonly")
        || all.contains("\"includemanagementevents\":false")
}

/// Objects that expire within a week, in a bucket that looks like one for logs, or by a rule that covers the whole bucket.
fn expires_logs(call: &Call<'_>) -> bool {
    let days = call.parameters("Days").iter().filter_map(|d| d.parse::<u32>().ok()).min();
    let all = call.all_parameters();
    days.is_some_and(|d| d <= 7) && (all.contains("trail") || all.contains("log") || all.contains("audit"))
}

fn is_azure_or_gcp_off(operation: &str) -> bool {
    let lower = operation.to_ascii_lowercase();
    let deletes = lower.contains("delete") || lower.contains("disable");
    deletes
        && ["diagnosticsettings", "deletesink", "deletelog", "activitylogalerts", "nsgflowlogs", "flowlogs/delete"]
            .iter()
            .any(|o| lower.contains(o))
}

#[cfg(test)]
mod tests {
    use crate::call::tests::{call, one};
    use event::Severity;

    #[test]
    fn t1562_008_a_trail_is_stopped() {
        let finding = one(&super::SPEC, &[call("eva", "cloudtrail", "StopLogging", &[("name", "main-trail")])]);
        assert_eq!((finding.severity, finding.techniques[0].uid), (Severity::High, "T1562.008"));
    }

    #[test]
    fn t1562_008_files_of_the_trail_expire() {
        one(
            &super::SPEC,
            &[call(
                "eva",
                "s3",
                "PutBucketLifecycle",
                &[("bucketName", "acme-trail"), ("LifecycleConfiguration.Rule.Expiration.Days", "1")],
            )],
        );
        one(&super::SPEC, &[call("eva", "cloudtrail", "PutEventSelectors", &[("eventSelectors.includeManagementEvents", "false")])]);
        one(
            &super::SPEC,
            &[call("eva", "ec2", "DeleteFlowLogs", &[]), call("eva", "route53resolver", "DeleteResolverQueryLogConfig", &[])],
        );
    }

    #[test]
    fn looking_at_logs_and_switching_them_on_is_silent() {
        let events = [
            call("eva", "cloudtrail", "StartLogging", &[]),
            call("eva", "cloudtrail", "DescribeTrails", &[]),
            call("eva", "cloudtrail", "PutEventSelectors", &[("eventSelectors.includeManagementEvents", "true")]),
            call("eva", "s3", "PutBucketLifecycle", &[("bucketName", "photos"), ("Rule.Expiration.Days", "30")]),
        ];
        assert_eq!(crate::tests::run(&super::SPEC, &events), []);
    }
}
