use super::*;

fn run(rules: &str, inputs: &[(Variable, &str, &str)]) -> Vec<(u32, String)> {
    let set = Ruleset::parse(&[("t.conf", rules)]).unwrap_or_else(|e| panic!("{}", e[0]));
    let mut hits = Vec::new();
    let inputs = inputs.iter().map(|(variable, name, value)| Input { variable: *variable, name: name.as_bytes(), value: value.as_bytes() });
    set.hits(&inputs, &mut Scratch::default(), &mut hits);
    hits.iter().map(|h| (set.rules()[h.rule].id, String::from_utf8_lossy(h.matched()).into_owned())).collect()
}

fn arg(operator: &str, actions: &str, value: &str) -> Vec<String> {
    let rule = format!("SecRule ARGS \"{operator}\" \"id:1,{actions}\"");
    run(&rule, &[(Variable::Args, "q", value)]).into_iter().map(|(_, m)| m).collect()
}

#[test]
fn operators() {
    for (operator, value, expected) in [
        ("@rx a+b", "xaab", Some("aab")),
        ("a+b", "xaab", Some("aab")),
        ("!@rx a+b", "xaab", None),
        ("!@rx a+b", "c", Some("c")),
        ("@pm one two", "xTWOx", Some("TWO")),
        ("@contains bc", "abcd", Some("bc")),
        ("@beginsWith ab", "abc", Some("ab")),
        ("@beginsWith bc", "abc", None),
        ("@endsWith bc", "abc", Some("bc")),
        ("@within GET POST", "GET", Some("GET")),
        ("@within GET POST", "PUT", None),
        ("!@within GET POST", "PUT", Some("PUT")),
        ("@streq a", "a", Some("a")),
        ("@eq 3", "3", Some("3")),
        ("@gt 3", "4x", Some("4x")),
        ("@lt 3", "4", None),
        ("@rx (?i:UNION)\\s+select", "union  SELECT", None),
        ("@rx (?i)UNION\\s+select", "union  SELECT", Some("union  SELECT")),
        ("@rx \\\"x", "a\"x", Some("\"x")),
    ] {
        assert_eq!(arg(operator, "", value), expected.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{operator} {value}");
    }
    assert_eq!(arg("@gt 3", "t:length", "abcd"), ["4"]);
    assert_eq!(arg("@rx ^union select$", "t:none,t:replaceComments,t:lowercase", "UNION/**/SELECT"), ["union select"]);
}

#[test]
fn chains_need_every_link() {
    let rules = "# a comment\nSecRule REQUEST_METHOD \"@streq POST\" \\\n  \"id:7,phase:1,msg:'a, b',severity:CRITICAL,tag:'x',chain\"\n  SecRule ARGS|!ARGS:safe \"@contains evil\" \"t:lowercase\"\n";
    let set = Ruleset::parse(&[("t.conf", rules)]).expect("good");
    let rule = &set.rules()[0];
    assert_eq!((rule.id, rule.message.as_str(), rule.severity, rule.line, rule.tags.len()), (7, "a, b", Severity::Critical, 2, 1));
    let post = (Variable::RequestMethod, "", "POST");
    assert_eq!(run(rules, &[post, (Variable::Args, "a", "EVIL")]).len(), 1);
    assert_eq!(run(rules, &[post, (Variable::Args, "safe", "EVIL")]).len(), 0);
    assert_eq!(run(rules, &[(Variable::RequestMethod, "", "GET"), (Variable::Args, "a", "EVIL")]).len(), 0);
    let matched_var = "SecRule ARGS \"@contains a\" \"id:1,chain\"\nSecRule MATCHED_VAR \"@contains b\"";
    assert_eq!(run(matched_var, &[(Variable::Args, "x", "a"), (Variable::Args, "y", "b")]).len(), 0);
    assert_eq!(run(matched_var, &[(Variable::Args, "x", "ab")]).len(), 1);
}

#[test]
fn headers_are_selected_by_name() {
    let rule = "SecRule REQUEST_HEADERS:User-Agent|REQUEST_COOKIES \"@pm nikto\" \"id:1\"";
    assert_eq!(run(rule, &[(Variable::RequestHeaders, "user-agent", "Nikto/2"), (Variable::RequestHeaders, "referer", "nikto")]).len(), 1);
}

#[test]
fn all_faults_are_named_at_once() {
    let rules = "SecRule ARGS \"@detectFire x\" \"id:1\"\nSecRule ARG \"a\" \"id:2\"\nSecRule ARGS \"a(?=b)\" \"id:3\"\nSecFoo on\nSecRule ARGS \"a\" \"id:4,setvar:x=1\"\nSecRule ARGS \"a\" \"id:5,t:rot13\"\nSecRule ARGS \"a\" \"msg:x\"\nSecRule ARGS \"a\" \"id:6\"\nSecRule ARGS \"a\" \"id:6\"\nSecRule ARGS \"a\" \"id:8,chain\"";
    let errors = Ruleset::parse(&[("t.conf", rules)]).expect_err("faulty");
    let seen: Vec<(u32, &str)> = errors.iter().map(|e| (e.line, e.code.as_str())).collect();
    assert_eq!(
        seen,
        [
            (1, "seclang.operator"),
            (2, "seclang.variable"),
            (3, "seclang.regex"),
            (4, "seclang.directive"),
            (5, "seclang.action"),
            (5 + 1, "seclang.transformation"),
            (7, "seclang.id"),
            (10, "seclang.chain"),
            (9, "seclang.id"),
        ]
    );
    assert!(errors[0].to_string().starts_with("t.conf:1: seclang.operator: found `@detectFire x`, expected @rx"), "{}", errors[0]);
}

#[test]
fn a_literal_is_required_only_where_every_match_holds_it() {
    for (pattern, expected) in [
        ("union\\s+select", Some(vec!["select"])),
        ("(?i)Etc/passwd", Some(vec!["etc/passwd"])),
        ("a|b", None),
        ("(?:foo|ba[rz])x*", Some(vec!["foo", "bar", "baz"])),
        ("x?\\d+", None),
        ("(?:abc)?def+", Some(vec!["de", "abcde"])),
        ("\\.\\./(?:etc|var)", Some(vec!["../etc", "../var"])),
    ] {
        let got = literal::required(pattern).map(|all| {
            let mut all: Vec<String> = all.into_iter().map(|l| String::from_utf8_lossy(&l).into_owned()).collect();
            all.sort();
            all
        });
        let expected = expected.map(|mut all: Vec<&str>| {
            all.sort_unstable();
            all.into_iter().map(str::to_owned).collect()
        });
        assert_eq!(got, expected, "{pattern}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_rule_set_or_errors(text in "(SecRule|SecAction| |ARGS|\"|@rx|@pm|id:1|,|\\\\\n|\n|[a-z(]){0,40}") {
        let _ = Ruleset::parse(&[("t", &text)]);
    }

    #[test]
    fn the_prefilter_hides_no_match(value in "(union|select|or|and|<|script|on|=|1| |'|etc|/){0,12}") {
        for pattern in ["union.{0,9}select", "(?i)<script", "'\\s*or\\s*'?1", "(?:on|or)[a-z]*=", "(?:etc|/)+on|and 1"] {
            let found = regex::bytes::RegexBuilder::new(pattern).unicode(false).build().expect("good").is_match(value.as_bytes());
            proptest::prop_assert_eq!(!arg(&format!("@rx {pattern}"), "", &value).is_empty(), found, "{} {}", pattern, value);
        }
    }
}
