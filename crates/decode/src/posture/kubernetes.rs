//! Kubernetes manifests, lists and dumps. Pod specifications are found in every kind of workload and put under `pod`, their containers
//! of all sorts under `pod.containers`.

use super::value::{Node, Value};
use super::{Item, Scan};

/// Lists within lists.
const DEPTH_MAX: usize = 4;

/// False when this is no manifest.
pub(super) fn read(path: &str, document: &Node, scan: &mut Scan) -> bool {
    manifest(path, document, scan, 0)
}

fn manifest(path: &str, document: &Node, scan: &mut Scan, depth: usize) -> bool {
    let (Some(_), Some(kind)) = (document.get("apiVersion").and_then(Node::as_str), document.get("kind").and_then(Node::as_str)) else {
        return false;
    };
    if let Some(items) = document.get("items").and_then(Node::as_list) {
        if depth < DEPTH_MAX {
            items.iter().for_each(|item| {
                manifest(path, item, scan, depth + 1);
            });
        }
        return true;
    }
    let meta = |key: &str| document.get("metadata").and_then(|m| m.get(key)).and_then(Node::scalar);
    let name = meta("name").or_else(|| meta("generateName")).unwrap_or_default();
    let address = format!("{kind}.{}.{name}", meta("namespace").unwrap_or_else(|| "default".into()));
    let mut attributes = document.clone();
    if let Some(pod) = pod_of(document, kind) {
        attributes.put("pod", with_all_containers(pod));
    }
    scan.items.push(Item {
        input: "kubernetes",
        kind: kind.to_owned(),
        base: address.clone(),
        address,
        file: path.to_owned(),
        line: document.line,
        end_line: document.end_line,
        attributes,
        certain: true,
    });
    true
}

fn pod_of<'d>(document: &'d Node, kind: &str) -> Option<&'d Node> {
    let spec = document.get("spec");
    match kind {
        "Pod" => spec,
        "CronJob" => spec?.get("jobTemplate")?.get("spec")?.get("template")?.get("spec"),
        "PodTemplate" => document.get("template")?.get("spec"),
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicaSet" | "ReplicationController" => spec?.get("template")?.get("spec"),
        _ => None,
    }
}

fn with_all_containers(pod: &Node) -> Node {
    let mut pod = pod.clone();
    let mut all = Vec::new();
    for (key, sort) in [("containers", "main"), ("initContainers", "init"), ("ephemeralContainers", "ephemeral")] {
        for container in pod.get(key).and_then(Node::as_list).unwrap_or_default() {
            let mut container = container.clone();
            container.put("sort", Node::text(sort));
            all.push(container);
        }
    }
    pod.put("containers", Value::List(all).into());
    pod
}
