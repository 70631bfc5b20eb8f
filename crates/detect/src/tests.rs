use super::*;

#[test]
fn every_file_of_an_area_is_in_its_list() {
    let files = |area: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(area);
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("the area's folder")
            .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
            .filter(|name| name != "mod")
            .map(|name| format!("{area}.{name}"))
            .collect();
        names.sort();
        names
    };
    let listed = |specs: &[&Spec]| {
        let mut names: Vec<String> = specs.iter().map(|s| s.analytic.uid.to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(files("web"), listed(web::ALL));
    assert_eq!(files("identity"), listed(identity::ALL));
    assert_eq!(files("network"), listed(network::ALL));
    assert_eq!(files("host"), listed(host::ALL));
    assert_eq!(files("posture"), listed(posture::ALL));
    assert_eq!(files("cloud"), listed(cloud::ALL));
    assert_eq!(listed(ALL), listed(&[web::ALL, identity::ALL, network::ALL, host::ALL, posture::ALL, cloud::ALL].concat()));
}

#[test]
fn unknown_config_keys_are_refused() {
    assert!(serde_json::from_str::<Config>("{}").is_ok());
    assert!(serde_json::from_str::<Config>(r#"{"request":{"decide":"model"}}"#).is_ok());
    assert!(serde_json::from_str::<Config>(r#"{"request":{"decied":"model"}}"#).is_err());
    assert!(serde_json::from_str::<Config>(r#"{"requests":{}}"#).is_err());
}

/// A file of the shared data, or `None` with a printed line when it is absent: `BARTIZAN_DATA`, else `../shared/data` from the repository.
/// `log.zst` is unpacked; `archive.tar.zst/path` is the file `path` inside.
#[allow(clippy::print_stderr)]
pub(crate) fn data(archive: &str, inside: Option<&str>) -> Option<Vec<u8>> {
    let root = std::env::var_os("BARTIZAN_DATA")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), Into::into);
    let Some(bytes) = std::fs::read(root.join(archive)).ok().and_then(|packed| zstd::decode_all(packed.as_slice()).ok()) else {
        eprintln!("skipped: no data {archive}");
        return None;
    };
    let Some(inside) = inside else { return Some(bytes) };
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + 512) {
        let text = |from: usize, to: usize| String::from_utf8_lossy(&head[from..to]).trim_end_matches(['\0', ' ']).to_owned();
        let length = usize::from_str_radix(text(124, 136).trim(), 8).unwrap_or(0);
        if text(0, 100).ends_with(inside) {
            return bytes.get(at + 512..at + 512 + length).map(<[u8]>::to_vec);
        }
        at += 512 + length.div_ceil(512) * 512;
    }
    None
}

/// The models of the content folder, as they stand; their signatures are checked elsewhere. Models with heads are left out.
pub(crate) fn content_models() -> learn::Registry {
    let models = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/models");
    let mut registry = learn::Registry::default();
    for name in ["dga", "prompt-injection"] {
        let mut folder = learn::sign::Folder::new();
        for entry in std::fs::read_dir(models.join(name)).expect("a model's folder").flatten() {
            folder.insert(&entry.file_name().to_string_lossy(), std::fs::read(entry.path()).expect("its file")).expect("a plain name");
        }
        registry.insert(name, learn::load_any_unverified(&folder).expect("a model"));
    }
    registry
}

pub(crate) fn decoded(lines: &[u8]) -> Vec<Event> {
    let lines = lines.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    lines.zip(1..).map(|(line, n)| decode::decode(line, &decode::Place::new("data", n, event::Time::from_s(1_431_900_000)))).collect()
}

/// Real traffic of a public site: few findings, none critical, whichever detector looks.
#[test]
fn an_ordinary_site_gives_few_findings() {
    let Some(log) = data("http/apache_access_elastic.log.zst", None) else { return };
    let web_rules = Arc::new(rule_set(web::RULES).unwrap_or_default());
    let knowledge = Knowledge { web_rules, ..Knowledge::default() };
    let events = decoded(&log);
    let mut stateless = (web::request::SPEC.build)(&knowledge);
    let mut detectors: Vec<_> = ALL.iter().map(|spec| (spec, (spec.build)(&knowledge), Vec::new())).collect();
    for event in &events {
        stateless.detect(event, &Seen::default(), &mut Vec::new());
        for (_, detector, out) in &mut detectors {
            detector.detect(event, &stateless.seen(), out);
        }
    }
    for (spec, _, out) in detectors {
        let mut names: Vec<&str> = out.iter().map(|f| f.uid.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let shown: Vec<String> = out.iter().map(|f| format!("{:?} {}: {}", f.severity, f.title, f.text)).collect();
        assert!(names.len() <= 12, "{} {}\n{}", spec.analytic.uid, names.len(), shown.join("\n"));
        assert!(out.iter().all(|f| f.severity < event::Severity::Critical), "{}", shown.join("\n"));
        assert!(!out.iter().any(|f| f.succeeded), "{}", shown.join("\n"));
    }
}

/// Web requests for detectors' tests: `at_s method target status bytes agent`.
#[allow(clippy::too_many_arguments)]
pub(crate) fn request(number: u64, at_s: i64, client: &str, method: &str, target: &str, status: u16, bytes: u64, agent: &str) -> Event {
    let http = event::Http {
        client: client.parse().ok(),
        host: "shop.example".into(),
        method: method.into(),
        target: target.into(),
        version: "HTTP/1.1".into(),
        status: Some(status),
        response_bytes: Some(bytes),
        user_agent: agent.into(),
        ..event::Http::default()
    };
    let meta = event::Meta {
        uid: event::Uid::of_record("t", number),
        time: event::Time::from_s(1_700_000_000 + at_s),
        record: number,
        ..event::Meta::default()
    };
    Event::new(meta, Body::Http(Box::new(http)), event::Bytes::from(target.as_bytes()))
}

/// Findings of one detector over `events`; a restart in the middle must not change them.
pub(crate) fn run(spec: &Spec, events: &[Event]) -> Vec<Finding> {
    let web_rules = Arc::new(rule_set(web::RULES).unwrap_or_default());
    let knowledge = Knowledge { web_rules, ..Knowledge::default() };
    let once = |restart: bool| {
        let mut stateless = (web::request::SPEC.build)(&knowledge);
        let mut detector = (spec.build)(&knowledge);
        let mut out = Vec::new();
        for (n, event) in events.iter().enumerate() {
            if restart && n == events.len() / 2 {
                let saved = detector.save();
                detector = (spec.build)(&knowledge);
                detector.load(&saved).expect("own state");
            }
            stateless.detect(event, &Seen::default(), &mut Vec::new());
            detector.detect(event, &stateless.seen(), &mut out);
        }
        out
    };
    let out = once(false);
    assert_eq!(once(true), out, "a restart in the middle changes nothing");
    for finding in &out {
        let sum: f32 = finding.reasons.iter().map(|r| r.push).sum();
        assert!((sum - finding.score.value()).abs() < 1e-3 && finding.evidence.len() <= event::finding::EVIDENCE_MAX);
    }
    out
}

/// Four weeks of twelve hosts: office programs by day, jobs and backup by night, a patch day for all, an administrator who goes round, a roll-out.
fn ordinary_weeks() -> Vec<Event> {
    const DAYS: i64 = 28;
    let mut events: Vec<Event> = Vec::new();
    let mut seed = 7_u64;
    let mut dice = move |sides: i64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as i64 % sides
    };
    let office = [
        "C:\\Windows\\explorer.exe",
        "C:\\Program Files\\Mail\\mail.exe",
        "C:\\Program Files\\Office\\sheet.exe",
        "C:\\Windows\\notepad.exe",
    ];
    let night = ["/usr/sbin/cron", "/usr/bin/rsync", "/usr/sbin/logrotate", "/usr/bin/find"];
    let mut add = |at_s: i64, host: &str, body: event::Body| {
        let meta = event::Meta {
            uid: event::Uid::of_record(host, at_s as u64),
            time: event::Time::from_s(1_704_672_000 + at_s),
            ..event::Meta::default()
        };
        events.push(Event::new(meta, body, event::Bytes::default()));
    };
    let program = |host: &str, user: &str, image: &str, parent: &str| {
        let process = event::Process {
            host: host.into(),
            user: user.into(),
            image: image.into(),
            parent_image: parent.into(),
            allowed: true,
            ..event::Process::default()
        };
        Body::Process(Box::new(process))
    };
    let sign_in = |host: &str, user: &str, good: bool| {
        let outcome = if good { event::authentication::Outcome::Success } else { event::authentication::Outcome::Failure };
        Body::Authentication(Box::new(event::Authentication {
            host: host.into(),
            user: user.into(),
            outcome,
            repeats: 1,
            ..event::Authentication::default()
        }))
    };
    for hour in 0..DAYS * 24 {
        let (day, clock) = (hour / 24, hour % 24);
        for n in 0..12 {
            let (host, user) = (format!("pc{n}"), format!("user{n}"));
            let at = |more: i64| hour * 3_600 + n * 7 + more;
            if (8..18).contains(&clock) && day % 7 < 5 {
                if clock == 8 {
                    add(at(0), &host, sign_in(&host, &user, dice(8) > 0));
                    add(at(30), &host, sign_in(&host, &user, true));
                }
                for k in 0..12 + dice(10) {
                    let image = office[dice(4) as usize];
                    // The new version that all get on day 15, one after the other.
                    let image = if image.contains("mail") && day >= 15 && (day, clock) >= (15, n / 2 + 8) {
                        "C:\\Program Files\\Mail2\\mail.exe"
                    } else {
                        image
                    };
                    add(at(60 + k * 120), &host, program(&host, &user, image, "C:\\Windows\\explorer.exe"));
                }
            }
            if clock == 2 {
                for k in 0..60 + dice(12) {
                    add(at(60 + k * 30), &host, program(&host, "root", night[dice(4) as usize], "/usr/sbin/cron"));
                }
            }
            // Patch day.
            if day == 21 && clock == 20 {
                for k in 0..80 + dice(20) {
                    add(at(60 + k * 20), &host, program(&host, "root", "C:\\Windows\\update.exe", "C:\\Windows\\explorer.exe"));
                }
            }
            // The administrator visits one host a day.
            if clock == 11 && day % 7 < 5 && n == day % 12 {
                add(at(3_000), &host, sign_in(&host, "admin", true));
            }
        }
    }
    events.sort_by_key(|e| e.meta.time);
    events
}

/// The learned detectors of hosts: at most one finding in 10,000 ordinary events, and each planted change is found.
#[test]
fn ordinary_weeks_of_hosts_are_nearly_silent_and_planted_changes_are_found() {
    let ordinary = ordinary_weeks();
    let learned = || [&host::rarity::SPEC, &host::rate::SPEC, &host::template::SPEC].map(|spec| (spec.build)(&Knowledge::default()));
    let told = |events: &[Event]| {
        let mut out = Vec::new();
        for mut detector in learned() {
            events.iter().for_each(|event| detector.detect(event, &Seen::default(), &mut out));
        }
        let names: std::collections::BTreeMap<_, _> = out.into_iter().map(|f| (f.uid.clone(), f)).collect();
        names.into_values().collect::<Vec<Finding>>()
    };
    let quiet = told(&ordinary);
    let shown: Vec<&str> = quiet.iter().map(|f| f.text.as_str()).collect();
    assert!(quiet.len() * 10_000 <= ordinary.len(), "{} in {}\n{}", quiet.len(), ordinary.len(), shown.join("\n"));
    assert!(quiet.iter().all(|f| f.severity <= event::Severity::Low));
    let end = ordinary.last().map_or(event::Time::default(), |e| e.meta.time);
    let mut attacked = ordinary;
    for n in 0..300 {
        let mut event = attacked.iter().rev().find(|e| e.host() == "pc3").cloned().expect("a host");
        event.meta.time = end.plus_s(3_600 + n);
        if let Body::Process(process) = &mut event.body {
            process.image = "C:\\Users\\Public\\miner.exe".into();
            process.user = "user3".into();
        }
        attacked.push(event);
    }
    let found = told(&attacked);
    for analytic in ["host.rarity", "host.rate"] {
        let new = |f: &&Finding| f.analytic.uid == analytic && f.last_seen > end && f.entities.iter().any(|e| e.name == "pc3");
        assert!(found.iter().any(|f| new(&f)), "{analytic} did not find it: {:?}", found.iter().map(|f| &f.text).collect::<Vec<_>>());
    }
}
