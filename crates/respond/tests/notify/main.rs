//! Channels against far sides on loopback: what arrives, what is tried again, what is not followed, and what is never said.

mod far_side;

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use event::{Severity, Time};
use far_side::{FarSide, http, smtp};
use respond::notify::{Channel, Fault, Mail, Message, News, Outbox, Pace, Secret, Security, Tallies, Tally, To, Url, named};
use ring::hmac;

const SECRET: &str = "correct horse battery staple";
const PATIENCE: Duration = Duration::from_secs(10);
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";

fn message(key: &str) -> Message {
    Message {
        key: key.into(),
        incident: "INC-7".into(),
        severity: Severity::High,
        why: "new".into(),
        title: "SQL injection by 203.0.113.9".into(),
        story: "203.0.113.9 tried http://evil.example/\u{202e}x\r\nBcc: victim@example.org".into(),
        reasons: vec!["a".into(), "b".into(), "c".into(), "d".into()],
        done: vec!["block 203.0.113.9".into()],
        link: "http://127.0.0.1:8443/incident/INC-7".into(),
        undo: "bartizan undo INC-7".into(),
        approve: String::new(),
        at: Time::from_s(1_772_600_000),
    }
}

fn post(template: &str, far: &FarSide, secret: bool) -> Channel {
    let url = Url::parse(&format!("http://{}/hook/T0SECRETPATH", far.address)).expect("a URL");
    let secret = secret.then(|| Secret::new(SECRET));
    let template = named(template).expect("a template");
    Channel { name: "ops".into(), to: To::Post { template, url, secret, topic: "soc".into() }, trust: None }
}

fn tell(channel: &Channel, message: &Message) -> Result<respond::notify::Answer, Fault> {
    channel.tell(message, 1_772_600_000, PATIENCE)
}

#[test]
fn a_webhook_is_signed_over_time_and_body() {
    let far = http(|_| OK.into());
    let answer = tell(&post("webhook", &far, true), &message("R-1")).expect("told");
    assert_eq!((answer.status.as_str(), answer.text.as_str()), ("200", "hello"));
    let request = far.came.recv_timeout(PATIENCE).expect("a request");
    let (head, body) = request.split_once("\r\n\r\n").expect("a body");
    let header = |name: &str| head.lines().find_map(|l| l.strip_prefix(&format!("{name}: "))).unwrap_or_default();
    assert_eq!((header("Idempotency-Key"), header("webhook-id"), header("webhook-timestamp")), ("R-1", "R-1", "1772600000"));
    let signed = format!("R-1.1772600000.{body}");
    let made = BASE64.decode(header("webhook-signature").strip_prefix("v1,").expect("v1")).expect("base64");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    assert!(hmac::verify(&key, signed.as_bytes(), &made).is_ok());
    assert!(hmac::verify(&key, signed.replace("INC-7", "INC-8").as_bytes(), &made).is_err(), "another body");
    assert!(hmac::verify(&key, signed.replace("1772600000.", "1772600001.").as_bytes(), &made).is_err(), "another time");
    assert!(!request.contains(SECRET) && body.contains("hxxp://evil[.]example") && !body.contains('\u{202e}'));
    assert!(head.lines().all(|line| !line.starts_with("Bcc")), "{head}");
}

#[test]
fn no_redirect_is_followed_and_no_secret_is_repeated() {
    let elsewhere = http(|_| OK.into());
    let location = format!("HTTP/1.1 307 Go\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", elsewhere.address);
    let far = http(move |_| location.clone());
    let channel = post("slack", &far, false);
    let Err(Fault::Never(why)) = tell(&channel, &message("R-1")) else { panic!("followed") };
    assert!(why.contains("redirects are not followed"), "{why}");
    assert!(elsewhere.came.recv_timeout(Duration::from_millis(200)).is_err());
    let shown = format!("{why} {channel:?} {}", channel.place());
    assert!(!shown.contains("T0SECRETPATH") && !shown.contains(SECRET), "{shown}");
    let shown = format!("{:?}", post("webhook", &far, true));
    assert!(!shown.contains("T0SECRETPATH") && !shown.contains(SECRET), "{shown}");
}

#[test]
fn an_answer_is_bounded_in_bytes_and_time() {
    let far = http(|_| format!("HTTP/1.1 400 No\r\n\r\n{}", "\u{1b}[31mx".repeat(100_000)));
    let Err(Fault::Never(why)) = tell(&post("webhook", &far, false), &message("R-1")) else { panic!("told") };
    assert!(why.len() < 600 && !why.contains('\u{1b}'), "{why}");
    let silent = far_side::serve(|socket, _| {
        std::thread::sleep(Duration::from_secs(3));
        drop(socket);
        String::new()
    });
    let start = Instant::now();
    let channel = post("webhook", &silent, false);
    assert!(matches!(channel.tell(&message("R-1"), 0, Duration::from_millis(300)), Err(Fault::Again(_))));
    assert!(start.elapsed() < Duration::from_secs(2));
}

fn mail(far: &FarSide, to: &[&str]) -> Channel {
    let mail = Mail {
        host: "127.0.0.1".into(),
        port: far.address.port(),
        security: Security::Plain,
        from: "bartizan@mail.example".into(),
        to: to.iter().map(|t| (*t).to_owned()).collect(),
        user: "bot".into(),
        secret: Some(Secret::new(SECRET)),
    };
    Channel { name: "ops".into(), to: To::Mail(Box::new(mail)), trust: None }
}

#[test]
fn a_mail_arrives_whole_and_nothing_breaks_out_of_its_headers() {
    let far = smtp("nobody@");
    let answer = tell(&mail(&far, &["soc@mail.example", "nobody@mail.example"]), &message("R-1")).expect("told");
    assert!(answer.text.contains("queued as 4711") && answer.text.contains("nobody of that name"), "{answer:?}");
    let talk = far.came.recv_timeout(PATIENCE).expect("a talk");
    assert!(talk.contains(&format!("AUTH PLAIN {}", BASE64.encode(format!("\0bot\0{SECRET}")))));
    assert!(talk.contains("MAIL FROM:<bartizan@mail.example>\nRCPT TO:<soc@mail.example>\n"), "{talk}");
    assert!(talk.contains("Message-ID: <R-1@mail.example>") && talk.contains("Auto-Submitted: auto-generated"), "{talk}");
    assert!(!talk.contains("\nBcc"), "{talk}");
    let body = talk.split("base64\n\n").nth(1).and_then(|rest| rest.split("\n.\n").next()).expect("a body");
    let text = String::from_utf8(BASE64.decode(body.replace('\n', "")).expect("base64")).expect("text");
    assert!(text.contains("HIGH INC-7: SQL injection") && text.contains("Undo: bartizan undo INC-7") && text.contains("hxxp://"), "{text}");
    let Err(Fault::Never(why)) = tell(&mail(&far, &["nobody@mail.example"]), &message("R-1")) else { panic!("told") };
    assert!(why.contains("550") && !why.contains(SECRET), "{why}");
}

#[test]
fn a_file_gets_whole_lines_and_no_link_is_followed() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("notify");
    let file =
        |folder: &Path| Channel { name: "f".into(), to: To::File { folder: folder.to_owned(), name: "told.ndjson".into() }, trust: None };
    tell(&file(&folder), &message("R-1")).expect("told");
    let path = folder.join("told.ndjson");
    let half = std::fs::read_to_string(&path).expect("read") + "{\"half";
    std::fs::write(&path, half).expect("written");
    tell(&file(&folder), &message("R-2")).expect("told");
    let text = std::fs::read_to_string(&path).expect("read");
    let keys: Vec<String> =
        text.lines().filter_map(|l| Some(serde_json::from_str::<serde_json::Value>(l).ok()?["id"].as_str()?.to_owned())).collect();
    assert_eq!(keys, ["R-1", "R-2"]);
    let target = dir.path().join("passwd");
    std::fs::write(&target, "root").expect("written");
    std::fs::remove_file(&path).expect("removed");
    std::os::unix::fs::symlink(&target, &path).expect("a link");
    assert!(tell(&file(&folder), &message("R-3")).is_err());
    assert_eq!(std::fs::read_to_string(&target).expect("read"), "root");
}

fn quick() -> Pace {
    let ms = Duration::from_millis;
    Pace { timeout: PATIENCE, retries: 3, wait: ms(2), later: ms(20), errors_max: 5, rest: ms(300), give_up: Duration::from_secs(60) }
}

fn outbox(channel: Channel, pace: &Pace) -> (Outbox, Tallies) {
    let tallies: Tallies = vec![std::sync::Arc::new(Tally { name: channel.name.clone(), ..Tally::default() })];
    (Outbox::start(vec![channel], &tallies, pace).expect("started"), tallies)
}

fn news(outbox: &Outbox, count: usize) -> Vec<News> {
    let (start, mut all) = (Instant::now(), Vec::new());
    while all.len() < count && start.elapsed() < PATIENCE {
        all.extend(outbox.news());
        std::thread::sleep(Duration::from_millis(5));
    }
    all
}

#[test]
fn a_busy_far_side_is_asked_again_with_the_same_key() {
    let far = http(|n| if n < 2 { BUSY.into() } else { OK.into() });
    let (outbox, tallies) = outbox(post("webhook", &far, false), &quick());
    outbox.put("ops", message("R-1"), Duration::ZERO).expect("queued");
    assert_eq!(news(&outbox, 1), [News::Delivered { key: "R-1".into(), status: "webhook 200".into() }]);
    let came: Vec<String> = (0..3).map(|_| far.came.recv_timeout(PATIENCE).expect("a request")).collect();
    assert!(came.iter().all(|r| r.contains("Idempotency-Key: R-1")));
    assert_eq!(tallies[0].delivered.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert!(outbox.put("other", message("R-2"), Duration::ZERO).is_err());
    assert_eq!(outbox.stop(PATIENCE), []);
}

#[test]
fn a_channel_that_keeps_failing_rests_says_so_once_and_loses_nothing() {
    // Seven failures: five until it rests, then one after each rest.
    let far = http(|n| if n < 7 { BUSY.into() } else { OK.into() });
    let (outbox, tallies) = outbox(post("webhook", &far, false), &quick());
    outbox.put("ops", message("R-1"), Duration::ZERO).expect("queued");
    let first = news(&outbox, 1);
    assert!(matches!(&first[..], [News::Down { channel, why }] if channel == "ops" && why.contains("503")), "{first:?}");
    assert!(tallies[0].down.load(std::sync::atomic::Ordering::Relaxed));
    assert_eq!(far.came.try_iter().count(), 5, "it rests");
    outbox.put("ops", message("R-2"), Duration::ZERO).expect("it waits meanwhile");
    let mut keys: Vec<String> =
        news(&outbox, 2).into_iter().map(|n| if let News::Delivered { key, .. } = n { key.to_string() } else { panic!("{n:?}") }).collect();
    keys.sort();
    assert_eq!(keys, ["R-1", "R-2"]);
    assert!(!tallies[0].down.load(std::sync::atomic::Ordering::Relaxed));
}

#[test]
fn what_is_refused_or_too_old_fails_and_a_full_queue_never_waits() {
    let far = http(|n| if n == 0 { "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n".into() } else { BUSY.into() });
    let (one, _) = outbox(post("webhook", &far, false), &quick());
    one.put("ops", message("R-1"), Duration::ZERO).expect("queued");
    assert!(matches!(&news(&one, 1)[..], [News::Failed { key, why }] if key == "R-1" && why.contains("404")));
    one.put("ops", message("R-2"), Duration::from_secs(61)).expect("queued");
    assert!(matches!(&news(&one, 1)[..], [News::Failed { key, .. }] if key == "R-2"), "older than a day is given up");
    let stuck = far_side::serve(|socket, _| {
        std::thread::sleep(Duration::from_secs(5));
        drop(socket);
        String::new()
    });
    let (two, tallies) = outbox(post("webhook", &stuck, false), &quick());
    let start = Instant::now();
    let refused = (0..2_000).filter(|n| two.put("ops", message(&format!("R-{n}")), Duration::ZERO).is_err()).count();
    assert!(refused >= 1_000 && start.elapsed() < Duration::from_secs(3), "{refused}");
    assert_eq!(tallies[0].dropped.load(std::sync::atomic::Ordering::Relaxed), refused as u64);
}
