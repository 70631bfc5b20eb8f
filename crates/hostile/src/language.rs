//! Languages that people write: searches and rules. A fault has a place in the text.

use std::sync::LazyLock;

use rule::sigma::{Set, SourceMap};
use store::Query;

static EVENTS: LazyLock<Vec<event::Event>> = LazyLock::new(|| {
    let records: [&[u8]; 4] = [
        b"192.0.2.10 - - [01/May/2024:12:00:00 +0000] \"GET /a?q=1 HTTP/1.1\" 200 5120 \"-\" \"curl/8.5.0\"",
        b"May  1 12:00:01 gate sshd[9]: Failed password for root from 192.0.2.61 port 1 ssh2",
        b"{\"EventID\":1,\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"Image\":\"C:\\\\evil.exe\",\"CommandLine\":\"evil.exe -enc AAAA\"}",
        b"not readable",
    ];
    records.map(|record| decode::decode(record, &decode::Place::new("f", 1, crate::line::READ_AT))).to_vec()
});

pub(crate) fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Query::parse(&text) {
        Ok(query) => {
            let found = EVENTS.iter().filter(|event| query.matches(event)).count();
            assert!(!text.trim().is_empty() || found == EVENTS.len(), "an empty query finds everything");
        }
        Err(fault) => {
            assert!(fault.at <= text.len() && text.is_char_boundary(fault.at), "a fault at {} of {} bytes", fault.at, text.len());
            assert!(!fault.help.is_empty());
        }
    }
}

static SOURCES: LazyLock<SourceMap> =
    LazyLock::new(|| SourceMap::parse(include_str!("../../../content/rules/logsource.yaml")).expect("our own map"));

pub(crate) fn sigma(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let set = Set::load([("a.yml", &*text)], &SOURCES);
    for fault in &set.refused {
        // YAML ends lines with a lone carriage return as well.
        assert!(fault.line >= 1 && fault.line <= text.split(['\n', '\r']).count() + 1, "{fault}");
    }
    for event in &*EVENTS {
        assert!(set.hits(event).len() <= set.len());
    }
}

pub(crate) fn seclang(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(faults) = rule::Ruleset::parse(&[("a.conf", &text)]) {
        assert!(!faults.is_empty());
    }
}

pub(crate) fn posture(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match rule::posture::Rules::parse(&[("a.yaml", &text)]) {
        Ok(rules) => {
            let tf = b"resource \"aws_s3_bucket\" \"b\" {\n  acl = \"public-read\"\n  tags = { a = var.x }\n}\n";
            for item in decode::posture::read(&[("main.tf".to_owned(), tf.to_vec())]).items {
                let _ = rules.judge(&item);
            }
            let _ = rules.examples();
        }
        Err(faults) => assert!(!faults.is_empty()),
    }
    let _ = rule::posture::Framework::parse(&text);
}

/// Every fault says where, and what to write instead; what is taken says so a second time.
pub(crate) fn config(bytes: &[u8]) {
    let name = std::path::Path::new("bartizan.toml");
    match bartizan::config::parse(bytes, name) {
        Ok(config) => assert!(bartizan::config::parse(bytes, name).is_ok_and(|again| again == config)),
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults.iter().take(100) {
                assert!(!fault.to_string().is_empty() && !fault.to_string().contains('\u{0}'), "{fault}");
            }
        }
    }
}

pub(crate) fn playbook(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match incident::Playbooks::parse([("a.yaml", &*text)]) {
        Ok(all) => drop(all),
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in &faults {
                // YAML ends lines with a lone carriage return as well.
                assert!(fault.line >= 1 && fault.line <= text.split(['\n', '\r']).count() + 1, "{fault}");
            }
        }
    }
}
