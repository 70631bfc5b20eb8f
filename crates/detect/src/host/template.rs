//! Log lines of a kind that was never seen, and kinds of lines or whole hosts that fall silent.
//!
//! Reads:      syslog and journal messages of Linux hosts (templates); every record that names its host (silence).  Keyed by: host and program; host.
//! Evidence:   the line and how many lines and days went without it; the longest pause so far and the pause now.
//!             Score: 0..1 from bits of surprise (new kinds), from the length of the pause (silence); informational, a silent host is low.
//!             ATT&CK: T1562 (a regular line or host that stops), none for new kinds alone.
//! State:      templates of at most 256 programs of hosts, 10,000 hosts.   Cost: the words of a line; each hour of a program one pass over its kinds.
//! Mistaken by: the first day (new kinds) and the first week (silence), software that writes new kinds every day (each is then less surprising),
//!             nights and weekends (they are in the longest pause), a host that is taken out of service.
//! Method:     online template mining (`learn::template`); records of pauses.

use event::analytic::AnalyticKind;
use event::finding::Reason;
use event::{Analytic, Entity, Event, Finding, Score, Severity, Technique, Time};
use learn::baseline::table::Table;
use learn::template::Miner;
use learn::template::scan::{Words, words};
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, key, logistic};
use crate::technique::technique;
use crate::{Detector, Scope, Seen, Spec, StateError, state};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Days of a program before a new kind of line is told.
    pub learn_days: f64,
    pub lines_min: u64,
    /// Bits from which a new kind is told.
    pub bits_min: f64,
    /// Days before a silence is told.
    pub silence_learn_days: f64,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { learn_days: 1.0, lines_min: 500, bits_min: 9.0, silence_learn_days: 7.0, seed: 0x7465_6d70 }
    }
}

const SILENT: Technique = technique("T1562");

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "host.template",
        name: "New or missing kind of log line",
        version: "1.0",
        kind: AnalyticKind::Learning,
        techniques: &[SILENT],
    },
    scope: Scope::Whole,
    header: "A kind of log line that was never seen, a regular kind or a whole host that falls silent. Informational; a silent host is low. \
             Mistaken by: new software, a host taken out of service.",
    build: |knowledge| Box::new(Template { state: State::new(&knowledge.config.host_template) }),
};

const PROGRAMS_MAX: usize = 256;
const HOSTS_MAX: usize = 10_000;
const IDLE_US: i64 = 60 * 86_400_000_000;
const LINE_BYTES_MAX: usize = 4 * 1024;
/// A pause this many times the longest so far, and at least this long, is a silence.
const PAUSE_TIMES: f64 = 3.0;
const PAUSE_MIN_S: f64 = 6.0 * 3_600.0;
/// Lines of a kind before its pauses mean something.
const REGULAR_MIN: u64 = 100;
/// Time between two looks for silence.
const LOOK_S: f64 = 3_600.0;

struct Template {
    state: State,
}

#[derive(Serialize, Deserialize)]
struct State {
    config: Config,
    programs: Table<Program>,
    hosts: Table<Host>,
    /// Names of the hosts that are watched for silence, in the order of their first record.
    names: Vec<(u64, String)>,
    looked: Time,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Program {
    since: Time,
    lines: u64,
    /// New kinds after the learning time.
    news: u64,
    miner: Miner,
    kinds: Vec<Pauses>,
    looked: Time,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Host {
    pauses: Pauses,
}

/// When something was last seen, and the longest time without it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Pauses {
    since: Time,
    last: Time,
    longest_s: f64,
    count: u64,
    /// Its silence was told.
    told: bool,
}

impl Pauses {
    fn see(&mut self, now: Time) {
        if self.count == 0 {
            self.since = now;
        } else {
            // Also a silence that was told: it came back, so that the next one as long is no news.
            self.longest_s = self.longest_s.max(now.since_s(self.last));
        }
        self.told = false;
        self.last = self.last.max(now);
        self.count += 1;
    }

    /// The pause, when it is a silence that was not told yet.
    fn silence(&mut self, now: Time, config: &Config) -> Option<f64> {
        let pause_s = now.since_s(self.last);
        let known = self.count >= REGULAR_MIN && self.last.since_s(self.since) >= config.silence_learn_days * 86_400.0;
        if self.told || !known || pause_s < (self.longest_s * PAUSE_TIMES).max(PAUSE_MIN_S) {
            return None;
        }
        self.told = true;
        Some(pause_s)
    }

    fn usual(&self) -> String {
        format!(
            "at most {} without it, over {:.0} days and {} records",
            span(self.longest_s),
            self.last.since_s(self.since) / 86_400.0,
            self.count
        )
    }
}

fn span(seconds: f64) -> String {
    if seconds < 7_200.0 { format!("{:.0} min", seconds / 60.0) } else { format!("{:.0} h", seconds / 3_600.0) }
}

impl State {
    fn new(config: &Config) -> State {
        State {
            programs: Table::new(PROGRAMS_MAX, IDLE_US, config.seed),
            hosts: Table::new(HOSTS_MAX, IDLE_US, config.seed ^ 1),
            names: Vec::new(),
            looked: Time::default(),
            config: config.clone(),
        }
    }

    /// Hosts that fell silent while others go on.
    fn hosts(&mut self, event: &Event, name: &str, out: &mut Vec<Finding>) {
        let now = event.meta.time;
        let host_key = key(name.as_bytes());
        let host = self.hosts.entry(host_key, now.us(), |h| h.pauses.count.min(u64::from(u32::MAX)) as u32);
        if host.pauses.count == 0 && self.names.len() < HOSTS_MAX {
            self.names.push((host_key, name.to_owned()));
        }
        host.pauses.see(now);
        if now.since_s(self.looked) < LOOK_S {
            return;
        }
        self.looked = now;
        let (hosts, config) = (&mut self.hosts, &self.config);
        self.names.retain(|(key, _)| hosts.get(*key).is_some());
        for (key, name) in &self.names {
            let Some(last) = hosts.get(*key).map(|host| host.pauses.last) else { continue };
            let pauses = &mut hosts.entry(*key, last.us(), |_| 0).pauses;
            let Some(pause_s) = pauses.silence(now, config) else { continue };
            let text = format!("{name} has written nothing for {}", span(pause_s));
            let mut finding = tell(event, "silent", &text, &pauses.usual(), &span(pause_s), 0.45);
            finding.title = "Host fell silent".to_owned();
            finding.severity = Severity::Low;
            finding.techniques = vec![SILENT];
            finding.entities = vec![Entity::host(name)];
            out.push(finding);
        }
    }

    fn lines(&mut self, event: &Event, host: &str, program: &str, message: &str, out: &mut Vec<Finding>) {
        let now = event.meta.time;
        let of = self.programs.entry(key(format!("{host} {program}").as_bytes()), now.us(), |p| p.lines.min(u64::from(u32::MAX)) as u32);
        if of.lines == 0 {
            of.since = now;
        }
        of.lines += 1;
        let mut cut = Words::default();
        words(&message[..message.floor_char_boundary(LINE_BYTES_MAX)], &mut cut);
        let known = of.miner.len();
        let id = of.miner.add(&cut) as usize;
        let is_new = of.miner.len() > known;
        // Kinds that became one keep the pauses of the one that stays.
        let id = of.miner.now(id as u32) as usize;
        if of.kinds.len() <= id {
            of.kinds.resize(id + 1, Pauses::default());
        }
        of.kinds[id].see(now);
        let days = now.since_s(of.since) / 86_400.0;
        let entities = || vec![Entity::host(host), Entity::service(program)];
        if is_new && days >= self.config.learn_days && of.lines >= self.config.lines_min {
            of.news += 1;
            let bits = -((of.news as f64 - 0.5) / of.lines as f64).log2();
            if bits >= self.config.bits_min {
                let text = format!("{program} on {host} wrote a kind of line that it never wrote: {}", of.miner.text(id as u32));
                let usual = format!("0 of {} lines in {days:.0} days; {} new kinds since it is known", of.lines - 1, of.news - 1);
                let mut finding = tell(event, "new", &text, &usual, "1", f64::from(logistic((bits - 14.0) / 3.0)) * 0.5);
                finding.title = "New kind of log line".to_owned();
                finding.entities = entities();
                out.push(finding);
            }
        }
        if now.since_s(of.looked) < LOOK_S {
            return;
        }
        of.looked = now;
        for id in 0..of.kinds.len() {
            // A kind that became another one stops by itself.
            if of.miner.now(id as u32) as usize != id {
                continue;
            }
            let Some(pause_s) = of.kinds[id].silence(now, &self.config) else { continue };
            let text = format!("{program} on {host} stopped writing: {}", of.miner.text(id as u32));
            let mut finding = tell(event, "stopped", &text, &of.kinds[id].usual(), &span(pause_s), 0.3);
            finding.title = "Regular log line stopped".to_owned();
            finding.techniques = vec![SILENT];
            finding.entities = entities();
            out.push(finding);
        }
    }
}

impl Detector for Template {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Some(native) = event.native.as_deref() else { return };
        let host = event.host();
        if host.is_empty() {
            return;
        }
        self.state.hosts(event, host, out);
        let message = native.text("message");
        if native.product == "linux" && !message.is_empty() {
            self.state.lines(event, host, &native.service, message, out);
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("programs", self.state.programs.len(), PROGRAMS_MAX), ("hosts", self.state.hosts.len(), HOSTS_MAX)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.state = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

fn tell(event: &Event, kind: &str, text: &str, usual: &str, now: &str, score: f64) -> Finding {
    let mut campaign = Campaign::default();
    campaign.begin_if_idle(event.meta.time, 0);
    campaign.add(event, 1);
    let mut finding = campaign.tell(&SPEC.analytic, &format!("{kind} {text}"), 0);
    let code = format!("template.{kind}");
    let reason = Reason { code: code.into(), text: text.to_owned(), usual: usual.to_owned(), now: now.to_owned(), push: 1.0 };
    finding = finding.explained(Score::new(score as f32), vec![reason]);
    finding.text = format!("{text}; usual: {usual}");
    finding.would_change = "a change of the software or of the host's duty that was planned".to_owned();
    finding.severity = Severity::Info;
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::run;

    fn line(at_s: i64, host: &str, program: &str, message: &str) -> Event {
        let time = Time::from_s(1_704_672_000 + at_s);
        let mut native = event::Native { product: "linux".into(), service: program.into(), fields: Vec::new() };
        native.fields.push(("message".into(), event::native::Value::Text(message.to_owned())));
        let meta = event::Meta { uid: event::Uid::of_record(host, at_s as u64), time, ..event::Meta::default() };
        let body = event::Body::Other { host: host.into(), service: program.into() };
        Event { native: Some(Box::new(native)), ..Event::new(meta, body, event::Bytes::default()) }
    }

    /// Ten days of two hosts: a heartbeat each half hour, jobs in working hours only.
    fn days(days: i64) -> Vec<Event> {
        let mut all = Vec::new();
        for half in 0..days * 48 {
            let at = half * 1_800;
            for host in ["web1", "web2"] {
                all.push(line(at, host, "agent", &format!("heartbeat {half} sent to collector")));
                all.push(line(at + 3, host, "clock", &format!("offset {half} us adjusted by peer")));
                if (18..36).contains(&(half % 48)) && half / 48 % 7 < 5 {
                    all.push(line(at + 7, host, "agent", &format!("job {half} finished in {} ms", half * 3)));
                }
            }
        }
        all
    }

    fn told(events: &[Event]) -> Vec<String> {
        run(&SPEC, events).into_iter().map(|f| f.title).collect()
    }

    #[test]
    fn nights_weekends_and_known_kinds_are_silent() {
        assert_eq!(told(&days(16)), [""; 0]);
    }

    #[test]
    fn a_new_kind_is_told_after_the_learning_time() {
        let mut events = days(12);
        events.push(line(12 * 86_400, "web1", "agent", "segfault at address while reading module table"));
        assert_eq!(told(&events), ["New kind of log line"]);
        let early = [line(0, "web1", "agent", "started"), line(5, "web1", "agent", "segfault while reading")];
        assert_eq!(told(&early), [""; 0]);
    }

    #[test]
    fn t1562_a_heartbeat_or_a_host_that_stops() {
        let all = days(20);
        let stop = Time::from_s(1_704_672_000 + 15 * 86_400);
        let beat = |e: &Event| e.native.as_ref().is_some_and(|n| n.text("message").starts_with("heartbeat"));
        let quiet: Vec<Event> = all.iter().filter(|e| e.meta.time < stop || !(beat(e) && e.host() == "web1")).cloned().collect();
        assert_eq!(told(&quiet), ["Regular log line stopped"]);
        let gone: Vec<Event> = all.iter().filter(|e| e.meta.time < stop || e.host() != "web1").cloned().collect();
        let found = run(&SPEC, &gone);
        assert_eq!((found.len(), found[0].title.as_str(), found[0].techniques[0].uid), (1, "Host fell silent", "T1562"));
        assert_eq!(found[0].actor(), Some(&Entity::host("web1")));
    }
}
