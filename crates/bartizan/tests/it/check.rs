//! `check` as scripts rely on it: words, exit codes, order of a list, stdin, an mbox, quarantine and back, and a running Bartizan that is told.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn bartizan(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bartizan runs");
    child.stdin.take().expect("stdin").write_all(stdin).expect("written");
    child.wait_with_output().expect("ended")
}

fn lines(out: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The standard test file of antivirus programs, put together here so that this file is not one.
fn test_file() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR", "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

fn pdf_with(carried: &[u8]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n2 0 obj\n<< /Type /EmbeddedFile /Length 68 >>\nstream\n".to_vec();
    pdf.extend_from_slice(carried);
    pdf.extend_from_slice(b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n");
    pdf
}

#[test]
fn words_and_exit_codes() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, content).expect("written");
        text(&path).to_owned()
    };
    let bad = path("invoice.com", &test_file());
    let plain = path("notes.txt", b"We meet at ten. Bring the plans.\n");
    let carries = path("paper.pdf", &pdf_with(&test_file()));
    let carries_text = path("letter.pdf", &pdf_with(b"Twelve chairs, four tables, one lamp.\n"));
    for (args, code, words) in [
        (vec![bad.as_str()], 1, vec!["malicious"]),
        (vec![&plain], 0, vec!["clean"]),
        (vec![&carries], 1, vec!["malicious"]),
        (vec![&carries_text], 0, vec!["unknown"]),
        (vec![&plain, "/no/such/file"], 3, vec!["clean", "unknown"]),
        (vec![&bad, "/no/such/file"], 3, vec!["malicious", "unknown"]),
        (vec![&bad, "--fail-on", "never"], 0, vec!["malicious"]),
        (vec![&carries_text, "--fail-on", "unknown"], 1, vec!["unknown"]),
        (vec!["275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"], 1, vec!["malicious"]),
    ] {
        let out = bartizan(&[&["check", "--ndjson"], args.as_slice()].concat(), b"");
        let said: Vec<Value> = lines(&out);
        let got: Vec<&str> = said.iter().map(|o| o["verdict"].as_str().expect("a word")).collect();
        assert_eq!((out.status.code(), got), (Some(code), words), "{args:?}: {said:?}");
        assert!(said.iter().all(|o| o["schema"] == "bartizan.check/1" && o["reasons"].is_array()));
    }
    assert_eq!(bartizan(&["check"], b"").status.code(), Some(2));
    assert_eq!(bartizan(&["check", "-", "--fail-on", "clean"], b"").status.code(), Some(2));
    let out = bartizan(&["check", "--ndjson", &bad, &carries], b"");
    assert!(lines(&out).iter().all(|o| o["cpu_ms"].as_f64().is_some_and(|ms| ms > 0.0)), "thread time is counted");
    let from_stdin = bartizan(&["check", "-", "--ndjson"], &test_file());
    assert_eq!((from_stdin.status.code(), &lines(&from_stdin)[0]["input"]), (Some(1), &"-".into()));
}

#[test]
fn a_list_keeps_its_order_and_answers_each_row() {
    let dir = tempfile::tempdir().expect("a folder");
    let list = dir.path().join("rows.jsonl");
    let rows = [
        r#"{"id":"z","kind":"url","url":"http://192.0.2.7/login"}"#,
        "no json at all",
        r#"{"id":2,"kind":"text","text":"We meet at ten."}"#,
        r#"{"id":"a","kind":"picture","text":"?"}"#,
        r#"{"id":"m","kind":"mail","raw":"From: ada@example.org\r\nTo: bob@example.org\r\nSubject: plans\r\n\r\nSee you at ten.\r\n"}"#,
    ];
    fs::write(&list, rows.join("\n")).expect("written");
    let out = bartizan(&["check", "--list", text(&list), "--ndjson", "--fail-on", "never"], b"");
    let ids: Vec<Value> = lines(&out).iter().map(|o| o["id"].clone()).collect();
    assert_eq!(ids, ["z".into(), Value::Null, 2.into(), "a".into(), "m".into()]);
    assert_eq!(out.status.code(), Some(0), "a row that cannot be read is a result, no failure");
    assert_eq!(lines(&out)[1]["abstained"], true);
}

#[test]
fn an_mbox_is_as_many_results_as_messages() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("box");
    let message = |n: u32| {
        format!(
            "From ada@example.org Mon Mar  2 10:00:0{n} 2026\nFrom: ada@example.org\nTo: bob@example.org\nSubject: {n}\n\nSee you at {n}.\n\n"
        )
    };
    fs::write(&path, (1..=3).map(message).collect::<String>()).expect("written");
    let out = bartizan(&["check", text(&path), "--ndjson"], b"");
    let said = lines(&out);
    let names: Vec<&str> = said.iter().map(|o| o["input"].as_str().expect("a name")).collect();
    assert_eq!(names, (1..=3).map(|n| format!("{}#{n}", path.display())).collect::<Vec<_>>());
    assert!(said.iter().all(|o| o["kind"] == "mail"), "{said:?}");
}

#[test]
fn quarantine_asks_moves_and_undo_puts_back() {
    let (dir, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let whole = dir.path().canonicalize().expect("a path");
    let bad = whole.join("invoice.com");
    fs::write(&bad, test_file()).expect("written");
    fs::set_permissions(&bad, fs::Permissions::from_mode(0o755)).expect("mode");
    let data = text(data.path());
    let args = ["check", text(&whole), "--quarantine", "--data-dir", data];
    let refused = bartizan(&args, b"");
    assert_eq!(refused.status.code(), Some(4), "no terminal and no --yes");
    assert!(String::from_utf8_lossy(&refused.stdout).contains(" will   move ") && bad.exists());

    let done = bartizan(&[&args[..], &["--yes"]].concat(), b"");
    assert_eq!(done.status.code(), Some(1), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!bad.exists(), "{}", String::from_utf8_lossy(&done.stdout));
    let list = bartizan(&["incident", "list", "--json", "--data-dir", data], b"");
    let incidents = lines(&list)[0]["incidents"].as_array().expect("incidents").clone();
    let id = incidents[0]["metadata"]["correlation_uid"].as_str().expect("an id");
    let why = bartizan(&["explain", id, "--data-dir", data], b"");
    assert!(String::from_utf8_lossy(&why.stdout).contains("quarantine"), "{}", String::from_utf8_lossy(&why.stdout));

    fs::write(&bad, "another").expect("written");
    let kept = bartizan(&["undo", "--last", "--data-dir", data], b"");
    assert_eq!(kept.status.code(), Some(3), "nothing is overwritten");
    fs::remove_file(&bad).expect("removed");
    let undone = bartizan(&["undo", id, "--data-dir", data], b"");
    assert_eq!(undone.status.code(), Some(0), "{}", String::from_utf8_lossy(&undone.stderr));
    assert_eq!(fs::read(&bad).expect("back"), test_file());
    assert_eq!(fs::metadata(&bad).expect("back").permissions().mode() & 0o7777, 0o755);
}

#[test]
fn a_running_bartizan_is_told_what_was_found() {
    let (dir, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (log, bad) = (dir.path().join("auth.log"), dir.path().join("invoice.com"));
    fs::write(&log, "").expect("written");
    fs::write(&bad, test_file()).expect("written");
    let data = text(data.path());
    let mut running = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["watch", text(&log), "--follow", "--console-listen", "127.0.0.1:0", "--data-dir", data])
        .stdout(Stdio::piped())
        .spawn()
        .expect("bartizan runs");
    let mut said = BufReader::new(running.stdout.take().expect("stdout")).lines();
    let up = said.by_ref().map_while(Result::ok).any(|line| line.starts_with("console"));
    assert!(up, "it runs");
    let out = bartizan(&["check", text(&bad), "--record", "--data-dir", data], b"");
    let words = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(words.contains(" incident INC-"), "{words}");
    let moved = bartizan(&["check", text(&bad), "--quarantine", "--yes", "--data-dir", data], b"");
    assert!(moved.status.code() == Some(1) && !bad.exists(), "{}", String::from_utf8_lossy(&moved.stderr));
    let undone = bartizan(&["undo", "--last", "--data-dir", data], b"");
    assert!(undone.status.success() && bad.exists(), "{}", String::from_utf8_lossy(&undone.stderr));
    let _ = running.kill();
    let start = Instant::now();
    while running.try_wait().expect("a child").is_none() && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn labelled_links_give_the_figures_of_a_judgement() {
    let dir = tempfile::tempdir().expect("a folder");
    let table = dir.path().join("links.csv");
    let rows = "url,label\nhttps://www.example.org/manual/,benign\nhttp://203.0.113.9/paypal/login/verify.php?id=1,phishing\nhttps://example.net/,benign\n";
    fs::write(&table, rows).expect("written");
    let out = bartizan(&["model", "eval", "url-phish", "--data", text(&table), "--json"], b"");
    let said = &lines(&out)[0];
    assert_eq!((&said["schema"], &said["n"], &said["n_attack"]), (&"bartizan.model_eval/1".into(), &3.into(), &1.into()), "{said}");
    assert_eq!((said["auc"].as_f64(), said["fpr_at_shipped_threshold"].as_f64()), (Some(1.0), Some(0.0)), "{said}");
    fs::write(&table, "url\nhttps://www.example.org/\n").expect("written");
    let out = bartizan(&["model", "eval", "url-phish", "--data", text(&table)], b"");
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("no row has a label"));
}
