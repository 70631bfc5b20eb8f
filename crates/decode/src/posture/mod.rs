//! Configuration to resources: Terraform folders and plans, CloudFormation, Kubernetes manifests, Dockerfiles, compose files, facts about hosts.
//!
//! All files of one scan come in together, because modules, variables and links cross files. What does not parse is counted and said;
//! the rest is read.

mod cloudformation;
mod dockerfile;
mod host;
mod json;
mod kubernetes;
mod link;
mod plan;
mod terraform;
mod value;
mod yaml;

use std::collections::HashMap;

pub use json::read as json_value;
pub use value::{Node, Value, number};
pub use yaml::documents as yaml_documents;

/// A longer file is not read.
pub const FILE_BYTES_MAX: usize = 64 << 20;

/// One resource as it is configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `terraform`, `cloudformation`, `kubernetes`, `dockerfile`, `compose`, `host`.
    pub input: &'static str,
    pub kind: String,
    pub address: String,
    /// The address without the instance's key.
    pub base: String,
    pub file: String,
    pub line: u32,
    pub end_line: u32,
    pub attributes: Node,
    /// Whether it is known that it exists: not so under a `count` that nobody knows.
    pub certain: bool,
}

impl Item {
    /// As an event body: what cannot be known is left out of the attributes and named.
    pub fn resource(&self) -> event::Resource {
        let mut unknown = Vec::new();
        let attributes = self.attributes.json("", &mut unknown).to_string();
        event::Resource {
            input: self.input.into(),
            kind: self.kind.as_str().into(),
            address: self.address.clone(),
            file: self.file.clone(),
            line: self.line,
            end_line: self.end_line,
            attributes,
            unknown: unknown.into_iter().map(Into::into).collect(),
        }
    }

    /// What an event body says; lines of single attributes are lost.
    pub fn of(resource: &event::Resource) -> Item {
        let json = serde_json::from_str(&resource.attributes).unwrap_or(serde_json::Value::Null);
        let mut attributes = Node::from_json(&json);
        for path in &resource.unknown {
            attributes.forget(path);
        }
        let known = ["terraform", "cloudformation", "kubernetes", "dockerfile", "compose", "host"];
        Item {
            input: known.into_iter().find(|i| *i == resource.input).unwrap_or("terraform"),
            kind: resource.kind.to_string(),
            address: resource.address.clone(),
            base: resource.address.clone(),
            file: resource.file.clone(),
            line: resource.line,
            end_line: resource.end_line,
            attributes,
            certain: true,
        }
    }
}

/// Something that a reader of the result should know; no finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub file: String,
    pub line: u32,
    pub text: String,
}

/// What is in the files of one scan.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    pub items: Vec<Item>,
    pub notices: Vec<Notice>,
    /// Files that were read as configuration.
    pub files: u64,
    /// Files that look like configuration and could not be read.
    pub undecoded: u64,
}

impl Scan {
    fn notice(&mut self, file: &str, line: u32, text: &str) {
        const TEXT_MAX: usize = 300;
        self.notices.push(Notice { file: file.to_owned(), line, text: text.chars().take(TEXT_MAX).collect() });
    }

    fn undecoded(&mut self, file: &str, line: u32, why: &str) {
        self.undecoded += 1;
        self.notice(file, line, &format!("not read: {why}"));
    }
}

/// Reads the files of one scan, names relative to its root. The order of the files changes nothing.
pub fn read(files: &[(String, Vec<u8>)]) -> Scan {
    let mut scan = Scan::default();
    let mut sorted: Vec<&(String, Vec<u8>)> = files.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let texts: HashMap<String, &[u8]> = sorted.iter().map(|(path, bytes)| (path.clone(), bytes.as_slice())).collect();
    let mut hcl = Vec::new();
    for (path, bytes) in sorted {
        let Some(kind) = kind(path, bytes) else { continue };
        scan.files += 1;
        let text = match std::str::from_utf8(bytes) {
            _ if bytes.len() > FILE_BYTES_MAX => {
                scan.undecoded(path, 0, "longer than 64 MiB");
                continue;
            }
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(_) => {
                scan.undecoded(path, 0, "not UTF-8");
                continue;
            }
        };
        match kind {
            Kind::Hcl => hcl.push((path.as_str(), text)),
            Kind::HclJson => scan.undecoded(path, 0, "Terraform's JSON syntax is not read; convert it or scan the plan"),
            Kind::Dockerfile => dockerfile::read(path, text, &mut scan),
            Kind::Yaml => match yaml::documents(text) {
                Ok(all) => documents(path, all, &mut scan),
                Err((line, _)) if text.contains("{{") => {
                    scan.undecoded(path, line, "a template: render it first (helm template CHART | bartizan posture FILE)");
                }
                Err((line, why)) => scan.undecoded(path, line, &why),
            },
            Kind::Json => match json::read(text) {
                Ok(one) => documents(path, vec![one], &mut scan),
                Err((line, why)) => scan.undecoded(path, line, &why),
            },
        }
    }
    terraform::read(&hcl, &texts, &mut scan);
    scan.items.sort_by(|a, b| (&a.file, a.line, &a.address).cmp(&(&b.file, b.line, &b.address)));
    scan.notices.sort_by(|a, b| (&a.file, a.line, &a.text).cmp(&(&b.file, b.line, &b.text)));
    scan
}

/// Whether a file of this name is worth reading at all.
pub fn is_configuration(path: &str) -> bool {
    kind(path, b"").is_some() || path.ends_with(".tpl") || path.ends_with(".tftpl")
}

enum Kind {
    Hcl,
    HclJson,
    Dockerfile,
    Yaml,
    Json,
}

fn kind(path: &str, _bytes: &[u8]) -> Option<Kind> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    Some(match lower.as_str() {
        _ if lower.ends_with(".tf") || lower == "terraform.tfvars" || lower.ends_with(".auto.tfvars") => Kind::Hcl,
        _ if lower.ends_with(".tf.json") => Kind::HclJson,
        _ if lower == "dockerfile" || lower == "containerfile" || lower.starts_with("dockerfile.") || lower.ends_with(".dockerfile") => {
            Kind::Dockerfile
        }
        _ if lower.ends_with(".yaml") || lower.ends_with(".yml") || lower.ends_with(".template") => Kind::Yaml,
        _ if lower.ends_with(".json") => Kind::Json,
        _ => return None,
    })
}

fn documents(path: &str, all: Vec<Node>, scan: &mut Scan) {
    let mut understood = false;
    for one in all {
        understood |= plan::read(path, &one, scan)
            || cloudformation::read(path, &one, scan)
            || kubernetes::read(path, &one, scan)
            || dockerfile::compose(path, &one, scan)
            || host::read(path, &one, scan);
    }
    if !understood {
        // Some other YAML or JSON: nothing of ours.
        scan.files -= 1;
    }
}
