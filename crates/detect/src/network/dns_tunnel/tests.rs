use super::super::tests::{Dice, dns};
use super::*;
use crate::tests::run;

fn text(dice: &mut Dice, alphabet: &str, length: usize) -> String {
    (0..length).map(|_| alphabet.as_bytes()[dice.below(alphabet.len())] as char).collect()
}

const BASE32: &str = "abcdefghijklmnopqrstuvwxyz234567";
const HEX: &str = "0123456789abcdef";

/// Four shapes: upload in A queries, TXT both ways, NULL with the longest names, a drip of one query a second with short labels.
fn tunnel(shape: usize, seed: u64, queries: usize) -> Vec<Event> {
    let mut dice = Dice(seed);
    let made = |n: usize| {
        let n = n as u64;
        match shape {
            0 => dns(n, n as f64 * 0.2, "10.0.0.4", &format!("{}.t.example.com", text(&mut dice, BASE32, 40)), "A", "NXDOMAIN", ""),
            1 => {
                let answer = text(&mut dice, BASE32, 120);
                dns(n, n as f64 * 0.5, "10.0.0.4", &format!("{}.t.example.com", text(&mut dice, HEX, 34)), "TXT", "NOERROR", &answer)
            }
            2 => {
                let name =
                    format!("{}.{}.{}.example.com", text(&mut dice, BASE32, 60), text(&mut dice, BASE32, 60), text(&mut dice, BASE32, 30));
                dns(n, n as f64 * 0.05, "10.0.0.4", &name, "NULL", "NOERROR", &text(&mut dice, HEX, 200))
            }
            _ => dns(n, n as f64, "10.0.0.4", &format!("{}.d.example.com", text(&mut dice, HEX, 22)), "CNAME", "NOERROR", "x.example.com"),
        }
    };
    (0..queries).map(made).collect()
}

#[test]
#[allow(clippy::print_stderr)]
fn t1071_004_four_shapes() {
    for shape in 0..4 {
        let found = (0..25).filter(|seed| !run(&SPEC, &tunnel(shape, *seed, 120)).is_empty()).count();
        eprintln!("tunnels of shape {shape} found within 120 queries: {found} of 25");
        assert!(found >= 24, "{shape}");
    }
    let finding = run(&SPEC, &tunnel(0, 1, 60)).pop().expect("found");
    assert_eq!(finding.entities[1].name, "example.com");
    assert!(finding.text.contains("different names below example.com"), "{}", finding.text);
}

/// One benign client's questions of a day, by kind of look-alike.
fn benign(kind: usize, seed: u64) -> Vec<Event> {
    let mut dice = Dice(seed ^ 0xd05);
    let one = |n: u64| {
        let at_s = n as f64 * 60.0;
        match kind {
            // Block lists of a mail server: addresses backwards.
            0 => {
                let name = format!("{}.{}.{}.{}.zen.example.org", dice.below(256), dice.below(256), dice.below(256), dice.below(256));
                if dice.below(5) == 0 {
                    dns(n, at_s, "10.0.0.5", &name, "A", "NOERROR", "127.0.0.2")
                } else {
                    dns(n, at_s, "10.0.0.5", &name, "A", "NXDOMAIN", "")
                }
            }
            // File reputation: hashes in names.
            1 => {
                let name = format!("{}.hash.example.net", text(&mut dice, HEX, 32));
                let answer = if dice.below(10) == 0 { "127.0.0.99" } else { "" };
                dns(n, at_s, "10.0.0.5", &name, "A", if answer.is_empty() { "NXDOMAIN" } else { "NOERROR" }, answer)
            }
            // A content network: short random hosts, asked again.
            2 => dns(n, at_s, "10.0.0.5", &format!("e{}.a.edge.example.net", dice.below(400)), "A", "NOERROR", "203.0.113.5"),
            // DKIM and SPF of many senders.
            3 => dns(
                n,
                at_s,
                "10.0.0.5",
                &format!("selector{}._domainkey.sender{}.example", dice.below(3), dice.below(500)),
                "TXT",
                "NOERROR",
                "v=DKIM1; k=rsa",
            ),
            // Telemetry with an id that stays.
            4 => dns(n, at_s, "10.0.0.5", "3f2504e04f8911d39a0c0305e82c3301.metrics.example.com", "A", "NOERROR", "203.0.113.5"),
            // Video hosts with random labels.
            5 => dns(
                n,
                at_s,
                "10.0.0.5",
                &format!("r{}---sn-{}.video.example.com", dice.below(20), text(&mut dice, BASE32, 8)),
                "A",
                "NOERROR",
                "203.0.113.5",
            ),
            // Looking addresses up backwards.
            _ => dns(n, at_s, "10.0.0.5", &format!("{}.2.0.192.in-addr.arpa", dice.below(256)), "PTR", "NOERROR", "host.example.com"),
        }
    };
    (0..800).map(one).collect()
}

#[test]
#[allow(clippy::print_stderr)]
fn look_alikes_stay_silent() {
    let (mut wrong, mut clients) = (0, 0);
    for kind in 0..7 {
        for seed in 0..8 {
            clients += 1;
            let found = run(&SPEC, &benign(kind, seed));
            wrong += u32::from(!found.is_empty());
            assert!(found.is_empty(), "{kind}: {}", found[0].text);
        }
    }
    eprintln!("benign clients told as tunnels: {wrong} of {clients}");
}
