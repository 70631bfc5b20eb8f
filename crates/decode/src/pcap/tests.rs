// Tests read shared data.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Every file of an archive of the shared data; `None` with a printed line when it is absent.
fn archive(name: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let root = std::env::var_os("BARTIZAN_DATA")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), Into::into);
    let Some(tar) = std::fs::read(root.join(name)).ok().and_then(|packed| zstd::decode_all(packed.as_slice()).ok()) else {
        eprintln!("skipped: no data {name}");
        return None;
    };
    let (mut files, mut at) = (Vec::new(), 0);
    while let Some(head) = tar.get(at..at + 512) {
        let text = |from: usize, to: usize| String::from_utf8_lossy(&head[from..to]).trim_matches(['\0', ' ']).to_owned();
        let length = usize::from_str_radix(&text(124, 136), 8).unwrap_or(0);
        if head[156] == b'0' {
            files.push((text(0, 100), tar[at + 512..at + 512 + length].to_vec()));
        }
        at += 512 + length.div_ceil(512) * 512;
    }
    Some(files)
}

fn read(bytes: &[u8]) -> Vec<Event> {
    events(bytes, &Place::new("t.pcap", 1, Time::from_s(1_900_000_000)))
}

#[test]
fn every_test_trace_is_read() {
    let Some(files) = archive("net/zeek-traces-dev.tar.zst") else { return };
    let (mut captures, mut counts) = (0, BTreeMap::<&str, u64>::new());
    for (name, bytes) in &files {
        if Pcap.recognise(bytes, name) == 0 {
            continue;
        }
        captures += 1;
        let made = read(bytes);
        assert_eq!(made, read(bytes), "{name}: the same file gives the same events");
        for event in &made {
            *counts.entry(event.body.word()).or_default() += 1;
        }
    }
    eprintln!("zeek-traces-dev: {captures} captures of {} files, {counts:?}", files.len());
    assert!(captures > 500);
    assert!(counts["network"] > 1_000 && counts["dns"] > 100 && counts["http"] > 100, "{counts:?}");
}

#[test]
fn ja4_agrees_with_the_published_values() {
    let Some(files) = archive("net/ja4-dev.tar.zst") else { return };
    let file = |end: &str| files.iter().find(|(name, _)| name.ends_with(end)).map(|(_, bytes)| bytes);
    let (mut same, mut all, mut failed) = (0, 0, Vec::new());
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".json")) {
        let capture = name.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
        let Some(capture) = file(&format!("pcap/{capture}")) else {
            failed.push(format!("no capture for {name}"));
            continue;
        };
        let rows: Vec<serde_json::Value> = serde_json::from_slice(bytes).expect("JSON");
        let made = read(capture);
        for row in &rows {
            for (key, field) in [("JA4.1", 0), ("JA4.2", 1)] {
                let Some(expected) = row[key].as_str() else { continue };
                all += 1;
                let port: u16 = row["srcport"].as_str().and_then(|p| p.parse().ok()).unwrap_or(0);
                let found = made.iter().any(|event| match &event.body {
                    Body::Network(flow) if flow.client_port == port => flow.tls.as_ref().is_some_and(|tls| {
                        std::iter::once(&tls.ja4).chain(&tls.ja4_later).nth(field).is_some_and(|value| value == expected)
                    }),
                    _ => false,
                });
                same += u32::from(found);
                if !found {
                    failed.push(format!("{name} {port} {key} {expected}"));
                }
            }
        }
    }
    eprintln!("ja4-dev: {same} of {all} values of JA4 for TLS clients are equal");
    assert!(all >= 84 && failed.is_empty(), "{failed:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn garbage_in_frames_never_panics(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..20),
        link in prop::sample::select(vec![0u32, 1, 9, 12, 101, 108, 113, 228, 229, 276, 7]),
        kind in prop::sample::select(vec![0u16, 0x0800, 0x86dd, 0x8100, 0x8847, 0x8864, 0x88e7]),
    ) {
        let mut file = pcap_head(link);
        for (n, frame) in frames.iter().enumerate() {
            let mut frame = frame.clone();
            if let Some(place) = frame.get_mut(12..14).filter(|_| kind > 0) {
                place.copy_from_slice(&kind.to_be_bytes());
            }
            frame_into(&mut file, n as u32, &frame);
        }
        read(&file);
    }

    #[test]
    fn damaged_captures_never_panic(seed in any::<u64>(), from in 0usize..4_000, length in 0usize..64) {
        let mut file = conversation();
        let end = file.len();
        let mut random = seed;
        for byte in &mut file[from.min(end)..(from + length).min(end)] {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (random >> 33) as u8;
        }
        read(&file);
        read(&file[..from.min(end)]);
    }
}

fn pcap_head(link: u32) -> Vec<u8> {
    let mut file = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0]);
    file.extend(link.to_le_bytes());
    file
}

fn frame_into(file: &mut Vec<u8>, at_s: u32, frame: &[u8]) {
    file.extend((1_700_000_000 + at_s).to_le_bytes());
    file.extend([0; 4]);
    file.extend((frame.len() as u32).to_le_bytes());
    file.extend((frame.len() as u32).to_le_bytes());
    file.extend(frame);
}

/// IPv4 and TCP around `data`, raw IP.
fn segment(outward: bool, sequence: u32, flags: u8, data: &[u8]) -> Vec<u8> {
    let (client, server) = ([192, 0, 2, 10], [198, 51, 100, 80]);
    let (from, to) = if outward { (client, server) } else { (server, client) };
    let ports: [u16; 2] = if outward { [40_000, 8_088] } else { [8_088, 40_000] };
    let mut packet = vec![0x45, 0];
    packet.extend((40 + data.len() as u16).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 6, 0, 0]);
    packet.extend(from);
    packet.extend(to);
    packet.extend(ports[0].to_be_bytes());
    packet.extend(ports[1].to_be_bytes());
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 0, 0x50, flags, 255, 255, 0, 0, 0, 0]);
    packet.extend(data);
    packet
}

fn conversation() -> Vec<u8> {
    let request = b"GET /a?q=1 HTTP/1.1\r\nHost: shop.example\r\nCookie: id=secret\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let mut file = pcap_head(101);
    let parts: [(bool, u32, u8, &[u8]); 9] = [
        (true, 100, 2, b""),
        (false, 900, 18, b""),
        (true, 131, 24, &request[30..]),
        (true, 101, 24, &request[..30]),
        (true, 101, 24, &request[..30]),
        (false, 901, 24, &answer[..50]),
        (false, 951, 24, &answer[50..]),
        (true, 101 + request.len() as u32, 17, b""),
        (false, 901 + answer.len() as u32, 17, b""),
    ];
    for (n, (outward, sequence, flags, data)) in parts.into_iter().enumerate() {
        frame_into(&mut file, n as u32, &segment(outward, sequence, flags, data));
    }
    file
}

#[test]
fn a_conversation_becomes_a_flow_and_a_request() {
    let made = read(&conversation());
    let bodies: Vec<&Body> = made.iter().map(|e| &e.body).collect();
    let [Body::Network(flow), Body::Http(http)] = bodies.as_slice() else { panic!("{bodies:#?}") };
    assert_eq!((flow.state.as_str(), flow.protocol.as_str(), flow.server_name.as_str()), ("closed", "http", "shop.example"));
    assert_eq!((flow.packets_out, flow.packets_in, flow.server_port), (5, 4, 8_088));
    assert_eq!((http.target.as_str(), http.status, http.response_bytes), ("/a?q=1", Some(200), Some(5)));
    assert_eq!(http.headers[1], ("cookie".into(), "***".to_owned()));
    assert!(!String::from_utf8_lossy(&made[1].raw).contains("secret"));
    assert_eq!(made[0].meta.record, 1);
    assert_eq!(made[1].meta.record, 4, "the frame that completed the request");
}

#[test]
fn a_file_that_ends_inside_a_frame_says_so() {
    let file = conversation();
    let made = read(&file[..file.len() - 10]);
    assert!(matches!(&made.last().expect("events").body, Body::Undecoded { reason } if reason.contains("ends inside")));
    assert!(matches!(read(b"").as_slice(), [one] if matches!(one.body, Body::Undecoded { .. })));
}
