//! Access that is widened: a policy that makes public, grants admin or trusts another account; a shared snapshot or image; an open port.
//!
//! Reads:      api_activity (6003) with parameters.  Keyed by: caller and kind of change.
//! Evidence:   the policy text or the address that was let in.   Score: fixed for each kind, lower when refused.
//!             ATT&CK: T1098.003 (admin, trust), T1537 (shared), T1530 (public), T1562.007 (administration port open to the world).
//! State:      one campaign for each caller and kind, at most 20,000.   Cost: one pass over the parameters of a call that matters.
//! Mistaken by: the first set-up of an account, infrastructure code (low), a bucket that serves a public site (block public access is off).
//! Method:     documented calls; a policy is read as text: effect, principal, action, resource.

use event::analytic::AnalyticKind;
use event::{Analytic, Severity, Technique};

use crate::call::{Call, Judge, Meaning};
use crate::policy::{grants_admin, shared_with, stranger};
use crate::technique::technique;
use crate::{Scope, Spec};

const ROLES: &[Technique] = &[technique("T1098.003")];
const SHARED: &[Technique] = &[technique("T1537")];
const PUBLIC: &[Technique] = &[technique("T1530"), technique("T1537")];
const OPENED: &[Technique] = &[technique("T1562.007")];
const ALL: &[Technique] = &[ROLES[0], SHARED[0], PUBLIC[0], OPENED[0]];

const ANALYTIC: Analytic = Analytic {
    uid: "cloud.public_or_admin",
    name: "Cloud access widened",
    version: "1.0",
    kind: AnalyticKind::Behavioral,
    techniques: ALL,
};

pub const SPEC: Spec = Spec {
    analytic: ANALYTIC,
    scope: Scope::Whole,
    header: "A policy that makes public, grants admin or trusts a stranger, a snapshot or image that is shared, an open port. \
             Mistaken by: the first set-up of an account, infrastructure code.",
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
        (
            "iam",
            "AttachUserPolicy"
            | "AttachRolePolicy"
            | "AttachGroupPolicy"
            | "PutUserPolicy"
            | "PutRolePolicy"
            | "PutGroupPolicy"
            | "CreatePolicy"
            | "CreatePolicyVersion",
        ) if grants_admin(call) => {
            let text = format!("granted every right ({}){about}", call.operation());
            say(
                "cloud.admin",
                "Administrator rights granted",
                ROLES,
                Severity::Medium,
                1.5,
                text,
                "rights for what is needed",
                "admin",
                "a policy with named actions",
            )
        }
        ("iam", "CreateRole" | "UpdateAssumeRolePolicy") => {
            let stranger = stranger(call)?;
            let everybody = stranger == "everybody";
            let severity = if everybody || call.operation() != "CreateRole" { Severity::High } else { Severity::Low };
            let text = format!("lets {stranger} take on a role{about}");
            say(
                "cloud.trust",
                "A role trusts a stranger",
                ROLES,
                severity,
                if everybody { 3.0 } else { 1.0 },
                text,
                "the own account",
                &stranger,
                "a principal of the own account",
            )
        }
        ("rolesanywhere", "CreateTrustAnchor") => {
            let text = "trusts a certificate authority outside to sign in".to_owned();
            say(
                "cloud.trust",
                "An outside certificate authority is trusted",
                ROLES,
                Severity::Medium,
                1.0,
                text,
                "none",
                "trust anchor",
                "an authority of one's own",
            )
        }
        ("ec2", "ModifySnapshotAttribute" | "ModifyImageAttribute")
        | ("rds", "ModifyDBSnapshotAttribute" | "ModifyDBClusterSnapshotAttribute")
        | ("ec2", "SharedSnapshotVolumeCreated" | "SharedSnapshotCopyInitiated") => {
            let with = shared_with(call)?;
            let public = with == "everybody";
            let text = format!("shared a disk or database image{about} with {with}");
            let severity = if public { Severity::High } else { Severity::Medium };
            say(
                "cloud.shared",
                "Snapshot or image shared",
                SHARED,
                severity,
                if public { 2.5 } else { 1.5 },
                text,
                "images stay in the account",
                &with,
                "an account of one's own",
            )
        }
        ("s3", "PutBucketPolicy" | "PutBucketAcl" | "PutObjectAcl")
        | ("lambda", "AddPermission" | "AddLayerVersionPermission")
        | ("sqs" | "sns" | "ecr" | "kms" | "secretsmanager" | "glacier", _) => {
            let stranger = stranger(call)?;
            let public = stranger == "everybody";
            let text = format!("opened a resource{about} to {stranger} ({})", call.operation());
            let severity = if public { Severity::High } else { Severity::Medium };
            say(
                "cloud.public",
                "Resource opened to strangers",
                PUBLIC,
                severity,
                if public { 2.0 } else { 1.5 },
                text,
                "the own account",
                &stranger,
                "a policy for the own account",
            )
        }
        ("s3" | "s3control", "DeletePublicAccessBlock" | "DeleteAccountPublicAccessBlock" | "DeleteBucketPublicAccessBlock") => {
            let text = format!("took away the block of public access{about}");
            say(
                "cloud.block_off",
                "Block of public access removed",
                PUBLIC,
                Severity::Medium,
                1.0,
                text,
                "blocked",
                "off",
                "the block stays",
            )
        }
        ("ec2", "AuthorizeSecurityGroupIngress") => {
            let all = call.all_parameters();
            let world = all.contains("0.0.0.0/0") || all.contains("::/0");
            let port = ["22", "3389", "5985", "5986", "-1"].into_iter().find(|p| call.parameters("fromPort").iter().any(|f| f == p));
            let port = port.filter(|_| world)?;
            let text = format!("opened port {port} to the whole internet{about}");
            say(
                "cloud.port_open",
                "Administration port opened to the internet",
                OPENED,
                Severity::Medium,
                1.5,
                text,
                "own networks",
                "0.0.0.0/0",
                "an own network as source",
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::call::tests::{call, one};
    use event::{Event, Severity};

    fn check(event: Event, technique: &str) {
        let finding = one(&super::SPEC, &[event]);
        assert!(finding.techniques.iter().any(|t| t.uid == technique), "{}", finding.text);
    }

    #[test]
    fn t1098_003_admin_and_trust() {
        check(call("eva", "iam", "AttachUserPolicy", &[("policyArn", "arn:aws:iam::aws:policy/AdministratorAccess")]), "T1098.003");
        let policy = r#"{"Statement":[{"Effect":"Allow", "Action":"*", "Resource":"*"}]}"#;
        check(call("eva", "iam", "PutUserPolicy", &[("policyDocument", policy)]), "T1098.003");
        let trust = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"sts:AssumeRole"}]}"#;
        check(call("eva", "iam", "UpdateAssumeRolePolicy", &[("policyDocument", trust)]), "T1098.003");
    }

    #[test]
    fn t1537_shared_and_public() {
        check(call("eva", "ec2", "ModifySnapshotAttribute", &[("createVolumePermission.add.items.userId", "999988887777")]), "T1537");
        check(call("eva", "ec2", "ModifyImageAttribute", &[("launchPermission.add.items.group", "all")]), "T1537");
        check(call("eva", "rds", "ModifyDBSnapshotAttribute", &[("valuesToAdd", "999988887777")]), "T1537");
        let public =
            call("eva", "s3", "PutBucketPolicy", &[("bucketPolicy.Statement.Effect", "Allow"), ("bucketPolicy.Statement.Principal", "*")]);
        assert_eq!(one(&super::SPEC, &[public]).severity, Severity::High);
        check(call("eva", "lambda", "AddPermission20150331v2", &[("principal", "*"), ("action", "lambda:InvokeFunction")]), "T1530");
    }

    #[test]
    fn t1562_007_port_open_to_the_world() {
        check(
            call(
                "eva",
                "ec2",
                "AuthorizeSecurityGroupIngress",
                &[("ipPermissions.items.fromPort", "22"), ("ipPermissions.items.ipRanges.items.cidrIp", "0.0.0.0/0")],
            ),
            "T1562.007",
        );
    }

    #[test]
    fn ordinary_administration_is_silent() {
        let own = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:root"},"Action":"sts:AssumeRole"}]}"#;
        let trail = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::x/AWSLogs/999988887777/*"}]}"#;
        let narrow = r#"{"Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"*"}]}"#;
        let events = [
            call("eva", "iam", "CreateRole", &[("assumeRolePolicyDocument", own)]),
            call("eva", "s3", "PutBucketPolicy", &[("bucketPolicy", trail)]),
            call("eva", "iam", "PutRolePolicy", &[("policyDocument", narrow)]),
            call("eva", "ec2", "ModifySnapshotAttribute", &[("createVolumePermission.remove.items.userId", "999988887777")]),
            call("eva", "ec2", "AuthorizeSecurityGroupIngress", &[("ipPermissions.items.fromPort", "443"), ("cidrIp", "0.0.0.0/0")]),
            call("eva", "iam", "ListUsers", &[]),
        ];
        assert_eq!(crate::tests::run(&super::SPEC, &events), []);
    }
}
