//! Any bytes become one event with those bytes in it; nothing panics.

use decode::{ALL, Choice, Format, Place, RECORD_BYTES_MAX};
use event::{Body, Time, Uid};
use proptest::prelude::*;

const SEEDS: [&[u8]; 6] = [
    include_bytes!("../../testdata/access.in"),
    include_bytes!("../../testdata/sshd.in"),
    include_bytes!("../../testdata/sudo.in"),
    include_bytes!("../../testdata/framing.in"),
    include_bytes!("../../testdata/json.in"),
    include_bytes!("../../testdata/mixed.in"),
];

fn check(record: &[u8], at: &Place<'_>) {
    let choices = Format::names().map(|name| Choice::new(name.parse().expect("a known format"), [record]));
    for choice in choices.chain([Choice::MIXED]) {
        let event = choice.decode(record, at);
        assert_eq!(&*event.raw, &record[..record.len().min(RECORD_BYTES_MAX)]);
        assert_eq!((event.meta.uid, event.meta.record), (Uid::of_record(at.source, at.record), at.record));
        if let Body::Undecoded { reason } = &event.body {
            assert!(!reason.is_empty());
        }
        // Same record, same event.
        assert_eq!(choice.decode(record, at), event);
    }
    for decoder in ALL {
        assert!(decoder.recognise(record) <= 100);
    }
}

fn lines() -> Vec<Vec<u8>> {
    SEEDS.iter().flat_map(|file| file.split(|b| *b == b'\n')).filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let cut = (prop::sample::select(lines()), prop::sample::select(lines()), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let spliced = cut.prop_map(|(a, b, i, j)| [&a[..i.index(a.len() + 1)], &b[j.index(b.len() + 1)..]].concat());
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..6);
    (spliced, edits).prop_map(|(mut line, edits)| {
        for (index, byte, kind) in edits {
            let at = index.index(line.len() + 1);
            match kind {
                0 => line.insert(at, byte),
                1 if at < line.len() => line[at] = byte,
                _ if at < line.len() => drop(line.remove(at)),
                _ => {}
            }
        }
        line
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_become_one_event(record in prop::collection::vec(any::<u8>(), 0..300), logged in any::<i64>()) {
        check(&record, &Place::new("f", 7, Time::from_us(logged)));
    }

    #[test]
    fn spoiled_lines_become_one_event(record in mutated(), offset in -90_000..90_000i32, logged in any::<i64>()) {
        check(&record, &Place { zone_offset_s: offset, ..Place::new("f", 7, Time::from_us(logged)) });
    }

    /// Whatever a client calls itself, the address is the one that sshd wrote at the end.
    #[test]
    fn user_names_do_not_move_the_address(user in "[ -~]{0,40}( from 203.0.113.9( port 22( ssh2(: RSA SHA256:x)?)?)?)?[ -~]{0,10}") {
        for (line, cut) in [
            (format!("Failed password for invalid user {user} from 192.0.2.7 port 4022 ssh2"), user.as_str()),
            (format!("Failed publickey for invalid user {user} from 192.0.2.7 port 4022 ssh2: RSA SHA256:y"), user.as_str()),
            (format!("Invalid user {user} from 192.0.2.7 port 4022"), user.as_str()),
            (format!("Connection closed by invalid user {user} 192.0.2.7 port 4022 [preauth]"), user.as_str()),
        ] {
            let record = format!("May  1 12:00:00 web sshd[1]: {line}");
            let event = decode::decode(record.as_bytes(), &Place::new("f", 1, Time::from_s(1_714_600_000)));
            let Body::Authentication(auth) = event.body else { panic!("{line}: {:?}", event.body) };
            prop_assert_eq!(auth.client, Some([192, 0, 2, 7].into()), "{}", line);
            prop_assert_eq!(auth.client_port, Some(4022));
            prop_assert_eq!(auth.user.as_str(), cut);
        }
    }
}

#[test]
fn records_above_the_limit_are_cut() {
    for start in
        ["", "192.0.2.1 - - [01/May/2024:12:00:00 +0000] \"GET /", "May  1 12:00:00 h sshd[1]: Failed password for ", "{\"user\":\""]
    {
        let mut record = start.as_bytes().to_vec();
        record.resize(RECORD_BYTES_MAX + 10, b'a');
        check(&record, &Place::new("f", 1, Time::ZERO));
        let event = decode::decode(&record, &Place::new("f", 1, Time::from_s(1_714_600_000)));
        assert_eq!(event.meta.cut_from, Some(RECORD_BYTES_MAX as u64 + 10), "{start}");
    }
}

#[test]
fn nesting_is_bounded() {
    for depth in [10, 60, 64, 65, 1_000, 100_000] {
        let record = format!("{{\"time\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        check(record.as_bytes(), &Place::new("f", 1, Time::ZERO));
    }
}
