//! `cargo bench -p decode`: lines and bytes a second, one thread, on generated varied lines; the choice of the format is part of it; and the
//! look for secrets that every record of a log gets.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock, the crate does not")]

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use decode::{Choice, Format, Place};
use event::Time;

const LINES: u64 = 100_000;
const ROUNDS: u32 = 8;

/// Numbers that vary from line to line, the same in each run.
fn mix(seed: u64, below: u64) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (x ^ (x >> 32)) % below
}

fn access(n: u64) -> String {
    let paths = [
        "/",
        "/index.html",
        "/img/logo.png",
        "/search?q=red+shoes&page=2",
        "/api/v1/items/4711?fields=name,price",
        "/blog/2024/05/first-post/",
    ];
    let agents = [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
        "curl/8.5.0",
    ];
    let pick = |all: &[&'static str], salt: u64| all[mix(n * 7 + salt, all.len() as u64) as usize];
    format!(
        "192.0.2.{} - - [{:02}/May/2024:{:02}:{:02}:{:02} +0000] \"GET {} HTTP/1.1\" {} {} \"{}\" \"{}\"",
        mix(n, 250),
        1 + n / 20_000 % 28,
        n / 3600 % 24,
        n / 60 % 60,
        n % 60,
        pick(&paths, 1),
        [200, 200, 200, 304, 404][mix(n, 5) as usize],
        mix(n, 90_000),
        ["-", "https://shop.example/list?page=1"][mix(n + 3, 2) as usize],
        pick(&agents, 2),
    )
}

fn sshd(n: u64) -> String {
    let head = format!(
        "May {:2} {:02}:{:02}:{:02} gate sshd[{}]: ",
        1 + n / 20_000 % 28,
        n / 3600 % 24,
        n / 60 % 60,
        n % 60,
        1000 + mix(n, 30_000)
    );
    let (user, client, port) = (mix(n, 5_000), mix(n + 1, 250), 1024 + mix(n + 2, 60_000));
    head + &match n % 5 {
        0 => format!("Failed password for invalid user u{user} from 192.0.2.{client} port {port} ssh2"),
        1 => format!("Failed password for root from 192.0.2.{client} port {port} ssh2"),
        2 => format!("Connection closed by authenticating user root 192.0.2.{client} port {port} [preauth]"),
        3 => format!("Accepted publickey for ada from 192.0.2.{client} port {port} ssh2: ED25519 SHA256:q83vEjRWeJCrze8SNFZ4"),
        _ => "pam_unix(sshd:auth): check pass; user unknown".to_owned(),
    }
}

fn sign_in(n: u64) -> String {
    format!(
        r#"{{"time":"2024-05-{:02}T{:02}:{:02}:{:02}Z","user":"u{}","src_ip":"192.0.2.{}","result":"{}","user_agent":"Mozilla/5.0 (X11; Linux x86_64)","country":"DE","rtt_ms":{}}}"#,
        1 + n / 20_000 % 28,
        n / 3600 % 24,
        n / 60 % 60,
        n % 60,
        mix(n, 5_000),
        mix(n + 1, 250),
        ["success", "failure"][mix(n, 2) as usize],
        mix(n, 300)
    )
}

fn run(name: &str, line: fn(u64) -> String) -> std::io::Result<()> {
    let lines: Vec<String> = (0..LINES).map(line).collect();
    let bytes: usize = lines.iter().map(String::len).sum();
    let choice = Choice::new(Format::Auto, lines.iter().map(String::as_bytes));
    let logged = Time::from_s(1_717_200_000);
    let mut best_s = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for (line, number) in lines.iter().zip(1..) {
            black_box(choice.decode(line.as_bytes(), &Place::new("access.log", number, logged)));
        }
        best_s = best_s.min(start.elapsed().as_secs_f64());
    }
    let mut masked_s = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for line in &lines {
            black_box(decode::mask::line(line.as_bytes()));
        }
        masked_s = masked_s.min(start.elapsed().as_secs_f64());
    }
    writeln!(std::io::stdout(), "{name:8} {:>10.0} lines/s looked through for secrets", LINES as f64 / masked_s)?;
    writeln!(
        std::io::stdout(),
        "{name:8} {:>10.0} lines/s {:>7.0} MB/s   {:>4.0} bytes a line, format {}",
        LINES as f64 / best_s,
        bytes as f64 / best_s / 1e6,
        bytes as f64 / LINES as f64,
        choice.name()
    )
}

fn main() -> std::io::Result<()> {
    run("access", access)?;
    run("sshd", sshd)?;
    run("json", sign_in)
}
