//! Mass deletion: one caller deletes many objects, snapshots, databases or keys, or overwrites objects with a key of somebody else.
//!
//! Reads:      api_activity (6003), management and data events.  Keyed by: caller.
//! Evidence:   different things deleted in one burst against the caller's own earlier bursts.   Score: 0..1, logistic over their number.
//!             ATT&CK: T1485, T1490 (backups), T1486 (re-encryption).
//! State:      at most 256 hashes a caller and kind, at most 20,000.   Cost: O(log n) a call.
//! Mistaken by: infrastructure code that is taken down, lifecycle rules and autoscaling (called by the provider: left out), nightly clean-up
//!             (learned after two bursts).
//! Method:     distinct count against the largest usual burst.

use event::analytic::AnalyticKind;
use event::{Analytic, Severity, Technique};

use crate::burst::{Burst, Kind};
use crate::call::Call;
use crate::campaign::key;
use crate::technique::technique;
use crate::{Scope, Spec};

const DESTROYED: &[Technique] = &[technique("T1485")];
const BACKUPS: &[Technique] = &[technique("T1490"), technique("T1485")];
const ENCRYPTED: &[Technique] = &[technique("T1486")];
const ALL: &[Technique] = &[DESTROYED[0], BACKUPS[0], ENCRYPTED[0]];

const ANALYTIC: Analytic =
    Analytic { uid: "cloud.deletion", name: "Mass deletion", version: "1.0", kind: AnalyticKind::Behavioral, techniques: ALL };

pub const SPEC: Spec = Spec {
    analytic: ANALYTIC,
    scope: Scope::Whole,
    header: "One caller deletes or re-encrypts many things in a short time. High. Mistaken by: infrastructure code that is taken down.",
    build: |_| Box::new(Burst::new(&ANALYTIC, KINDS)),
};

const KINDS: &[Kind] = &[
    Kind {
        code: "cloud.deletion",
        title: "Mass deletion",
        techniques: DESTROYED,
        verb: "deleted",
        things: "things",
        even: 20.0,
        severity: Severity::High,
        of: deleted,
    },
    Kind {
        code: "cloud.backups_deleted",
        title: "Backups deleted",
        techniques: BACKUPS,
        verb: "deleted",
        things: "backups and snapshots",
        even: 6.0,
        severity: Severity::High,
        of: backups,
    },
    Kind {
        code: "cloud.reencryption",
        title: "Objects encrypted anew",
        techniques: ENCRYPTED,
        verb: "wrote anew with a key of its own",
        things: "objects",
        even: 20.0,
        severity: Severity::High,
        of: encrypted,
    },
];

fn deleted(call: &Call<'_>) -> Vec<u64> {
    let operation = call.operation();
    let destroys = match call.service() {
        "s3" => matches!(operation, "DeleteObject" | "DeleteObjects" | "DeleteBucket" | "DeleteObjectVersion"),
        "ec2" => matches!(operation, "TerminateInstances" | "DeleteVolume"),
        "rds" => matches!(operation, "DeleteDBInstance" | "DeleteDBCluster"),
        "dynamodb" => operation == "DeleteTable",
        "kms" => matches!(operation, "ScheduleKeyDeletion" | "DisableKey"),
        "efs" | "elasticfilesystem" => operation == "DeleteFileSystem",
        "secretsmanager" => operation == "DeleteSecret",
        _ => false,
    };
    if !destroys || !call.api.success {
        return Vec::new();
    }
    let keys = about(call, &["key", "bucketName", "instanceId", "volumeId", "dBInstanceIdentifier", "tableName", "keyId", "secretId"]);
    // One call for a whole batch of objects counts for more than one of them.
    if operation == "DeleteObjects" { (0..10).flat_map(|n| keys.iter().map(move |k| k ^ n)).collect() } else { keys }
}

fn backups(call: &Call<'_>) -> Vec<u64> {
    let deletes = matches!(
        call.operation(),
        "DeleteSnapshot"
            | "DeleteDBSnapshot"
            | "DeleteDBClusterSnapshot"
            | "DeregisterImage"
            | "DeleteRecoveryPoint"
            | "DeleteBackupVault"
            | "DeleteBackup"
    );
    if deletes && call.api.success {
        about(call, &["snapshotId", "dBSnapshotIdentifier", "imageId", "recoveryPointArn"])
    } else {
        Vec::new()
    }
}

fn encrypted(call: &Call<'_>) -> Vec<u64> {
    let writes = call.service() == "s3" && matches!(call.operation(), "CopyObject" | "PutObject") && call.api.success;
    if writes && call.all_parameters().contains("server-side-encryption-customer") { about(call, &["key"]) } else { Vec::new() }
}

fn about(call: &Call<'_>, names: &[&str]) -> Vec<u64> {
    let named: Vec<String> = names.iter().flat_map(|n| call.parameters(n)).collect();
    if named.is_empty() {
        return vec![key(call.event.meta.uid.key().to_string().as_bytes())];
    }
    vec![key(named.join(" ").as_bytes())]
}

#[cfg(test)]
mod tests {
    use crate::call::tests::{at, call, change, one};
    use event::Event;

    fn deletes(user: &str, from_s: i64, n: i64) -> Vec<Event> {
        (0..n).map(|k| at(call(user, "s3", "DeleteObject", &[("bucketName", "b"), ("key", &format!("k{k}"))]), from_s + k)).collect()
    }

    #[test]
    fn t1485_many_objects() {
        assert_eq!(one(&super::SPEC, &deletes("eva", 0, 40)).techniques[0].uid, "T1485");
        let batches: Vec<Event> = (0..5).map(|n| at(call("eva", "s3", "DeleteObjects", &[("bucketName", &format!("b{n}"))]), n)).collect();
        one(&super::SPEC, &batches);
    }

    #[test]
    fn t1490_backups_and_t1486_encryption() {
        let snapshots: Vec<Event> =
            (0..9).map(|n| at(call("eva", "ec2", "DeleteSnapshot", &[("snapshotId", &format!("s{n}"))]), n)).collect();
        assert_eq!(one(&super::SPEC, &snapshots).techniques[0].uid, "T1490");
        let copies: Vec<Event> = (0..30)
            .map(|n| {
                at(
                    call(
                        "eva",
                        "s3",
                        "CopyObject",
                        &[("key", &format!("k{n}")), ("x-amz-server-side-encryption-customer-algorithm", "AES256")],
                    ),
                    n,
                )
            })
            .collect();
        assert_eq!(one(&super::SPEC, &copies).techniques[0].uid, "T1486");
    }

    #[test]
    fn clean_up_autoscaling_and_lifecycle_are_silent() {
        let mut events: Vec<Event> = (0..6).flat_map(|day| deletes("cleanup", day * 86_400, 15)).collect();
        events.extend(deletes("lifecycle", 0, 60).into_iter().map(|e| change(e, |api| api.user_kind = "AWSService".into())));
        let ended = |n| at(call("asg", "ec2", "TerminateInstances", &[("instanceId", &format!("i{n}"))]), n);
        events.extend(
            (0..60).map(ended).map(|e| change(e, |api| (api.client, api.client_name) = (None, "autoscaling.amazonaws.com".into()))),
        );
        assert_eq!(crate::tests::run(&super::SPEC, &events), []);
    }
}
