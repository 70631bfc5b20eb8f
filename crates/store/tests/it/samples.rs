//! Events to test with.

use event::analytic::AnalyticKind;
use event::authentication::{Action, Outcome};
use event::decision::Disposition;
use event::finding::{AnalyticName, Evidence, Match, ModelScore, Reason, RuleHit};
use event::incident::{self, Entry, Stage, Status};
use event::order::What;
use event::response::{Mode, Phase};
use event::{
    Authentication, Body, Bytes, Entity, EntityKind, Event, Finding, Http, Incident, Meta, Order, Process, Response, Score, Severity, Text,
    Time, TimeSource, Uid, Verdict, attack,
};

/// 2026-01-31 12:00 UTC
pub(crate) const NOON: Time = Time::from_s(1_769_860_800);

pub(crate) fn event(record: u64, body: Body, raw: &str) -> Event {
    let time = NOON.plus_s(record as i64);
    let meta = Meta {
        uid: Uid::of_record("access.log", record),
        time,
        logged: time.plus_s(1),
        time_source: TimeSource::Completed,
        source: "access.log".into(),
        record,
        format: "clf".into(),
        cut_from: Some(7),
    };
    Event::new(meta, body, raw.as_bytes().into())
}

pub(crate) fn http() -> Http {
    Http {
        client: "203.0.113.9".parse().ok(),
        client_port: Some(50_123),
        host: "shop.example".into(),
        method: "GET".into(),
        target: "/search?q=1'+UNION+SELECT".into(),
        version: "HTTP/1.1".into(),
        status: Some(403),
        request_bytes: Some(10),
        response_bytes: Some(5_000_000_000),
        user_agent: "sqlmap/1.8".into(),
        referrer: "https://elsewhere.example/".into(),
        user: "Ada".into(),
        content_type: "text/html".into(),
        headers: vec![("x-test".into(), "yes".into())],
        body: Some(Bytes::from(&b"\xff\x00body"[..])),
        body_bytes: 6,
        duration_us: Some(1_200),
        request_id: Some("r-4k7qf2m9dxw4".into()),
        verdict: Some(Verdict::Blocked),
        score: 0.97,
    }
}

pub(crate) fn authentication() -> Authentication {
    Authentication {
        action: Action::Login,
        outcome: Outcome::Failure,
        user: "root".into(),
        user_unknown: true,
        client: "2001:db8::7".parse().ok(),
        client_port: Some(22),
        host: "bastion".into(),
        service: "sshd".into(),
        factor: "password".into(),
        reason: "wrong password".into(),
        session: "s-1".into(),
        device: "d-1".into(),
        user_agent: "openssh".into(),
        country: "NL".into(),
        asn: Some(64_500),
        rtt_ms: Some(12.5),
        ja4: "t13d".into(),
        repeats: 5,
        id: "a-1".into(),
        unmapped: "{}".into(),
    }
}

pub(crate) fn evidence() -> Evidence {
    Evidence {
        source: "access.log".into(),
        record: 1,
        event_uid: Uid::of_record("access.log", 1),
        time: NOON,
        raw: Bytes::from(&b"raw \xfe"[..]),
        matches: vec![Match { by: "rule 1001".into(), target: "ARGS:q".into(), decoded: "1' union".into(), start: 3, end: 9 }],
    }
}

pub(crate) fn finding(uid: &str) -> Finding {
    Finding {
        uid: uid.into(),
        analytic: AnalyticName {
            uid: "web.request".into(),
            name: "Web request".into(),
            version: "1.0".into(),
            kind: AnalyticKind::Learning,
        },
        title: "SQL injection in q".into(),
        text: "One request tried it.".into(),
        score: Score::new(0.97),
        severity: Severity::High,
        techniques: vec![attack::EXPLOIT_PUBLIC],
        entities: vec![Entity::address("203.0.113.9".parse().expect("an address")), Entity::service("shop.example")],
        first_seen: NOON,
        last_seen: NOON.plus_s(1),
        count: 3,
        evidence: vec![evidence()],
        reasons: vec![reason()],
        would_change: "without the quote 0.31".into(),
        rules: vec![RuleHit {
            severity: event::Severity::default(),
            id: 1001,
            message: "tautology".into(),
            tags: vec!["sqli".into()],
            target: "ARGS:q".into(),
            matched: "1=1".into(),
        }],
        models: vec![ModelScore { name: "web-payload".into(), version: "1.0".into(), score: 0.9 }],
        request_id: Some("r-4k7qf2m9dxw4".into()),
        verdict: Some(Verdict::Blocked),
        succeeded: true,
        compliance: None,
        sha256: event::Text::default(),
    }
}

pub(crate) fn reason() -> Reason {
    Reason { code: "sqli.union".into(), text: "UNION SELECT".into(), usual: "0 in 30 d".into(), now: "143".into(), push: 0.97 }
}

pub(crate) fn incident(uid: &str, revision: u32) -> Incident {
    Incident {
        uid: uid.into(),
        revision,
        status: Status::Closed { outcome: incident::Outcome::BenignButOdd },
        title: "Injection against shop.example".into(),
        story: "203.0.113.9 tried three times.".into(),
        score: Score::new(0.9),
        risk: 80,
        severity: Severity::High,
        techniques: vec![attack::EXPLOIT_PUBLIC, attack::PASSWORD_GUESSING],
        entities: vec![Entity::address("203.0.113.9".parse().expect("an address"))],
        first_seen: NOON,
        last_seen: NOON.plus_s(i64::from(revision)),
        event_count: 3,
        blocked_count: 2,
        passed_count: 1,
        succeeded: true,
        stages: vec![Stage {
            analytic: "web.request".into(),
            title: "SQL injection".into(),
            text: "in q".into(),
            first_seen: NOON,
            last_seen: NOON,
            count: 3,
            score: Score::new(0.9),
            rules: vec![1001],
            models: vec!["web-payload 1.0".into()],
            finding: "F-k7qf2m9dxw4t".into(),
            spark: vec![(NOON, 3)],
        }],
        finding_count: 1,
        findings: vec!["F-k7qf2m9dxw4t".into()],
        reasons: vec![reason()],
        would_change: "nothing".into(),
        evidence: vec![evidence()],
        responses: vec!["R-1k7qf2m9dxw4".into()],
        trail: vec![Entry { time: NOON, by: "bartizan".into(), text: "opened".into() }],
        merged_into: Some("INC-41".into()),
        forecast: None,
    }
}

pub(crate) fn response(uid: &str, incident: &str, phase: Phase) -> Response {
    Response {
        uid: uid.into(),
        key: "k".into(),
        incident: incident.into(),
        action: "decision".into(),
        target: Entity::address("203.0.113.9".parse().expect("an address")),
        disposition: Disposition::Limit,
        mode: Mode::Enforce,
        analytic: "web.request".into(),
        by: "playbook".into(),
        reason: "injection".into(),
        requested: NOON,
        until: NOON.plus_s(3_600),
        phase,
        inverse: "allow".into(),
        sha256: event::Text::default(),
    }
}

pub(crate) fn applied(receipt: &str) -> Phase {
    Phase::Applied { receipt: receipt.into(), at: NOON, points: vec!["gateway".into()] }
}

/// One of every kind, every field set.
/// How many of them version 1 already had.
pub(crate) const OF_VERSION_1: usize = 20;
/// How many there were when the first segment was sealed.
pub(crate) const WHEN_SEALED: usize = 27;

/// Every class, in the order in which classes were added.
pub(crate) fn all() -> Vec<Event> {
    let orders = [
        What::Undo { target: "R-1k7qf2m9dxw4".into() },
        What::Redo { receipt: "rcpt-1k7qf2m9dx".into() },
        What::Block {
            entity: Entity::new(EntityKind::Mailbox, "a@b.example"),
            for_s: 60,
            reason: "by hand".into(),
            disposition: Disposition::Block,
        },
        What::Close { incident: "INC-42".into(), outcome: incident::Outcome::False, note: "a test".into() },
        What::Reopen { incident: "INC-42".into() },
        What::Note { incident: "INC-42".into(), text: "looked at it".into() },
        What::Enforce { on: true },
    ];
    let phases = [
        Phase::Requested,
        applied("rcpt-1k7qf2m9dx"),
        Phase::Refused { why: "never-block list".into() },
        Phase::Failed { why: "no answer".into() },
        Phase::Undone { receipt: "rcpt-1k7qf2m9dx".into(), at: NOON, by: "cli:root".into() },
        Phase::Expired { at: NOON },
    ];
    let process = Process {
        host: "bastion".into(),
        user: "ada".into(),
        run_as: "root".into(),
        command_line: "/usr/bin/id".into(),
        working_directory: "/root".into(),
        terminal: "pts/0".into(),
        service: "sudo".into(),
        allowed: true,
        reason: "none".into(),
        ..Process::default()
    };
    let network = event::Network {
        client: "192.0.2.7".parse().ok(),
        client_port: 40_000,
        server: "198.51.100.5".parse().ok(),
        server_port: 443,
        transport: "tcp".into(),
        protocol: "tls".into(),
        start: NOON,
        end: NOON.plus_s(3),
        bytes_out: 900,
        bytes_in: 7_000,
        packets_out: 9,
        packets_in: 11,
        flags_out: 0x1b,
        flags_in: 0x1b,
        state: "closed".into(),
        server_name: "cdn.example".into(),
        tls: Some(Box::new(event::network::Tls {
            sni: "cdn.example".into(),
            ja4: "t13d1516h2_8daaf6152771_b186095e22b6".into(),
            ..Default::default()
        })),
        ssh: Some(Box::new(event::network::Ssh { client_software: "OpenSSH_9.2".into(), ..Default::default() })),
        community_id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=".into(),
    };
    let dns = event::Dns {
        client: "192.0.2.7".parse().ok(),
        name: "www.example.org".into(),
        kind: "A".into(),
        rcode: "NOERROR".into(),
        answers: vec![event::dns::Answer { kind: "A".into(), data: "192.0.2.80".into(), ttl_s: 60 }],
        ..Default::default()
    };
    let api = event::Api {
        provider: "aws".into(),
        service: "iam.amazonaws.com".into(),
        operation: "CreateAccessKey".into(),
        user: "ada".into(),
        client: "203.0.113.9".parse().ok(),
        success: true,
        mfa: Some(false),
        resources: vec!["arn:aws:iam::123456789012:user/ada".into()],
        ..Default::default()
    };
    let mail = event::Mail {
        message_id: "<1@mail.example>".into(),
        from: "boss@mail.example".into(),
        to: vec!["ada@shop.example".into()],
        subject: "Invoice".into(),
        links: vec!["https://mail.example/pay".into()],
        files: vec![event::mail::Attachment { name: "invoice.pdf".into(), kind: "pdf".into(), bytes: 9, sha256: "00".into() }],
        ..Default::default()
    };
    let file = event::File {
        path: "/srv/upload/a.exe".into(),
        kind: "pe".into(),
        sha256: "00".into(),
        bytes: 9,
        action: "scan".into(),
        ..Default::default()
    };
    let resource = event::Resource {
        input: "terraform".into(),
        kind: "aws_s3_bucket".into(),
        address: "aws_s3_bucket.b".into(),
        file: "main.tf".into(),
        line: 3,
        end_line: 9,
        attributes: r#"{"acl":"public-read"}"#.into(),
        unknown: vec!["tags".into()],
    };
    let compliance = event::finding::Compliance {
        rule: "AWS-S3-01".into(),
        aliases: vec!["CKV_AWS_20".into()],
        resource: "aws_s3_bucket.b".into(),
        file: "main.tf".into(),
        line: 3,
        end_line: 9,
        fix: "set acl to private".into(),
        requirements: vec!["nist_800_53:AC-3".into()],
        fingerprint: "f".into(),
    };
    let posture = Finding { compliance: Some(Box::new(compliance)), ..finding("F-2k7qf2m9dxw4") };
    let mut bodies = vec![
        Body::Http(Box::new(http())),
        Body::Authentication(Box::new(authentication())),
        Body::Process(Box::new(process)),
        Body::Other { host: "bastion".into(), service: "cron".into() },
        Body::Undecoded { reason: "no time".into() },
        Body::Finding(Box::new(finding("F-k7qf2m9dxw4t"))),
        Body::Incident(Box::new(incident("INC-42", 1))),
    ];
    bodies.extend(phases.into_iter().enumerate().map(|(i, phase)| {
        let uid = format!("R-{}k7qf2m9dxw4", i + 1);
        Body::Response(Box::new(response(&uid, "INC-42", phase)))
    }));
    bodies.extend(orders.into_iter().enumerate().map(|(i, what)| {
        let uid = Text::from(format!("O-{}k7qf2m9dxw4", i + 1));
        Body::Order(Box::new(Order { uid, at: NOON, by: "cli:root".into(), what }))
    }));
    bodies.extend([
        Body::Network(Box::new(network)),
        Body::Dns(Box::new(dns)),
        Body::Api(Box::new(api)),
        Body::Mail(Box::new(mail)),
        Body::File(Box::new(file)),
        Body::Resource(Box::new(resource)),
        Body::Finding(Box::new(posture)),
    ]);
    (1..).zip(bodies).map(|(record, body)| event(record, body, &format!("raw of {record}\u{0}\u{1}"))).collect()
}

/// Plain requests from many addresses.
pub(crate) fn requests(records: std::ops::Range<u64>) -> Vec<Event> {
    let request = |i: u64| {
        let target = format!("/item/{}", i % 97);
        let raw = format!("10.0.{}.{} - - \"GET {target} HTTP/1.1\" 200 512", i / 256 % 256, i % 256);
        let http = Http {
            client: format!("10.0.{}.{}", i / 256 % 256, i % 256).parse().ok(),
            method: "GET".into(),
            target,
            status: Some(200),
            ..Http::default()
        };
        event(i, Body::Http(Box::new(http)), &raw)
    };
    records.map(request).collect()
}
