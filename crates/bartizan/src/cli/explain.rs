//! `explain`: any id the product ever printed, or one log line on stdin, in the order of the incident page.

use std::io::Read;

use clap::Args;
use event::{Body, Event, Finding};

use super::fail::{Exit, Fail};
use super::{Global, incident, out, text};
use crate::{clock, knowledge, paths};

/// Why: of an incident, finding, request, response, receipt or event; of a log line with `-`
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan explain INC-1\n  echo '203.0.113.9 - - [..] \"GET /?q=1 HTTP/1.1\" 200 5' | bartizan explain -\n\nExit codes: 0 explained; 3 nothing is known by that name."
)]
pub(super) struct Explain {
    /// An id, or `-` for one log line on stdin
    id: String,
}

pub(super) fn run(args: &Explain, global: &Global) -> Result<Exit, Fail> {
    if args.id == "-" {
        return line(global);
    }
    let dir = paths::data_dir(global.data_dir.as_ref());
    let log = store::open_read_only(&dir).map_err(|e| text::cannot_open(&dir, &e))?;
    let id = text::whole_id(&log, &args.id)?;
    if let Some(found) = log.incident(&id) {
        incident::show(&log, &found, global);
        return Ok(Exit::Fine);
    }
    let found = log.find(&id).map_err(|e| text::cannot_open(&dir, &e))?;
    if found.is_empty() {
        return Err(Fail::new("E0402", format!("nothing is known by {}", out::shown(&id))).fix("bartizan incident list"));
    }
    for one in found.iter().take(20) {
        show(&log, one, global);
    }
    Ok(Exit::Fine)
}

fn show(log: &store::Log, found: &store::Found, global: &Global) {
    match found {
        store::Found::Incident(found) => incident::show(log, found, global),
        store::Found::Response(response) => {
            if global.json {
                return out::json(&serde_json::to_value(&**response).unwrap_or_default());
            }
            let now = clock::now();
            out::line(format!(" {}", text::response(response, now)));
            out::line(format!(" why    {} ({}), by {}", out::shown(&response.reason), response.analytic, out::shown(&response.by)));
            out::line(format!(" when   {} until {}", text::time(response.requested), text::time(response.until)));
            if let Some(found) = log.incident(&response.incident) {
                incident::show(log, &found, global);
            }
        }
        store::Found::Event(_, event) => self::event(log, event, global),
    }
}

fn event(log: &store::Log, event: &Event, global: &Global) {
    if global.json {
        return out::json(&event::ocsf::json(event));
    }
    match &event.body {
        Body::Finding(found) => finding(found),
        Body::Http(http) => {
            let id = http.request_id.as_deref().unwrap_or("-");
            let verdict = http.verdict.map_or("read from a log", event::Verdict::word);
            let client = http.client.map_or_else(|| "-".into(), |ip| ip.to_string());
            out::line(format!(
                " {id}  {verdict}  score {:.2}  {client}  {} {}",
                http.score,
                out::shown(&http.method),
                out::shown(&http.target)
            ));
            let named = format!("request:{id} class:finding");
            let page = store::Query::parse(&named).ok().and_then(|q| log.query(&q).ok());
            for (_, row) in page.iter().flat_map(|p| &p.rows) {
                if let Body::Finding(found) = &row.body {
                    finding(found);
                }
            }
            if page.is_none_or(|p| p.rows.is_empty()) && !refused_by(log, http, event.meta.time) {
                out::line(" why    no rule matched and the model saw nothing: nobody found anything in it");
            }
        }
        _ => out::line(serde_json::to_string_pretty(&event::ocsf::json(event)).unwrap_or_default()),
    }
}

/// Says which block refused the request, when it was one. The client may have done nothing wrong in this very request.
fn refused_by(log: &store::Log, http: &event::Http, at: event::Time) -> bool {
    let Some(client) = http.client.filter(|_| http.verdict.is_some_and(|v| v != event::Verdict::Allowed)) else { return false };
    let (address, program) = (event::Entity::address(client), event::Entity::client(client, &http.user_agent));
    let mut any = false;
    for response in log.responses().iter().filter(|r| r.target == address || r.target == program) {
        if response.requested <= at && at < response.until {
            out::line(format!(
                " why    refused because {} is blocked until {}: {}",
                out::shown(&response.target.name),
                text::time(response.until),
                out::shown(&response.reason)
            ));
            out::line(format!(
                "        incident {}, response {}; let it in again: bartizan undo {}",
                response.incident, response.uid, response.uid
            ));
            any = true;
        }
    }
    any
}

pub(super) fn finding(found: &Finding) {
    out::line(format!(" {}  {}  {}", found.uid, out::severity(found.severity), out::shown(&found.title)));
    out::line(format!(" what   {}", out::shown(&found.text)));
    out::line(format!(
        "        score {:.2} by {} {} ({})",
        found.score.value(),
        found.analytic.name,
        found.analytic.version,
        found.analytic.kind.caption()
    ));
    text::reasons(&found.reasons);
    if !found.would_change.is_empty() {
        out::line(format!("        would change it: {}", out::shown(&found.would_change)));
    }
    for rule in &found.rules {
        out::line(format!(
            " rule   {} {}  in {}: {}",
            rule.id,
            out::shown(&rule.message),
            out::shown(&rule.target),
            out::shown(&rule.matched)
        ));
    }
    for model in &found.models {
        out::line(format!(" model  {} {}  {:.3}", model.name, model.version, model.score));
    }
    for technique in &found.techniques {
        out::line(format!(" att&ck {} {}", technique.uid, technique.name));
    }
    text::evidence(&found.evidence, 2);
}

/// The trace of one line through the pipeline: decoder, event, each detector's answer.
fn line(global: &Global) -> Result<Exit, Fail> {
    const LINE_BYTES_MAX: u64 = 1 << 20;
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LINE_BYTES_MAX).read_to_end(&mut bytes).map_err(|e| Fail::unreadable("-".as_ref(), &e))?;
    let record = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let (knowledge, said) =
        knowledge::Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?.knowledge()?;
    said.iter().for_each(out::note);
    let event = crate::feed::decode_one(record, clock::now());
    if global.json {
        out::json(&event::ocsf::json(&event));
    } else {
        out::line(format!(" decoder  {}", event.meta.format));
        out::line(format!(" event    {} at {}", event.body.class().0, text::time(event.meta.time)));
        if let Body::Undecoded { reason } = &event.body {
            out::line(format!("          {}", out::shown(reason)));
        }
    }
    let mut any = false;
    let mut seen = detect::Seen::default();
    for spec in detect::ALL {
        let mut detector = (spec.build)(&knowledge);
        let mut found = Vec::new();
        let looked = spec.scope.key(&event).is_some();
        if looked {
            detector.detect(&event, &seen, &mut found);
            if spec.scope == detect::Scope::Event {
                seen = detector.seen();
            }
        }
        any |= !found.is_empty();
        for f in &found {
            let as_event = Event::own(event.meta.uid, event.meta.time, Body::Finding(Box::new(f.clone())));
            if global.json { out::json(&event::ocsf::json(&as_event)) } else { finding(f) }
        }
        if found.is_empty() && !global.json {
            let why = if looked { "looked, nothing reached its threshold" } else { "does not read such events" };
            out::line(format!(" silent   {:<24} {why}", spec.analytic.uid));
        }
    }
    Ok(if any { Exit::Found } else { Exit::Fine })
}
