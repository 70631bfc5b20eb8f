//! Playbooks of an operator: read, refused with their lines, tried on the log, and waiting for a person over a `kill -9`.

use std::path::Path;

use serde_json::Value;

use super::live::{application, cli, get, protect_at, soon};

const ATTACK: &str = "/search?q=x%27%20UNION%20SELECT%20email%2Cpassword%20FROM%20customers--%20";
const ATTACKER: &str = "203.0.113.66";
const APPROVED: &str = "name: web-and-login-attack\nmode: approve\nwhen: {target: address}\nactions: [{do: decision, for: 15m}]\napproval: {deadline: DEADLINE}\n";

/// In the place of the shipped one.
fn own(data: &Path, deadline: &str) {
    std::fs::create_dir_all(data.join("playbooks")).expect("a folder");
    std::fs::write(data.join("playbooks/web-and-login-attack.yaml"), APPROVED.replace("DEADLINE", deadline)).expect("written");
}

fn waiting(data: &Path) -> Option<String> {
    let (_, list, _) = cli(data, &["response", "list", "--json"]);
    let all = list["responses"].as_array()?;
    let waits = |r: &&Value| r["phase"]["waiting"].is_object();
    all.iter().find(waits).and_then(|r| r["uid"].as_str()).map(ToOwned::to_owned)
}

#[test]
fn a_block_waits_over_kill_9_until_it_is_approved_and_can_be_undone() {
    let dir = tempfile::tempdir().expect("a folder");
    own(dir.path(), "15m");
    {
        let running = protect_at(application(), dir.path(), &["--enforce"]);
        assert_eq!(get(running.gateway, ATTACKER, ATTACK).0, 403, "the attack itself is refused at once");
        soon("the block waits", || waiting(dir.path()).is_some());
        assert_eq!(get(running.gateway, ATTACKER, "/").0, 200, "nobody has approved it");
    }
    let running = protect_at(application(), dir.path(), &["--enforce"]);
    assert_eq!(get(running.gateway, ATTACKER, "/").0, 200);
    let uid = waiting(dir.path()).expect("it still waits");
    let (_, _, text) = cli(dir.path(), &["response", "list"]);
    assert!(text.contains("it would meet: in 24 h ") && !text.contains("in 24 h 0 requests"), "{text}");
    let (code, answer, text) = cli(dir.path(), &["response", "approve", &uid, "--json"]);
    assert_eq!((code, &answer["done"]), (Some(0), &1.into()), "{text}");
    assert_eq!(get(running.gateway, ATTACKER, "/").0, 403);
    assert_eq!(cli(dir.path(), &["response", "approve", &uid]).0, Some(3), "nothing waits any more");
    assert_eq!(cli(dir.path(), &["undo", &uid]).0, Some(0));
    assert_eq!(get(running.gateway, ATTACKER, "/").0, 200);
    let (_, _, trail) = cli(dir.path(), &["incident", "show", "INC-1"]);
    assert!(trail.contains("waits for approval"), "{trail}");
}

#[test]
fn what_is_rejected_or_too_late_is_not_done_and_not_asked_again() {
    for deadline in ["15m", "1s"] {
        let dir = tempfile::tempdir().expect("a folder");
        own(dir.path(), deadline);
        let running = protect_at(application(), dir.path(), &["--enforce"]);
        assert_eq!(get(running.gateway, ATTACKER, ATTACK).0, 403);
        let phase = || cli(dir.path(), &["response", "list", "--all", "--json"]).1["responses"][0]["phase"].clone();
        if deadline == "15m" {
            soon("the block waits", || waiting(dir.path()).is_some());
            let uid = waiting(dir.path()).expect("it waits");
            assert_eq!(cli(dir.path(), &["response", "reject", &uid]).0, Some(0));
            assert!(phase()["rejected"]["by"].as_str().is_some_and(|by| by.starts_with("cli:")));
        } else {
            soon("the deadline passes", || phase()["rejected"]["by"] == "deadline");
        }
        assert_eq!(get(running.gateway, ATTACKER, ATTACK).0, 403);
        assert_eq!(get(running.gateway, ATTACKER, "/").0, 200);
        assert_eq!(waiting(dir.path()), None);
    }
}

#[test]
fn a_dry_run_says_what_would_have_been_done_and_does_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let running = protect_at(application(), dir.path(), &[]);
    for _ in 0..4 {
        assert_eq!(get(running.gateway, ATTACKER, ATTACK).0, 200);
    }
    soon("the incident", || cli(dir.path(), &["incident", "show", "INC-1"]).0 == Some(0));
    let file = dir.path().join("try.yaml");
    std::fs::write(&file, APPROVED.replace("DEADLINE", "5m")).expect("written");
    let before = cli(dir.path(), &["response", "list", "--all", "--json"]).1;
    let mut dry = Value::Null;
    soon("four requests are in the log", || {
        dry = cli(dir.path(), &["playbook", "test", file.to_str().expect("UTF-8"), "--json"]).1;
        dry["requests"] == 4
    });
    assert_eq!((&dry["targets"], &dry["whole"]), (&1.into(), &true.into()), "{dry}");
    assert_eq!((&dry["would"][0]["target"], &dry["would"][0]["waits"]), (&ATTACKER.into(), &true.into()), "{dry}");
    assert_eq!(cli(dir.path(), &["response", "list", "--all", "--json"]).1, before, "nothing was written");
}

#[test]
fn faults_are_listed_with_their_lines_and_stop_the_start() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("playbooks")).expect("a folder");
    let file = dir.path().join("playbooks/mine.yaml");
    std::fs::write(&file, "name: mine\nwhen: {target: adress}\nactions:\n  - do: decision\n    untill: 15m\n").expect("written");
    let (code, _, text) = cli(dir.path(), &["playbook", "lint", file.to_str().expect("UTF-8")]);
    assert_eq!(code, Some(1));
    assert!(text.contains("mine.yaml:2: target is \"adress\"; write address") && text.contains("mine.yaml:5: "), "{text}");
    assert_eq!(cli(dir.path(), &["playbook", "list"]).0, Some(3));
    std::fs::remove_file(&file).expect("removed");
    let (code, list, _) = cli(dir.path(), &["playbook", "list", "--json"]);
    assert_eq!((code, list["playbooks"].as_array().map(Vec::len)), (Some(0), Some(3)));
}
