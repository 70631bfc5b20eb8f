//! What is read, and that everything else is told with its line.

use proptest::prelude::*;

use super::*;

fn faults(text: &str) -> Vec<String> {
    Playbook::parse("a.yaml", text).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn the_shipped_ones_are_read_and_none_is_without_an_end() {
    let all = Playbooks::shipped();
    assert_eq!(all.iter().count(), 3);
    assert!(all.iter().flat_map(|p| &p.steps).all(|s| s.first_s >= 1 && s.max_s >= s.first_s));
}

#[test]
fn what_is_left_out_is_careful() {
    let p = Playbook::parse("a.yaml", "name: a\nwhen: {target: address}\nactions: [{do: decision}]\n").expect("good");
    assert_eq!((p.approach, p.steps[0].first_s, p.approval_s, p.errors_max), (Approach::Monitor, 900, 900, 5));
    assert_eq!((p.caps.per_10_min, p.caps.per_hour), (50, 300));
}

#[test]
fn all_faults_are_told_at_once_with_line_and_what_to_write() {
    let text = "name: A b\nmodus: auto\nwhen:\n  target: adress\n  score: 7\nactions:\n  - do: decison\n    for: soon\n  - do: quarantine\n    untill: 1h\nnever: [10.0.0.0/40]\n";
    assert_eq!(
        faults(text),
        [
            "P002 a.yaml:2: the playbook has the unknown key \"modus\"; write mode:",
            "P004 a.yaml:1: name is \"A b\"; write small letters, digits and -, at most 60: web-attack",
            "P004 a.yaml:4: target is \"adress\"; write address",
            "P004 a.yaml:5: score is \"7\"; write a number from 0 to 1: 0.7",
            "P004 a.yaml:7: do is \"decison\"; write decision",
            "P002 a.yaml:10: an action has the unknown key \"untill\"; write one of do, disposition, for, for_max",
            "P004 a.yaml:11: a network is \"10.0.0.0/40\"; write an address or network: 192.0.2.0/24",
        ]
    );
    assert_eq!(faults(""), ["P001 a.yaml:1: the file is empty; write name, when, actions"]);
}

#[test]
fn bombs_are_refused() {
    assert!(faults("a: &a [x]\nb: [*a, *a]\n")[0].contains("anchor"));
    assert!(faults(&"[".repeat(10_000))[0].starts_with("P001"));
    assert!(faults(&"a".repeat(70_000))[0].contains("bytes"));
}

#[test]
fn an_action_must_fit_its_target() {
    let text = "name: a\nwhen: {target: file}\nactions: [{do: decision}]\n";
    assert_eq!(faults(text), ["P004 a.yaml:3: do is \"decision\"; write what fits the target: quarantine"]);
}

proptest! {
    #[test]
    fn no_text_panics_the_reader(text in "\\PC{0,200}|[a-z:\\- \\[\\]{}&*!\\n\"']{0,200}") {
        let _ = Playbook::parse("a.yaml", &text);
    }

    #[test]
    fn no_damage_to_a_good_one_panics_it_or_takes_its_end(at in 0usize..300, with in "\\PC{0,3}") {
        let good = include_str!("../../../../content/playbooks/response/web-and-login-attack.yaml");
        let at = (0..=at.min(good.len())).rev().find(|n| good.is_char_boundary(*n)).unwrap_or(0);
        let damaged = format!("{}{with}{}", &good[..at], &good[at..]);
        if let Ok(playbook) = Playbook::parse("a.yaml", &damaged) {
            prop_assert!(!playbook.steps.is_empty());
            prop_assert!(playbook.steps.iter().all(|s| s.first_s >= 1 && s.max_s <= 90 * 86_400));
        }
    }
}
