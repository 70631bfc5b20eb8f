//! Serves the console over a log in a temporary directory with hand-made events, for looking at pages and for `tests/ui`:
//! `cargo run -p console --example preview -- [PORT] [monitor]`. Prints the one-time link. Orders are carried out in a toy way.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use console::{About, Config, Fact, Links, ModelState, Site, SourceState};
use event::analytic::AnalyticKind;
use event::decision::Disposition;
use event::finding::{AnalyticName, Evidence, Match, ModelScore, Reason, RuleHit};
use event::incident::{Entry, Outcome, Stage, Status};
use event::order::{Answer, Fault, Order, What};
use event::response::{Mode, Phase};
use event::{Body, Bytes, Entity, Event, Finding, Http, Incident, Response, Score, Severity, Text, Time, Uid, Verdict, attack};
use tokio::sync::{broadcast, mpsc, oneshot};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const HOSTILE: &str = include_str!("../testdata/hostile.txt");

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_us(i64::try_from(since.as_micros()).unwrap_or(0))
}

/// Writes to the log and tells the live stream.
struct Desk {
    writer: store::Writer,
    live: broadcast::Sender<Fact>,
    next: u64,
}

impl Desk {
    fn uid(&mut self) -> Uid {
        self.next += 1;
        Uid::of_record("preview", self.next)
    }

    fn put(&mut self, at: Time, body: Body) -> Result<(), Failure> {
        let uid = self.uid();
        self.put_event(&Event::own(uid, at, body))
    }

    fn put_event(&mut self, event: &Event) -> Result<(), Failure> {
        let fact =
            |offset, kind, id: &str, severity, title: &str, at| Fact { offset, kind, id: id.into(), severity, title: title.into(), at };
        let offset = self.writer.append(std::slice::from_ref(event))?.start;
        let at = event.meta.time;
        let news = match &event.body {
            Body::Incident(i) => Some(fact(offset, "incident", &i.uid, Some(i.severity), &i.title, at)),
            Body::Response(r) => Some(fact(offset, "response", &r.uid, None, r.phase.word(), at)),
            Body::Http(h) if h.verdict.is_some_and(|v| v != Verdict::Allowed) => {
                Some(fact(offset, "request", h.request_id.as_deref().unwrap_or(""), None, "", at))
            }
            Body::Order(o) => Some(fact(offset, "order", &o.uid, None, "", at)),
            _ => None,
        };
        if let Some(news) = news {
            let _ = self.live.send(news);
        }
        Ok(())
    }

    fn incident(&self, uid: &str) -> Option<Incident> {
        self.writer.log().incident(uid).map(|i| i.as_ref().clone())
    }

    fn enter(&mut self, uid: &str, by: &str, text: &str, change: impl FnOnce(&mut Incident)) -> Result<bool, Failure> {
        let Some(mut incident) = self.incident(uid) else { return Ok(false) };
        change(&mut incident);
        incident.revision += 1;
        incident.trail.push(Entry { time: now(), by: by.into(), text: text.into() });
        self.put(now(), Body::Incident(Box::new(incident)))?;
        Ok(true)
    }

    fn carry_out(&mut self, what: What, by: &Text) -> Result<Answer, Failure> {
        let order =
            Order { uid: event::short_id("O", &[by.as_bytes(), &self.next.to_le_bytes()]), at: now(), by: by.clone(), what: what.clone() };
        self.put(now(), Body::Order(Box::new(order)))?;
        let done = |text: &str, receipt: Option<Text>| Answer { done: 1, of: 1, took_us: 840, receipt, text: text.into(), fault: None };
        let unknown = || Answer { fault: Some(Fault::Unknown("no such incident, response or receipt".into())), ..Answer::default() };
        Ok(match what {
            What::Approve { .. } | What::Reject { .. } => unknown(),
            What::Undo { target } => {
                let all = self.writer.log().responses();
                let hit: Vec<_> = all
                    .iter()
                    .filter(|r| (r.uid == target || r.incident == target || target == "last") && r.is_active(now()))
                    .cloned()
                    .collect();
                let mut receipt = None;
                for response in &hit {
                    let mut response = response.as_ref().clone();
                    let name = event::short_id("rcpt", &[response.uid.as_bytes(), b"undo"]);
                    response.phase = Phase::Undone { receipt: name.clone(), at: now(), by: by.clone() };
                    receipt = Some(name.clone());
                    let (incident, text) =
                        (response.incident.clone(), format!("undone: block of {} (receipt {name})", response.target.name));
                    self.put(now(), Body::Response(Box::new(response)))?;
                    self.enter(&incident, by, &text, |_| {})?;
                }
                if hit.is_empty() { unknown() } else { done("Undone: the next request passes", receipt) }
            }
            What::Redo { receipt } => {
                let all = self.writer.log().responses();
                let Some(response) = all.iter().find(|r| r.phase.receipt() == Some(&receipt)) else { return Ok(unknown()) };
                let mut response = response.as_ref().clone();
                response.phase = Phase::Applied { receipt: receipt.clone(), at: now(), points: vec!["gateway".into()] };
                self.put(now(), Body::Response(Box::new(response)))?;
                done("In force again", Some(receipt))
            }
            What::Block { entity, for_s, reason, .. } => {
                if entity.ip().is_some_and(|ip| ip.is_loopback()) {
                    return Ok(Answer {
                        fault: Some(Fault::Refused("E0401 loopback is on the never-block list".into())),
                        ..Answer::default()
                    });
                }
                let response = block("", &entity, &reason, now(), for_s, Mode::Enforce, by);
                let receipt = response.phase.receipt().cloned();
                self.put(now(), Body::Response(Box::new(response)))?;
                done("Blocked", receipt)
            }
            What::Close { incident, outcome, note } => {
                let text = format!("closed as {}{}{note}", outcome.word(), if note.is_empty() { "" } else { " - " });
                let found = self.enter(&incident, by, &text, |i| i.status = Status::Closed { outcome })?;
                if found { Answer { text: format!("{incident} is closed"), ..Answer::default() } } else { unknown() }
            }
            What::Reopen { incident } => {
                let found = self.enter(&incident, by, "reopened", |i| i.status = Status::Open)?;
                if found { Answer { text: format!("{incident} is open again"), ..Answer::default() } } else { unknown() }
            }
            What::Note { incident, text } => {
                let found = self.enter(&incident, by, &format!("note: {text}"), |_| {})?;
                if found { Answer { text: "Note added".into(), ..Answer::default() } } else { unknown() }
            }
            What::Quarantine { path, .. } => done(&format!("{path} is in quarantine"), None),
            What::Enforce { on } => done(if on { "Blocking" } else { "Recording only" }, None),
            What::Retain(_) => unknown(),
            What::SignIn { .. } | What::TakeUp { .. } => done("Written", None),
        })
    }
}

fn block(incident: &str, target: &Entity, reason: &str, at: Time, for_s: u32, mode: Mode, by: &str) -> Response {
    let name = target.to_string();
    Response {
        uid: event::short_id("R", &[incident.as_bytes(), name.as_bytes(), &at.us().to_le_bytes()]),
        key: event::short_id("K", &[incident.as_bytes(), name.as_bytes()]),
        incident: incident.into(),
        action: "decision".into(),
        target: target.clone(),
        disposition: Disposition::Block,
        mode,
        analytic: "web.request".into(),
        by: by.into(),
        reason: reason.into(),
        requested: at,
        until: at.plus_s(i64::from(for_s)),
        phase: Phase::Applied {
            receipt: event::short_id("rcpt", &[incident.as_bytes(), name.as_bytes()]),
            at,
            points: vec!["gateway".into()],
        },
        inverse: format!("gateway: remove block {name}").into(),
        sha256: event::Text::default(),
    }
}

fn reason(code: &str, text: &str, usual: &str, now: &str, push: f32) -> Reason {
    Reason { code: code.into(), text: text.into(), usual: usual.into(), now: now.into(), push }
}

fn address(text: &str) -> Entity {
    text.parse().unwrap_or_else(|_| Entity::user(text))
}

fn request(client: &str, target: &str, id: &str, at: Time, uid: Uid, verdict: Verdict, score: f32) -> Event {
    let raw = format!(
        "GET {target} HTTP/1.1\r\nhost: shop.example.org\r\nuser-agent: python-requests/2.32\r\naccept: */*\r\ncookie: session=…masked…\r\nx-forwarded-for: {client}\r\n\r\n"
    );
    let http = Http {
        client: client.parse().ok(),
        host: "shop.example.org".into(),
        method: "GET".into(),
        target: target.into(),
        version: "HTTP/1.1".into(),
        status: Some(if verdict == Verdict::Blocked { 403 } else { 200 }),
        response_bytes: Some(5_120),
        user_agent: "python-requests/2.32".into(),
        duration_us: Some(4_210),
        request_id: Some(id.into()),
        verdict: Some(verdict),
        score,
        ..Http::default()
    };
    let mut event = Event::own(uid, at, Body::Http(Box::new(http)));
    event.meta.source = "gateway:shop".into();
    event.meta.format = "gateway".into();
    event.raw = Bytes::from(raw.into_bytes());
    event
}

const PAYLOAD: &str = "1%27%20OR%20%271%27=%271%27%20UNION%20SELECT%20name,pass%20FROM%20users--";

fn marks(raw: &[u8]) -> Vec<Match> {
    let find = |part: &str| raw.windows(part.len()).position(|w| w == part.as_bytes()).map(|at| (at as u32, (at + part.len()) as u32));
    let mark = |by: &str, part: &str, decoded: &str| {
        find(part).map(|(start, end)| Match { by: by.into(), target: "ARGS:q".into(), decoded: decoded.into(), start, end })
    };
    [
        mark("rule 942100", "%27%20OR%20%271%27=%271", "' OR '1'='1"),
        mark("rule 942190", "UNION%20SELECT", "UNION SELECT"),
        mark(
            "model web-payload",
            "%27%20OR%20%271%27=%271%27%20UNION%20SELECT%20name,pass%20FROM%20users--",
            "' OR '1'='1' UNION SELECT name,pass FROM users--",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn finding(request: &Event, id: &str, title: &str) -> Finding {
    let evidence = Evidence {
        source: request.meta.source.clone(),
        record: 0,
        event_uid: request.meta.uid,
        time: request.meta.time,
        raw: request.raw.clone(),
        matches: marks(&request.raw),
    };
    let (client, verdict) = match &request.body {
        Body::Http(h) => (h.client.map(Entity::address), h.verdict),
        _ => (None, None),
    };
    Finding {
        uid: event::short_id("F", &[id.as_bytes()]),
        analytic: AnalyticName {
            uid: "web.request".into(),
            name: "Web attack in a request".into(),
            version: "1.0".into(),
            kind: AnalyticKind::Rule,
        },
        title: title.into(),
        text: "The parameter q closes a quote and joins a second query.".into(),
        severity: Severity::High,
        techniques: vec![attack::EXPLOIT_PUBLIC],
        entities: client.into_iter().chain([Entity::service("shop.example.org")]).collect(),
        first_seen: request.meta.time,
        last_seen: request.meta.time,
        count: 1,
        evidence: vec![evidence],
        would_change: "without the quote test the score is 0.31 and the request passes".into(),
        rules: vec![
            RuleHit {
                id: 942_100,
                severity: Severity::Critical,
                message: "SQL injection: quote and tautology".into(),
                tags: vec!["attack-sqli".into()],
                target: "ARGS:q".into(),
                matched: "' OR '1'='1".into(),
            },
            RuleHit {
                id: 942_190,
                severity: Severity::Critical,
                message: "SQL injection: UNION SELECT".into(),
                tags: vec!["attack-sqli".into()],
                target: "ARGS:q".into(),
                matched: "UNION SELECT".into(),
            },
        ],
        models: vec![ModelScore { name: "web-payload".into(), version: "1.0".into(), score: 0.991 }],
        request_id: Some(id.into()),
        verdict,
        ..Finding::default()
    }
    .explained(
        Score::new(0.98),
        vec![
            reason("sqli.tautology", "quote and always-true comparison in q", "0 in 30 d", "143", 0.52),
            reason("sqli.union", "UNION SELECT in q", "0 in 30 d", "97", 0.28),
            reason("shape.length", "q is 6 times longer than usual", "4–24 characters", "143", 0.12),
            reason("client.new", "address is new to this site", "", "new", 0.05),
            reason("client.tool", "user agent of a script library", "browsers 99 %", "python-requests", 0.04),
            reason("client.rate", "pace of a person", "0.1–3 a second", "0.4 a second", -0.03),
        ],
    )
}

fn sql_injection(desk: &mut Desk, number: u32, client: &str, begin: Time, requests: u64, mode: Mode) -> Result<(), Failure> {
    let uid = format!("INC-{number}");
    let verdict = if mode == Mode::Enforce { Verdict::Blocked } else { Verdict::WouldBlock };
    let mut findings = Vec::new();
    let mut evidence = Vec::new();
    let mut last = begin;
    for n in 0..requests {
        let at = begin.plus_s((n * 36) as i64);
        last = at;
        let id = format!("r-{number}-{n}");
        let name = desk.uid();
        let event = request(client, &format!("/search?q={PAYLOAD}&page={n}"), &id, at, name, verdict, 0.98);
        let found = finding(&event, &id, "SQL injection in q");
        if n < 12 {
            evidence.extend(found.evidence.clone());
        }
        findings.push(found.uid.clone());
        desk.put_event(&event)?;
        desk.put(at, Body::Finding(Box::new(found)))?;
    }
    let target = address(client);
    let response = block(&uid, &target, "SQL injection, 143 tries", begin.plus_s(27), 86_400, mode, "playbook web-attack");
    let model = finding(&request(client, "/", "r-0", begin, Uid::default(), verdict, 0.9), "r-0", "");
    let span = last.since_s(begin);
    let spark = |share: f64| {
        (0..60)
            .map(|i| (begin.plus_s((span * f64::from(i) / 60.0) as i64), ((f64::from(i) * share).sin().abs() * 6.0) as u32 + 1))
            .collect()
    };
    let blocked = if mode == Mode::Enforce { requests } else { 0 };
    let incident = Incident {
        uid: uid.as_str().into(),
        revision: 1,
        title: "SQL injection on shop.example.org".into(),
        story: format!(
            "{client} sent {requests} SQL injection strings to /search on shop.example.org from {} to {}. {}",
            begin.clock(),
            last.clock(),
            if mode == Mode::Enforce {
                "All were blocked; none reached the application."
            } else {
                "Monitor mode: all passed; none would have with blocking on."
            }
        ),
        score: model.score,
        risk: 88,
        severity: Severity::Critical,
        techniques: vec![attack::VULNERABILITY_SCANNING, attack::EXPLOIT_PUBLIC],
        entities: vec![target, Entity::service("shop.example.org")],
        first_seen: begin.plus_s(-240),
        last_seen: last,
        event_count: requests + 61,
        blocked_count: blocked,
        passed_count: requests - blocked,
        stages: vec![
            Stage {
                analytic: "web.scan".into(),
                title: "Probing for pages".into(),
                text: "61 addresses that do not exist in 4 minutes".into(),
                first_seen: begin.plus_s(-240),
                last_seen: begin,
                count: 61,
                score: Score::new(0.62),
                spark: (0..20).map(|i| (begin.plus_s(-240 + i * 12), 3)).collect(),
                ..Stage::default()
            },
            Stage {
                analytic: "web.request".into(),
                title: "SQL injection in q".into(),
                text: "quote tests, then UNION SELECT".into(),
                first_seen: begin,
                last_seen: last,
                count: requests,
                score: Score::new(0.98),
                rules: vec![942_100, 942_190],
                models: vec!["web-payload 1.0".into()],
                finding: findings.first().cloned().unwrap_or_default(),
                spark: spark(0.21),
            },
        ],
        finding_count: requests + 1,
        findings,
        reasons: model.reasons,
        would_change: model.would_change,
        evidence,
        responses: vec![response.uid.clone()],
        trail: vec![
            Entry { time: begin, by: "bartizan".into(), text: "opened: first SQL injection string".into() },
            Entry {
                time: begin.plus_s(27),
                by: "bartizan".into(),
                text: format!(
                    "playbook web-attack: block {client} for 24 h at the gateway, receipt {}",
                    response.phase.receipt().map_or("", |r| r)
                ),
            },
        ],
        ..Incident::default()
    };
    desk.put(last, Body::Response(Box::new(response)))?;
    desk.put(last, Body::Incident(Box::new(incident)))
}

fn other(
    desk: &mut Desk,
    number: u32,
    severity: Severity,
    [title, story]: [&str; 2],
    actor: Entity,
    at: Time,
    closed: Option<Outcome>,
) -> Result<(), Failure> {
    let score = Score::new(match severity {
        Severity::Critical | Severity::High => 0.91,
        Severity::Medium => 0.74,
        Severity::Low | Severity::Info => 0.41,
    });
    let base = Finding::default().explained(
        score,
        vec![
            reason("login.place", "country never seen for this user", "FR, DE", "BR", 0.6),
            reason("login.speed", "9,180 km in 41 minutes", "at most 900 km/h", "13,400 km/h", 0.3),
            reason("login.device", "known device", "2 devices", "known", -0.1),
        ],
    );
    let incident = Incident {
        uid: format!("INC-{number}").into(),
        revision: 1,
        status: closed.map_or(Status::Open, |outcome| Status::Closed { outcome }),
        title: title.into(),
        story: story.into(),
        score,
        risk: 30 + severity.id() * 10,
        severity,
        techniques: vec![attack::VALID_ACCOUNTS, attack::PASSWORD_SPRAYING],
        entities: vec![actor, Entity::service("mail.example.org")],
        first_seen: at.plus_s(-1_900),
        last_seen: at,
        event_count: 38,
        succeeded: severity == Severity::High,
        stages: vec![Stage {
            analytic: "identity.travel".into(),
            title: title.into(),
            text: "two logins that one person cannot have made".into(),
            first_seen: at.plus_s(-1_900),
            last_seen: at,
            count: 38,
            score,
            models: vec!["login 1.0".into()],
            ..Stage::default()
        }],
        finding_count: 1,
        reasons: base.reasons,
        would_change: "from a country of the last 90 days: 0.22".into(),
        evidence: vec![Evidence {
            source: "auth.log".into(),
            record: 4_182,
            time: at,
            raw: Bytes::from(format!("Nov 22 18:40:02 mail dovecot: imap-login: Login: user=<{title}>, rip=198.51.100.7").into_bytes()),
            ..Evidence::default()
        }],
        trail: vec![Entry { time: at, by: "bartizan".into(), text: "opened".into() }],
        ..Incident::default()
    };
    desk.put(at, Body::Incident(Box::new(incident)))
}

fn fill(desk: &mut Desk, mode: Mode) -> Result<(), Failure> {
    let now = now();
    // A day of ordinary traffic, thinned out.
    for minute in 0..720_i64 {
        let wave = (minute as f64 / 230.0).sin() * 4.0 + 5.0;
        for n in 0..=(wave as i64) {
            let at = now.plus_s(-(minute * 120) + n);
            let name = desk.uid();
            let mut event = request(
                "192.0.2.44",
                &format!("/product/{}", (minute * 7 + n) % 40),
                &format!("r-ok-{minute}-{n}"),
                at,
                name,
                Verdict::Allowed,
                0.0,
            );
            event.meta.logged = at;
            desk.put_event(&event)?;
        }
    }
    for (place, line) in HOSTILE.lines().chain(["pay\u{202e}lap.exe\u{200b}\u{0}\u{1b}[31m"]).enumerate() {
        let at = now.plus_s(-86_400 - place as i64 * 60);
        other(
            desk,
            10 + place as u32,
            Severity::Low,
            [line, &format!("Hostile text in every field: {line}")],
            Entity::user(line),
            at,
            None,
        )?;
        let name = desk.uid();
        desk.put_event(&request("198.51.100.23", &format!("/{line}"), &format!("r-evil-{place}"), at, name, Verdict::WouldBlock, 0.5))?;
    }
    other(
        desk,
        36,
        Severity::Info,
        ["First login from a new device", "bob logged in from a device that was never seen."],
        Entity::user("bob"),
        now.plus_s(-50_000),
        Some(Outcome::BenignButOdd),
    )?;
    other(
        desk,
        37,
        Severity::Medium,
        ["Password guessing against sshd on web-2", "198.51.100.7 tried 412 passwords for 9 accounts; none was right."],
        address("198.51.100.7"),
        now.plus_s(-20_000),
        Some(Outcome::True),
    )?;
    other(
        desk,
        40,
        Severity::Medium,
        ["Slow scan of 212 pages", "198.51.100.77 asked for 212 pages that do not exist in 3 hours."],
        address("198.51.100.77"),
        now.plus_s(-9_000),
        None,
    )?;
    other(
        desk,
        41,
        Severity::High,
        [
            "Login of ada from a new country, then 38 times her usual downloads",
            "ada logged in from BR 41 minutes after FR and then downloaded 190 files in an hour; usual are 2 to 5.",
        ],
        Entity::user("ada"),
        now.plus_s(-1_900),
        None,
    )?;
    sql_injection(desk, 42, "203.0.113.9", now.plus_s(-5_160), 143, mode)
}

fn about(mode: Mode, refused: &Mutex<std::collections::HashMap<Text, u64>>, up: &AtomicU64) -> About {
    let now = now();
    About {
        demo: true,
        version: env!("CARGO_PKG_VERSION").into(),
        mode: if mode == Mode::Enforce { "enforce" } else { "monitor" },
        sites: vec![Site { name: "shop".into(), listen: "127.0.0.1:8080".into(), upstream: "127.0.0.1:3000".into(), requests: 41_220, blocked: 1_204, would_block: 3, stepped_up: 31, logins_refused: 4 }],
        sources: vec![
            SourceState { name: "auth.log".into(), format: "syslog".into(), events: 18_223, undecoded: 3, last_event: Some(now.plus_s(-4)) },
            SourceState { name: "access.log".into(), format: "combined".into(), events: 212_007, undecoded: 0, last_event: Some(now.plus_s(-1)) },
            SourceState { name: "sudo.log".into(), format: "syslog".into(), events: 0, undecoded: 0, last_event: None },
        ],
        models: vec![
            ModelState { name: "web-payload".into(), version: "1.0".into(), signed: true, key_id: "bz-2026-a".into(), digest: String::new(), thresholds: "block at 0.90, record at 0.50".into(), card_markdown: "# web-payload 1.0\n\nJudges the **values** of request parameters: hashed character n-grams, a linear model, calibrated.\n\n## Figures\n\n| set | rows | recall | false positives |\n|---|---|---|---|\n| held out | 20,000 | 0.98 | 0.0004 |\n\n- blind to attacks that look like ordinary words\n- command: `bartizan model eval web-payload`\n".into() },
            ModelState { name: "login".into(), version: "1.0".into(), signed: true, key_id: "bz-2026-a".into(), digest: String::new(), thresholds: "finding at 0.70".into(), card_markdown: String::new() },
        ],
        rules: 214,
        rss_bytes: 96 << 20,
        uptime_s: 4_211 + up.fetch_add(0, Ordering::Relaxed),
        shed: 0,
        refused: refused.lock().map(|r| r.clone()).unwrap_or_default(),
        ..About::default()
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let port: u16 = words.next().and_then(|p| p.parse().ok()).unwrap_or(0);
    let rest: Vec<String> = words.collect();
    let mode = if rest.iter().any(|w| w == "monitor") { Mode::Monitor } else { Mode::Enforce };
    let quiet = rest.iter().any(|w| w == "quiet");
    let dir = tempfile::tempdir()?;
    let (writer, log) = store::open(dir.path(), store::Options::default())?;
    let (live, _) = broadcast::channel(4_096);
    let (orders, mut asked) = mpsc::channel::<(What, Text, oneshot::Sender<Answer>)>(64);
    let mut desk = Desk { writer, live: live.clone(), next: 0 };
    if !quiet {
        fill(&mut desk, mode)?;
    }
    let refused = Arc::new(Mutex::new(
        desk.writer.log().responses().iter().map(|r| (r.uid.clone(), 1_061)).collect::<std::collections::HashMap<_, _>>(),
    ));
    let desk = Arc::new(Mutex::new(desk));
    let up = Arc::new(AtomicU64::new(0));
    let links = Links {
        log,
        live,
        orders,
        now,
        about: {
            let (refused, up) = (refused.clone(), up.clone());
            Arc::new(move || about(mode, &refused, &up))
        },
        check: Arc::new(|matter| {
            Ok(console::Checked {
                kind: "text".into(),
                verdict: "unknown".into(),
                abstained: true,
                not_checked: vec![format!("{}: the preview judges nothing", matter.name)],
                ..console::Checked::default()
            })
        }),
    };

    let at_desk = desk.clone();
    tokio::spawn(async move {
        while let Some((what, by, give)) = asked.recv().await {
            let answer = at_desk.lock().ok().and_then(|mut d| d.carry_out(what, &by).ok());
            let _ = give.send(
                answer.unwrap_or_else(|| Answer { fault: Some(Fault::Failed("the log could not be written".into())), ..Answer::default() }),
            );
        }
    });
    // The story: after a while an attack comes, live.
    let wait: u64 = std::env::var("BARTIZAN_PREVIEW_STORY_S").ok().and_then(|s| s.parse().ok()).unwrap_or(20);
    let over = Arc::new(AtomicBool::new(false));
    let (at_desk, ended) = (desk.clone(), over.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        if !ended.load(Ordering::Relaxed)
            && !quiet
            && let Ok(mut desk) = at_desk.lock()
        {
            let _ = sql_injection(&mut desk, 43, "203.0.113.77", now().plus_s(-400), 12, mode);
        }
    });

    let bound = console::bind(&Config { listen: ([127, 0, 0, 1], port).into(), ..Config::default() }).await?;
    writeln!(std::io::stdout(), "console   {}   one use, 15 minutes", bound.link())?;
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    bound.serve(links, stop).await?;
    over.store(true, Ordering::Relaxed);
    Ok(())
}
