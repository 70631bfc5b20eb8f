//! Which segment is next, and which of its records go.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use event::{Event, Text, Time, Uid};

use super::policy::{Policy, counted_from, is_attestation, is_decision, rule};
use crate::index::ids;
use crate::log::Shared;
use crate::reader::{Form, Reader};
use crate::sealed::{Sums, Values, column};
use crate::view::in_force;
use crate::{Error, IncidentFilter, class};

/// Earliest and latest time that retention counts from, and number of records, by class.
type OfClasses = [Option<(Time, Time, u64)>; 16];

/// What is known of the sealed segments, as long as their files are the same.
#[derive(Default)]
pub(crate) struct Ages(HashMap<u64, (Arc<Sums>, OfClasses)>);

/// A segment, and until when records of each class go.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) first: u64,
    pub(crate) rule: Text,
    limits: [Option<Time>; 16],
}

/// What stays although its time is over: open incidents, what they rest on, and responses in force.
pub(crate) struct Protected {
    ids: HashSet<Text>,
    uids: HashSet<Uid>,
    /// There are more open incidents than are held in memory.
    decisions: bool,
}

impl Protected {
    pub(crate) fn of(shared: &Shared) -> Protected {
        let state = shared.read();
        let open = state.view.incidents(&IncidentFilter { open: true, ..IncidentFilter::default() });
        let all = state.view.incidents(&IncidentFilter::default()).len();
        let mut this = Protected { ids: HashSet::new(), uids: HashSet::new(), decisions: state.view.dropped && open.len() == all };
        for incident in &open {
            let stages = incident.stages.iter().map(|stage| &stage.finding);
            this.ids.extend(incident.findings.iter().chain(&incident.responses).chain(stages).chain([&incident.uid]).cloned());
            this.uids.extend(incident.evidence.iter().map(|evidence| evidence.event_uid));
        }
        for response in state.view.responses(in_force) {
            this.ids.extend([response.uid.clone(), response.incident.clone()]);
        }
        this.ids.remove("");
        this
    }

    fn keeps(&self, event: &Event) -> bool {
        let mut named = self.uids.contains(&event.meta.uid);
        ids(event, &mut |id| named |= self.ids.contains(id));
        named || self.decisions && is_decision(event.body.word())
    }
}

impl Due {
    /// When the record was logged, when it goes.
    pub(crate) fn goes(&self, event: &Event, policy: &Policy, protected: &Protected) -> Option<Time> {
        let class = usize::from(class::of(&event.body));
        let (limit, logged) = ((*self.limits.get(class)?)?, counted_from(event));
        (logged < limit && !policy.holds(event) && !is_attestation(event) && !protected.keeps(event)).then_some(logged)
    }
}

impl Ages {
    /// The oldest segment below `below` that has something to go, without those in `done`.
    pub(crate) fn due(
        &mut self,
        shared: &Shared,
        policy: &Policy,
        below: u64,
        now: Time,
        done: &dyn Fn(u64) -> bool,
    ) -> Result<Option<Due>, Error> {
        if policy.hold.everything {
            return Ok(None);
        }
        let all = self.look(shared, below)?;
        for (first, of_classes) in &all {
            if done(*first) {
                continue;
            }
            let mut limits = [None; 16];
            let mut rules = Vec::new();
            for (class, of) in of_classes.iter().enumerate() {
                let (Some((oldest, newest, _)), Some(age)) = (of, policy.age(class)) else { continue };
                let ago = |age: Duration| Time::from_us(now.us().saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX)));
                let limit = ago(age);
                if *newest < limit || *oldest < ago(age.saturating_add(policy.slack)) {
                    rules.push(rule(class, age));
                }
                // What is over goes with what makes the segment due.
                limits[class] = (*oldest < limit).then_some(limit);
            }
            if !rules.is_empty() {
                return Ok(Some(Due { first: *first, rule: rules.join(", ").into(), limits }));
            }
        }
        let Some(most) = policy.bytes_max else { return Ok(None) };
        let bytes = bytes_of(shared)?;
        if bytes <= most {
            return Ok(None);
        }
        let observed = |class: usize| class::WORDS.get(class).is_some_and(|word| !is_decision(word)) && !policy.holds_class(class);
        let oldest = all.iter().filter(|(first, _)| !done(*first)).find_map(|(first, of)| {
            let limits: [Option<Time>; 16] =
                std::array::from_fn(|class| of[class].filter(|_| observed(class)).map(|_| Time::from_us(i64::MAX)));
            limits.iter().any(Option::is_some).then_some((*first, limits))
        });
        Ok(oldest.map(|(first, limits)| Due { first, rule: format!("bytes_max {most}").into(), limits }))
    }

    /// Oldest first.
    fn look(&mut self, shared: &Shared, below: u64) -> Result<Vec<(u64, OfClasses)>, Error> {
        let segments: Vec<_> = {
            let state = shared.read();
            let sealed = state.segments.iter().filter(|segment| segment.index.end_offset() <= below && !segment.lost);
            sealed
                .filter_map(|s| if let Form::Sealed(sums) = &s.form { Some((s.path.clone(), s.index.header, sums.clone())) } else { None })
                .collect()
        };
        self.0.retain(|first, _| segments.iter().any(|(_, header, _)| header.first == *first));
        let mut all = Vec::with_capacity(segments.len());
        for (path, header, sums) in segments {
            let known = self.0.get(&header.first).filter(|(held, _)| *held == sums).map(|(_, of)| *of);
            let of = match known {
                Some(of) => of,
                None => {
                    let Some(Reader::Sealed(sealed, _)) = Reader::open(&path, header, &Form::Sealed(sums.clone()), &shared.open)? else {
                        continue;
                    };
                    let mut of: OfClasses = [None; 16];
                    let mut at = 0;
                    while at < sealed.rows() {
                        let part = sealed.within_group(at..sealed.rows(), false);
                        at = part.end;
                        let column = |name| sealed.column(column::place(name).unwrap_or(usize::MAX), part.clone());
                        let read = (sealed.classes(part.clone()), column("logged"), column("time"));
                        let (Ok(Values::Bytes(classes)), Ok(logged), Ok(time)) = read else { continue };
                        let (logged, time) = (numbers(&logged), numbers(&time));
                        for (row, word) in classes.rows().enumerate() {
                            let class = class::WORDS.iter().position(|known| word.is_some_and(|word| word.data() == known.as_bytes()));
                            let at = |times: &[Option<i64>]| times.get(row).copied().flatten().filter(|us| *us != 0);
                            let (Some(class), Some(us)) = (class, at(&logged).or_else(|| at(&time))) else { continue };
                            let time = Time::from_us(us);
                            let (oldest, newest, count) = of[class].unwrap_or((time, time, 0));
                            of[class] = Some((oldest.min(time), newest.max(time), count + 1));
                        }
                    }
                    self.0.insert(header.first, (sums, of));
                    of
                }
            };
            all.push((header.first, of));
        }
        Ok(all)
    }

    /// Oldest time by the word of the class.
    pub(crate) fn oldest(&self) -> Vec<(&'static str, Time)> {
        let of = |class: usize| self.0.values().filter_map(|(_, of)| of[class].map(|(oldest, ..)| oldest)).min();
        class::WORDS.iter().enumerate().filter_map(|(class, word)| Some((*word, of(class)?))).collect()
    }
}

fn numbers(values: &Values) -> Vec<Option<i64>> {
    if let Values::Numbers(column) = values { column.rows().map(Option::<&i64>::copied).collect() } else { Vec::new() }
}

fn bytes_of(shared: &Shared) -> Result<u64, Error> {
    let all = std::fs::read_dir(&shared.dir).map_err(Error::io("list", &shared.dir))?;
    let files = all.filter_map(|entry| entry.ok()?.metadata().ok()).filter(std::fs::Metadata::is_file);
    Ok(files.map(|meta| meta.len()).sum())
}
