use super::*;

fn load(text: &str) -> Loaded {
    Rules::load([("mine.yar", text)])
}

fn scan(text: &str, name: &str, bytes: &[u8]) -> Vec<Hit> {
    load(text).rules.expect("a rule").scan(name, bytes).hits
}

#[test]
fn a_hit_says_what_held_and_where() {
    let text = r#"rule R : T1486 { meta: description = "why" severity = "High" ref = "seen with T1059.001" strings: $a = "needle" condition: $a }"#;
    let hits = scan(text, "x", b"hay needle hay");
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].rule.as_str(), hits[0].file.as_str(), hits[0].about.as_str()), ("R", "mine.yar", "why"));
    assert_eq!(hits[0].level, Level::High);
    assert_eq!(hits[0].techniques, ["T1486", "T1059.001"]);
    assert_eq!(hits[0].seen, [("$a".to_owned(), 4, b"needle".to_vec())]);
    assert!(scan(text, "x", b"hay").is_empty());
}

#[test]
fn a_score_of_100_tells_how_sure_a_rule_is() {
    for (score, level) in [(75, Level::High), (74, Level::Medium), (40, Level::Medium), (39, Level::Low)] {
        let hits = scan(&format!("rule r {{ meta: score = {score} condition: true }}"), "x", b"");
        assert_eq!(hits[0].level, level, "{score}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place_and_the_rest_works() {
    let loaded = load("rule good { condition: true }\n\nrule bad { condition: $x }\nrule fine { condition: true }");
    assert_eq!(loaded.rules.expect("two rules").len(), 2);
    assert_eq!(loaded.refused.len(), 1);
    assert_eq!((loaded.refused[0].file.as_str(), loaded.refused[0].line), ("mine.yar", 3));
    let module = load("import \"nothing_like_it\"\nrule r { condition: true }");
    assert!(module.refused[0].fix.contains("not built in"), "{:?}", module.refused);
}

#[test]
fn a_file_of_rules_reads_no_other_file() {
    let loaded = load("include \"/etc/hostname\"\nrule r { condition: true }");
    assert_eq!(loaded.refused.len(), 1, "{:?}", loaded.refused);
}

#[test]
fn two_files_may_use_the_same_name() {
    let rules = [("a.yar", "rule same { condition: true }"), ("b.yar", "rule same { condition: true }")];
    let loaded = Rules::load(rules);
    assert!(loaded.refused.is_empty());
    let hits = loaded.rules.expect("rules").scan("x", b"").hits;
    assert_eq!(hits.iter().map(|h| h.file.as_str()).collect::<Vec<_>>(), ["a.yar", "b.yar"]);
}

#[test]
fn rules_know_what_the_file_is_called() {
    let text = "rule r { condition: extension == \"png\" and filename == \"a.png\" and uint16(0) == 0x5a4d }";
    assert_eq!(scan(text, "some/folder/a.png", b"MZ").len(), 1);
    assert!(scan(text, "a.exe", b"MZ").is_empty());
}

#[test]
fn modules_that_public_rules_use_are_there() {
    for module in ["pe", "elf", "macho", "dotnet", "hash", "math", "string", "time", "lnk"] {
        let loaded = load(&format!("import \"{module}\"\nrule r {{ condition: true }}"));
        assert!(loaded.refused.is_empty(), "{module}: {:?}", loaded.refused);
    }
}

#[test]
fn garbage_is_refused_and_scans_to_nothing() {
    for text in ["\0\0\0", "rule", "rule r {", "}}}}", "rule r { strings: $a = /((((/ condition: $a }", &"(".repeat(10_000)] {
        assert!(load(text).rules.is_none(), "{text:?}");
    }
    assert!(scan("rule r { strings: $a = { 4D 5A [4-8] 90 } condition: $a at 0 }", "x", &[0xff; 4_096]).is_empty());
}
