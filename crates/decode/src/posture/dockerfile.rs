//! Dockerfiles: stages, continued lines, heredocs, ARG and ENV put into FROM; and compose files.

use std::collections::HashMap;

use super::value::{Node, Value};
use super::{Item, Scan};

/// Instructions of one file.
const INSTRUCTIONS_MAX: usize = 10_000;

struct Instruction {
    word: String,
    rest: String,
    line: u32,
    end_line: u32,
}

pub(super) fn read(path: &str, text: &str, scan: &mut Scan) {
    let all = instructions(text);
    if !all.iter().any(|i| i.word == "FROM") {
        return scan.undecoded(path, 0, "a Dockerfile without FROM");
    }
    let mut args: HashMap<String, String> = HashMap::new();
    let mut stages: Vec<Node> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let end_line = all.last().map_or(1, |i| i.end_line);
    for one in &all {
        if one.word == "FROM" {
            let (stage, name) = from(one, &args, &names);
            names.push(name.to_ascii_lowercase());
            stages.push(stage);
        } else if one.word == "ARG" && stages.is_empty() {
            if let Some((name, default)) = one.rest.split_once('=') {
                args.insert(name.trim().to_owned(), default.trim().trim_matches(['"', '\'']).to_owned());
            }
        } else if let Some(stage) = stages.last_mut() {
            instruction(stage, one);
        }
    }
    let last = stages.last().cloned().unwrap_or_default();
    // A stage that is built on another one runs as the user of that one.
    let mut user = last.get("user").cloned();
    let mut at = stages.len().saturating_sub(1);
    while let (None, Some(base)) = (&user, stages.get(at).and_then(|s| s.get("stage")).and_then(Node::as_number)) {
        at = base as usize;
        user = stages.get(at).and_then(|s| s.get("user")).cloned();
    }
    let mut attributes = Node::from(Value::Map(vec![("final".into(), last), ("stages".into(), Value::List(stages).into())]));
    if let Some(user) = user {
        attributes.put("user", user);
    }
    scan.items.push(Item {
        input: "dockerfile",
        kind: "Dockerfile".into(),
        address: "Dockerfile".into(),
        base: "Dockerfile".into(),
        file: path.to_owned(),
        line: all.first().map_or(1, |i| i.line),
        end_line,
        attributes,
        certain: true,
    });
}

fn from(one: &Instruction, args: &HashMap<String, String>, names: &[String]) -> (Node, String) {
    let words: Vec<&str> = one.rest.split_whitespace().filter(|w| !w.starts_with("--")).collect();
    let (image, known) = substituted(words.first().copied().unwrap_or_default(), args);
    let name = match words.as_slice() {
        [_, by, name, ..] if by.eq_ignore_ascii_case("as") => (*name).to_owned(),
        _ => String::new(),
    };
    let at = |node: Node| node.at(one.line, one.end_line);
    let mut stage = at(Value::Map(Vec::new()).into());
    let base = names.iter().position(|n| !n.is_empty() && *n == image.to_ascii_lowercase());
    stage.put("name", at(Node::text(name.as_str())));
    match base {
        Some(base) => stage.put("stage", at(Value::Number(base as f64).into())),
        None if !known => stage.put("image", at(Value::Partial(image).into())),
        None => {
            let (rest, digest) = image.split_once('@').map_or((image.as_str(), None), |(r, d)| (r, Some(d)));
            let last = rest.rsplit('/').next().unwrap_or(rest);
            stage.put("image", at(Node::text(image.as_str())));
            if let Some((_, tag)) = last.split_once(':') {
                stage.put("tag", at(Node::text(tag)));
            }
            if let Some(digest) = digest {
                stage.put("digest", at(Node::text(digest)));
            }
        }
    }
    (stage, name)
}

fn instruction(stage: &mut Node, one: &Instruction) {
    let value = Node::text(one.rest.as_str()).at(one.line, one.end_line);
    let key = one.word.to_ascii_lowercase();
    if key == "user" {
        let user = one.rest.trim();
        let node = if user.contains('$') {
            Value::Partial(user.to_owned()).into()
        } else {
            Node::text(user.split(':').next().unwrap_or_default())
        };
        return stage.put("user", node.at(one.line, one.end_line));
    }
    let mut all = stage.get(&key).and_then(Node::as_list).unwrap_or_default().to_vec();
    if key == "expose" {
        let ports = one.rest.split_whitespace().filter_map(|p| p.split('/').next()?.parse::<f64>().ok());
        all.extend(ports.map(|p| Node::from(Value::Number(p)).at(one.line, one.end_line)));
    } else {
        all.push(value);
    }
    let line = all.first().map_or(one.line, |n| n.line);
    stage.put(&key, Node::from(Value::List(all)).at(line, one.end_line));
}

/// `${NAME:-default}` and `$NAME`; the second says whether everything was known.
fn substituted(text: &str, args: &HashMap<String, String>) -> (String, bool) {
    let (mut out, mut known, mut rest) = (String::new(), true, text);
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, tail) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            Some(found) => found,
            None => after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())),
        };
        let (name, default) = name.split_once(":-").map_or((name, None), |(n, d)| (n, Some(d)));
        match args.get(name).map(String::as_str).filter(|v| !v.is_empty()).or(default) {
            Some(value) => out.push_str(value),
            None => {
                known = false;
                out.push_str(&format!("${{{name}}}"));
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    (out, known)
}

fn instructions(text: &str) -> Vec<Instruction> {
    let escape = if text.lines().take(3).any(|l| l.replace(' ', "").eq_ignore_ascii_case("#escape=`")) { '`' } else { '\\' };
    let mut all = Vec::new();
    let mut lines = text.lines().zip(1_u32..).peekable();
    while let Some((line, number)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (mut whole, mut end) = (String::new(), number);
        let mut part = trimmed;
        loop {
            match part.strip_suffix(escape) {
                Some(before) => {
                    whole.push_str(before.trim_end());
                    whole.push(' ');
                }
                None => {
                    whole.push_str(part);
                    break;
                }
            }
            // Comments and blank lines within a continued instruction do not end it.
            while lines.next_if(|(l, _)| l.trim_start().starts_with('#') || l.trim().is_empty()).is_some() {}
            let Some((next, at)) = lines.next() else { break };
            end = at;
            part = next.trim();
        }
        let (word, rest) = whole.split_once(char::is_whitespace).unwrap_or((&whole, ""));
        let word = word.to_ascii_uppercase();
        let mut rest = rest.trim().to_owned();
        if matches!(word.as_str(), "RUN" | "COPY" | "ADD")
            && let Some(mark) = heredoc(&rest)
        {
            for (line, at) in lines.by_ref() {
                end = at;
                if line.trim() == mark {
                    break;
                }
                rest.push('\n');
                rest.push_str(line);
            }
        }
        all.push(Instruction { word, rest, line: number, end_line: end });
        if all.len() >= INSTRUCTIONS_MAX {
            break;
        }
    }
    all
}

fn heredoc(rest: &str) -> Option<String> {
    let (_, after) = rest.split_once("<<")?;
    let mark: String =
        after.trim_start_matches('-').trim_matches(['"', '\'']).chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!mark.is_empty() && !mark.starts_with(|c: char| c.is_ascii_digit())).then_some(mark)
}

/// A compose file: each service is a resource. False when this is none.
pub(super) fn compose(path: &str, document: &Node, scan: &mut Scan) -> bool {
    let Some(services) = document.get("services").and_then(Node::as_map) else { return false };
    if !services.iter().any(|(_, s)| s.get("image").is_some() || s.get("build").is_some()) {
        return false;
    }
    for (name, service) in services {
        let mut attributes = service.clone();
        let base = service.get("extends").and_then(|e| e.as_str().map(str::to_owned).or_else(|| e.get("service")?.scalar()));
        if let Some((_, base)) = base.and_then(|base| services.iter().find(|(n, _)| *n == base)) {
            for (key, node) in base.as_map().unwrap_or_default() {
                if attributes.get(key).is_none() {
                    attributes.put(key, node.clone());
                }
            }
        }
        let address = format!("service.{name}");
        scan.items.push(Item {
            input: "compose",
            kind: "compose_service".into(),
            base: address.clone(),
            address,
            file: path.to_owned(),
            line: service.line.saturating_sub(1).max(1),
            end_line: service.end_line,
            attributes,
            certain: true,
        });
    }
    true
}
