use std::path::Path;

use super::*;

/// Every rule file of `content/`, by name.
fn content() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/rules/posture");
    let (mut open, mut files) = (vec![root], Vec::new());
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push((path.display().to_string(), std::fs::read_to_string(&path).expect("a rule file")));
            }
        }
    }
    files.sort();
    files
}

fn rules() -> Rules {
    let files = content();
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    Rules::parse(&files).unwrap_or_else(|faults| panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
}

#[test]
fn every_example_does_what_it_says() {
    let rules = rules();
    let wrong = rules.examples();
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(rules.all().len() >= 60);
}

#[test]
fn a_rule_without_both_examples_does_not_load() {
    let text = "- id: X-1\n  title: t\n  severity: low\n  resource: [a]\n  when: {path: x, absent: true}\n  why: w\n  fix: f\n  examples:\n    bad: [\"resource \\\"a\\\" \\\"b\\\" {}\"]\n";
    let faults = Rules::parse(&[("x.yaml", text)]).expect_err("one example only");
    assert!(faults[0].text.contains("good example"), "{faults:?}");
    let typo = text.replace("severity: low", "severity: lowish");
    assert!(Rules::parse(&[("x.yaml", &typo)]).is_err());
}

fn fired(rules: &Rules, files: &[(&str, &str)]) -> Vec<(String, String)> {
    let files: Vec<(String, Vec<u8>)> = files.iter().map(|(n, t)| ((*n).to_owned(), t.as_bytes().to_vec())).collect();
    let scan = read(&files);
    let mut all: Vec<(String, String)> = scan
        .items
        .iter()
        .flat_map(|item| {
            rules.judge(item).into_iter().filter(|v| v.known == Known::True).map(|v| (rules.all()[v.rule].id.clone(), item.address.clone()))
        })
        .collect();
    all.sort();
    all
}

#[test]
fn code_and_its_plan_say_the_same() {
    let rules = rules();
    let code = r#"
variable "names" { default = ["a", "b"] }
resource "aws_kms_key" "k" { enable_key_rotation = true }
resource "aws_s3_bucket" "b" {
  for_each = toset(var.names)
  bucket   = "ours-${each.key}"
}
resource "aws_s3_bucket_public_access_block" "p" {
  bucket                  = aws_s3_bucket.b["a"].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
resource "aws_sqs_queue" "q" { kms_master_key_id = aws_kms_key.k.arn }
resource "aws_db_instance" "d" {
  publicly_accessible = true
  storage_encrypted   = true
}
"#;
    let plan = r#"{"format_version":"1.2","terraform_version":"1.9.0","planned_values":{"root_module":{"resources":[
{"address":"aws_kms_key.k","mode":"managed","type":"aws_kms_key","name":"k","values":{"enable_key_rotation":true,"policy":null}},
{"address":"aws_s3_bucket.b[\"a\"]","mode":"managed","type":"aws_s3_bucket","name":"b","index":"a","values":{"bucket":"ours-a","logging":[]}},
{"address":"aws_s3_bucket.b[\"b\"]","mode":"managed","type":"aws_s3_bucket","name":"b","index":"b","values":{"bucket":"ours-b","logging":[]}},
{"address":"aws_s3_bucket_public_access_block.p","mode":"managed","type":"aws_s3_bucket_public_access_block","name":"p","values":{"block_public_acls":true,"block_public_policy":true,"ignore_public_acls":true,"restrict_public_buckets":true}},
{"address":"aws_sqs_queue.q","mode":"managed","type":"aws_sqs_queue","name":"q","values":{}},
{"address":"aws_db_instance.d","mode":"managed","type":"aws_db_instance","name":"d","values":{"publicly_accessible":true,"storage_encrypted":true,"password":null}}]}},
"resource_changes":[
{"address":"aws_s3_bucket_public_access_block.p","change":{"after_unknown":{"bucket":true}}},
{"address":"aws_sqs_queue.q","change":{"after_unknown":{"kms_master_key_id":true}}}],
"configuration":{"root_module":{"resources":[
{"address":"aws_s3_bucket_public_access_block.p","expressions":{"bucket":{"references":["aws_s3_bucket.b[\"a\"].id","aws_s3_bucket.b[\"a\"]","aws_s3_bucket.b"]}}},
{"address":"aws_sqs_queue.q","expressions":{"kms_master_key_id":{"references":["aws_kms_key.k.arn","aws_kms_key.k"]}}}]}}}"#;
    let from_code = fired(&rules, &[("main.tf", code)]);
    assert_eq!(from_code, fired(&rules, &[("plan.json", plan)]));
    assert!(from_code.contains(&("AWS-RDS-02".into(), "aws_db_instance.d".into())));
    assert!(from_code.contains(&("AWS-S3-05".into(), "aws_s3_bucket.b[\"b\"]".into())), "{from_code:?}");
    assert!(!from_code.iter().any(|(rule, a)| rule == "AWS-S3-05" && a.contains("\"a\"") || rule == "AWS-SQS-01"), "{from_code:?}");
}

#[test]
fn what_is_stored_of_a_resource_is_judged_the_same() {
    let rules = rules();
    let mut seen = 0;
    for rule in rules.all().iter().flat_map(|r| r.bad.iter().chain(&r.good)) {
        for item in read(&[(file_of(rule).to_owned(), rule.clone().into_bytes())]).items.iter().filter(|i| i.certain) {
            let known = |item: &Item| rules.judge(item).into_iter().map(|v| (v.rule, v.known)).collect::<Vec<_>>();
            assert_eq!(known(item), known(&Item::of(&item.resource())), "{rule}");
            seen += 1;
        }
    }
    assert!(seen > 100);
}

#[test]
fn unknown_never_fires() {
    let rules = rules();
    for text in [
        "variable \"x\" {}\nresource \"aws_db_instance\" \"d\" { storage_encrypted = var.x }",
        "variable \"x\" {}\nresource \"aws_db_instance\" \"d\" {\n count = var.x\n}",
        "resource \"aws_security_group\" \"g\" {\n dynamic \"ingress\" {\n for_each = data.x.y.z\n content {\n from_port = 22\n to_port = 22\n protocol = \"tcp\"\n cidr_blocks = [\"0.0.0.0/0\"]\n }\n }\n}",
    ] {
        let found = fired(&rules, &[("main.tf", text)]);
        assert!(!found.iter().any(|(r, _)| r == "AWS-RDS-01" || r == "AWS-NET-01"), "{found:?}");
    }
}

#[test]
fn a_requirement_passes_only_when_all_of_it_was_looked_at() {
    let rules = rules();
    let text = "id: f\nname: F\nsource: s\nrequirements:\n  \"1\": [rds_instance_storage_encrypted]\n  \"2\": [rds_instance_no_public_access]\n  \"3\": [rds_instance_storage_encrypted, nobody_looks_at_this]\n  \"4\": []\n  \"5\": [s3_bucket_public_access]\n";
    let framework = Framework::parse(text).expect("a framework");
    let code = "resource \"aws_db_instance\" \"d\" {\n  storage_encrypted   = true\n  publicly_accessible = true\n}";
    let scan = read(&[("main.tf".into(), code.into())]);
    let verdicts: Vec<(String, Verdict)> =
        scan.items.iter().flat_map(|i| rules.judge(i).into_iter().map(|v| (i.address.clone(), v))).collect();
    let statuses: Vec<&str> = report(&framework, &rules, &verdicts, &Default::default()).iter().map(|r| r.status.word()).collect();
    assert_eq!(statuses, ["pass", "fail", "not_assessed", "manual", "not_assessed"]);
}
