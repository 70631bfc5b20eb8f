//! Location files: taken in whole or not at all, and what sign-ins gain by them. The files are written here, bit by bit.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn bartizan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bartizan")).args(args).output().expect("bartizan runs")
}

fn stdout(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn stderr(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// `control byte, payload` of the MaxMind DB form, for payloads below 29 bytes.
fn text(value: &str) -> Vec<u8> {
    [&[2 << 5 | value.len() as u8], value.as_bytes()].concat()
}

fn number(kind: u8, value: u64, bytes: usize) -> Vec<u8> {
    let head = if kind < 8 { vec![kind << 5 | bytes as u8] } else { vec![bytes as u8, kind - 7] };
    [head, value.to_be_bytes()[8 - bytes..].to_vec()].concat()
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let body = pairs.iter().flat_map(|(key, value)| [text(key), value.clone()].concat());
    [7 << 5 | pairs.len() as u8].into_iter().chain(body).collect()
}

/// A file of IPv4 networks /24 with country and perhaps a number.
pub(super) fn location_file(rows: &[([u8; 3], &str, Option<u32>)]) -> Vec<u8> {
    // A record is 0 for nothing, a node, or a row.
    #[derive(Clone, Copy)]
    enum Next {
        Nothing,
        Node(usize),
        Row(usize),
    }
    let mut nodes = vec![[Next::Nothing; 2]];
    let (mut data, mut starts) = (Vec::new(), Vec::new());
    for (n, (prefix, country, asn)) in rows.iter().enumerate() {
        let mut at = 0;
        for bit in 0..24 {
            let side = usize::from(prefix[bit / 8] >> (7 - bit % 8) & 1);
            at = match nodes[at][side] {
                _ if bit == 23 => {
                    nodes[at][side] = Next::Row(n);
                    break;
                }
                Next::Node(next) => next,
                _ => {
                    nodes.push([Next::Nothing; 2]);
                    nodes[at][side] = Next::Node(nodes.len() - 1);
                    nodes.len() - 1
                }
            };
        }
        starts.push(data.len());
        let mut pairs = vec![("country_code", text(country))];
        pairs.extend(asn.map(|asn| ("autonomous_system_number", number(6, u64::from(asn), 4))));
        data.extend(map(&pairs));
    }
    let record = |next: &Next| match next {
        Next::Nothing => nodes.len(),
        Next::Node(at) => *at,
        Next::Row(n) => nodes.len() + 16 + starts[*n],
    };
    let mut file: Vec<u8> = nodes.iter().flatten().flat_map(|next| (record(next) as u32).to_be_bytes()[1..].to_vec()).collect();
    file.extend([0; 16]);
    file.extend(&data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(map(&[
        ("node_count", number(6, nodes.len() as u64, 4)),
        ("record_size", number(5, 24, 2)),
        ("ip_version", number(5, 4, 2)),
        ("database_type", text("made-by-a-test")),
        ("languages", vec![0, 4]),
        ("binary_format_major_version", number(5, 2, 2)),
        ("binary_format_minor_version", number(5, 0, 2)),
        ("build_epoch", number(9, 1_770_000_000, 8)),
        ("description", map(&[])),
    ]));
    file
}

fn three() -> Vec<u8> {
    location_file(&[([192, 0, 2], "DE", Some(64_500)), ([198, 51, 100], "no", Some(64_501)), ([203, 0, 113], "BR", None)])
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> String {
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_file_is_taken_in_and_asked() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let data = data.to_str().expect("UTF-8");
    let none = bartizan(&["geo", "show", "192.0.2.1", "--data-dir", data]);
    assert_eq!(none.status.code(), Some(3));
    assert!(stderr(&none).contains("location unknown") && stderr(&none).contains("fix: bartizan geo import"), "{}", stderr(&none));

    let file = write(dir.path(), "three.mmdb", &three());
    let taken = bartizan(&["geo", "import", &file, "--json", "--data-dir", data]);
    let said: Value = serde_json::from_str(&stdout(&taken)).unwrap_or_else(|e| panic!("{e}: {}", stderr(&taken)));
    assert_eq!((&said["schema"], &said["type"], &said["ip_version"]), (&"bartizan.geo/1".into(), &"made-by-a-test".into(), &4.into()));
    assert_eq!((&said["countries"], &said["networks"]), (&true.into(), &true.into()));
    assert!(
        said["built"].as_str().is_some_and(|t| t.starts_with("2026-02-02")) && said["nodes"].as_u64().is_some_and(|n| n > 24),
        "{said}"
    );
    assert!(said["licence"].is_string());
    let shown = bartizan(&["geo", "import", &file, "--data-dir", data]);
    assert!(
        stdout(&shown).contains("built     2026-02-02") && stdout(&shown).contains("countries and network numbers"),
        "{}",
        stdout(&shown)
    );

    for (address, answer) in [
        ("192.0.2.77", " 192.0.2.77  DE  AS64500\n"),
        ("::ffff:192.0.2.77", " ::ffff:192.0.2.77  DE  AS64500\n"),
        ("198.51.100.1", " 198.51.100.1  NO  AS64501\n"),
        ("203.0.113.9", " 203.0.113.9  BR\n"),
        ("8.8.8.8", " 8.8.8.8  location unknown: not in the file\n"),
        ("2001:db8::1", " 2001:db8::1  location unknown: not in the file\n"),
    ] {
        assert_eq!(stdout(&bartizan(&["geo", "show", address, "--data-dir", data])), answer);
    }
    let left: Vec<_> = std::fs::read_dir(data).expect("the data directory").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["locations.mmdb"], "nothing half written is left");
}

#[test]
fn damaged_files_are_refused_and_the_earlier_one_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let data = data.to_str().expect("UTF-8");
    let whole = three();
    let good = write(dir.path(), "good.mmdb", &whole);
    assert_eq!(bartizan(&["geo", "import", &good, "--data-dir", data]).status.code(), Some(0));
    let mut cycle = whole.clone();
    cycle[..6].fill(0);
    let mut damaged: Vec<(String, Vec<u8>)> =
        [0, 1, 16, 300, whole.len() / 2, whole.len() - 90, whole.len() - 3].map(|n| (format!("the first {n}"), whole[..n].to_vec())).into();
    damaged.push(("its end alone".into(), whole[120..].to_vec()));
    damaged.push(("a cycle".into(), cycle));
    damaged.push(("text".into(), b"<html>not found</html>".repeat(40)));
    damaged.push(("no places".into(), location_file(&[([192, 0, 2], "ZZ", None)])));
    for (what, bytes) in damaged {
        let file = write(dir.path(), "bad.mmdb", &bytes);
        for args in [vec!["geo", "import", &file, "--data-dir", data], vec!["replay", &good, "--geo", &file]] {
            let out = bartizan(&args);
            assert_eq!(out.status.code(), Some(3), "{what}: {}", stdout(&out));
            assert!(stderr(&out).starts_with("E0114 ") && stderr(&out).contains("fix: give a country or network file"), "{}", stderr(&out));
        }
    }
    assert!(stdout(&bartizan(&["geo", "show", "192.0.2.1", "--data-dir", data])).contains("DE"));
}

fn login(day: u32, minute: u32, address: &str, agent: &str, more: &str) -> String {
    format!(
        r#"{{"time":"2026-03-{day:02}T09:{minute:02}:00Z","user":"ada","src_ip":"{address}","result":"success","user_agent":"{agent}"{more}}}"#
    )
}

const OWN: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
const OTHER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0";

/// Thirty mornings at home, then twenty minutes later somewhere else, where the password is changed.
fn journey(more: &str) -> String {
    let mut lines: Vec<String> = (1..=30).map(|day| login(day, 0, "198.51.100.7", OWN, "")).collect();
    lines.push(login(30, 20, "203.0.113.9", OTHER, more));
    lines.push(login(30, 22, "203.0.113.9", OTHER, &format!(r#","action":"password_reset"{more}"#)));
    lines.join("\n") + "\n"
}

fn last_decision(args: &[&str]) -> Value {
    let out = bartizan(args);
    let lines = stdout(&out);
    let last = lines.lines().rfind(|line| line.contains("bartizan.login/1")).unwrap_or_else(|| panic!("no decision: {}", stderr(&out)));
    serde_json::from_str(last).expect("JSON")
}

fn texts(decision: &Value) -> String {
    decision["reasons"].to_string()
}

#[test]
fn sign_ins_get_a_place_and_their_own_word_wins() {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, empty) = (write(dir.path(), "three.mmdb", &three()), dir.path().join("none"));
    let empty = empty.to_str().expect("UTF-8");
    let (plain, named) = (
        write(dir.path(), "plain.jsonl", journey("").as_bytes()),
        write(dir.path(), "named.jsonl", journey(r#","country":"NO""#).as_bytes()),
    );
    let replay = |log: &str, more: &[&str]| last_decision(&[&["replay", log, "--emit", "decisions", "--data-dir"], more].concat());

    let unknown = replay(&plain, &[empty]);
    assert!(texts(&unknown).contains("location unknown") && !texts(&unknown).contains("travel."), "{unknown}");
    let placed = replay(&plain, &[empty, "--geo", &file]);
    assert!(texts(&placed).contains("travel.impossible") && texts(&placed).contains("(BR)"), "{placed}");
    assert!(!texts(&placed).contains("location unknown"), "{placed}");
    assert!(placed["risk"].as_f64() > unknown["risk"].as_f64(), "{placed} {unknown}");
    // The record says that it was at home, and the file may be wrong.
    let own = replay(&named, &[empty, "--geo", &file]);
    assert!(!texts(&own).contains("travel.") && !texts(&own).contains("BR"), "{own}");

    // The file of the data directory does the same, live as well.
    let data = dir.path().join("data");
    let data = data.to_str().expect("UTF-8");
    assert_eq!(bartizan(&["geo", "import", &file, "--data-dir", data]).status.code(), Some(0));
    assert_eq!(replay(&plain, &[data])["risk"], placed["risk"]);
    let why = |data: &str| {
        let out = stdout(&bartizan(&["watch", &plain, "--ndjson", "--data-dir", data]));
        let found = out.lines().find(|l| l.contains("Account taken over")).unwrap_or_else(|| panic!("no takeover: {out}")).to_owned();
        let found: Value = serde_json::from_str(&found).expect("JSON");
        found["unmapped"]["reasons"].to_string()
    };
    assert_ne!(why(data), why(empty), "a journey that nobody makes weighs");
}
