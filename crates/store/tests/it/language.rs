use event::{Body, Event};
use store::{Query, QueryError};

use crate::samples;

fn all() -> Vec<Event> {
    samples::all()
}

/// Words of the classes that match, in order of the first of [`samples::all`], each once.
fn check(text: &str, expected: &str) {
    let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut words: Vec<&str> =
        all()[..samples::OF_VERSION_1].iter().filter(|event| query.matches(event)).map(|event| event.body.word()).collect();
    words.dedup();
    assert_eq!(words.join(" "), expected, "{text}");
}

#[test]
fn queries_find_what_they_say() {
    const EVERYTHING: &str = "http authentication process other undecoded finding incident response order";
    for (text, expected) in [
        ("", EVERYTHING),
        ("  ", EVERYTHING),
        ("class:http", "http"),
        ("class:HTTP", "http"),
        ("class:auth", "authentication"),
        ("class=authentication", "authentication"),
        ("not class:http", &EVERYTHING[5..]),
        ("class:http class:finding", ""),
        ("class:http or class:finding", "http finding"),
        ("status:403", "http"),
        ("status:404", ""),
        ("status:>=400", "http"),
        ("status>=400", "http"),
        ("status:<403", ""),
        ("status<=403", "http"),
        ("status:400..499", "http"),
        ("status:404..499", ""),
        ("bytes_out:>4999999999", "http"),
        ("src_ip:203.0.113.9", "http"),
        ("src_ip:203.0.113.0/24", "http"),
        ("src_ip:203.0.112.0/24", ""),
        ("src_ip:0.0.0.0/0", "http"),
        ("src_ip:::/0", "http authentication"),
        ("src_ip:2001:db8::/32", "authentication"),
        ("203.0.113.9", "http finding incident response"),
        ("::ffff:203.0.113.9", "http finding incident response"),
        ("203.0.113.0/28", "http"),
        ("2001:db8::7", "authentication"),
        ("entity:address:203.0.113.9", "http finding incident response"),
        ("entity:203.0.113.9", "http finding incident response"),
        ("address:203.0.113.9", "http finding incident response"),
        ("entity:user:ada", "http process"),
        ("entity:user:\"ada\"", "http process"),
        ("entity:user:ada class:process", "process"),
        ("entity:user:ada or entity:user:root", "http authentication process"),
        ("user:ada", "http process"),
        ("user:ad*", "http process"),
        ("user:?da", "http process"),
        ("user:\"ad*\"", ""),
        ("user:*", "http authentication process"),
        ("not user:*", "other undecoded finding incident response order"),
        ("path:/search", "http"),
        ("path:/sea*", "http"),
        ("path:*a*h", "http"),
        ("path:/health*", ""),
        ("not path:/health*", EVERYTHING),
        ("class:http not path:/search", ""),
        ("severity:high", "finding incident"),
        ("severity:>=medium", "finding incident"),
        ("severity:<high", ""),
        ("user_unknown:true", "authentication"),
        ("user_unknown:no", ""),
        ("score:>0.95", "http finding"),
        ("outcome:failure service:sshd", "authentication"),
        ("\"union select\"", "finding incident"),
        ("union", "http finding incident"),
        ("UNION+SELECT", "http"),
        ("wrong", "authentication"),
        ("\"wrong password\"", "authentication"),
        ("raw*of*3?", "process response"),
        ("\"raw of 3\"", "process"),
        ("tried three", "incident"),
        ("(class:http or class:process) user:ada", "http process"),
        ("(class:http or class:process) and not (status:403)", "process"),
        ("class:http or class:process user:root", "http"),
        ("NOT class:http AND class:process", "process"),
        ("INC-42", "incident response order"),
        ("F-k7qf2m9dxw4t", "finding"),
        ("r-4k7qf2m9dxw4", "http finding"),
        ("R-1k7qf2m9dxw4", "response order"),
        ("rcpt-1k7qf2m9dx", "response order"),
        ("incident:INC-42", "incident response"),
        ("incident:inc-42", "incident response"),
        ("phase:undone", "response"),
        ("command:*id", "process"),
        ("from:2026-01-31", EVERYTHING),
        ("from:2026-02-01", ""),
        ("to:2026-01-31T12:00:02Z", "http"),
        ("from:2026-01-31T12:00:02Z to:2026-01-31T12:00:04Z", "authentication process"),
        ("a=b", ""),
        ("\"\\\"\"", ""),
        ("\"\"", EVERYTHING),
        ("or-else", ""),
        ("notary", ""),
    ] {
        check(text, expected);
    }
}

#[test]
fn an_event_is_found_by_its_name() {
    for event in all() {
        let query = Query::parse(&event.meta.uid.to_string()).expect("a query");
        assert_eq!(all().iter().filter(|e| query.matches(e)).count(), 1);
        let query = Query::parse(&format!("uid:{}", event.meta.uid)).expect("a query");
        assert!(query.matches(&event));
    }
}

#[test]
fn errors_point_at_the_place() {
    for (text, at, found, help) in [
        ("src_pi:10.0.0.1", 0, "src_pi", "did you mean src_ip?"),
        ("class:http sttus:>=500", 11, "sttus", "did you mean status?"),
        ("http://example.org", 0, "http", "put it in quotes"),
        ("completely_else:1", 0, "completely_else", "there is no such field to search"),
        ("status:abc", 7, "abc", "status is a number"),
        ("status:>=", 9, "", "a value is missing"),
        ("status:", 7, "", "a value is missing"),
        ("status:nan", 7, "nan", "status is a number"),
        ("status:5..1", 7, "5..1", "is not a range"),
        ("path:>5", 5, ">", "path is text"),
        ("src_ip:10.0.0.0/33", 7, "10.0.0.0/33", "src_ip is an address"),
        ("src_ip:10.*", 7, "10.*", "src_ip is an address"),
        ("class:web", 6, "web", "classes are http"),
        ("severity:huge", 9, "huge", "severities are"),
        ("user_unknown:perhaps", 13, "perhaps", "true or false"),
        ("entity:ada", 7, "ada", "needs a kind"),
        ("entity:color:red", 7, "color:red", "unknown entity kind"),
        ("address:ada", 8, "ada", "is not an address"),
        ("from:yesterday", 5, "yesterday", "is not a time"),
        ("(from:2026-01-31)", 1, "from", "holds for the whole query"),
        ("not from:2026-01-31", 4, "from", "holds for the whole query"),
        ("\"open", 0, "\"open", "the quote is not closed"),
        ("user:\"open", 5, "\"open", "the quote is not closed"),
        ("(class:http", 0, "(", "is not closed"),
        ("class:http)", 10, ")", "no parenthesis is open"),
        ("()", 0, "()", "nothing in these parentheses"),
        ("or class:http", 0, "or", "needs a term on its left"),
        ("class:http or", 13, "", "needs a term on its right"),
        ("and class:http", 0, "and", "needs a term on both sides"),
        ("class:http and", 11, "and", "needs a term on both sides"),
        ("not", 0, "not", "needs a term behind it"),
        ("class:http | count() by host", 18, "()", "| count by status"),
        ("class:http | sort host", 13, "sort", "comes count, top or timechart"),
        ("class:http | count by hsot", 22, "hsot", "did you mean host?"),
        ("class:http | count by host, path, status, method, user", 50, "user", "at most 4 fields"),
        ("class:http | top 5", 18, "", "no such field"),
        ("class:http | count by host | top path", 27, "|", "nothing stands behind"),
        ("class:http |count", 11, "|", "followed by a space"),
        ("(class:http | count)", 12, "|", "outside of parentheses"),
        (&"(".repeat(100), 32, "(", "parentheses"),
        (&"not ".repeat(100), 128, "not", "stand inside each other"),
        (&"x ".repeat(1_000), 512, "x", "at most 256 terms"),
        (
            &"x".repeat(2_000),
            0,
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "has more than 1024 bytes",
        ),
        (&"x ".repeat(10_000), 16_384, "", "at most 16384 bytes"),
    ] {
        let error: QueryError = Query::parse(text).map(|_| ()).expect_err(text);
        assert!(error.help.contains(help), "{text}: {error}");
        assert_eq!((error.at, error.found.as_str()), (at, found), "{text}: {error}");
    }
}

/// The table that spares a search whole classes says what the field table does.
#[test]
fn a_field_is_in_no_other_class() {
    for field in event::field::ALL {
        let query = Query::parse(&format!("{}:*", field.name)).expect("a query");
        for event in all() {
            let direct = (field.read)(&event).is_some();
            assert_eq!(query.matches(&event), direct, "{} of {}", field.name, event.body.word());
        }
        // The same through the log, where the table is used.
        let dir = tempfile::tempdir().expect("a directory");
        let (mut writer, log) = store::open(dir.path(), store::Options::default()).expect("opened");
        writer.append(&all()).expect("appended");
        let found = log.query(&query).expect("searched").rows.len();
        assert_eq!(found, all().iter().filter(|event| (field.read)(event).is_some()).count(), "{}", field.name);
    }
}

/// Any text of any field is found through the log, where records are passed over by their stored bytes.
#[test]
fn what_a_field_says_is_stored_in_one_piece() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut writer, log) = store::open(dir.path(), store::Options::default()).expect("opened");
    writer.append(&all()).expect("appended");
    for field in event::field::ALL.iter().filter(|field| field.kind == event::field::Kind::Text && field.name != "uid") {
        for event in all() {
            let Some(value) = (field.read)(&event) else { continue };
            let quoted = value.to_string().to_uppercase().replace('\\', "\\\\").replace('"', "\\\"");
            for text in [format!("\"{quoted}\""), format!("{}:\"{quoted}\"", field.name)] {
                let Ok(query) = Query::parse(&text) else { panic!("{text}") };
                assert!(query.matches(&event), "{text}");
                let found = log.query(&query).expect("searched").rows;
                assert!(found.iter().any(|(_, e)| *e == event), "{text} of {}", event.body.word());
            }
        }
    }
}

#[test]
fn samples_have_every_class() {
    let words: Vec<&str> = store::Classes::ALL.words().collect();
    for event in all() {
        assert!(words.contains(&event.body.word()));
        assert_eq!(store::Classes::parse(event.body.word()), Some(store::Classes::of(&event.body)));
    }
    assert!(words.iter().all(|word| all().iter().any(|event| event.body.word() == *word)));
    assert!(!store::Classes::NONE.contains(&Body::Undecoded { reason: "".into() }));
}

proptest::proptest! {
    #[test]
    fn any_text_is_understood_or_refused(text in "[a-z_:=<>()\"\\\\ *?./|0-9ä-]{0,60}") {
        if let Err(error) = Query::parse(&text) {
            proptest::prop_assert!(error.at <= text.len() && text.is_char_boundary(error.at));
        }
    }
}
