//! Facts about a host (`bartizan.host/1`, as `posture host --save` writes them) to resources.
//!
//! What could not be read is unknown and fires nothing; what makes no sense on that host is said.

use super::{Item, Node, Scan};

/// Facts of one document.
const FACTS_MAX: usize = 100_000;

/// Whether the document is one of facts.
pub(super) fn read(path: &str, document: &Node, scan: &mut Scan) -> bool {
    if document.get("schema").and_then(Node::as_str) != Some("bartizan.host/1") {
        return false;
    }
    let word = |node: &Node, key: &str| node.get(key).and_then(Node::scalar).unwrap_or_default();
    let list = |key: &str| document.get(key).and_then(Node::as_list).unwrap_or_default();
    for fact in list("facts").iter().take(FACTS_MAX) {
        let kind = word(fact, "kind");
        if !kind.starts_with("host_") {
            scan.notice(path, fact.line, &format!("{kind} is no kind of fact about a host"));
            continue;
        }
        // The lines of this document are not those of the host's own file.
        let mut unknown = Vec::new();
        let json = fact.get("attributes").map(|a| a.json("", &mut unknown)).unwrap_or_default();
        let mut attributes = Node::from_json(&json);
        for missing in fact.get("not_read").and_then(Node::as_list).unwrap_or_default().iter().filter_map(Node::as_str) {
            attributes.forget(missing);
        }
        let line = fact.get("line").and_then(Node::as_number).filter(|n| (0.0..1e9).contains(n)).map_or(0, |n| n as u32);
        let file = Some(word(fact, "file")).filter(|f| !f.is_empty()).unwrap_or_else(|| path.to_owned());
        let address = format!("{}.{}", kind, word(fact, "name"));
        scan.items.push(Item {
            input: "host",
            kind,
            base: address.clone(),
            address,
            file,
            line,
            end_line: line,
            attributes,
            certain: true,
        });
    }
    for one in list("not_applicable").iter().take(100) {
        scan.notice(path, 0, &format!("not applicable: {}: {}", word(one, "kind"), word(one, "why")));
    }
    for one in list("not_read").iter().take(100) {
        scan.notice(&word(one, "path"), 0, &format!("not assessed: {}", word(one, "why")));
    }
    true
}
