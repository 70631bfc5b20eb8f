//! What an auditor asks about is in the log, and at the end of a run everything in it is signed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::live::{cli, soon};

/// Orders in the log, as `by: what`.
fn orders(data: &Path) -> Vec<serde_json::Value> {
    let out = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["search", "class:order", "--limit", "1000", "--ndjson", "--data-dir"])
        .arg(data)
        .output()
        .expect("runs");
    String::from_utf8_lossy(&out.stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn what<'a>(orders: &'a [serde_json::Value], word: &str) -> Vec<&'a serde_json::Value> {
    orders.iter().filter_map(|order| order["unmapped"]["what"].get(word)).collect()
}

fn closed(data: &Path) {
    let (code, report, text) = cli(data, &["audit", "verify", "--json"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(report["unattested"], 0, "the last head covers everything: {text}");
}

#[test]
fn a_file_that_was_read_is_signed_to_its_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let line = "203.0.113.9 - - [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 512 \"-\" \"Mozilla/5.0\"\n";
    let log = dir.path().join("access.log");
    std::fs::write(&log, line.repeat(2_500)).expect("written");
    assert_eq!(cli(&data, &["watch", log.to_str().expect("UTF-8")]).0, Some(0));
    closed(&data);
    let all = orders(&data);
    let taken = what(&all, "take_up");
    assert!(taken.iter().any(|t| t["thing"] == "program" && t["version"] == env!("CARGO_PKG_VERSION")), "{taken:?}");
    let model = taken.iter().find(|t| t["thing"] == "model web-payload").expect("the model that decides");
    assert_eq!((model["sha256"].as_str().map(str::len), &model["refused"]), (Some(64), &false.into()));
}

/// A model that is not what was signed does not decide, and the log says so.
#[test]
fn a_changed_model_is_refused_in_the_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let (data, content) = (dir.path().join("data"), dir.path().join("content"));
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    copy(&from, &content);
    let bin = content.join("models/dga/model.bin");
    let mut bytes = std::fs::read(&bin).expect("a model");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&bin, bytes).expect("written");
    let log = dir.path().join("access.log");
    std::fs::write(&log, "").expect("written");
    let (code, _, text) = cli(&data, &["watch", log.to_str().expect("UTF-8"), "--content", content.to_str().expect("UTF-8")]);
    assert_eq!(code, Some(0), "{text}");
    let all = orders(&data);
    let taken = what(&all, "take_up");
    let model = taken.iter().find(|t| t["thing"] == "model dga").expect("the model");
    assert_eq!(model["refused"], true);
    assert!(model["text"].as_str().is_some_and(|why| why.contains("model.bin differs from what was signed")), "{model}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("content").map_while(Result::ok) {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), &place).expect("copied");
        }
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.0.id())]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }
}

#[test]
fn sign_ins_and_configurations_are_in_the_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let (data, file) = (dir.path().join("data"), dir.path().join("bartizan.toml"));
    std::fs::write(&file, "[console]\nlisten = \"127.0.0.1:0\"\n").expect("written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["run", "--config", file.to_str().expect("UTF-8"), "--data-dir", data.to_str().expect("UTF-8")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("bartizan runs");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines().map_while(Result::ok);
    let mut running = Running(child);
    let link = lines.by_ref().find(|line| line.starts_with("console")).expect("a line with the console");
    std::thread::spawn(move || lines.for_each(drop));
    let (addr, path) = link.split("http://").nth(1).and_then(|l| l.split_whitespace().next()?.split_once('/')).expect("a link");
    let addr: SocketAddr = addr.parse().expect("an address");
    let ask = |target: &str| get_as(addr, target);
    assert_eq!(ask(&format!("/{path}")), 303);
    // Used up: the eleventh of a minute and what follows is counted, not written.
    for _ in 0..30 {
        assert_eq!(ask(&format!("/{path}")), 410);
    }
    std::fs::write(&file, "[console]\nlisten = \"127.0.0.1:0\"\n[response]\nnever_block = [\"203.0.113.0/24\"]\n").expect("written");
    assert_eq!(cli(&data, &["config", "reload", "--config", file.to_str().expect("UTF-8")]).0, Some(0));
    std::fs::write(&file, "colour = 1\n").expect("written");
    running.signal("HUP");
    soon("the reload that is refused", || what(&orders(&data), "take_up").iter().any(|t| t["refused"] == true));
    running.signal("TERM");
    let _ = running.0.wait();
    closed(&data);
    let all = orders(&data);
    let signed_in: Vec<_> = what(&all, "sign_in").iter().map(|s| s["granted"] == true).collect();
    assert_eq!(signed_in.iter().filter(|granted| **granted).count(), 1);
    assert_eq!(signed_in.iter().filter(|granted| !**granted).count(), 10);
    let taken = what(&all, "take_up");
    let files: Vec<_> = taken.iter().filter(|t| t["thing"] == "configuration").collect();
    assert_eq!(files.len(), 3, "at the start, taken up, refused: {files:?}");
    assert!(files.iter().any(|t| t["text"].as_str().is_some_and(|text| text.contains("203.0.113.0/24"))), "{files:?}");
    let digests: std::collections::BTreeSet<_> = files.iter().filter_map(|t| t["sha256"].as_str()).collect();
    assert_eq!(digests.len(), 2, "what was refused is not in force");
}

fn get_as(addr: SocketAddr, target: &str) -> u16 {
    // The console answers to its own name alone.
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(addr).expect("the console listens");
    stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n").as_bytes()).expect("sent");
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0)
}
