use event::native::{Native, Value};
use event::{Body, Bytes, Event, Meta};

use super::*;

const MAP: &str = include_str!("../../../../content/rules/logsource.yaml");

fn event(product: &str, service: &str, fields: &[(&str, &str)]) -> Event {
    let fields = fields.iter().map(|(name, value)| ((*name).into(), Value::Text((*value).to_owned()))).collect();
    let native = Native { product: product.into(), service: service.into(), fields };
    let body = Body::Other { host: "h".into(), service: service.into() };
    Event { native: Some(Box::new(native)), ..Event::new(Meta::default(), body, Bytes::default()) }
}

fn rule(title: &str, source: &str, detection: &str) -> String {
    format!(
        "title: {title}\nid: {title}\nlogsource:\n{source}\ndetection:\n  selection:\n{detection}\n  condition: selection\nlevel: high\n"
    )
}

fn ids<'s>(set: &'s Set, event: &Event) -> Vec<&'s str> {
    set.hits(event).into_iter().map(|hit| hit.rule.id.as_str()).collect()
}

#[test]
fn a_rule_meets_the_events_of_its_source_alone_and_under_its_names() {
    let map = SourceMap::parse(MAP).expect("the map");
    let text = rule("new-process", "  product: windows\n  category: process_creation", "    Image|endswith: '\\evil.exe'");
    let set = Set::load([("a.yml", text.as_str())], &map);
    assert_eq!((set.len(), set.refused.len(), set.unrouted.len()), (1, 0, 0));
    let sysmon = "Microsoft-Windows-Sysmon/Operational";
    let image = ("Image", "C:\\evil.exe");
    assert_eq!(ids(&set, &event("windows", sysmon, &[("EventID", "1"), image])), ["new-process"]);
    assert_eq!(ids(&set, &event("windows", sysmon, &[("EventID", "3"), image])), [""; 0]);
    let logged = event("windows", "Security", &[("EventID", "4688"), ("NewProcessName", "C:\\evil.exe")]);
    let hits = set.hits(&logged);
    assert_eq!((hits.len(), hits[0].rule.level), (1, Level::High));
    assert_eq!(hits[0].matched, [("Image".to_owned(), "C:\\evil.exe".to_owned())]);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place_and_the_rest_works() {
    let map = SourceMap::parse(MAP).expect("the map");
    let good = rule("good", "  product: linux\n  service: sshd", "    message|contains: bad luck");
    let odd = rule("odd", "  product: abacus", "    a: b");
    let files = [
        ("good.yml", good.as_str()),
        ("broken.yml", "title: [\n"),
        ("none.yml", "title: x\n"),
        ("twice.yml", good.as_str()),
        ("odd.yml", &odd),
    ];
    let set = Set::load(files, &map);
    assert_eq!(set.len(), 2);
    let refused: Vec<&str> = set.refused.iter().map(|r| r.file.as_str()).collect();
    assert_eq!(refused, ["broken.yml", "none.yml", "twice.yml"]);
    assert!(set.refused.iter().all(|r| r.line > 0 && !r.why.is_empty() && !r.fix.is_empty()));
    assert_eq!(set.unrouted.get("abacus/*/*"), Some(&1));
    assert_eq!(ids(&set, &event("linux", "sshd", &[("message", "what bad luck")])), ["good"]);
    assert_eq!(ids(&set, &event("linux", "cron", &[("message", "what bad luck")])), [""; 0]);
}

#[test]
fn names_with_blanks_are_met_by_names_without() {
    let map = SourceMap::parse(MAP).expect("the map");
    let text = rule("found", "  product: windows\n  service: windefend", "    ThreatName|endswith: EICAR_Test_File");
    let set = Set::load([("a.yml", text.as_str())], &map);
    let channel = "Microsoft-Windows-Windows Defender/Operational";
    assert_eq!(ids(&set, &event("windows", channel, &[("EventID", "1119"), ("Threat Name", "Tool:EICAR_Test_File")])), ["found"]);
    assert_eq!(ids(&set, &event("windows", channel, &[("EventID", "1119"), ("Threat Names", "Tool:EICAR_Test_File")])), [""; 0]);
}
