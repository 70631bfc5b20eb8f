//! Text to rules: logical lines, quoted words, directives, chains. All faults of all texts at once.

use std::collections::HashMap;
use std::fmt;

use super::action::Actions;
use super::operator::Operator;
use super::transform::Transform;
use super::variable::Targets;

/// Rule texts longer than this are refused.
const FILE_BYTES_MAX: usize = 8 << 20;
const RULES_MAX: usize = 20_000;
const CHAIN_MAX: usize = 16;

/// As in CRS: a critical hit alone is enough, lesser ones have to come together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    #[default]
    Notice,
    Warning,
    Error,
    Critical,
}

impl Severity {
    pub(super) fn parse(word: &str) -> Option<Severity> {
        Some(match word.to_ascii_uppercase().as_str() {
            "CRITICAL" | "2" | "EMERGENCY" | "ALERT" | "0" | "1" => Severity::Critical,
            "ERROR" | "3" => Severity::Error,
            "WARNING" | "4" => Severity::Warning,
            "NOTICE" | "5" | "INFO" | "6" | "DEBUG" | "7" => Severity::Notice,
            _ => return None,
        })
    }
}

/// One rule, with the rules chained to it.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: u32,
    pub message: String,
    pub tags: Vec<String>,
    pub severity: Severity,
    pub phase: u8,
    /// `pass`: says something, asks for nothing.
    pub pass: bool,
    pub file: String,
    pub line: u32,
    pub(super) links: Vec<Link>,
}

/// One condition of a rule.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) targets: Targets,
    pub(super) operator: Operator,
    pub(super) negate: bool,
    pub(super) transforms: Vec<Transform>,
}

/// What is wrong, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RuleError {
    /// `seclang.operator`, ..
    pub code: String,
    pub file: String,
    pub line: u32,
    pub text: String,
    pub expected: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: found `{}`, expected {}", self.file, self.line, self.code, self.text, self.expected)
    }
}

/// A [`RuleError`] before its place is known.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    code: &'static str,
    text: String,
    expected: String,
}

impl Fault {
    pub(super) fn new(code: &'static str, text: &str, expected: String) -> Fault {
        Fault { code, text: text.chars().take(200).collect(), expected }
    }

    /// A fault of all texts together.
    pub(super) fn whole_set(self) -> RuleError {
        error(self, "rules", 0)
    }
}

/// The rules of all texts, or everything that is wrong with them.
pub(super) fn parse(files: &[(&str, &str)]) -> Result<Vec<Rule>, Vec<RuleError>> {
    let mut reader = Reader { rules: Vec::new(), errors: Vec::new(), chained: false };
    for (file, text) in files {
        reader.file(file, text);
    }
    let mut seen: HashMap<u32, String> = HashMap::new();
    for rule in &reader.rules {
        let place = format!("{}:{}", rule.file, rule.line);
        if let Some(first) = seen.insert(rule.id, place) {
            let fault = Fault::new("id", &rule.id.to_string(), format!("an id of its own; {first} has it already"));
            reader.errors.push(error(fault, &rule.file, rule.line));
        }
    }
    if reader.errors.is_empty() { Ok(reader.rules) } else { Err(reader.errors) }
}

fn error(fault: Fault, file: &str, line: u32) -> RuleError {
    RuleError { code: format!("seclang.{}", fault.code), file: file.to_owned(), line, text: fault.text, expected: fault.expected }
}

struct Reader {
    rules: Vec<Rule>,
    errors: Vec<RuleError>,
    /// The rule before asks for one more condition.
    chained: bool,
}

impl Reader {
    fn file(&mut self, file: &str, text: &str) {
        if text.len() > FILE_BYTES_MAX {
            let fault = Fault::new("size", &text.len().to_string(), format!("at most {FILE_BYTES_MAX} bytes a file"));
            return self.errors.push(error(fault, file, 1));
        }
        self.chained = false;
        let mut last = 1;
        for (line, logical) in logical_lines(text) {
            last = line;
            if let Err(fault) = self.directive(&logical, file, line) {
                self.chained = false;
                self.errors.push(error(fault, file, line));
            }
        }
        if self.chained {
            let fault = Fault::new("chain", "end of file", "the rule that the last `chain` announces".to_owned());
            self.errors.push(error(fault, file, last));
        }
    }

    fn directive(&mut self, text: &str, file: &str, line: u32) -> Result<(), Fault> {
        let words = words(text)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["SecRule", variables, operator] => self.rule(variables, operator, "", file, line),
            ["SecRule", variables, operator, actions] => self.rule(variables, operator, actions, file, line),
            ["SecAction", actions] => self.rule("REQUEST_METHOD", "@unconditionalMatch", actions, file, line),
            ["SecComponentSignature", _] => Ok(()),
            ["SecRule" | "SecAction" | "SecComponentSignature", ..] => {
                Err(Fault::new("words", text, "SecRule VARIABLES \"OPERATOR\" \"ACTIONS\" or SecAction \"ACTIONS\"".to_owned()))
            }
            _ => Err(Fault::new("directive", words.first().unwrap_or(&text), "SecRule SecAction SecComponentSignature".to_owned())),
        }
    }

    fn rule(&mut self, variables: &str, operator: &str, actions: &str, file: &str, line: u32) -> Result<(), Fault> {
        let actions = Actions::parse(actions)?;
        let (negate, operator) = operator.strip_prefix('!').map_or((false, operator), |rest| (true, rest.trim_start()));
        let link =
            Link { targets: Targets::parse(variables)?, operator: Operator::parse(operator)?, negate, transforms: actions.transforms };
        let chained = std::mem::replace(&mut self.chained, actions.chain);
        if chained && let Some(rule) = self.rules.last_mut() {
            if rule.links.len() >= CHAIN_MAX {
                return Err(Fault::new("chain", &rule.id.to_string(), format!("at most {CHAIN_MAX} rules in a chain")));
            }
            rule.links.push(link);
            return Ok(());
        }
        if link.targets.mask() & super::Variable::MatchedVar.bit() != 0 {
            return Err(Fault::new("variable", variables, "MATCHED_VAR only in a chained rule".to_owned()));
        }
        let id = actions.id.ok_or_else(|| Fault::new("id", operator, "an action id:NUMBER".to_owned()))?;
        if self.rules.len() >= RULES_MAX {
            return Err(Fault::new("size", &id.to_string(), format!("at most {RULES_MAX} rules")));
        }
        self.rules.push(Rule {
            id,
            message: actions.message,
            tags: actions.tags,
            severity: actions.severity.unwrap_or_default(),
            phase: actions.phase.unwrap_or(2),
            pass: actions.pass,
            file: file.to_owned(),
            line,
            links: vec![link],
        });
        Ok(())
    }
}

/// Lines joined at a final backslash, without comments and blank lines; each with the number of its first line.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut all = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if open.is_none() && (line.is_empty() || line.starts_with('#')) {
            continue;
        }
        let (part, goes_on) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        let (_, joined) = open.get_or_insert_with(|| (number, String::new()));
        joined.push_str(part);
        if !goes_on {
            all.extend(open.take());
        }
    }
    all.extend(open);
    all
}

/// Words separated by blanks; `"a \"b\""` is one word.
fn words(text: &str) -> Result<Vec<String>, Fault> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        let mut word = String::new();
        if c == '"' {
            loop {
                match chars.next() {
                    Some('\\') if chars.peek() == Some(&'"') => word.extend(chars.next()),
                    Some('\\') => {
                        word.push('\\');
                        word.extend(chars.next());
                    }
                    Some('"') => break,
                    Some(other) => word.push(other),
                    None => return Err(Fault::new("quote", text, "a closing quote".to_owned())),
                }
            }
        } else {
            word.push(c);
            while let Some(other) = chars.next_if(|c| !c.is_whitespace()) {
                word.push(other);
            }
        }
        words.push(word);
    }
    Ok(words)
}
