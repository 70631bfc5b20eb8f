//! Security-relevant Windows events: what an administrator would want to see beside an attack, and what rules alone do not name.
//!
//! Reads:      Windows records by channel and event id; the table stands in `windows_security.tsv`, with a condition where the id alone says too little.
//! Evidence:   the record and the fields that tell who and what.   Score: 0.04 to 0.2 by weight, informational: alone it opens no incident.
//!             It joins the story of a host that is in one, and counts when it is new there (see `rarity`).   ATT&CK: in the table.
//! State:      none. One finding for each row, acting entity and day.   Cost: one look-up an event.
//! Mistaken by: everything in it is also ordinary administration.

use std::collections::HashMap;

use event::analytic::AnalyticKind;
use event::finding::{Evidence, Reason};
use event::{Analytic, Bytes, Event, Finding, Native, Score, Severity, Technique, Text, attack, short_id};
use foldhash::fast::FixedState;

use crate::acting::acting;
use crate::{Detector, Scope, Seen, Spec, StateError};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "host.windows_security",
        name: "Security-relevant Windows event",
        version: "1.0",
        kind: AnalyticKind::Rule,
        techniques: &[],
    },
    scope: Scope::Event,
    header: "Windows events that matter beside an attack: accounts, groups, policies, audit, services, tasks, shares, firewall, certificates. \
             Informational: alone it opens no incident. Mistaken by: ordinary administration.",
    build: |_| Box::new(WindowsSecurity { table: Table::built_in() }),
};

struct WindowsSecurity {
    table: Table,
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    channel: Text,
    id: i64,
    technique: Technique,
    /// 1..=5
    weight: u8,
    when: Option<Condition>,
    fields: Vec<Text>,
    pub(crate) words: Text,
}

/// `field=one|of` whole, `field~one|of` anywhere in it; without case.
#[derive(Debug)]
struct Condition {
    field: Text,
    is_whole: bool,
    of: Vec<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    by_id: HashMap<i64, Vec<usize>, FixedState>,
}

/// Values of one field are looked at and told up to this many bytes.
const VALUE_BYTES_MAX: usize = 4_096;
const TOLD_CHARS_MAX: usize = 160;
const RAW_BYTES_MAX: usize = 1 << 10;

impl Condition {
    fn holds(&self, native: &Native) -> bool {
        native.all(&self.field).any(|value| {
            let text = value.to_string();
            let text = text[..text.floor_char_boundary(VALUE_BYTES_MAX)].to_lowercase();
            self.of.iter().any(|one| if self.is_whole { text == *one } else { text.contains(one.as_str()) })
        })
    }
}

impl Table {
    pub(crate) fn built_in() -> Table {
        Table::parse(include_str!("windows_security.tsv"))
    }

    /// Rows whose technique is not known are left out; a test says that there are none.
    fn parse(text: &str) -> Table {
        let mut table = Table::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let cells: Vec<&str> = line.split('\t').collect();
            let [channel, id, technique, weight, when, fields, words] = cells.as_slice() else { continue };
            let (Ok(id), Some(technique), Ok(weight)) = (id.parse(), attack::by_uid(technique), weight.parse()) else { continue };
            let when = when.find(['=', '~']).map(|at| Condition {
                field: when[..at].into(),
                is_whole: when.as_bytes()[at] == b'=',
                of: when[at + 1..].split('|').map(str::to_lowercase).collect(),
            });
            let fields = fields.split(',').filter(|name| *name != "-").map(Into::into).collect();
            table.by_id.entry(id).or_default().push(table.rows.len());
            table.rows.push(Row { channel: (*channel).into(), id, technique, weight, when, fields, words: (*words).into() });
        }
        table
    }

    /// The rows that an event meets.
    pub(crate) fn find<'t>(&'t self, native: &'t Native) -> impl Iterator<Item = &'t Row> {
        let id = (native.product == "windows").then(|| native.int("EventID")).flatten();
        let rows = id.and_then(|id| self.by_id.get(&id)).map_or(&[][..], Vec::as_slice).iter().map(|at| &self.rows[*at]);
        rows.filter(|row| row.channel.eq_ignore_ascii_case(&native.service) && row.when.as_ref().is_none_or(|when| when.holds(native)))
    }
}

impl Detector for WindowsSecurity {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        if let Some(native) = event.native.as_deref() {
            out.extend(self.table.find(native).map(|row| finding(event, native, row)));
        }
    }

    fn is_gathered(&self) -> bool {
        true
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn load(&mut self, _state: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}

fn finding(event: &Event, native: &Native, row: &Row) -> Finding {
    let entities = acting(event);
    let said = |name: &Text| {
        let value = native.get(name)?.to_string();
        let shown: String = value.trim().chars().take(TOLD_CHARS_MAX).collect();
        (!shown.is_empty() && shown != "-").then(|| Reason {
            code: "windows.field".into(),
            text: format!("{name} is {shown}"),
            now: shown,
            push: 0.2,
            ..Reason::default()
        })
    };
    let mut reasons = vec![Reason {
        code: "windows.event".into(),
        text: format!("{} (event {} of {})", row.words, row.id, row.channel),
        usual: "seen in ordinary administration too".to_owned(),
        now: "once".to_owned(),
        push: 1.0,
    }];
    reasons.extend(row.fields.iter().filter_map(said));
    let actor = entities[0].to_string();
    let meta = &event.meta;
    let raw = Bytes::from(&event.raw[..event.raw.len().min(RAW_BYTES_MAX)]);
    let told: Vec<&str> = reasons[1..].iter().map(|r| r.text.as_str()).collect();
    let text = if told.is_empty() { row.words.to_string() } else { format!("{}: {}", row.words, told.join(", ")) };
    let mut title: String = row.words.to_string();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let finding = Finding {
        uid: short_id(
            "F",
            &[SPEC.analytic.uid.as_bytes(), row.channel.as_bytes(), row.words.as_bytes(), &row.id.to_le_bytes(), actor.as_bytes()],
        ),
        analytic: (&SPEC.analytic).into(),
        title,
        text,
        severity: Severity::Info,
        techniques: vec![row.technique],
        entities,
        first_seen: meta.time,
        last_seen: meta.time,
        count: 1,
        evidence: vec![Evidence {
            source: meta.source.clone(),
            record: meta.record,
            event_uid: meta.uid,
            time: meta.time,
            raw,
            matches: Vec::new(),
        }],
        would_change: "a change that was planned, or a host where this is done every day".to_owned(),
        ..Finding::default()
    };
    finding.explained(Score::new(f32::from(row.weight) * 0.04), reasons)
}

#[cfg(test)]
mod tests {
    use event::native::Value;
    use event::{Body, Meta};

    use super::*;

    fn look(channel: &str, id: i64, fields: &[(&str, &str)]) -> Vec<Finding> {
        let mut native = Native { product: "windows".into(), service: channel.into(), fields: Vec::new() };
        native.fields.push(("EventID".into(), Value::Int(id)));
        native.fields.push(("Computer".into(), Value::Text("pc1".into())));
        native.fields.extend(fields.iter().map(|(name, value)| ((*name).into(), Value::Text((*value).to_owned()))));
        let body = Body::Other { host: "pc1".into(), service: channel.into() };
        let event = Event { native: Some(Box::new(native)), ..Event::new(Meta::default(), body, Bytes::default()) };
        crate::tests::run(&SPEC, &[event])
    }

    #[test]
    fn every_row_can_be_read_and_stands_once() {
        let text = include_str!("windows_security.tsv");
        let table = Table::parse(text);
        assert_eq!(table.rows.len(), text.lines().filter(|line| !line.starts_with('#')).count());
        assert!(table.rows.len() >= 250, "{}", table.rows.len());
        assert!(table.rows.iter().all(|row| (1..=5).contains(&row.weight) && !row.words.is_empty()));
        let mut names: Vec<String> = table.rows.iter().map(|row| format!("{} {} {:?}", row.channel, row.id, row.when)).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn an_event_is_told_with_who_and_what_and_opens_nothing() {
        let found = look("Security", 4724, &[("TargetUserName", "bob"), ("SubjectUserName", "eve")]);
        assert_eq!((found.len(), found[0].severity, found[0].techniques[0].uid), (1, Severity::Info, "T1098"));
        assert_eq!(found[0].actor().map(ToString::to_string).as_deref(), Some("host:pc1"));
        assert!(found[0].text.contains("TargetUserName is bob") && found[0].entities.contains(&event::Entity::user("eve")));
    }

    #[test]
    fn conditions_and_channels_keep_the_ordinary_out() {
        assert!(look("Security", 4624, &[("LogonType", "3")]).is_empty());
        assert_eq!(look("Security", 4624, &[("LogonType", "9")]).len(), 1);
        assert!(look("System", 4724, &[]).is_empty());
        assert!(look("Security", 5145, &[("RelativeTargetName", "report.docx")]).is_empty());
    }
}
