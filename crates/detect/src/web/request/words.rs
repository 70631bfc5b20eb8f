//! What is said about a request, in words.

use decode::request::{Target, Value};
use event::{Severity, Technique, attack};
use rule::seclang::Rule;

use super::verdict::class;

struct Class {
    tag: &'static str,
    name: &'static str,
    severity: Severity,
    technique: Option<Technique>,
}

const fn row(tag: &'static str, name: &'static str, severity: Severity, technique: Option<Technique>) -> Class {
    Class { tag, name, severity, technique }
}

const CLASSES: [Class; 19] = [
    row("attack-sqli", "SQL injection", Severity::High, None),
    row("attack-xss", "Cross-site scripting", Severity::Medium, Some(attack::DRIVE_BY)),
    row("attack-lfi", "Path traversal", Severity::High, Some(attack::FILE_DISCOVERY)),
    row("attack-rfi", "Remote file inclusion", Severity::High, Some(attack::COMMAND_INTERPRETER)),
    row("attack-rce", "Command injection", Severity::High, Some(attack::COMMAND_INTERPRETER)),
    row("attack-php", "PHP code injection", Severity::High, Some(attack::WEB_SHELL)),
    row("attack-ssti", "Template injection", Severity::High, Some(attack::COMMAND_INTERPRETER)),
    row("attack-ssrf", "Server-side request forgery", Severity::High, None),
    row("attack-nosqli", "NoSQL injection", Severity::High, None),
    row("attack-ldapi", "LDAP injection", Severity::High, None),
    row("attack-xpathi", "XPath injection", Severity::Medium, None),
    row("attack-xxe", "XML external entity", Severity::High, None),
    row("attack-log4j", "Log4Shell lookup", Severity::High, Some(attack::COMMAND_INTERPRETER)),
    row("attack-crlf", "Header injection", Severity::Medium, None),
    row("attack-ssi", "Server-side include", Severity::High, Some(attack::COMMAND_INTERPRETER)),
    row("attack-java", "Java code injection", Severity::High, Some(attack::COMMAND_INTERPRETER)),
    row("sensitive-file", "Request for a sensitive file", Severity::Low, Some(attack::WORDLIST_SCANNING)),
    row("scanner", "Request of an attack tool", Severity::Low, Some(attack::VULNERABILITY_SCANNING)),
    row("protocol", "Protocol abuse", Severity::Low, None),
];

fn known(rule: &Rule) -> Option<&'static Class> {
    let tag = class(rule);
    CLASSES.iter().find(|c| c.tag == tag)
}

/// `SQL injection`
pub(super) fn name(rule: &Rule) -> &'static str {
    known(rule).map_or("Attack", |c| c.name)
}

pub(super) fn severity(rule: &Rule) -> Severity {
    known(rule).map_or(Severity::Medium, |c| c.severity)
}

/// Techniques of the class; asking for a file or naming a tool exploits nothing yet.
pub(super) fn techniques(rule: &Rule) -> Vec<Technique> {
    let class = known(rule);
    let scan = class.is_some_and(|c| matches!(c.tag, "sensitive-file" | "scanner"));
    let exploit = (!scan).then_some(attack::EXPLOIT_PUBLIC);
    exploit.into_iter().chain(class.and_then(|c| c.technique)).collect()
}

/// `sqli.tautology`: the tag with a dot.
pub(super) fn code(rule: &Rule) -> &str {
    rule.tags.iter().map(String::as_str).find(|t| t.contains('.')).unwrap_or("web.rule")
}

/// `the value of q`
pub(super) fn place(value: Option<&Value<'_>>) -> String {
    let Some(value) = value else { return "the request".to_owned() };
    let name = shown(value.name, 40);
    match value.target {
        Target::Method => "the method".to_owned(),
        Target::Uri => "the request target".to_owned(),
        Target::Query => "the query".to_owned(),
        Target::Path | Target::Segment => "the path".to_owned(),
        Target::ArgName => "a parameter name".to_owned(),
        Target::Arg => format!("the value of {name}"),
        Target::Json => format!("the JSON value at {name}"),
        Target::Xml => "an XML value".to_owned(),
        Target::CookieName => "a cookie name".to_owned(),
        Target::Cookie => format!("the cookie {name}"),
        Target::Header => format!("the header {name}"),
        Target::Body => "the body".to_owned(),
        Target::File => "the name of an uploaded file".to_owned(),
        Target::FileBody => "an uploaded file".to_owned(),
    }
}

/// Where it was, short: `SQL injection in q`.
pub(super) fn place_short(value: Option<&Value<'_>>) -> String {
    match value {
        Some(v) if matches!(v.target, Target::Arg | Target::Json) && !v.name.is_empty() => shown(v.name, 40),
        Some(v) => place(Some(v)),
        None => "the request".to_owned(),
    }
}

/// Bytes as text for people, cut, without control characters.
pub(super) fn shown(bytes: &[u8], bytes_max: usize) -> String {
    let cut = bytes.len() > bytes_max;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(bytes_max)]);
    let mut text: String = text.chars().map(|c| if c.is_control() { '\u{b7}' } else { c }).collect();
    if cut {
        text.push_str("..");
    }
    text
}
