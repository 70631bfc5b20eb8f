//! A console over a log in a temporary directory, and a client that says exactly what it sends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use console::{About, Config, Fact, Links, ModelState, Site};
use event::finding::{Evidence, Match, Reason};
use event::order::{Answer, What};
use event::response::{Mode, Phase};
use event::{Body, Bytes, Entity, Event, Finding, Http, Incident, Response, Score, Severity, Text, Time, Uid, Verdict};
use tokio::sync::{broadcast, mpsc, oneshot};

/// What an attacker may write into every field.
pub(crate) const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(2)>' onclick='x\u{202e}\u{200b}\u{0}";

pub(crate) const NOW: Time = Time::from_s(1_792_000_000);

pub(crate) struct Console {
    pub(crate) addr: SocketAddr,
    pub(crate) link: String,
    pub(crate) live: broadcast::Sender<Fact>,
    pub(crate) orders: Arc<Mutex<Vec<What>>>,
    pub(crate) writer: Mutex<store::Writer>,
    _runtime: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
    }
}

fn finding(uid: &str) -> Finding {
    let raw = b"GET /search?q=1%27%20OR%201=1 HTTP/1.1\r\nHost: shop\r\nX-Evil: \x00\xff<b>\r\n\r\n".to_vec();
    let matches = vec![Match { by: "rule 1001".into(), target: "ARGS:q".into(), decoded: "1' OR 1=1".into(), start: 14, end: 29 }];
    Finding {
        uid: uid.into(),
        title: EVIL.into(),
        text: EVIL.into(),
        severity: Severity::High,
        entities: vec![Entity::user(EVIL)],
        evidence: vec![Evidence {
            source: EVIL.into(),
            record: 1,
            raw: Bytes::from(raw),
            matches,
            time: NOW,
            event_uid: Uid::of_record("request", 1),
        }],
        request_id: Some("r-1".into()),
        verdict: Some(Verdict::Blocked),
        ..Finding::default()
    }
    .explained(
        Score::new(0.98),
        (0..7).map(|i| Reason { code: "x".into(), text: format!("{i} {EVIL}"), usual: EVIL.into(), now: EVIL.into(), push: 1.0 }).collect(),
    )
}

fn response() -> Response {
    Response {
        uid: "R-1".into(),
        key: "K-1".into(),
        incident: "INC-1".into(),
        action: "decision".into(),
        target: Entity::user(EVIL),
        disposition: event::decision::Disposition::Block,
        mode: Mode::Enforce,
        analytic: "web.request".into(),
        by: EVIL.into(),
        reason: EVIL.into(),
        requested: NOW.plus_s(-60),
        until: NOW.plus_s(3_600),
        phase: Phase::Applied { receipt: "rcpt-1".into(), at: NOW.plus_s(-60), points: vec!["gateway".into()] },
        inverse: EVIL.into(),
        sha256: event::Text::default(),
    }
}

fn control() -> event::incident::Control {
    event::incident::Control { control: EVIL.into(), name: EVIL.into(), covers: vec![EVIL.into()], gain: 0.5, ..Default::default() }
}

fn weakness() -> Finding {
    let compliance = event::finding::Compliance {
        rule: EVIL.into(),
        aliases: vec![EVIL.into()],
        resource: EVIL.into(),
        file: EVIL.into(),
        line: 3,
        fix: EVIL.into(),
        requirements: vec![format!("frame:{EVIL}").into()],
        ..Default::default()
    };
    Finding { request_id: None, compliance: Some(Box::new(compliance)), ..finding("F-2") }
}

pub(crate) fn incident(uid: &str) -> Incident {
    let proof = finding("F-1");
    Incident {
        uid: uid.into(),
        revision: 1,
        title: EVIL.into(),
        story: EVIL.into(),
        score: proof.score,
        severity: Severity::Critical,
        entities: vec![Entity::user(EVIL)],
        techniques: vec![event::attack::EXPLOIT_PUBLIC],
        first_seen: NOW.plus_s(-600),
        last_seen: NOW,
        event_count: 143,
        blocked_count: 143,
        stages: vec![event::incident::Stage {
            title: EVIL.into(),
            text: EVIL.into(),
            finding: "F-1".into(),
            rules: vec![1001],
            models: vec![EVIL.into()],
            first_seen: NOW,
            last_seen: NOW,
            ..Default::default()
        }],
        findings: vec!["F-1".into()],
        reasons: proof.reasons,
        would_change: EVIL.into(),
        evidence: proof.evidence,
        responses: vec!["R-1".into()],
        trail: vec![event::incident::Entry { time: NOW, by: EVIL.into(), text: EVIL.into() }],
        forecast: Some(Box::new(event::incident::Forecast {
            basis: "popular".into(),
            model: EVIL.into(),
            next: vec![event::incident::Next {
                technique: EVIL.into(),
                name: EVIL.into(),
                because: vec![EVIL.into()],
                open: vec![EVIL.into()],
                ..Default::default()
            }],
            controls: vec![control()],
            general: vec![control()],
        })),
        ..Incident::default()
    }
}

/// What the pages of the other senses show.
pub(crate) fn activity() -> Vec<Event> {
    let bodies = [
        Body::Finding(Box::new(weakness())),
        Body::Network(Box::new(event::Network { transport: EVIL.into(), server_name: EVIL.into(), ..Default::default() })),
        Body::Dns(Box::new(event::Dns { name: EVIL.into(), kind: EVIL.into(), rcode: EVIL.into(), ..Default::default() })),
    ];
    (1..).zip(bodies).map(|(n, body)| Event::own(Uid::of_record("activity", n), NOW, body)).collect()
}

pub(crate) fn events() -> Vec<Event> {
    let http = Http {
        method: EVIL.into(),
        target: format!("/{EVIL}"),
        host: EVIL.into(),
        request_id: Some("r-1".into()),
        verdict: Some(Verdict::Blocked),
        score: 0.98,
        ..Http::default()
    };
    let bodies = [
        Body::Http(Box::new(http)),
        Body::Finding(Box::new(finding("F-1"))),
        Body::Response(Box::new(response())),
        Body::Incident(Box::new(incident("INC-1"))),
    ];
    (1..).zip(bodies).map(|(n, body)| Event::own(Uid::of_record("request", n), NOW, body)).collect()
}

fn about() -> About {
    About {
        demo: true,
        version: "0.1.0".into(),
        mode: "monitor",
        sites: vec![Site { name: EVIL.into(), upstream: EVIL.into(), ..Site::default() }],
        models: vec![ModelState {
            name: "web-payload".into(),
            card_markdown: format!("# {EVIL}\n\n- {EVIL}\n\n| {EVIL} |\n|---|\n"),
            ..ModelState::default()
        }],
        ..About::default()
    }
}

fn checked(matter: &console::Matter) -> Result<console::Checked, console::TooMany> {
    if matter.bytes.starts_with(b"too often") {
        return Err(console::TooMany { after_s: 42 });
    }
    Ok(console::Checked {
        kind: EVIL.into(),
        verdict: "phishing".into(),
        severity: Severity::High,
        score: (matter.bytes.len() > 3).then_some(0.9),
        reasons: vec![Reason { code: "x".into(), text: EVIL.into(), push: 0.9, ..Reason::default() }],
        not_checked: vec![EVIL.into()],
        would_change: EVIL.into(),
        members: vec![(EVIL.into(), "clean".into())],
        finding: Some("F-1".into()),
        ..console::Checked::default()
    })
}

impl Console {
    pub(crate) fn start() -> Console {
        Console::over(&events())
    }

    pub(crate) fn over(events: &[Event]) -> Console {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (mut writer, log) = store::open(dir.path(), store::Options::default()).expect("an empty log");
        writer.append(events).expect("room for a few events");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let (live, _) = broadcast::channel(64);
        let (orders, mut asked) = mpsc::channel::<(What, Text, oneshot::Sender<Answer>)>(8);
        let kept = Arc::new(Mutex::new(Vec::new()));
        let seen = kept.clone();
        runtime.spawn(async move {
            while let Some((what, by, give)) = asked.recv().await {
                assert_eq!(by, "console:operator");
                // That somebody came in is told beside what pages ask for.
                if !matches!(what, What::SignIn { .. }) {
                    seen.lock().expect("no panic while held").push(what);
                }
                let _ =
                    give.send(Answer { done: 1, of: 1, took_us: 10, receipt: Some("rcpt-9".into()), text: "Undone".into(), fault: None });
            }
        });
        let bound =
            runtime.block_on(console::bind(&Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() })).expect("a free port");
        let (addr, link) = (bound.local_addr(), bound.link());
        let links = Links { log, live: live.clone(), orders, now: || NOW, about: Arc::new(about), check: Arc::new(checked) };
        runtime.spawn(bound.serve(links, std::future::pending()));
        Console { addr, link, live, orders: kept, writer: Mutex::new(writer), _runtime: runtime, _dir: dir }
    }

    pub(crate) fn append(&self, events: &[Event]) -> u64 {
        self.writer.lock().expect("no panic while held").append(events).expect("room").start
    }

    pub(crate) fn open(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).expect("the console listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
        stream.write_all(request.as_bytes()).expect("the console reads");
        stream
    }

    pub(crate) fn raw(&self, request: &str) -> Reply {
        let mut bytes = Vec::new();
        self.open(request).read_to_end(&mut bytes).expect("an answer");
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// `headers` are whole lines.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Reply {
        let mut all = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n", self.addr, body.len());
        for line in headers {
            all.push_str(line);
            all.push_str("\r\n");
        }
        self.raw(&format!("{all}\r\n{body}"))
    }

    pub(crate) fn once(&self) -> String {
        self.link.strip_prefix(&format!("http://{}", self.addr)).expect("the link is ours").to_owned()
    }

    /// The `Cookie` line of a new login.
    pub(crate) fn login(&self) -> String {
        let reply = self.ask("GET", &self.once(), &[], "");
        assert_eq!(reply.status, 303, "{}", reply.head);
        let cookie = reply.header("set-cookie").expect("a cookie").split(';').next().expect("its value").to_owned();
        format!("Cookie: {cookie}")
    }

    /// The token of the forms of this login.
    pub(crate) fn token(&self, cookie: &str) -> String {
        let page = self.ask("GET", "/keys", &[cookie], "").body;
        let from = page.split("name=\"csrf\" value=\"").nth(1).expect("a form");
        from.split('"').next().expect("its end").to_owned()
    }
}

/// Pages for people who are logged in.
pub(crate) const PAGES: &[&str] = &[
    "/",
    "/incidents",
    "/incidents?state=all&severity=critical&q=alert",
    "/incidents/INC-1",
    "/incidents/INC-1?view=decoded",
    "/web",
    "/web?verdict=all",
    "/requests/r-1",
    "/requests/r-1?view=decoded",
    "/entities",
    "/entities/user/ada",
    "/entities/address/203.0.113.9",
    "/search",
    "/search?q=class:http",
    "/search?q=alert",
    "/search?q=%22",
    "/identity",
    "/identity?show=all",
    "/network",
    "/network?show=DNS",
    "/posture",
    "/check",
    "/response",
    "/models",
    "/models/web-payload",
    "/settings",
    "/keys",
];

/// Everything else that answers.
pub(crate) const OTHERS: &[(&str, &str)] = &[
    ("GET", "/nope"),
    ("GET", "/incidents/INC-404"),
    ("GET", "/requests/none"),
    ("GET", "/entities/x/y"),
    ("GET", "/models/none"),
    ("GET", "/go?q=INC-1"),
    ("GET", "/login"),
    ("GET", "/once/none"),
    ("HEAD", "/once/none"),
    ("GET", "/asset/none.css"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/api/v1/incidents"),
    ("GET", "/api/v1/incidents/INC-404"),
    ("GET", "/api/nope"),
    ("POST", "/do/undo"),
    ("PUT", "/"),
    ("DELETE", "/incidents/INC-1"),
    ("POST", "/logout"),
    ("OPTIONS", "/"),
    ("TRACE", "/"),
    ("POST", "/api/v1/undo"),
];
