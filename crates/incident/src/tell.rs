//! Who is told of which incident, and when: once, again only when it became worse, when a person has to decide, or when something was taken back.
//!
//! A telling is a response like any other (action `notify`, its target is the channel), so that the log says what was asked for, what arrived and
//! what was held back. Its name is made of what it is about: whoever reads the log after a restart knows what was told.

use std::collections::{HashMap, HashSet, VecDeque};

use event::decision::Disposition;
use event::response::{Mode, Phase};
use event::{Entity, Incident, Response, Severity, Text, Time, short_id};

/// Name of the action.
pub const NOTIFY: &str = "notify";
/// Names that are remembered; the oldest are forgotten first.
const TOLD_MAX: usize = 100_000;
const HOUR_S: f64 = 3_600.0;
/// How long is tried to tell it.
const TRIED_S: i64 = 86_400;
/// Of a summary; more are counted.
const LISTED_MAX: usize = 8;

/// What the configuration says about a channel, as far as it matters here.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    pub name: Text,
    pub severity_min: Severity,
    pub per_hour_max: usize,
    /// Tells also while the program only records.
    pub in_monitor: bool,
}

/// A playbook asks for it, whatever the channel's own severity.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub incident: Text,
    pub channel: Text,
    pub by: Text,
    pub mode: Mode,
}

#[derive(Default)]
pub struct Teller {
    channels: Vec<Channel>,
    told: HashSet<Text>,
    order: VecDeque<Text>,
    /// By channel, when something was told within the hour.
    sent: HashMap<Text, VecDeque<Time>>,
    /// By channel, incidents that are in the next summary.
    held: HashMap<Text, Vec<Text>>,
}

impl Teller {
    pub fn new(channels: Vec<Channel>) -> Teller {
        Teller { channels, ..Teller::default() }
    }

    /// Takes up what an earlier run told.
    pub fn restore<'a>(&mut self, responses: impl IntoIterator<Item = &'a Response>) {
        let mut all: Vec<&Response> = responses.into_iter().filter(|r| r.action == NOTIFY).collect();
        all.sort_by_key(|r| (r.requested, r.uid.clone()));
        for response in all {
            self.remember(response.uid.clone());
            let channel = &response.target.name;
            match response.phase {
                Phase::Refused { .. } => self.held.entry(channel.clone()).or_default().push(response.incident.clone()),
                _ if response.mode == Mode::Monitor => {}
                _ => {
                    if response.incident.is_empty() {
                        self.held.remove(channel);
                    }
                    self.sent.entry(channel.clone()).or_default().push_back(response.requested);
                }
            }
        }
        self.sent.values_mut().for_each(|sent| {
            let surplus = sent.len().saturating_sub(1_000);
            sent.drain(..surplus);
        });
    }

    fn remember(&mut self, uid: Text) -> bool {
        if !self.told.insert(uid.clone()) {
            return false;
        }
        self.order.push_back(uid);
        if self.order.len() > TOLD_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.told.remove(&oldest);
        }
        true
    }

    /// Of what changed in a step, what is told: `waiting` are responses of it that need a person, `asks` what playbooks asked for.
    pub fn tell(&mut self, incidents: &[&Incident], waiting: &[&Response], asks: &[Ask], mode: Mode, now: Time) -> Vec<Response> {
        let mut made = Vec::new();
        for incident in incidents {
            if let Some(into) = &incident.merged_into {
                self.merged(&incident.uid, into);
                continue;
            }
            if !incident.is_open() {
                continue;
            }
            let decide = waiting.iter().find(|r| r.incident == incident.uid);
            for channel in self.channels.clone() {
                let mode = if channel.in_monitor { Mode::Enforce } else { mode };
                let asked = asks.iter().find(|a| a.incident == incident.uid && a.channel == channel.name);
                let (mode, by) = match asked {
                    Some(ask) if incident.severity < channel.severity_min => {
                        (if ask.mode == Mode::Monitor { Mode::Monitor } else { mode }, ask.by.clone())
                    }
                    None if incident.severity < channel.severity_min => continue,
                    _ => (mode, Text::const_new("configuration")),
                };
                if let Some(why) = self.worse(incident, &channel.name, mode) {
                    // It also says what waits: one message, not two.
                    if let Some(waits) = decide {
                        self.remember(name(&[&incident.uid, &channel.name, "decide", &waits.uid], mode));
                    }
                    let uid = name(&[&incident.uid, &channel.name, incident.severity.word()], mode);
                    made.extend(self.one(uid, &channel, &incident.uid, mode, &by, why, now));
                } else if let Some(waits) = decide {
                    let uid = name(&[&incident.uid, &channel.name, "decide", &waits.uid], mode);
                    made.extend(self.one(uid, &channel, &incident.uid, mode, &by, "approval needed".into(), now));
                }
            }
        }
        let known = |channels: &[Channel], ask: &Ask| channels.iter().any(|c| c.name == ask.channel);
        let strays: Vec<&Ask> = asks.iter().filter(|ask| !known(&self.channels, ask)).collect();
        for ask in strays {
            let uid = name(&[&ask.incident, &ask.channel, "unknown"], ask.mode);
            if self.remember(uid.clone()) {
                let why = format!("the configuration has no channel {}: write [[notify]] with name = \"{0}\"", ask.channel);
                let made_up = response(uid, &ask.channel, &ask.incident, ask.mode, &ask.by, "a playbook asks for it".into(), now);
                made.push(Response { phase: Phase::Failed { why }, ..made_up });
            }
        }
        made
    }

    /// Something that was done is taken back: told where the incident was told.
    pub fn undone(&mut self, incident: &Text, what: &str, receipt: &str, mode: Mode, now: Time) -> Vec<Response> {
        let mut made = Vec::new();
        for channel in self.channels.clone() {
            let mode = if channel.in_monitor { Mode::Enforce } else { mode };
            if Severity::ALL.iter().any(|s| self.told.contains(&name(&[incident, &channel.name, s.word()], mode))) {
                let uid = name(&[incident, &channel.name, "undone", receipt], mode);
                made.extend(self.one(uid, &channel, incident, mode, &"configuration".into(), what.to_owned(), now));
            }
        }
        made
    }

    /// What was held back and has room now: one summary a channel.
    pub fn summaries(&mut self, mode: Mode, now: Time) -> Vec<Response> {
        let mut made = Vec::new();
        for channel in self.channels.clone() {
            if self.held.get(&channel.name).is_none_or(Vec::is_empty) || !self.has_room(&channel, now) {
                continue;
            }
            let mut held = self.held.remove(&channel.name).unwrap_or_default();
            let count = held.len();
            held.dedup();
            let listed: Vec<&str> = held.iter().take(LISTED_MAX).map(Text::as_str).collect();
            let why =
                format!("and {count} more that were held back, at most {} an hour are told: {}", channel.per_hour_max, listed.join(", "));
            let mode = if channel.in_monitor { Mode::Enforce } else { mode };
            let uid = name(&[&channel.name, "summary", &now.us().to_string()], mode);
            made.extend(self.one(uid, &channel, &Text::default(), mode, &"configuration".into(), why, now));
        }
        made
    }

    /// Why it is told now; `None` when it was told as bad as it is, or worse.
    fn worse(&self, incident: &Incident, channel: &Text, mode: Mode) -> Option<String> {
        let told = |s: &Severity| self.told.contains(&name(&[&incident.uid, channel, s.word()], mode));
        if Severity::ALL.iter().filter(|s| **s >= incident.severity).any(told) {
            return None;
        }
        Some(if Severity::ALL.iter().any(told) { format!("raised to {}", incident.severity.word()) } else { "new".into() })
    }

    /// What was told of the one counts as told of the other.
    fn merged(&mut self, from: &Text, into: &Text) {
        for channel in self.channels.clone() {
            for (severity, mode) in Severity::ALL.iter().flat_map(|s| [(s, Mode::Enforce), (s, Mode::Monitor)]) {
                if self.told.contains(&name(&[from, &channel.name, severity.word()], mode)) {
                    self.remember(name(&[into, &channel.name, severity.word()], mode));
                }
            }
        }
    }

    fn has_room(&mut self, channel: &Channel, now: Time) -> bool {
        let sent = self.sent.entry(channel.name.clone()).or_default();
        while sent.front().is_some_and(|t| now.since_s(*t) > HOUR_S) {
            sent.pop_front();
        }
        sent.len() < channel.per_hour_max
    }

    #[expect(clippy::too_many_arguments, reason = "one call site each, all of it goes into the response")]
    fn one(&mut self, uid: Text, channel: &Channel, incident: &Text, mode: Mode, by: &Text, why: String, now: Time) -> Option<Response> {
        if !self.remember(uid.clone()) {
            return None;
        }
        let made = response(uid, &channel.name, incident, mode, by, why, now);
        if mode == Mode::Monitor {
            return Some(made);
        }
        if !self.has_room(channel, now) {
            self.held.entry(channel.name.clone()).or_default().push(incident.clone());
            let why = format!("{} messages went to {} within an hour: it is in the next summary", channel.per_hour_max, channel.name);
            return Some(Response { phase: Phase::Refused { why }, ..made });
        }
        self.sent.entry(channel.name.clone()).or_default().push_back(now);
        Some(made)
    }
}

fn name(parts: &[&str], mode: Mode) -> Text {
    let mut all: Vec<&[u8]> = vec![NOTIFY.as_bytes(), if mode == Mode::Monitor { b"monitor" } else { b"told" }];
    all.extend(parts.iter().map(|part| part.as_bytes()));
    short_id("R", &all)
}

fn response(uid: Text, channel: &Text, incident: &Text, mode: Mode, by: &Text, reason: String, now: Time) -> Response {
    Response {
        key: uid.clone(),
        uid,
        incident: incident.clone(),
        action: NOTIFY.into(),
        target: Entity::service(channel),
        disposition: Disposition::Allow,
        mode,
        analytic: Text::default(),
        by: by.clone(),
        reason,
        requested: now,
        until: now.plus_s(TRIED_S),
        phase: Phase::Requested,
        inverse: "nothing to undo: it only tells; taking back what was done is told as well".into(),
        sha256: Text::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Time = Time::from_s(1_772_600_000);

    fn channel(per_hour_max: usize) -> Channel {
        Channel { name: "ops".into(), severity_min: Severity::Medium, per_hour_max, in_monitor: false }
    }

    fn incident(uid: &str, severity: Severity) -> Incident {
        Incident { uid: uid.into(), severity, ..Incident::default() }
    }

    fn whys(made: &[Response]) -> Vec<&str> {
        made.iter().map(|r| r.reason.as_str()).collect()
    }

    #[test]
    fn once_and_again_only_when_it_is_worse_also_after_a_restart() {
        let mut teller = Teller::new(vec![channel(10)]);
        let mut log = Vec::new();
        let mut tell = |teller: &mut Teller, uid: &str, severity| {
            let made = teller.tell(&[&incident(uid, severity)], &[], &[], Mode::Enforce, T0);
            log.extend(made.clone());
            whys(&made).join("")
        };
        assert_eq!(tell(&mut teller, "INC-1", Severity::Low), "");
        assert_eq!(tell(&mut teller, "INC-1", Severity::Medium), "new");
        assert_eq!(tell(&mut teller, "INC-1", Severity::Medium), "");
        assert_eq!(tell(&mut teller, "INC-1", Severity::Critical), "raised to critical");
        assert_eq!(tell(&mut teller, "INC-1", Severity::High), "", "less bad is no news");
        let mut second = Teller::new(vec![channel(10)]);
        second.restore(&log);
        assert_eq!(whys(&second.tell(&[&incident("INC-1", Severity::Critical)], &[], &[], Mode::Enforce, T0)), Vec::<&str>::new());
        // A story that was told goes on under another name.
        let merged = Incident { merged_into: Some("INC-0".into()), ..incident("INC-1", Severity::Critical) };
        let other = incident("INC-0", Severity::High);
        assert_eq!(second.tell(&[&merged, &other], &[], &[], Mode::Enforce, T0), []);
        assert_eq!(whys(&second.undone(&"INC-1".into(), "undone by cli:ada", "rcpt-1", Mode::Enforce, T0)), ["undone by cli:ada"]);
        assert_eq!(second.undone(&"INC-5".into(), "undone", "rcpt-2", Mode::Enforce, T0), [], "nobody heard of it");
    }

    #[test]
    fn monitor_records_only_and_does_not_count_as_told() {
        let mut teller = Teller::new(vec![channel(10)]);
        let high = incident("INC-1", Severity::High);
        let made = teller.tell(&[&high], &[], &[], Mode::Monitor, T0);
        assert!(matches!(&made[..], [r] if r.mode == Mode::Monitor));
        assert_eq!(teller.tell(&[&high], &[], &[], Mode::Monitor, T0), []);
        assert_eq!(whys(&teller.tell(&[&high], &[], &[], Mode::Enforce, T0)), ["new"]);
    }

    #[test]
    fn what_needs_a_person_is_told_with_the_first_message_or_alone() {
        let mut teller = Teller::new(vec![channel(10)]);
        let high = incident("INC-1", Severity::High);
        let waits = |uid: &str| Response {
            incident: "INC-1".into(),
            ..response(uid.into(), &"x".into(), &"INC-1".into(), Mode::Enforce, &"p".into(), String::new(), T0)
        };
        let (first, second) = (waits("R-1"), waits("R-2"));
        assert_eq!(whys(&teller.tell(&[&high], &[&first], &[], Mode::Enforce, T0)), ["new"]);
        assert_eq!(teller.tell(&[&high], &[&first], &[], Mode::Enforce, T0), []);
        assert_eq!(whys(&teller.tell(&[&high], &[&second], &[], Mode::Enforce, T0)), ["approval needed"]);
    }

    #[test]
    fn a_playbook_tells_what_the_channel_would_not_and_a_wrong_name_is_said_once() {
        let mut teller = Teller::new(vec![channel(10)]);
        let low = incident("INC-1", Severity::Low);
        let ask = |channel: &str| Ask { incident: "INC-1".into(), channel: channel.into(), by: "playbook a".into(), mode: Mode::Enforce };
        let made = teller.tell(&[&low], &[], &[ask("ops"), ask("opps")], Mode::Enforce, T0);
        assert_eq!(whys(&made), ["new", "a playbook asks for it"]);
        assert!(matches!(&made[1].phase, Phase::Failed { why } if why.contains("opps")));
        assert_eq!(teller.tell(&[&low], &[], &[ask("ops"), ask("opps")], Mode::Enforce, T0), []);
    }

    #[test]
    fn more_than_a_few_an_hour_become_one_summary_also_over_a_restart() {
        let mut teller = Teller::new(vec![channel(3)]);
        let mut log = Vec::new();
        for n in 0..7 {
            log.extend(teller.tell(&[&incident(&format!("INC-{n}"), Severity::High)], &[], &[], Mode::Enforce, T0.plus_s(n)));
        }
        assert_eq!(log.iter().filter(|r| matches!(r.phase, Phase::Requested)).count(), 3);
        let mut second = Teller::new(vec![channel(3)]);
        second.restore(&log);
        assert_eq!(second.summaries(Mode::Enforce, T0.plus_s(3_600)), [], "no room yet");
        let made = second.summaries(Mode::Enforce, T0.plus_s(3_602));
        assert_eq!(whys(&made), ["and 4 more that were held back, at most 3 an hour are told: INC-3, INC-4, INC-5, INC-6"]);
        assert_eq!(second.summaries(Mode::Enforce, T0.plus_s(9_000)), []);
        log.extend(made);
        let mut third = Teller::new(vec![channel(3)]);
        third.restore(&log);
        assert_eq!(third.summaries(Mode::Enforce, T0.plus_s(9_000)), []);
    }
}
