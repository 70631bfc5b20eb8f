//! `posture --framework ID`: requirement by requirement what was looked at. What nothing here looks at stays in the denominator.

use std::collections::{BTreeMap, BTreeSet};

use rule::posture::{Framework, Report, Rules, Status, Verdict, report};
use serde_json::{Value, json};

use crate::cli::fail::{Exit, Fail};
use crate::cli::out;
use crate::knowledge::Content;

pub(super) fn named(content: &Content, id: &str) -> Result<Framework, Fail> {
    let all = content.frameworks()?;
    let known: Vec<String> = all.iter().map(|f| f.id.clone()).collect();
    all.into_iter().find(|f| f.id.eq_ignore_ascii_case(id)).ok_or_else(|| {
        Fail::new("E0512", format!("no framework is called {}; there are {}", out::shown(id), known.join(", "))).exit(Exit::Usage)
    })
}

pub(super) struct Told {
    framework: Framework,
    lines: Vec<Report>,
}

const ALL: [Status; 5] = [Status::Pass, Status::Fail, Status::Accepted, Status::NotAssessed, Status::Manual];

impl Told {
    pub(super) fn new(framework: Framework, rules: &Rules, verdicts: &[(String, Verdict)], accepted: &BTreeSet<(usize, String)>) -> Told {
        let lines = report(&framework, rules, verdicts, accepted);
        Told { framework, lines }
    }

    fn count(&self, status: Status) -> usize {
        self.lines.iter().filter(|l| l.status == status).count()
    }

    pub(super) fn object(&self) -> Value {
        let requirements: Vec<Value> = self
            .lines
            .iter()
            .map(|l| json!({"id": l.requirement, "status": l.status.word(), "rules": l.rules, "without_rule": l.without_rule, "failed": l.failed}))
            .collect();
        let counts: BTreeMap<&str, usize> = ALL.into_iter().map(|s| (s.word(), self.count(s))).collect();
        json!({
            "id": self.framework.id, "name": self.framework.name, "source": self.framework.source, "at": crate::clock::now().to_string(),
            "total": self.lines.len(), "counts": counts, "requirements": requirements,
        })
    }

    pub(super) fn people(&self) {
        let total = self.lines.len();
        out::line(format!(
            " {}: {} of {total} requirements pass, {} fail, {} accepted, {} not assessed, {} manual",
            self.framework.name,
            self.count(Status::Pass),
            self.count(Status::Fail),
            self.count(Status::Accepted),
            self.count(Status::NotAssessed),
            self.count(Status::Manual),
        ));
        for line in self.lines.iter().filter(|l| l.status == Status::Fail) {
            let places: Vec<&str> = line.failed.iter().take(3).map(String::as_str).collect();
            let more = line.failed.len().saturating_sub(places.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            out::line(format!("   fail  {:<14} {}: {}{more}", line.requirement, line.rules.join(" "), out::shown(&places.join(", "))));
        }
        out::line(
            " not assessed: no rule here looks at all of it, or nothing of its kind was scanned; the numbers are the framework's own",
        );
    }
}
