//! `[retention]`: how long what is in the log is kept, and what holds it back.

use std::time::Duration;

use event::Time;
use store::Classes;
use store::retain::{Hold, Policy};

use crate::config::fault::Code;
use crate::config::key::TakenUp::Restart;
use crate::config::key::{Key, Kind, Section, quoted};
use crate::config::layer::Values;

const AGE: Kind = Kind::Duration { min_s: 3_600, max_s: 3_650 * 86_400 };

pub const SECTION: Section = Section {
    name: "retention",
    many: false,
    doc: "How long records are kept. What goes is removed within a day, said in the log before it goes, and what stays can still be proven.",
    keys: &[
        Key {
            name: "observed",
            kind: AGE,
            default: "\"90d\"",
            doc: "Requests, sign-ins, processes, connections and everything else that was observed: it may be about persons.",
            taken_up: Restart,
        },
        Key {
            name: "decisions",
            kind: AGE,
            default: "\"400d\"",
            doc: "Findings, incidents, responses and orders: what was decided and why. At least six months (180d).",
            taken_up: Restart,
        },
        Key {
            name: "classes",
            kind: Kind::Many(&Kind::Text),
            default: "[]",
            doc: "Single classes with an age of their own, such as \"dns 30d\"; the words are those of class: in a search.",
            taken_up: Restart,
        },
        Key {
            name: "bytes_max",
            kind: Kind::Size { min: 1 << 20, max: 1 << 50 },
            default: "",
            doc: "When the log takes more, the oldest of what was observed goes before its time. Without it there is no such bound.",
            taken_up: Restart,
        },
        Key {
            name: "hold",
            kind: Kind::Many(&Kind::Text),
            default: "[]",
            doc: "A legal hold: nothing that it names is removed while it stands. \"all\", classes, or days from and to, such as \"2026-01-01..2026-02-01\" without the last.",
            taken_up: Restart,
        },
    ],
};

pub fn read(values: &mut Values) -> Policy {
    let part = values.one("retention").clone();
    let age = |key: &str| Duration::from_secs(part.number(key));
    let mut policy = Policy::new(age("observed"), age("decisions"));
    policy.bytes_max = Some(part.number("bytes_max")).filter(|bytes| *bytes > 0);
    for text in part.texts("classes") {
        match class_age(&text) {
            Some((class, age)) => policy.ages.iter_mut().filter(|(word, _)| *word == class).for_each(|row| row.1 = age),
            None => {
                let wrong = format!("classes: {} is no class and its age", quoted(&text));
                values.fault(Code::Value, &part.at("classes"), wrong, format!("such as \"dns 30d\", with one of {}", words()));
            }
        }
    }
    for text in part.texts("hold") {
        if !hold(&text, &mut policy.hold) {
            let wrong = format!("hold: {} is neither all, a class nor a span of days", quoted(&text));
            values.fault(Code::Value, &part.at("hold"), wrong, format!("\"all\", \"2026-01-01..2026-02-01\", or one of {}", words()));
        }
    }
    if let Some(fault) = policy.fault() {
        let key = if part.given("classes").is_some() { "classes" } else { "decisions" };
        values.fault(Code::Together, &part.at(key), fault, "180d or more".into());
    }
    policy
}

fn words() -> String {
    Classes::ALL.words().collect::<Vec<_>>().join(", ")
}

fn class_age(text: &str) -> Option<(&'static str, Duration)> {
    let (word, age) = text.split_once(' ')?;
    let class = Classes::parse(word)?.words().next()?;
    let age = AGE.read(&crate::config::key::Raw::Text(age.trim().to_owned())).ok()?;
    if let crate::config::key::Value::DurationS(s) = age { Some((class, Duration::from_secs(s))) } else { None }
}

fn hold(text: &str, hold: &mut Hold) -> bool {
    if text == "all" {
        hold.everything = true;
        return true;
    }
    if let Some(class) = Classes::parse(text) {
        hold.classes = hold.classes.with(class);
        return true;
    }
    let day = |text: &str| Time::parse_rfc3339(&format!("{}T00:00:00Z", text.trim()));
    let span = text.split_once("..").and_then(|(from, to)| Some((day(from)?, day(to)?))).filter(|(from, to)| from < to);
    hold.spans.extend(span);
    span.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    fn policy(text: &str) -> Result<Policy, String> {
        let parsed = parse(text.as_bytes(), "b.toml".as_ref());
        parsed.map(|config| config.retention).map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn ages_and_holds_are_read() {
        assert_eq!(policy(""), Ok(Policy::default()));
        let read = policy(
            "[retention]\nobserved = \"30d\"\nclasses = [\"dns 7d\"]\nbytes_max = \"2GiB\"\nhold = [\"auth\", \"2026-01-01..2026-02-01\"]\n",
        );
        let read = read.expect("fits");
        let age = |word| read.ages.iter().find(|(known, _)| *known == word).map(|(_, age)| age.as_secs() / 86_400);
        assert_eq!((age("http"), age("dns"), age("order")), (Some(30), Some(7), Some(400)));
        assert_eq!((read.bytes_max, read.hold.everything), (Some(2 << 30), false));
        assert_eq!(read.hold.classes.words().collect::<Vec<_>>(), ["authentication"]);
        assert_eq!(read.hold.spans, [(Time::from_s(1_767_225_600), Time::from_s(1_769_904_000))]);
    }

    #[test]
    fn decisions_stay_for_six_months() {
        for text in ["decisions = \"179d\"", "classes = [\"finding 30d\"]"] {
            assert!(policy(&format!("[retention]\n{text}\n")).expect_err("refused").contains("six months"), "{text}");
        }
        for text in ["classes = [\"dns\"]", "hold = [\"2026-02-01..2026-01-01\"]", "classes = [\"nothing 3d\"]"] {
            assert!(policy(&format!("[retention]\n{text}\n")).is_err(), "{text}");
        }
    }
}
