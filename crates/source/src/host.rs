//! Facts about this machine, for the posture rules: files and `/proc` only. No program is started, nothing is changed, no secret is kept (of a
//! password's hash only its kind). The facts are one document that can be saved, looked at and judged elsewhere.
//!
//! What may not be read is named and stays unknown; what makes no sense here (a kernel that a container shares) is not applicable.

mod account;
mod kernel;
mod place;
mod service;
mod ssh;
mod sudo;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A longer file is not read.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Entries of one folder that are looked at, in order of names.
const ENTRIES_MAX: usize = 4_096;

/// Where to look, and what was learnt.
struct Host {
    root: PathBuf,
    container: Option<&'static str>,
    facts: Vec<Value>,
    not_applicable: Vec<Value>,
    not_read: Vec<Value>,
}

/// All facts of the machine whose files lie below `root`, which is `/` but in tests.
pub fn facts(root: &Path) -> Value {
    let mut host = Host { root: root.to_owned(), container: None, facts: Vec::new(), not_applicable: Vec::new(), not_read: Vec::new() };
    host.container = container(&host);
    ssh::look(&mut host);
    sudo::look(&mut host);
    account::look(&mut host);
    kernel::look(&mut host);
    place::look(&mut host);
    service::look(&mut host);
    let name = host.read("/etc/hostname").map(|text| text.trim().to_owned()).unwrap_or_default();
    json!({
        "schema": "bartizan.host/1", "host": name, "container": host.container, "facts": host.facts,
        "not_applicable": host.not_applicable, "not_read": host.not_read,
    })
}

/// What kind of container this is, when it is one.
fn container(host: &Host) -> Option<&'static str> {
    let groups = host.read("/proc/1/cgroup").unwrap_or_default();
    let said = host.read("/run/systemd/container").unwrap_or_default();
    let kinds = [("docker", "docker"), ("kubepods", "kubernetes"), ("containerd", "containerd"), ("lxc", "lxc"), ("podman", "podman")];
    let by_group = kinds.into_iter().find(|(mark, _)| groups.contains(mark) || said.contains(mark)).map(|(_, kind)| kind);
    let by_file = [("/.dockerenv", "docker"), ("/run/.containerenv", "podman")].into_iter().find(|(path, _)| host.at(path).exists());
    // A machine with a kernel of its own has kernel threads: process 2 is their parent.
    let shared = host.read("/proc/2/comm").is_none_or(|name| name.trim() != "kthreadd") && host.at("/proc/1").exists();
    by_group.or(by_file.map(|(_, kind)| kind)).or(shared.then_some("unknown"))
}

impl Host {
    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The text of a small file; `None` when it is not there or may not be read.
    fn read(&self, path: &str) -> Option<String> {
        use std::io::Read;
        let file = std::fs::File::open(self.at(path)).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// As `read`, and remembers a file that is there and may not be read.
    fn read_or_say(&mut self, path: &str) -> Option<String> {
        let text = self.read(path);
        if text.is_none() && self.at(path).symlink_metadata().is_ok() {
            self.not_read.push(json!({"path": path, "why": "it may not be read"}));
        }
        text
    }

    /// Names in a folder, sorted.
    fn list(&self, path: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.at(path)) else { return Vec::new() };
        let mut names: Vec<String> = entries.flatten().take(ENTRIES_MAX).filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    fn fact(&mut self, kind: &str, name: &str, file: &str, line: u32, attributes: Value) {
        let mut fact = json!({"kind": kind, "name": name, "file": file, "line": line});
        fact["attributes"] = attributes;
        self.facts.push(fact);
    }

    /// As `fact`, with attributes that could not be read.
    fn partly(&mut self, kind: &str, name: &str, file: &str, attributes: Value, not_read: &[&str]) {
        let mut fact = json!({"kind": kind, "name": name, "file": file, "line": 0, "not_read": not_read});
        fact["attributes"] = attributes;
        self.facts.push(fact);
    }

    fn does_not_apply(&mut self, kind: &str, why: &str) {
        self.not_applicable.push(json!({"kind": kind, "why": why}));
    }
}

#[cfg(test)]
mod tests;
