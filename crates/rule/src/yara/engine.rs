//! The only file that knows `yara-x`.

use yara_x::errors::CompileError;
use yara_x::{Compiler, MetaValue, ScanError, Scanner};

use super::{BYTES_MAX, Hit, Level, Loaded, Scanned, TIME_MAX};
use crate::sigma::Refused;

/// Hits told of one file.
const HITS_MAX: usize = 64;
/// Places of patterns told of one hit.
const SEEN_MAX: usize = 8;
const SEEN_BYTES_MAX: usize = 64;
/// Matches of one pattern that a condition may count; more are not looked for.
const MATCHES_MAX: usize = 100_000;
/// On the scale of 100 that public rules use.
const SCORE_HIGH: i64 = 75;
const SCORE_LOW: i64 = 40;
/// What scanners hand to rules beside the bytes.
const NAMES: [&str; 5] = ["filename", "filepath", "extension", "filetype", "owner"];

/// Compiled rules.
pub struct Rules(yara_x::Rules);

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rules({})", self.len())
    }
}

impl Rules {
    /// Files by name and text; each is a namespace of its own, so that two may use the same name for a rule.
    pub fn load<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Loaded {
        let mut compiler = Compiler::new();
        // A file of rules may not name others: they would be read from wherever the program runs.
        compiler.enable_includes(false).relaxed_re_syntax(true);
        for name in NAMES {
            compiler.define_global(name, "").expect("a name of its own");
        }
        let mut refused = Vec::new();
        for (file, text) in texts {
            let before = compiler.errors().len();
            let _ = compiler.new_namespace(file).add_source(text);
            refused.extend(compiler.errors()[before..].iter().map(|error| refusal(file, text, error)));
        }
        let rules = Rules(compiler.build());
        Loaded { rules: (!rules.is_empty()).then_some(rules), refused }
    }

    pub fn len(&self) -> usize {
        self.0.iter().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `name` is what the file is called.
    pub fn scan(&self, name: &str, bytes: &[u8]) -> Scanned {
        let mut scanner = Scanner::new(&self.0);
        scanner.set_timeout(TIME_MAX).max_matches_per_pattern(MATCHES_MAX);
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
        for (global, value) in [("filename", file), ("filepath", name), ("extension", extension)] {
            scanner.set_global(global, value).expect("defined when the rules were compiled");
        }
        let mut scanned = Scanned { hits: Vec::new(), short: (bytes.len() > BYTES_MAX).then_some("what lies beyond 256 MB") };
        match scanner.scan(&bytes[..bytes.len().min(BYTES_MAX)]) {
            Ok(results) => scanned.hits = results.matching_rules().take(HITS_MAX).map(|rule| hit(&rule)).collect(),
            Err(ScanError::Timeout) => scanned.short = Some("all of it: the rules took more than 10 s"),
            Err(_) => scanned.short = Some("all of it: the rules could not be run"),
        }
        scanned
    }
}

fn hit(rule: &yara_x::Rule<'_, '_>) -> Hit {
    let mut hit = Hit {
        rule: rule.identifier().to_owned(),
        file: rule.namespace().to_owned(),
        about: String::new(),
        level: Level::default(),
        techniques: Vec::new(),
        seen: Vec::new(),
    };
    for tag in rule.tags() {
        techniques(tag.identifier(), &mut hit.techniques);
    }
    for (key, value) in rule.metadata() {
        let key = key.to_ascii_lowercase();
        match value {
            MetaValue::String(text) => {
                match key.as_str() {
                    "description" | "desc" => hit.about = text.to_owned(),
                    "severity" | "level" => match text.to_ascii_lowercase().as_str() {
                        "high" | "critical" => hit.level = Level::High,
                        "low" | "info" | "informational" => hit.level = Level::Low,
                        _ => {}
                    },
                    _ => {}
                }
                techniques(text, &mut hit.techniques);
            }
            MetaValue::Integer(SCORE_HIGH..) if key == "score" => hit.level = Level::High,
            MetaValue::Integer(..SCORE_LOW) if key == "score" => hit.level = Level::Low,
            _ => {}
        }
    }
    for pattern in rule.patterns() {
        for found in pattern.matches().take(SEEN_MAX.saturating_sub(hit.seen.len())) {
            let bytes = found.data();
            hit.seen.push((pattern.identifier().to_owned(), found.range().start, bytes[..bytes.len().min(SEEN_BYTES_MAX)].to_vec()));
        }
    }
    hit
}

/// `T1059`, `T1059.001`, and the same with an underscore, as tags must write it.
fn techniques(text: &str, found: &mut Vec<String>) {
    for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_') {
        let word = word.trim_end_matches('.').to_ascii_uppercase().replace('_', ".");
        let digits = word.strip_prefix('T').unwrap_or_default();
        let (main, sub) = digits.split_once('.').unwrap_or((digits, "000"));
        let all_digits = |part: &str, len: usize| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
        if all_digits(main, 4) && all_digits(sub, 3) && !found.contains(&word) && found.len() < 8 {
            found.push(word);
        }
    }
}

fn refusal(file: &str, text: &str, error: &CompileError) -> Refused {
    let label = error.labels().next();
    let at = label.as_ref().map_or(0, |label| label.span().start().min(text.len()));
    let line = text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
    let why = match label.map(|label| label.text().to_owned()).filter(|text| !text.is_empty()) {
        Some(at_place) => format!("{}: {at_place}", error.title()),
        None => error.title().to_owned(),
    };
    let fix = match error {
        CompileError::UnknownModule(_) => "this module is not built in: leave the import and the rules that use it out",
        _ => "mend the rule at this place; the other rules of the file are used",
    };
    Refused { file: file.to_owned(), line, why, fix: fix.to_owned() }
}
