//! Tree to playbook. Goes on after a fault, so that all are told at once.

use std::net::IpAddr;

use event::decision::Disposition;
use event::{Severity, Text};

use super::fault::nearest;
use super::tree::{Node, Value};
use super::{ACTIONS, Approach, Caps, Fault, Playbook, Step, Target, When};
use crate::Never;

const LONGEST_S: u32 = 90 * 86_400;
const KEYS: &[&str] = &["name", "title", "when", "mode", "actions", "caps", "never", "approval", "breaker"];

pub(super) fn playbook(root: &Node) -> Result<Playbook, Vec<Fault>> {
    let mut reader = Reader { faults: Vec::new() };
    let playbook = reader.playbook(root);
    match playbook {
        Some(playbook) if reader.faults.is_empty() => Ok(playbook),
        _ => Err(reader.faults),
    }
}

struct Reader {
    faults: Vec<Fault>,
}

/// The pairs of a map by name.
struct Map<'a> {
    line: usize,
    pairs: Vec<(&'a str, &'a Node)>,
}

impl<'a> Map<'a> {
    fn get(&self, key: &str) -> Option<&'a Node> {
        self.pairs.iter().find(|(name, _)| *name == key).map(|(_, node)| *node)
    }
}

impl Reader {
    fn wrong(&mut self, node: &Node, what: &str, write: impl Into<String>) {
        self.faults.push(Fault::new("P004", node.line, format!("{what} is {}", node.words()), write));
    }

    fn missing(&mut self, line: usize, key: &str, write: &str) {
        self.faults.push(Fault::new("P003", line, format!("{key} is missing"), write));
    }

    fn map<'a>(&mut self, node: &'a Node, what: &str, known: &[&str]) -> Option<Map<'a>> {
        let Value::Map(pairs) = &node.value else {
            self.wrong(node, what, format!("a map with {}", known.join(", ")));
            return None;
        };
        let mut map = Map { line: node.line, pairs: Vec::new() };
        for (name, line, value) in pairs {
            if !known.contains(&name.as_str()) {
                let shown: String = name.chars().take(60).collect();
                let write = nearest(name, known).map_or_else(|| format!("one of {}", known.join(", ")), |near| format!("{near}:"));
                self.faults.push(Fault::new("P002", *line, format!("{what} has the unknown key {shown:?}"), write));
            } else if map.get(name).is_some() {
                self.faults.push(Fault::new("P005", *line, format!("{name} stands here twice"), "it once"));
            } else {
                map.pairs.push((name, value));
            }
        }
        Some(map)
    }

    fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.value {
            Value::Scalar(text) if !text.is_empty() => Some(text.clone()),
            _ => {
                self.wrong(node, what, "a text");
                None
            }
        }
    }

    fn list<'a>(&mut self, node: &'a Node, what: &str) -> &'a [Node] {
        match &node.value {
            Value::List(items) => items,
            _ => {
                self.wrong(node, what, "a list: [a, b]");
                &[]
            }
        }
    }

    /// One of a few words.
    fn word<T: Copy>(&mut self, node: &Node, what: &str, known: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        if let Value::Scalar(text) = &node.value {
            if let Some((_, value)) = known.iter().find(|(name, _)| name == text) {
                return Some(*value);
            }
            let near = nearest(text, &names).map(ToOwned::to_owned);
            self.wrong(node, what, near.unwrap_or_else(|| format!("one of {}", names.join(", "))));
        } else {
            self.wrong(node, what, format!("one of {}", names.join(", ")));
        }
        None
    }

    fn number(&mut self, node: Option<&Node>, what: &str, max: u32, default: u32) -> u32 {
        let Some(node) = node else { return default };
        let number = if let Value::Scalar(text) = &node.value { text.parse::<u32>().ok() } else { None };
        match number.filter(|n| (1..=max).contains(n)) {
            Some(number) => number,
            None => {
                self.wrong(node, what, format!("a whole number from 1 to {max}"));
                default
            }
        }
    }

    fn seconds(&mut self, node: Option<&Node>, what: &str, default: u32) -> u32 {
        let Some(node) = node else { return default };
        let read = if let Value::Scalar(text) = &node.value { seconds(text) } else { None };
        read.unwrap_or_else(|| {
            self.wrong(node, what, "a time from 1s to 90d: 15m, 24h");
            default
        })
    }

    fn playbook(&mut self, root: &Node) -> Option<Playbook> {
        let map = self.map(root, "the playbook", KEYS)?;
        let name = match map.get("name") {
            None => {
                self.missing(map.line, "name", "name: web-attack");
                None
            }
            Some(node) => self.text(node, "name").filter(|name| {
                let good = name.len() <= 60 && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                if !good {
                    self.wrong(node, "name", "small letters, digits and -, at most 60: web-attack");
                }
                good
            }),
        };
        let title = map.get("title").and_then(|node| self.text(node, "title"));
        let when = match map.get("when") {
            Some(node) => self.when(node),
            None => {
                self.missing(map.line, "when", "when: {target: address}");
                None
            }
        };
        let known = [("monitor", Approach::Monitor), ("approve", Approach::Approve), ("auto", Approach::Auto)];
        let approach = map.get("mode").map_or(Some(Approach::Monitor), |node| self.word(node, "mode", &known));
        let (steps, channels) = match map.get("actions") {
            Some(node) => self.steps(node, when.as_ref().map(|w| w.target)),
            None => {
                self.missing(map.line, "actions", "actions: [{do: decision, for: 15m}]");
                (Vec::new(), Vec::new())
            }
        };
        let caps = map.get("caps").and_then(|node| self.map(node, "caps", &["per_10_min", "per_hour"]));
        let caps = Caps {
            per_10_min: self.number(caps.as_ref().and_then(|c| c.get("per_10_min")), "per_10_min", 1_000, 50) as usize,
            per_hour: self.number(caps.as_ref().and_then(|c| c.get("per_hour")), "per_hour", 6_000, 300) as usize,
        };
        let approval = map.get("approval").and_then(|node| self.map(node, "approval", &["deadline"]));
        let approval_s = self.seconds(approval.as_ref().and_then(|a| a.get("deadline")), "deadline", 900);
        let breaker = map.get("breaker").and_then(|node| self.map(node, "breaker", &["errors"]));
        let errors_max = self.number(breaker.as_ref().and_then(|b| b.get("errors")), "errors", 100, 5);
        let never = map.get("never").map(|node| self.never(node)).unwrap_or_default();
        let name = name?;
        let title = title.unwrap_or_else(|| name.clone());
        Some(Playbook { title, name: name.into(), when: when?, approach: approach?, steps, channels, caps, never, approval_s, errors_max })
    }

    fn when(&mut self, node: &Node) -> Option<When> {
        let map = self.map(node, "when", &["target", "analytics", "severity", "score"])?;
        let target = match map.get("target") {
            Some(node) => self.word(node, "target", Target::ALL),
            None => {
                self.missing(map.line, "target", "target: address");
                None
            }
        };
        let mut analytics = Vec::new();
        for item in map.get("analytics").map(|node| self.list(node, "analytics")).unwrap_or_default() {
            analytics.extend(self.text(item, "an analytic"));
        }
        let known = [
            ("info", Severity::Info),
            ("low", Severity::Low),
            ("medium", Severity::Medium),
            ("high", Severity::High),
            ("critical", Severity::Critical),
        ];
        let severity_min = map.get("severity").map_or(Some(Severity::Info), |node| self.word(node, "severity", &known));
        let mut score_min = 0.7;
        if let Some(node) = map.get("score") {
            let read = if let Value::Scalar(text) = &node.value { text.parse::<f32>().ok() } else { None };
            match read.filter(|score| (0.0..=1.0).contains(score)) {
                Some(score) => score_min = score,
                None => self.wrong(node, "score", "a number from 0 to 1: 0.7"),
            }
        }
        Some(When { target: target?, analytics, severity_min: severity_min?, score_min })
    }

    fn steps(&mut self, node: &Node, target: Option<Target>) -> (Vec<Step>, Vec<Text>) {
        let items = self.list(node, "actions");
        if items.is_empty() || items.len() > 8 {
            self.faults.push(Fault::new("P004", node.line, format!("{} actions", items.len()), "one to eight"));
        }
        let (mut steps, mut channels): (Vec<Step>, Vec<Text>) = (Vec::new(), Vec::new());
        for item in items.iter().take(8) {
            if matches!(&item.value, Value::Map(pairs) if pairs.iter().any(|(key, ..)| key == "notify")) {
                channels.extend(self.channel(item));
                continue;
            }
            let Some(step) = self.step(item, target) else { continue };
            if steps.iter().any(|other| other.action == step.action) {
                self.faults.push(Fault::new("P005", item.line, format!("{} stands here twice", step.action), "it once"));
            } else {
                steps.push(step);
            }
        }
        (steps, channels)
    }

    /// `notify: ops`, and nothing beside it: a message has no end and no disposition.
    fn channel(&mut self, node: &Node) -> Option<Text> {
        let map = self.map(node, "a notify", &["notify"])?;
        let node = map.get("notify")?;
        let name = self.text(node, "notify")?;
        let good = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !good {
            self.wrong(node, "notify", "the name of a channel of the configuration: notify: ops");
        }
        good.then(|| name.into())
    }

    fn step(&mut self, node: &Node, target: Option<Target>) -> Option<Step> {
        let map = self.map(node, "an action", &["do", "disposition", "for", "for_max"])?;
        let Some(what) = map.get("do") else {
            self.missing(map.line, "do", "do: decision");
            return None;
        };
        let known: Vec<(&str, (&'static str, Target))> = ACTIONS.iter().map(|one| (one.0, *one)).collect();
        let (action, fits) = self.word(what, "do", &known)?;
        if target.is_some_and(|target| target != fits) {
            let fitting: Vec<&str> = ACTIONS.iter().filter(|(_, t)| Some(*t) == target).map(|(name, _)| *name).collect();
            self.wrong(what, "do", format!("what fits the target: {}", fitting.join(", ")));
        }
        let known = [("block", Disposition::Block), ("limit", Disposition::Limit), ("challenge", Disposition::Challenge)];
        let disposition = map.get("disposition").map_or(Some(Disposition::Block), |node| self.word(node, "disposition", &known))?;
        if disposition != Disposition::Block && action != "decision" {
            self.faults.push(Fault::new("P004", map.line, format!("{action} cannot {}", disposition.word()), "do: decision"));
        }
        let first_s = self.seconds(map.get("for"), "for", 900);
        let max_s = self.seconds(map.get("for_max"), "for_max", first_s.max(86_400));
        if max_s < first_s {
            self.faults.push(Fault::new("P004", map.line, "for_max is shorter than for", "the longer time as for_max"));
        }
        Some(Step { action, disposition, first_s, max_s })
    }

    fn never(&mut self, node: &Node) -> Never {
        const NETS_MAX: usize = 10_000;
        let mut never = Never::default();
        for item in self.list(node, "never").iter().take(NETS_MAX) {
            match if let Value::Scalar(text) = &item.value { net(text) } else { None } {
                Some((ip, prefix)) => never.add_net(ip, prefix, "the playbook says so"),
                None => self.wrong(item, "a network", "an address or network: 192.0.2.0/24"),
            }
        }
        never
    }
}

fn seconds(text: &str) -> Option<u32> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u32 = text[..split].parse().ok()?;
    let unit = match &text[split..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(unit).filter(|s| (1..=LONGEST_S).contains(s))
}

fn net(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, prefix) = text.split_once('/').map_or((text, None), |(ip, prefix)| (ip, Some(prefix)));
    let ip: IpAddr = ip.parse().ok()?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(most), |p| p.parse().ok())?;
    (prefix <= most).then_some((ip, prefix))
}
