//! Exit codes and JSON shapes of the command line, as scripts rely on them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn bartizan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bartizan")).args(args).stdin(Stdio::null()).output().expect("bartizan runs")
}

fn with_stdin(args: &[&str], text: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bartizan runs");
    child.stdin.take().expect("stdin").write_all(text).expect("written");
    child.wait_with_output().expect("ended")
}

fn lines(out: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(name)
}

#[test]
fn exit_codes() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().to_str().expect("UTF-8");
    let empty = dir.path().join("empty.log");
    std::fs::write(&empty, "").expect("written");
    for (args, code) in [
        (vec!["--version"], 0),
        (vec!["--help"], 0),
        (vec![], 0),
        (vec!["no-such-command"], 2),
        (vec!["replay"], 2),
        (vec!["replay", "/no/such/file"], 3),
        (vec!["replay", empty.to_str().expect("UTF-8")], 0),
        (vec!["replay", "--format", "nonsense", empty.to_str().expect("UTF-8")], 2),
        (vec!["protect", "not-a-url"], 2),
        (vec!["incident", "list", "--data-dir", data], 3),
        (vec!["model", "list"], 0),
        (vec!["model", "verify", "web-payload"], 0),
        (vec!["model", "verify", "no-such-model"], 3),
        (vec!["block", "203.0.113.9", "--data-dir", data], 4),
        (vec!["block", "127.0.0.1", "--yes", "--data-dir", data], 4),
        (vec!["block", "203.0.113.9", "--for", "100y"], 2),
    ] {
        let out = bartizan(&args);
        assert_eq!(out.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn failures_say_code_place_and_fix() {
    let out = bartizan(&["replay", "/no/such/file", "--json"]);
    let error = &lines(&out)[0];
    assert_eq!(error["schema"], "bartizan.error/1");
    assert_eq!(error["code"], "E0107");
    assert!(error["text"].as_str().is_some_and(|t| t.contains("/no/such/file")));
    assert!(String::from_utf8_lossy(&out.stderr).starts_with("E0107 cannot read"));
}

#[test]
fn watch_then_explain_undo_redo() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().to_str().expect("UTF-8");
    let log = scenario("ssh-brute-force-that-succeeds").join("auth.log");
    let watched = bartizan(&["watch", log.to_str().expect("UTF-8"), "--data-dir", data]);
    assert_eq!(watched.status.code(), Some(0), "{}", String::from_utf8_lossy(&watched.stderr));

    let list = bartizan(&["incident", "list", "--json", "--data-dir", data]);
    let list = &lines(&list)[0];
    assert_eq!(list["schema"], "bartizan.incidents/1");
    let breach = list["incidents"].as_array().expect("incidents").iter().find(|i| i["is_suspected_breach"] == true).expect("a breach");
    let id = breach["metadata"]["correlation_uid"].as_str().expect("an id").to_owned();

    let why = bartizan(&["explain", &id, "--data-dir", data]);
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    for part in ["198.51.100.23", " what ", " did ", " why ", "sum = the score", " proof ", "bartizan undo"] {
        assert!(why.contains(part), "explain lacks {part:?}:\n{why}");
    }

    let undone = bartizan(&["undo", &id, "--json", "--data-dir", data]);
    assert_eq!(undone.status.code(), Some(0), "{}", String::from_utf8_lossy(&undone.stderr));
    let undone = &lines(&undone)[0];
    assert_eq!((&undone["done"], &undone["of"]), (&1.into(), &1.into()));
    let receipt = undone["receipt"].as_str().expect("a receipt").to_owned();

    let again = bartizan(&["undo", &id, "--data-dir", data]);
    assert!(String::from_utf8_lossy(&again.stdout).contains("already undone"), "{}", String::from_utf8_lossy(&again.stdout));
    let of_receipt = bartizan(&["explain", &receipt, "--data-dir", data]);
    assert!(String::from_utf8_lossy(&of_receipt.stdout).contains("198.51.100.23"));
    let redone = bartizan(&["redo", &receipt, "--json", "--data-dir", data]);
    assert_eq!(lines(&redone)[0]["done"], 1);
    assert_eq!(bartizan(&["undo", "INC-999", "--data-dir", data]).status.code(), Some(3));
}

#[test]
fn close_and_note_stay() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().to_str().expect("UTF-8");
    let log = scenario("sql-injection-to-data-theft").join("access.log");
    bartizan(&["watch", log.to_str().expect("UTF-8"), "--data-dir", data]);
    assert_eq!(bartizan(&["incident", "note", "INC-1", "seen by ada", "--data-dir", data]).status.code(), Some(0));
    assert_eq!(bartizan(&["incident", "close", "INC-1", "--as", "true", "--data-dir", data]).status.code(), Some(0));
    let shown = bartizan(&["incident", "show", "INC-1", "--data-dir", data]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("closed as true") && shown.contains("seen by ada"), "{shown}");
}

#[test]
fn explain_a_line_says_who_looked() {
    let attack = br#"203.0.113.9 - - [04/Mar/2026:09:00:00 +0000] "GET /search?q=x%27%20UNION%20SELECT%20email%2Cpassword%20FROM%20users--%20 HTTP/1.1" 200 51 "-" "Mozilla/5.0""#;
    let out = with_stdin(&["explain", "-"], attack);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(1), "{text}");
    assert!(text.contains("SQL injection") && text.contains(" rule ") && text.contains(" model "), "{text}");
    let clean = br#"192.0.2.9 - - [04/Mar/2026:09:00:00 +0000] "GET /search?q=oak+bucket HTTP/1.1" 200 51 "-" "Mozilla/5.0""#;
    let out = with_stdin(&["explain", "-"], clean);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stdout));
    assert!(String::from_utf8_lossy(&out.stdout).contains("silent"));
}

#[test]
fn waf_eval_has_the_contracts_fields() {
    let dir = tempfile::tempdir().expect("a folder");
    let rows = dir.path().join("rows.jsonl");
    let text = r#"{"label":"attack","class":"sqli","payload":"' UNION SELECT password FROM users--"}
{"label":"attack","class":"xss","payload":"<script>alert(document.cookie)</script>","place":"form"}
{"label":"benign","class":"norm","payload":"oak bucket"}
"#;
    std::fs::write(&rows, text).expect("written");
    for mode in ["rules", "model", "both"] {
        let out = bartizan(&["waf", "eval", "--data", rows.to_str().expect("UTF-8"), "--mode", mode, "--json"]);
        let figures = &lines(&out)[0];
        assert_eq!((&figures["n_attack"], &figures["n_benign"]), (&2.into(), &1.into()));
        assert_eq!(figures["fpr"], 0.0, "{mode}: {figures}");
        assert_eq!(figures["tpr_at_fpr"]["0.01"], 1.0, "{mode}: {figures}");
        // The model alone blocks only above its strictest threshold.
        assert!(mode == "model" || figures["tpr"] == 1.0, "{mode}: {figures}");
        for key in ["tpr_at_fpr", "by_class", "cpu_us_median", "cpu_us_p99"] {
            assert!(!figures[key].is_null(), "{key}");
        }
    }
    std::fs::write(&rows, "{\"label\":\"attack\"}\n").expect("written");
    let out = bartizan(&["waf", "eval", "--data", rows.to_str().expect("UTF-8")]);
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("rows.jsonl:1:"), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn a_changed_model_is_refused_and_rules_stay_at_work() {
    let dir = tempfile::tempdir().expect("a folder");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content"), dir.path());
    let file = dir.path().join("models/web-payload/model.bin");
    let mut bytes = std::fs::read(&file).expect("the model");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    let content = dir.path().to_str().expect("UTF-8");
    let out = bartizan(&["model", "verify", "web-payload", "--json", "--content", content]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(lines(&out)[0]["failed"][0]["file"], "model.bin");
    let attack = scenario("sql-injection-to-data-theft").join("access.log");
    let out = bartizan(&["replay", attack.to_str().expect("UTF-8"), "--ndjson", "--content", content]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("rules alone are at work"));
    assert!(lines(&out).iter().any(|l| l["class_uid"] == 2005));
}

#[test]
fn key_sign_verify() {
    let dir = tempfile::tempdir().expect("a folder");
    let model = dir.path().join("model");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/models/web-payload"), &model);
    let key = dir.path().join("mine");
    let (key, model) = (key.to_str().expect("UTF-8"), model.to_str().expect("UTF-8"));
    assert_eq!(bartizan(&["model", "key", "new", "--out", key]).status.code(), Some(0));
    assert_eq!(bartizan(&["model", "sign", model, "--key", &format!("{key}.key.pem")]).status.code(), Some(0));
    assert_eq!(bartizan(&["model", "verify", model]).status.code(), Some(1), "the built-in ring does not know this key");
    assert_eq!(bartizan(&["model", "verify", model, "--key", &format!("{key}.pem")]).status.code(), Some(0));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// What a rule would have said of the log's last days, against the rules of today.
#[test]
fn a_rule_is_tried_on_the_past() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().to_str().expect("UTF-8");
    let now = bartizan::clock::now().plus_s(-3_600).to_string();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months[now[5..7].parse::<usize>().expect("a month") - 1];
    let when = format!("{}/{month}/{}:{} +0000", &now[8..10], &now[..4], &now[11..19]);
    let text: String = ["/", "/report/board.pdf", "/report/board.pdf", "/about"]
        .iter()
        .map(|path| format!("203.0.113.9 - - [{when}] \"GET {path} HTTP/1.1\" 200 512 \"-\" \"Mozilla/5.0\"\n"))
        .collect();
    let log = dir.path().join("access.log");
    std::fs::write(&log, text).expect("written");
    assert_eq!(bartizan(&["watch", log.to_str().expect("UTF-8"), "--data-dir", data]).status.code(), Some(0));
    let rule = dir.path().join("mine.yml");
    let text = "title: Board report read\nid: 6a0d9c1e-8f1a-4b6e-9d52-0f6f9f3a1c11\nstatus: test\nlogsource:\n  category: webserver\ndetection:\n  selection:\n    cs-uri-stem: /report/board.pdf\n  condition: selection\nlevel: high\n";
    std::fs::write(&rule, text).expect("written");
    let rule = rule.to_str().expect("UTF-8");
    let tried = bartizan(&["replay", "--last", "1d", "--rule", rule, "--json", "--data-dir", data]);
    let answer = &lines(&tried)[0];
    assert_eq!((&answer["schema"], &answer["events"]), (&"bartizan.replay_change/1".into(), &4.into()), "{answer}");
    let added = answer["added"]["findings"].as_array().expect("a list");
    assert_eq!((added.len(), &added[0]["finding_info"]["title"]), (1, &"Board report read".into()), "{answer}");
    assert_eq!(answer["removed"]["findings"].as_array().map(Vec::len), Some(0));
    let said = String::from_utf8_lossy(&bartizan(&["replay", "--last", "1d", "--rule", rule, "--data-dir", data]).stdout).into_owned();
    assert!(said.contains("Board report read") && said.contains("203.0.113.9"), "{said}");
    // A rule with a fault is no answer.
    std::fs::write(dir.path().join("bad.yml"), text.replace("selection:", "selection")).expect("written");
    let bad = bartizan(&["replay", "--last", "1d", "--rule", dir.path().join("bad.yml").to_str().expect("UTF-8"), "--data-dir", data]);
    assert_eq!(bad.status.code(), Some(2), "{}", String::from_utf8_lossy(&bad.stderr));
    // The same log, searched and proven on the command line.
    let counted = bartizan(&["search", "class:http | count by path", "--json", "--data-dir", data]);
    assert_eq!(lines(&counted)[0]["rows"][0], serde_json::json!({"path": "/report/board.pdf", "count": 2}));
    let proof = dir.path().join("proof.json");
    std::fs::write(&proof, bartizan(&["audit", "prove", "1", "--data-dir", data]).stdout).expect("written");
    let proof = proof.to_str().expect("UTF-8");
    assert_eq!(bartizan(&["audit", "check", proof, "--data-dir", data]).status.code(), Some(0));
    let verified = bartizan(&["audit", "verify", "--json", "--data-dir", data]);
    let head = lines(&verified)[0]["head"].as_str().expect("a head").to_owned();
    assert_eq!(bartizan(&["audit", "verify", "--head", &head, "--data-dir", data]).status.code(), Some(0));
    let other = format!("{}:{}", head.split(':').next().expect("a size"), "0".repeat(64));
    assert_eq!(bartizan(&["audit", "verify", "--head", &other, "--data-dir", data]).status.code(), Some(1));
}

/// A log of last year and of today: what is over goes, the rest is verified, backed up and restored.
#[test]
fn retention_backup_and_restore() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name).to_str().expect("UTF-8").to_owned();
    let (data, config) = (at("data"), at("bartizan.toml"));
    std::fs::write(&config, "[retention]\nobserved = \"30d\"\n").expect("written");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    {
        let (mut writer, _) = store::open(Path::new(&data), store::Options::default()).expect("a log");
        let request = |record: u64| {
            let time = event::Time::from_s(now - if record < 300 { 40 * 86_400 } else { 60 } + record as i64 / 10);
            let uid = event::Uid::of_record("access.log", record);
            let meta = event::Meta { uid, time, logged: time, source: "access.log".into(), record, ..event::Meta::default() };
            let http = event::Http { method: "GET".into(), target: format!("/item/{record}"), status: Some(200), ..event::Http::default() };
            event::Event::new(meta, event::Body::Http(Box::new(http)), event::Bytes::default())
        };
        writer.append(&(0..500).map(request).collect::<Vec<_>>()).expect("written");
        writer.seal().expect("sealed");
    }
    let ask = |args: &[&str], code: i32| -> Value {
        let out = bartizan(&[args, &["--json", "--config", config.as_str()]].concat());
        assert_eq!(out.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        lines(&out).remove(0)
    };
    let here = ["--data-dir", data.as_str()];
    let told = ask(&[&["log", "retain", "--dry-run"], &here[..]].concat(), 0);
    assert_eq!((&told["records"], &told["classes"]["http"], &told["dry_run"]), (&300.into(), &300.into(), &true.into()), "{told}");
    assert_eq!(ask(&[&["audit", "verify"], &here[..]].concat(), 0)["removed"], 0);
    assert_eq!(ask(&[&["log", "retain"], &here[..]].concat(), 0)["records"], 300);
    assert_eq!(ask(&[&["log", "retain"], &here[..]].concat(), 0)["records"], 0);
    let verified = ask(&[&["audit", "verify"], &here[..]].concat(), 0);
    assert_eq!((&verified["ok"], &verified["removed"], &verified["records"]), (&true.into(), &300.into(), &201.into()), "{verified}");

    let (backup, restored) = (at("backup"), at("restored"));
    let made = ask(&[&["backup", backup.as_str()], &here[..]].concat(), 0);
    assert_eq!((&made["ok"], &made["records"]), (&true.into(), &201.into()), "{made}");
    ask(&[&["backup", backup.as_str()], &here[..]].concat(), 3);
    assert!(!Path::new(&backup).join("secrets").exists() && Path::new(&backup).join("config/bartizan.toml").exists());
    assert_eq!(ask(&["restore", &backup, "--data-dir", &restored], 0)["head"], made["head"]);
    ask(&["restore", &backup, "--data-dir", &restored], 3);
    assert_eq!(ask(&["audit", "verify", "--data-dir", &restored], 0)["records"], 201);
    // Changed on the way.
    let parquet = std::fs::read_dir(Path::new(&backup).join("log")).expect("listed").filter_map(|e| Some(e.ok()?.path()));
    let parquet = parquet.filter(|path| path.extension().is_some_and(|e| e == "parquet")).min().expect("a segment");
    let mut bytes = std::fs::read(&parquet).expect("read");
    bytes[500] ^= 1;
    std::fs::remove_file(&parquet).expect("unlinked: the log's own file is the same one");
    std::fs::write(&parquet, bytes).expect("written");
    let other = at("other");
    let bad = ask(&["restore", &backup, "--data-dir", &other], 1);
    assert!(bad["first_bad"]["file"].as_str().is_some_and(|file| file.ends_with(".parquet")), "{bad}");
    assert_eq!(std::fs::read_dir(&other).map_or(0, Iterator::count), 0, "nothing is left behind");
    // A form of a later program.
    let manifest = Path::new(&backup).join("backup.json");
    let text = std::fs::read_to_string(&manifest).expect("read").replace("\"version\": 1", "\"version\": 9");
    std::fs::write(&manifest, text).expect("written");
    assert_eq!(ask(&["restore", &backup, "--data-dir", &other], 3)["code"], "E0301");
}
