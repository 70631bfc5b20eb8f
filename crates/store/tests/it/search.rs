//! A search through the log finds what a filter over all events finds.

use event::{Body, Event, Http, Text};
use proptest::prelude::*;
use store::{Log, Query, open};

use crate::reopen::small;
use crate::samples;

fn body() -> impl Strategy<Value = Body> {
    let address = prop_oneof![Just("10.0.0.1"), Just("::ffff:10.0.0.1"), Just("10.0.200.255"), Just("2001:db8::1"), Just("192.0.2.7")];
    let user = prop_oneof![Just(""), Just("ada"), Just("Ada"), Just("grace")];
    let host = prop_oneof![Just(""), Just("shop"), Just("Bastion")];
    let status = prop_oneof![Just(None), Just(Some(200)), Just(Some(404)), Just(Some(500))];
    (0..6_u8, address, user, host, status, 0..5_u8).prop_map(|(kind, address, user, host, status, n)| {
        let client = address.parse().ok();
        match kind {
            0 | 1 => Body::Http(Box::new(Http {
                client,
                user: user.into(),
                host: host.into(),
                status,
                target: format!("/item/{n}?q=x"),
                request_id: (n == 0).then(|| Text::from("r-abc123abc123")),
                ..Http::default()
            })),
            2 => {
                Body::Authentication(Box::new(event::Authentication { client, user: user.into(), host: host.into(), ..Default::default() }))
            }
            3 => {
                let mut finding = samples::finding(&format!("F-{n}23456789012"));
                finding.entities.extend(client.map(event::Entity::address));
                Body::Finding(Box::new(finding))
            }
            4 => Body::Incident(Box::new(samples::incident(&format!("INC-{n}"), 1))),
            _ => Body::Other { host: host.into(), service: "cron".into() },
        }
    })
}

fn term() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "class:http",
        "class:finding",
        "status:>=400",
        "status:200",
        "src_ip:10.0.0.1",
        "src_ip:10.0.0.0/16",
        "src_ip:2001:db8::1",
        "src_ip:::ffff:10.0.0.1",
        "10.0.0.1",
        "2001:db8::1",
        "203.0.113.9",
        "user:ada",
        "user:a*",
        "entity:user:ADA",
        "host:shop",
        "host:BASTION",
        "entity:host:bastion",
        "entity:service:shop",
        "path:/item/3",
        "INC-3",
        "incident:inc-3",
        "F-123456789012",
        "finding:f-123456789012",
        "r-abc123abc123",
        "request:R-ABC123ABC123",
        "severity:>=low",
        "item",
        "\"/item/2\"",
        "service:cron",
        "user:*",
        "from:2026-01-31T12:00:10Z",
        "to:2026-01-31T12:01:00Z",
    ]);
    let inner = plain.clone().prop_filter("holds for the whole query", |t| !t.starts_with("from") && !t.starts_with("to"));
    prop_oneof![
        4 => plain.prop_map(str::to_owned),
        1 => inner.clone().prop_map(|t| format!("not {t}")),
        1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
        1 => (inner.clone(), inner).prop_map(|(a, b)| format!("not ({a} {b})")),
    ]
}

/// Through pages of `limit` rows.
fn pages(log: &Log, query: &Query, limit: usize) -> Vec<(u64, Event)> {
    let mut query = Query { limit, ..query.clone() };
    let mut all = Vec::new();
    loop {
        let page = log.query(&query).expect("searched");
        assert!(page.rows.len() <= limit);
        all.extend(page.rows);
        assert!(page.next.is_none_or(|next| query.before.is_none_or(|before| next < before)), "a page ends before the page before it");
        query.before = page.next;
        if query.before.is_none() {
            return all;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_search_is_a_filter(
        bodies in prop::collection::vec(body(), 1..120),
        queries in prop::collection::vec(prop::collection::vec(term(), 1..4), 12),
        limit in 1..40_usize,
        rows_max in prop_oneof![Just(u64::MAX), Just(1), Just(30)],
        reopened in any::<bool>(),
        sealed in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let events: Vec<Event> = (0..).zip(bodies).map(|(i, body)| samples::event(i, body, &format!("line {i}"))).collect();
        let (mut writer, mut log) = open(dir.path(), small()).expect("opened");
        for batch in events.chunks(11) {
            writer.append(batch).expect("appended");
        }
        if sealed {
            writer.seal().expect("sealed");
        }
        if reopened {
            drop((writer, log));
            log = store::open_read_only(dir.path()).expect("opened");
        }
        for terms in queries {
            let text = terms.join(" ");
            let query = Query { rows_max, ..Query::parse(&text).expect("a query") };
            let expected: Vec<(u64, Event)> = events.iter().enumerate().rev().filter(|(_, e)| query.matches(e)).map(|(i, e)| (i as u64, e.clone())).collect();
            prop_assert_eq!(pages(&log, &query, limit), expected, "{}", text);
        }
    }

    #[test]
    fn a_tally_counts_what_a_filter_leaves(
        bodies in prop::collection::vec(body(), 1..120),
        queries in prop::collection::vec((prop::collection::vec(term(), 0..3), by()), 12),
        sealed in 0..3_usize,
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let mut events: Vec<Event> = (0..).zip(bodies).map(|(i, body)| samples::event(i, body, &format!("line {i}"))).collect();
        events.extend(samples::all());
        let (mut writer, log) = open(dir.path(), small()).expect("opened");
        for (n, batch) in events.chunks(31).enumerate() {
            writer.append(batch).expect("appended");
            if n < sealed {
                writer.seal().expect("sealed");
            }
        }
        for (terms, by) in queries {
            let text = format!("{} {by}", terms.join(" "));
            let query = Query::parse(&text).expect("a query");
            let tally = query.tally.clone().expect("is counted");
            let mut expected = std::collections::BTreeMap::new();
            for event in events.iter().filter(|event| query.matches(event)) {
                let us = event.meta.time.us();
                let time = tally.every_s.map(|s| event::Time::from_us(us - us.rem_euclid(s * 1_000_000)).to_string());
                let values = tally.by.iter().map(|name| {
                    let value = event::field::by_name(name).and_then(|field| (field.read)(event));
                    value.map_or_else(String::new, |value| value.to_string())
                });
                *expected.entry(time.into_iter().chain(values).collect::<Vec<_>>()).or_insert(0_u64) += 1;
            }
            let table = log.tally(&query, &tally).expect("counted");
            prop_assert_eq!(table.total, expected.values().sum::<u64>(), "{}", text);
            let shown: u64 = table.rows.iter().map(|(_, n)| n).sum();
            prop_assert_eq!(shown + table.others, table.total, "{}", text);
            for (key, count) in &table.rows {
                prop_assert_eq!(expected.get(key), Some(count), "{} {:?}", text, key);
            }
            prop_assert_eq!(table.rows.len(), expected.len().min(tally.top), "{}", text);
        }
    }
}

fn by() -> impl Strategy<Value = String> {
    let fields: Vec<&'static str> = event::field::ALL.iter().map(|field| field.name).filter(|name| *name != "raw").collect();
    let field = prop::sample::select(fields);
    prop_oneof![
        Just("| count".to_owned()),
        Just("| timechart 1m".to_owned()),
        field.clone().prop_map(|f| format!("| count by {f}")),
        (field.clone(), field.clone()).prop_map(|(f, g)| format!("| count by {f}, {g}, 5m")),
        field.prop_map(|f| format!("| top 3 {f}")),
    ]
}

#[test]
fn a_search_says_why_it_stopped() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut writer, log) = open(dir.path(), store::Options::default()).expect("opened");
    writer.append(&samples::requests(0..5_000)).expect("appended");
    let never = Query::parse("path:/never").expect("a query");
    let page = log.query(&Query { rows_max: 1_500, ..never.clone() }).expect("searched");
    assert_eq!((page.rows.len(), page.stopped_early), (0, Some("row limit")));
    assert!((1_500..=2_548).contains(&page.scanned), "{}", page.scanned);
    assert_eq!(page.next, Some(5_000 - page.scanned));
    let page = log.query(&Query { time_max: std::time::Duration::ZERO, ..never.clone() }).expect("searched");
    assert_eq!((page.scanned, page.stopped_early, page.next), (0, Some("time limit"), Some(5_000)));
    let page = log.query(&never).expect("searched");
    assert_eq!((page.scanned, page.stopped_early, page.next), (5_000, None, None));
    // The index rules out most blocks.
    let page = log.query(&Query::parse("src_ip:10.0.1.7").expect("a query")).expect("searched");
    assert_eq!(page.rows.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [263]);
    assert!(page.scanned <= 2_048, "{}", page.scanned);
}
