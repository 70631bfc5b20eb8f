//! Sign-ins of an application behind the gateway: the owner passes, who is a little odd is asked again, a stranger is turned away.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use event::Time;

use super::geo::location_file;
use super::live::{cli, protect_at, soon};

const HOME: &str = "198.51.100.7";
const AWAY: &str = "203.0.113.9";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const TOOL: &str = "python-requests/2.32.3";

/// An application whose only account is ada with the password `right` and the second factor `123456`; says what the gateway told it.
fn application() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let addr = listener.local_addr().expect("an address");
    let (told, hears) = channel();
    let asked: Arc<Mutex<String>> = Arc::default();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (told, asked) = (told.clone(), Arc::clone(&asked));
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
                let mut stream = stream;
                loop {
                    let (mut length, mut said) = (0, String::new());
                    loop {
                        let mut line = String::new();
                        if !reader.read_line(&mut line).is_ok_and(|n| n > 0) {
                            return;
                        }
                        let line = line.trim_end().to_ascii_lowercase();
                        if let Some((name, value)) = line.split_once(": ") {
                            match name {
                                "content-length" => length = value.parse().unwrap_or(0),
                                "x-bartizan-login" => said = value.to_owned(),
                                _ => {}
                            }
                        }
                        if line.is_empty() {
                            break;
                        }
                    }
                    let mut body = vec![0; length];
                    if reader.read_exact(&mut body).is_err() || told.send(said.clone()).is_err() {
                        return;
                    }
                    let body = String::from_utf8_lossy(&body).into_owned();
                    let mut asked = asked.lock().expect("the id");
                    let (status, more) = match (body.as_str(), said.split("id=").nth(1)) {
                        ("code=123456", _) => ("200 OK", format!("x-bartizan-login: passed;id={asked}\r\n")),
                        (body, None) if body.contains("password=right") => {
                            ("302 Found", "location: /account\r\nset-cookie: sid=1\r\n".to_owned())
                        }
                        (body, Some(id)) if body.contains("password=right") => {
                            id.clone_into(&mut asked);
                            ("302 Found", "location: /second-factor\r\n".to_owned())
                        }
                        _ => ("401 Unauthorized", String::new()),
                    };
                    drop(asked);
                    if write!(stream, "HTTP/1.1 {status}\r\n{more}content-length: 0\r\n\r\n").is_err() {
                        return;
                    }
                }
            });
        }
    });
    (addr, hears)
}

/// Status and where the answer leads.
fn sign_in(at: SocketAddr, from: &str, agent: &str, password: &str) -> (u16, String) {
    sign_in_as("ada", at, from, agent, password)
}

fn sign_in_as(user: &str, at: SocketAddr, from: &str, agent: &str, password: &str) -> (u16, String) {
    post(at, from, agent, "/login", &format!("username={user}&password={password}"))
}

fn post(at: SocketAddr, from: &str, agent: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(at).expect("the gateway listens");
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: shop.example\r\nuser-agent: {agent}\r\nx-forwarded-for: {from}\r\nx-bartizan-login: allow\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let location = text.lines().find_map(|l| l.strip_prefix("location: ")).unwrap_or("").to_owned();
    (status, location)
}

/// Two months of sign-ins from home, as the log holds them.
fn history(data: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    let mut lines = String::new();
    for day in (1..60).rev() {
        let time = Time::from_s(now - day * 86_400);
        writeln!(
            lines,
            r#"{{"time":"{time}","user":"ada","src_ip":"{HOME}","result":"success","country":"NO","asn":64500,"user_agent":"{CHROME}","service":"shop"}}"#
        )
        .expect("written");
    }
    let file = data.join("history.jsonl");
    std::fs::write(&file, lines).expect("written");
    let (code, _, text) = cli(&data.join("data"), &["watch", file.to_str().expect("UTF-8")]);
    assert!(code.is_some_and(|code| code < 2), "{text}");
    let places = data.join("places.mmdb");
    std::fs::write(&places, location_file(&[([203, 0, 113], "BR", Some(64502)), ([198, 51, 100], "NO", Some(64500))])).expect("written");
    let (code, _, text) = cli(&data.join("data"), &["geo", "import", places.to_str().expect("UTF-8")]);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn the_owner_passes_and_a_stranger_with_the_password_does_not() {
    let dir = tempfile::tempdir().expect("a folder");
    history(dir.path());
    let data = dir.path().join("data");
    let (application, hears) = application();
    let running = protect_at(application, &data, &["--enforce"]);
    let told = || hears.recv_timeout(std::time::Duration::from_secs(10)).expect("the application was asked");

    assert_eq!(sign_in(running.gateway, HOME, CHROME, "right"), (302, "/account".into()));
    assert_eq!(told(), "", "the client's own header does not arrive");
    assert_eq!(sign_in(running.gateway, HOME, CHROME, "wrong").0, 401);
    assert_eq!(told(), "");

    // Another program in another country, minutes after the owner, from an address that failed at other accounts: turned away.
    for n in 0..5 {
        assert_eq!(sign_in_as(&format!("user{n}"), running.gateway, AWAY, TOOL, "wrong").0, 401);
        assert_eq!(told(), "");
    }
    soon("the door has heard of the failures", || {
        let (status, _) = sign_in(running.gateway, AWAY, TOOL, "wrong");
        let asked = hears.try_recv().is_ok();
        status == 403 && !asked
    });
    let mut incident = String::new();
    soon("the incident with its response", || {
        let (_, list, _) = cli(&data, &["incident", "list", "--json"]);
        let all = list["incidents"].as_array().cloned().unwrap_or_default();
        let about = all.iter().find(|i| i.to_string().contains(AWAY));
        incident = about.and_then(|i| i["metadata"]["correlation_uid"].as_str()).unwrap_or_default().to_owned();
        !incident.is_empty() && cli(&data, &["incident", "show", &incident, "--json"]).1["responses"][0]["phase"]["applied"].is_object()
    });
    let (_, _, why) = cli(&data, &["incident", "show", &incident]);
    assert!(why.contains("Sign-in turned away at the gateway") && why.contains(AWAY), "{why}");

    // A person who knows better.
    assert_eq!(cli(&data, &["undo", &incident, "--json"]).1["done"], 1);
    assert_eq!(sign_in(running.gateway, AWAY, TOOL, "right"), (302, "/second-factor".into()), "asked again at most");
    assert!(told().starts_with("step_up;"));
    assert_eq!(sign_in(running.gateway, HOME, CHROME, "right"), (302, "/account".into()), "the owner all the while");
    assert_eq!(told(), "");

    // The same browser somewhere else: the application asks for a second factor.
    assert_eq!(sign_in(running.gateway, "192.0.2.80", CHROME, "right"), (302, "/second-factor".into()));
    let said = told();
    assert!(said.starts_with("step_up;risk=0.") && said.contains(";id=r-"), "{said}");
    assert_eq!(sign_in(running.gateway, "192.0.2.80", CHROME, "right").1, "/second-factor", "the password alone teaches nothing");
    assert!(told().starts_with("step_up;"));
    assert_eq!(post(running.gateway, "192.0.2.80", CHROME, "/second-factor", "code=123456").0, 200);
    told();
    soon("who passed is known there", || {
        let (_, led) = sign_in(running.gateway, "192.0.2.80", CHROME, "right");
        told();
        led == "/account"
    });
}

#[test]
fn monitor_lets_everybody_in_and_says_what_it_would_have_done() {
    let dir = tempfile::tempdir().expect("a folder");
    history(dir.path());
    let data = dir.path().join("data");
    let (application, hears) = application();
    let running = protect_at(application, &data, &["--login", "path=/login,user=username,cookie=sid"]);
    for (from, agent) in [(HOME, CHROME), (AWAY, TOOL)] {
        assert_eq!(sign_in(running.gateway, from, agent, "right"), (302, "/account".into()));
        assert_eq!(hears.recv_timeout(std::time::Duration::from_secs(10)).expect("asked"), "");
    }
    soon("the sign-in that is not like the owner", || cli(&data, &["incident", "list"]).2.contains(AWAY));
}
