use event::response::Phase;
use event::{Body, Uid};
use store::{Found, Log, Options, open, open_read_only};

use crate::samples;

fn names(log: &Log, id: &str) -> Vec<String> {
    let name = |found: Found| match found {
        Found::Incident(incident) => format!("{} {}", incident.uid, incident.revision),
        Found::Response(response) => format!("{} {}", response.uid, response.phase.word()),
        Found::Event(offset, event) => format!("{} {offset}", event.body.word()),
    };
    log.find(id).expect("searched").into_iter().map(name).collect()
}

#[test]
fn every_id_is_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let finding = |uid: &str| Body::Finding(Box::new(samples::finding(uid)));
    let bodies = [
        Body::Http(Box::new(samples::http())),
        finding("F-k7qf2m9dxw4t"),
        finding("F-k7zzzzzzzzzz"),
        Body::Incident(Box::new(samples::incident("INC-421", 1))),
        Body::Incident(Box::new(samples::incident("INC-421", 2))),
        Body::Incident(Box::new(samples::incident("INC-422", 1))),
        Body::Response(Box::new(samples::response("R-aaaaaaaaaaaa", "INC-421", samples::applied("rcpt-first00000")))),
        Body::Response(Box::new(samples::response("R-aaaaaaaaaaaa", "INC-421", samples::applied("rcpt-second0000")))),
        Body::Response(Box::new(samples::response("R-aaaaaaaaaaaa", "INC-421", Phase::Expired { at: samples::NOON }))),
        Body::Response(Box::new(samples::response("R-aabbbbbbbbbb", "INC-421", samples::applied("rcpt-third00000")))),
        finding("F-k7qf2m9dxw4t"),
    ];
    let mut all: Vec<_> = (0..).zip(bodies).map(|(i, body)| samples::event(i, body, "")).collect();
    all.extend(samples::all().into_iter().filter(|event| matches!(event.body, Body::Order(_))));
    let (mut writer, log) = open(dir.path(), Options::default()).expect("opened");
    writer.append(&all).expect("appended");
    for log in [&log, &open_read_only(dir.path()).expect("opened")] {
        let uid = Uid::of_record("access.log", 3).to_string();
        for (id, expected) in [
            ("INC-421", &["INC-421 2"][..]),
            (" INC-422 ", &["INC-422 1"]),
            ("INC-42", &["INC-421 2", "INC-422 1"]),
            ("INC-", &[]),
            ("INC-9", &[]),
            ("F-k7qf2m9dxw4t", &["finding 10"]),
            ("F-k7q", &["finding 10"]),
            ("F-k7", &[]),
            ("F-k7z", &["finding 2"]),
            ("F-nothing", &[]),
            ("R-aaaaaaaaaaaa", &["R-aaaaaaaaaaaa expired"]),
            ("R-aab", &["R-aabbbbbbbbbb applied"]),
            ("R-aa", &[]),
            ("rcpt-first00000", &["R-aaaaaaaaaaaa expired"]),
            ("rcpt-second0000", &["R-aaaaaaaaaaaa expired"]),
            ("rcpt-third00000", &["R-aabbbbbbbbbb applied"]),
            ("rcpt-third", &["R-aabbbbbbbbbb applied"]),
            ("r-4k7qf2m9dxw4", &["http 0", "finding 10", "finding 2"]),
            ("O-1k7qf2m9dxw4", &["order 11"]),
            (&uid, &["incident 3"]),
            ("0123456789abcdef0123456789abcdef", &[]),
            ("nonsense", &[]),
            ("", &[]),
        ] {
            assert_eq!(names(log, id), expected, "{id:?}");
        }
        assert_eq!(log.finding("F-k7qf2m9dxw4t").expect("searched").map(|(offset, _)| offset), Some(10));
        assert_eq!(log.request("r-4k7qf2m9dxw4").expect("searched").map(|(offset, _)| offset), Some(0));
        assert_eq!(log.request("r-other").expect("searched"), None);
    }
}
