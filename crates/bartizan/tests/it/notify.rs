//! People are told of an incident once, also over `kill -9`, and nothing is told twice after a start.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::live::{application, cli, get, soon};

const ATTACK: &str = "/search?q=x%27%20UNION%20SELECT%20email%2Cpassword%20FROM%20customers--%20";

struct Running {
    child: Child,
    gateway: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(file: &Path, data: &Path) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["run", "--config", file.to_str().expect("UTF-8"), "--data-dir", data.to_str().expect("UTF-8")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("bartizan runs");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines().map_while(Result::ok);
    let line = lines.by_ref().find(|line| line.starts_with("gateway")).expect("a line with the gateway");
    std::thread::spawn(move || lines.for_each(drop));
    let at = line.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("an address");
    Running { child, gateway: at.parse().expect("an address") }
}

/// Answers every request with 200 and keeps it.
fn far_side() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (addr, kept) = (listener.local_addr().expect("an address"), Arc::new(Mutex::new(Vec::new())));
    let all = Arc::clone(&kept);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut text, mut buffer) = (Vec::new(), [0; 4_096]);
            loop {
                let got = stream.read(&mut buffer).unwrap_or(0);
                text.extend_from_slice(&buffer[..got]);
                let said = String::from_utf8_lossy(&text).into_owned();
                let wanted = said.to_ascii_lowercase().split("content-length: ").nth(1).and_then(|n| n.split("\r\n").next()?.parse().ok());
                let body = said.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
                if got == 0 || wanted.is_some_and(|wanted: usize| body >= wanted) {
                    all.lock().expect("kept").push(said);
                    break;
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    (addr, kept)
}

#[test]
fn an_incident_is_told_once_over_kill_9() {
    let dir = tempfile::tempdir().expect("a folder");
    let (data, file, secret) = (dir.path().join("data"), dir.path().join("bartizan.toml"), dir.path().join("secret"));
    std::fs::write(&secret, "correct horse battery staple\n").expect("written");
    let (hook, posted) = far_side();
    let text = format!(
        "[gateway]\nupstream = \"http://{}\"\nlisten = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.0/8\"]\n[console]\nenabled = false\n\
         [[notify]]\nname = \"desk\"\nkind = \"file\"\npath = \"told.ndjson\"\nseverity_min = \"low\"\nin_monitor = true\n\
         [[notify]]\nname = \"hook\"\nurl = \"http://{hook}/in\"\nsecret = {{ file = \"{}\" }}\nseverity_min = \"low\"\nin_monitor = true\n\
         [[notify]]\nname = \"quiet\"\nkind = \"file\"\npath = \"quiet.ndjson\"\nseverity_min = \"low\"\n",
        application(),
        secret.display()
    );
    std::fs::write(&file, text).expect("written");
    let told = || {
        let text = std::fs::read_to_string(data.join("notify/told.ndjson")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).collect::<Vec<_>>()
    };
    let mut running = run(&file, &data);
    assert_eq!(get(running.gateway, "203.0.113.7", ATTACK).0, 200, "monitor refuses nothing");
    soon("both channels", || told().len() == 1 && posted.lock().expect("kept").len() == 1);
    let line = told().remove(0);
    let said = line.to_string();
    assert!(said.contains("INC-1") && said.contains("SQL injection"), "{said}");
    let post = posted.lock().expect("kept").remove(0);
    let head = post.to_ascii_lowercase();
    assert!(head.contains("webhook-id: r-") && head.contains("webhook-timestamp: ") && head.contains("webhook-signature: v1,"), "{post}");
    assert!(!post.contains("battery"), "the secret signs and is not sent");

    // What was told stays told: after a kill, and for more of the same.
    std::thread::sleep(std::time::Duration::from_millis(600));
    let _ = running.child.kill();
    let _ = running.child.wait();
    let running = run(&file, &data);
    assert_eq!(get(running.gateway, "203.0.113.7", ATTACK).0, 200);
    soon("the second request", || cli(&data, &["search", "class:http", "--limit", "5", "--ndjson"]).2.lines().count() == 2);
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(told().len(), 1, "{:?}", told());
    assert!(posted.lock().expect("kept").is_empty());
    assert!(!data.join("notify/quiet.ndjson").exists(), "who is told nothing in monitor mode is told nothing");

    // Somebody else is another incident.
    assert_eq!(get(running.gateway, "203.0.113.99", ATTACK).0, 200);
    soon("the second incident", || told().len() == 2);
    drop(running);

    let config = ["--config", file.to_str().expect("UTF-8")];
    let (code, _, text) = cli(&data, &[["notify", "test", "desk"].as_slice(), &config].concat());
    assert!(code == Some(0) && text.contains("told desk"), "{text}");
    assert_eq!(told().len(), 3);
    let (code, _, text) = cli(&data, &[["notify", "list"].as_slice(), &config].concat());
    assert!(code == Some(0) && text.contains("hook") && !text.contains("battery"), "{text}");
    assert_eq!(cli(&data, &[["notify", "test", "nobody"].as_slice(), &config].concat()).0, Some(3));
    let (_, _, shown) = cli(&data, &[["config", "show"].as_slice(), &config].concat());
    assert!(!shown.contains("battery"), "{shown}");
}
