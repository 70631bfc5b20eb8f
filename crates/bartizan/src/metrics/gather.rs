//! What the parts of the program count, as one page. Everything that grows stands in one family with its bound, so that one rule of an
//! operator watches all of it: `bartizan_filled / bartizan_filled_max > 0.9`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::figures::Filled;
use crate::metrics::text::{Kind, Page};
use crate::service::Board;

pub fn page(board: &Board) -> String {
    let mut page = Page::default();
    process(&mut page, board);
    gateway(&mut page, board);
    sources(&mut page, board);
    engine(&mut page, board);
    notify(&mut page, board);
    log(&mut page, board);
    filled(&mut page, &board.filled());
    page.text()
}

fn process(page: &mut Page, board: &Board) {
    let about = board.about();
    let version = vec![("version", about.version.clone())];
    page.family("bartizan_build_info", "Version of the program.", Kind::Gauge, [(version, 1.0)]);
    page.gauge("bartizan_ready", "1 while everything that was asked for works.", u64::from(!about.failed));
    page.gauge("bartizan_enforcing", "1 while attacks are refused, 0 while they are recorded only.", u64::from(about.mode == "enforce"));
    page.gauge("bartizan_uptime_seconds", "Since the start of the process.", about.uptime_s);
    page.gauge("bartizan_memory_resident_bytes", "Resident memory.", about.rss_bytes);
    page.one("bartizan_cpu_seconds_total", "CPU time of the process.", Kind::Counter, crate::feed::cpu_s());
    let models =
        about.models.iter().map(|m| (vec![("model", m.name.clone()), ("version", m.version.clone())], f64::from(u8::from(m.signed))));
    page.family("bartizan_model_signed", "1 when the model's signature holds and it serves.", Kind::Gauge, models);
}

fn gateway(page: &mut Page, board: &Board) {
    let c = &board.counters;
    let count = |counter: &AtomicU64| counter.load(Relaxed);
    page.counter("bartizan_gateway_requests_total", "Requests that came in.", count(&c.requests));
    let refused = [
        ("blocked", &c.blocked),
        ("would_block", &c.would_block),
        ("limited", &c.limited),
        ("challenged", &c.challenged),
        ("challenge_passed", &c.challenges_passed),
        ("malformed", &c.malformed),
        ("upstream_fault", &c.upstream_faults),
        ("login_refused", &c.logins_refused),
        ("stepped_up", &c.stepped_up),
    ];
    let help = "Requests that were not simply answered by the application, by what became of them.";
    page.family(
        "bartizan_gateway_outcomes_total",
        help,
        Kind::Counter,
        refused.map(|(word, counter)| (vec![("outcome", word.to_owned())], count(counter) as f64)),
    );
    let lost = [("connection_refused", &c.connections_refused), ("slow_client", &c.slow_clients)];
    page.family(
        "bartizan_gateway_connections_ended_total",
        "Connections that a limit ended.",
        Kind::Counter,
        lost.map(|(word, counter)| (vec![("limit", word.to_owned())], count(counter) as f64)),
    );
    page.counter(
        "bartizan_gateway_events_shed_total",
        "Requests that were answered and could not be recorded: the queue was full.",
        count(&c.shed),
    );
    page.counter(
        "bartizan_gateway_logins_unjudged_total",
        "Sign-ins that passed because nothing could be said about them.",
        count(&c.logins_unjudged),
    );
    page.counter(
        "bartizan_gateway_inspector_panics_total",
        "Requests that passed because their inspection failed.",
        count(&c.inspector_panics),
    );
}

fn sources(page: &mut Page, board: &Board) {
    let sources = board.about().sources;
    let of = |value: fn(&console::SourceState) -> f64| {
        sources.iter().map(move |s| (vec![("source", s.name.clone()), ("format", s.format.clone())], value(s))).collect::<Vec<_>>()
    };
    page.family("bartizan_source_events_total", "Events of each source.", Kind::Counter, of(|s| s.events as f64));
    page.family(
        "bartizan_source_undecoded_total",
        "Records that no decoder could read; kept with their bytes.",
        Kind::Counter,
        of(|s| s.undecoded as f64),
    );
    page.family(
        "bartizan_source_last_event_seconds",
        "Time of the latest event, seconds since 1970.",
        Kind::Gauge,
        of(|s| s.last_event.map_or(0.0, |t| t.us() as f64 / 1e6)),
    );
    let taps = board.taps();
    let told = ["cut", "shed", "connections", "refused", "broken", "restarts"];
    for metric in source::METRICS.iter().filter(|metric| told.contains(&metric.name)) {
        let name = format!("bartizan_source_{}{}", metric.name, if metric.is_gauge { "" } else { "_total" });
        let kind = if metric.is_gauge { Kind::Gauge } else { Kind::Counter };
        let rows = taps.iter().map(|(name, counters)| (vec![("source", name.clone())], (metric.read)(counters) as f64));
        page.family(&name, &format!("{}: {}.", metric.unit, metric.about), kind, rows.collect::<Vec<_>>());
    }
}

fn engine(page: &mut Page, board: &Board) {
    let f = &board.shared.figures;
    page.counter("bartizan_engine_steps_total", "Steps of the engine, one write to disk each.", f.steps.load(Relaxed));
    page.counter("bartizan_engine_findings_total", "Findings, new or grown.", f.findings.load(Relaxed));
    page.counter("bartizan_engine_responses_total", "Responses that were planned.", f.responses.load(Relaxed));
    page.one("bartizan_engine_step_seconds", "How long the latest step took.", Kind::Gauge, f.step_us.load(Relaxed) as f64 / 1e6);
    page.counter("bartizan_log_records_written_total", "Records written by this process.", f.records.load(Relaxed));
    let masked = board.shared.privacy.masked.load(Relaxed);
    page.counter("bartizan_privacy_secrets_masked_total", "Secrets in records of logs that were not written.", masked);
    page.counter("bartizan_log_records_lost_total", "Records that the log refused to take.", f.not_kept.load(Relaxed));
}

fn notify(page: &mut Page, board: &Board) {
    let Some(channels) = &board.shared.channels else { return };
    let of = |outcome: &'static str, value: fn(&respond::notify::Tally) -> &AtomicU64| {
        channels
            .tallies
            .iter()
            .map(move |t| (vec![("channel", t.name.clone()), ("outcome", outcome.to_owned())], value(t).load(Relaxed) as f64))
    };
    let all = of("delivered", |t| &t.delivered).chain(of("failed", |t| &t.failed)).chain(of("dropped", |t| &t.dropped));
    page.family("bartizan_notify_messages_total", "Messages by channel and what became of them.", Kind::Counter, all.collect::<Vec<_>>());
    let waiting = channels.tallies.iter().map(|t| (vec![("channel", t.name.clone())], t.waiting.load(Relaxed) as f64));
    page.family("bartizan_notify_waiting", "Messages that wait for a channel.", Kind::Gauge, waiting.collect::<Vec<_>>());
    let down = channels.tallies.iter().map(|t| (vec![("channel", t.name.clone())], f64::from(u8::from(t.down.load(Relaxed)))));
    page.family("bartizan_notify_down", "1 while a channel rests because it kept failing.", Kind::Gauge, down.collect::<Vec<_>>());
}

fn log(page: &mut Page, board: &Board) {
    let facts = board.log.facts();
    page.gauge("bartizan_log_records", "Records in the log.", facts.records);
    page.gauge("bartizan_log_bytes", "Bytes of the log on disk.", facts.bytes);
    page.gauge("bartizan_log_segments", "Segments of the log.", facts.segments as u64);
    page.gauge("bartizan_log_segments_sealed", "Segments that are Parquet files.", facts.sealed as u64);
    page.gauge("bartizan_log_sealing_failed", "1 while a finished segment cannot be sealed.", u64::from(facts.unsealed.is_some()));
    page.gauge("bartizan_log_damaged_records", "Records that cannot be read back.", facts.damaged_records + facts.unreadable_records);
    page.gauge("bartizan_log_torn_bytes", "Cut from the end of the log when it was opened.", facts.torn_bytes);
    page.counter("bartizan_log_removed_records_total", "Records that retention removed, since the log began.", facts.removed);
    page.counter("bartizan_log_freed_bytes_total", "Bytes that retention made free, by this process.", facts.freed_bytes);
    page.gauge("bartizan_log_retention_failed", "1 while retention cannot do its work.", u64::from(facts.unretained.is_some()));
    let oldest = facts.oldest.iter().map(|(class, time)| (vec![("class", (*class).to_owned())], time.us() as f64 / 1e6));
    page.family(
        "bartizan_log_oldest_record_seconds",
        "When the oldest record in a finished segment was logged, seconds since 1970.",
        Kind::Gauge,
        oldest,
    );
    let classes = facts.counts.iter().map(|(class, n)| (vec![("class", (*class).to_owned())], *n as f64));
    page.family("bartizan_log_class_records", "Records in the log by class.", Kind::Gauge, classes);
}

fn filled(page: &mut Page, all: &[Filled]) {
    let of = |value: fn(&Filled) -> u64| all.iter().map(move |f| (vec![("what", f.what.clone())], value(f) as f64)).collect::<Vec<_>>();
    page.family("bartizan_filled", "How much is held of what grows.", Kind::Gauge, of(|f| f.now));
    page.family("bartizan_filled_max", "How much of it may be held.", Kind::Gauge, of(|f| f.max));
}
