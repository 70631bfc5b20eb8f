//! Resources that complete another one are put below it: a bucket's public access block, versioning and policy stand in the bucket's
//! `linked`, so that a rule about the bucket reads one resource.

use std::collections::HashMap;

use super::Item;
use super::value::{Node, Value};

/// (kind that completes, attribute that names the other, kinds that it may name).
const COMPLETES: &[(&str, &str, &[&str])] = &[
    ("aws_s3_bucket_acl", "bucket", BUCKET),
    ("aws_s3_bucket_public_access_block", "bucket", BUCKET),
    ("aws_s3_bucket_versioning", "bucket", BUCKET),
    ("aws_s3_bucket_server_side_encryption_configuration", "bucket", BUCKET),
    ("aws_s3_bucket_logging", "bucket", BUCKET),
    ("aws_s3_bucket_policy", "bucket", BUCKET),
    ("aws_s3_bucket_lifecycle_configuration", "bucket", BUCKET),
    ("aws_sqs_queue_policy", "queue_url", &["aws_sqs_queue"]),
    ("aws_sns_topic_policy", "arn", &["aws_sns_topic"]),
    ("aws_ecr_lifecycle_policy", "repository", &["aws_ecr_repository"]),
    ("aws_flow_log", "vpc_id", &["aws_vpc"]),
    ("aws_secretsmanager_secret_rotation", "secret_id", &["aws_secretsmanager_secret"]),
    ("azurerm_storage_account_network_rules", "storage_account_id", &["azurerm_storage_account"]),
    ("google_storage_bucket_iam_member", "bucket", &["google_storage_bucket"]),
    ("google_storage_bucket_iam_binding", "bucket", &["google_storage_bucket"]),
    ("AWS::S3::BucketPolicy", "Bucket", &["AWS::S3::Bucket"]),
    ("AWS::SQS::QueuePolicy", "Queues", &["AWS::SQS::Queue"]),
    ("AWS::SNS::TopicPolicy", "Topics", &["AWS::SNS::Topic"]),
    ("AWS::EC2::FlowLog", "ResourceId", &["AWS::EC2::VPC"]),
    ("AWS::SecretsManager::RotationSchedule", "SecretId", &["AWS::SecretsManager::Secret"]),
];
const BUCKET: &[&str] = &["aws_s3_bucket"];
/// Resources that may complete one other.
const LINKED_MAX: usize = 50;

/// Adds `linked` to the resources of one root. The links of a value decide; without any, equal names do.
pub(super) fn join(items: &mut [Item]) {
    let mut named: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, item) in items.iter().enumerate() {
        let mut names = vec![item.address.clone()];
        if item.base != item.address {
            names.push(item.base.clone());
        }
        for key in ["bucket", "name", "id", "arn", "url", "BucketName"] {
            names.extend(item.attributes.get(key).and_then(Node::as_str).map(|text| format!("{}\0{text}", item.kind)));
        }
        names.dedup();
        for name in names {
            named.entry(name).or_default().push(i);
        }
    }
    let mut joined: Vec<(usize, usize)> = Vec::new();
    for (child, item) in items.iter().enumerate() {
        for (_, attribute, parents) in COMPLETES.iter().filter(|(kind, ..)| *kind == item.kind) {
            let Some(node) = item.attributes.get(attribute) else { continue };
            let mut refs = Vec::new();
            node.all_refs(&mut refs);
            let text = node.as_str().unwrap_or_default();
            let by_name = parents.iter().map(|kind| format!("{kind}\0{text}"));
            let mut found: Vec<usize> = refs.into_iter().chain(by_name).filter_map(|name| named.get(&name)).flatten().copied().collect();
            found.sort_unstable();
            found.dedup();
            joined.extend(found.into_iter().filter(|p| parents.contains(&items[*p].kind.as_str())).map(|parent| (parent, child)));
        }
    }
    for (parent, child) in joined {
        let (kind, mut node, certain) = (items[child].kind.clone(), items[child].attributes.clone(), items[child].certain);
        if !certain {
            node = Node::unknown();
        }
        let parent = &mut items[parent];
        if parent.attributes.get("linked").is_none() {
            parent.attributes.put("linked", Value::Map(Vec::new()).into());
        }
        let Value::Map(all) = &mut parent.attributes.value else { continue };
        let Some((_, Node { value: Value::Map(linked), .. })) = all.iter_mut().find(|(k, _)| k == "linked") else { continue };
        match linked.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, Node { value: Value::List(items), .. })) if items.len() < LINKED_MAX => items.push(node),
            Some(_) => {}
            None => linked.push((kind, Value::List(vec![node]).into())),
        }
    }
}
