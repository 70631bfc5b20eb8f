//! A promoted model that goes wrong in a running gateway: seen by the hourly look, taken back to the version before while requests run, and
//! put forward again by an undo.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use event::{Body, Event, Http, Meta, Time, Uid, Verdict};
use serde_json::Value;

use super::live::{application, cli, get, protect_at, soon};

/// The shipped model as a version 9.9, signed with a key made here.
fn promoted(dir: &Path, data: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/models/web-payload");
    let to = dir.join("web-payload");
    std::fs::create_dir(&to).expect("a folder");
    for name in ["card.json", "datasheet.json", "features.json", "model.bin", "thresholds.json"] {
        let mut bytes = std::fs::read(from.join(name)).expect("a file of the model");
        if name == "model.bin" {
            let at = bytes.windows(14).position(|w| w.starts_with(b"web-payload")).expect("its name") + 11;
            let version = bytes[at..at + 16].windows(3).position(|w| w == b"1.0").expect("its version") + at;
            bytes[version..version + 3].copy_from_slice(b"9.9");
        } else if name == "card.json" {
            let mut card: Value = serde_json::from_slice(&bytes).expect("JSON");
            card["version"] = "9.9".into();
            bytes = serde_json::to_vec(&card).expect("JSON");
        }
        std::fs::write(to.join(name), bytes).expect("written");
    }
    let (stem, key, public) = (dir.join("release"), dir.join("release.key.pem"), dir.join("release.pem"));
    let bartizan = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_bartizan")).args(args).output().expect("bartizan runs");
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    bartizan(&["model", "key", "new", "--out", text(&stem)]);
    bartizan(&["model", "sign", text(&to), "--key", text(&key)]);
    bartizan(&["model", "promote", text(&to), "--key", text(&public), "--yes", "--data-dir", text(data)]);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A week as usual, and a day in which the model finds more and more to say about the same requests.
fn week(data: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    let (mut writer, _) = store::open(data, store::Options::default()).expect("a log");
    let mut events = Vec::new();
    for hour in (1..=8 * 24).rev() {
        for n in 0..60_i64 {
            let odd = hour <= 12 && n % 2 == 0;
            let http = Http {
                client: Some([192, 0, 2, (n % 200) as u8].into()),
                method: "GET".into(),
                target: format!("/item/{}?page={}", n * 7 % 13, n % 5),
                status: Some(200),
                verdict: Some(Verdict::Allowed),
                score: if odd { 0.9 } else { 0.01 + (n % 10) as f32 * 0.003 },
                ..Http::default()
            };
            let time = Time::from_s(now - hour * 3_600 + n * 55);
            let record = events.len() as u64;
            let meta = Meta { uid: Uid::of_record("seed", record), time, logged: time, source: "shop".into(), record, ..Meta::default() };
            events.push(Event::new(meta, Body::Http(Box::new(http)), event::Bytes::default()));
        }
    }
    writer.append(&events).expect("written");
}

/// Version of the model that judged this request.
fn version(log: &Path, id: &str) -> Option<String> {
    let text = std::fs::read_to_string(log).ok()?;
    let row: Value = serde_json::from_str(text.lines().find(|line| line.contains(id))?).ok()?;
    row["models"][0]["version"].as_str().map(str::to_owned)
}

#[test]
fn a_model_that_goes_wrong_is_taken_back_while_requests_run() {
    const ODD: &str = "/search?q=x%27%20UNION%20SELECT%20email%2Cpassword%20FROM%20customers--%20";
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    week(&data);
    promoted(dir.path(), &data);
    let log = dir.path().join("requests.ndjson");
    let more = ["--enforce", "--log-ndjson", text(&log), "--drift-every", "2s"];
    let running = protect_at(application(), &data, &more);
    let judged = |from: &str| {
        let (_, answer) = get(running.gateway, from, ODD);
        let id = answer.lines().find_map(|l| l.strip_prefix("x-bartizan-request-id: ")).expect("a request id").to_owned();
        let mut found = None;
        soon("the line of the request", || {
            found = version(&log, &id);
            found.is_some()
        });
        found
    };
    assert_eq!(judged("203.0.113.1").as_deref(), Some("9.9"), "the promoted version serves");

    let mut incident = Value::Null;
    soon("the rollback", || {
        let (_, list, _) = cli(&data, &["incident", "list", "--json"]);
        let all = list["incidents"].as_array().cloned().unwrap_or_default();
        let about = all.iter().find(|i| i.to_string().contains("sees other rows than before"));
        let Some(id) = about.and_then(|i| i["metadata"]["correlation_uid"].as_str()) else { return false };
        incident = cli(&data, &["incident", "show", id, "--json"]).1;
        incident["responses"][0]["phase"]["applied"].is_object()
    });
    assert_eq!(judged("203.0.113.2").as_deref(), Some("1.0"), "the version before judges the next request");
    let id = incident["metadata"]["correlation_uid"].as_str().expect("an id").to_owned();
    let (_, _, why) = cli(&data, &["incident", "show", &id]);
    assert!(why.contains("web-payload") && why.contains("share of alerts has risen"), "{why}");

    assert_eq!(cli(&data, &["undo", &id, "--json"]).1["done"], 1);
    assert_eq!(judged("203.0.113.3").as_deref(), Some("9.9"), "undo puts it forward again, and it stays");
}
