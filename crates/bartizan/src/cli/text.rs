//! What several commands say in the same words.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use event::finding::{Evidence, Reason};
use event::{Incident, Response, Time};

use super::fail::{Exit, Fail};
use super::{Global, out};

pub fn cannot_open(dir: &Path, error: &store::Error) -> Fail {
    let mut fail = match error {
        store::Error::Busy { pid, .. } => {
            let who = pid.map_or_else(|| "another bartizan".to_owned(), |pid| format!("process {pid}"));
            Fail::new("E0204", format!("{} is in use by {who}", dir.display())).fix("stop it, or choose another --data-dir")
        }
        store::Error::Version { .. } => {
            Fail::new("E0301", error.to_string()).fix("use the version of Bartizan that wrote it, or a later one")
        }
        _ => Fail::new("E0203", format!("cannot open the log in {}: {error}", dir.display()))
            .fix("start with bartizan demo, protect or watch; or name the right --data-dir"),
    };
    fail.path = Some(dir.to_owned());
    fail
}

/// An id, or a unique beginning of one, to the whole id.
pub(super) fn whole_id(log: &store::Log, id: &str) -> Result<String, Fail> {
    if log.incident(id).is_some() || log.response(id).is_some() {
        return Ok(id.to_owned());
    }
    match log.complete(id).as_slice() {
        [one] => Ok(one.to_string()),
        [] => Ok(id.to_owned()),
        many => {
            let names: Vec<&str> = many.iter().take(5).map(|n| n.as_str()).collect();
            Err(Fail::new("E0404", format!("{id} is the beginning of {} ids: {}", many.len(), names.join(", "))))
        }
    }
}

/// Whatever changes traffic asks first: on a terminal by a question, elsewhere by `--yes`.
pub(super) fn confirm(global: &Global) -> Result<(), Fail> {
    if global.yes {
        return Ok(());
    }
    let refused = Fail::new("E0405", "not confirmed").fix("add --yes").exit(Exit::Refused);
    if !std::io::stdin().is_terminal() {
        return Err(refused);
    }
    out::note("proceed? [y/N] ");
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    if read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(refused) }
}

pub(super) fn incident_row(incident: &Incident) -> String {
    let who = incident.actor().map_or("-", |e| e.name.as_str());
    format!(
        " {:<7} {}  {:<52} {:<18} {:>4.2}  {:>5} events  {}",
        incident.uid,
        out::severity(incident.severity),
        cut(&out::shown(&incident.title), 52),
        cut(&out::shown(who), 39),
        incident.score.value(),
        incident.event_count,
        time(incident.last_seen),
    )
}

pub(super) fn reasons(reasons: &[Reason]) {
    out::line(" why    reason                                                        usual here        this time           push");
    for reason in reasons {
        out::line(format!(
            "        {:<60}  {:<16}  {:<18} {:>+6.3}  {}",
            cut(&out::shown(&reason.text), 60),
            cut(&dash(&out::shown(&reason.usual)), 16),
            cut(&dash(&out::shown(&reason.now)), 18),
            reason.push,
            bar(reason.push),
        ));
    }
    let sum: f32 = reasons.iter().map(|r| r.push).sum();
    out::line(format!("        {:<60}  {:<16}  {:<18} {sum:>+6.3}", "sum = the score", "", ""));
}

pub(super) fn evidence(all: &[Evidence], max: usize) {
    for e in all.iter().take(max) {
        out::line(format!(" proof  {} record {}  {}", out::shown(&e.source), e.record, time(e.time)));
        for line in e.raw.text().lines().take(12) {
            out::line(format!("        {}", out::shown(line)));
        }
        for m in e.matches.iter().take(6) {
            let raw = e.raw.get(m.start as usize..m.end as usize).map(String::from_utf8_lossy).unwrap_or_default();
            out::line(format!("        ^ {} in {}: bytes {}..{} {}", m.by, out::shown(&m.target), m.start, m.end, out::shown(&raw)));
        }
    }
    if all.len() > max {
        out::line(format!("        and {} more (--json shows all)", all.len() - max));
    }
}

pub(super) fn response(response: &Response, now: Time) -> String {
    let mode = match response.mode {
        event::response::Mode::Enforce => "",
        event::response::Mode::Monitor => " (monitor: recorded, nothing is refused)",
    };
    let end =
        if response.is_active(now) { format!("ends in {}", span_s(response.until.since_s(now))) } else { response.phase.word().to_owned() };
    let receipt = response.phase.receipt().map(|r| format!("  {r}")).unwrap_or_default();
    format!("{} {}  {}{mode}  {end}{receipt}", response.disposition.word(), out::shown(&response.target.name), response.uid)
}

pub(super) fn span_s(seconds: f64) -> String {
    let s = seconds.max(0.0) as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{}:{:02} min", s / 60, s % 60),
        _ => format!("{}:{:02} h", s / 3600, s % 3600 / 60),
    }
}

pub(super) fn time(time: Time) -> String {
    let text = time.to_string();
    text.get(..19).map_or(text.clone(), |t| format!("{}Z", t.replace('T', " ")))
}

pub(super) fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars.saturating_sub(1)).chain(['…']).collect()
}

fn dash(text: &str) -> String {
    if text.is_empty() { "-".into() } else { text.into() }
}

fn bar(push: f32) -> String {
    let cells = (push.abs() * 20.0).round() as usize;
    let cell = if push >= 0.0 { "█" } else { "░" };
    cell.repeat(cells.min(20))
}
