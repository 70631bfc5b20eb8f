//! The day before the demo starts, as log lines: ordinary visitors, an administrator, and the usual noise of the internet.

use event::Time;

use super::dice::Dice;
use super::shop::PRODUCTS;

pub struct History {
    /// Combined access log of the shop.
    pub access: Vec<String>,
    /// Authentication log of the shop's host.
    pub auth: Vec<String>,
}

const BROWSERS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
];

/// `minutes` of traffic that ends shortly before `now`.
pub fn tell(dice: &mut Dice, now: Time, minutes: i64) -> History {
    let mut access = Vec::new();
    let mut auth = Vec::new();
    for minute in (2..minutes).rev() {
        let at = now.plus_s(-60 * minute);
        for _ in 0..1 + dice.below(3) {
            let second = dice.below(50) as i64;
            visit(dice, at.plus_s(second), &mut access);
        }
        if minute % 97 == 0 {
            auth.push((at, accepted("192.0.2.10", "ada", dice)));
        }
    }
    guesses(dice, now.plus_s(-60 * (minutes * 2 / 3)), "198.51.100.23", 90, &mut auth);
    guesses(dice, now.plus_s(-60 * (minutes / 2)), "203.0.113.140", 40, &mut auth);
    guesses(dice, now.plus_s(-60 * (minutes / 4)), "198.51.100.77", 60, &mut auth);
    breach(dice, now.plus_s(-60 * (minutes / 5)), &mut auth);
    scan(dice, now.plus_s(-60 * (minutes / 3)), &mut access);
    access.sort_by_key(|(at, _)| *at);
    auth.sort_by_key(|(at, _)| *at);
    History {
        access: access.into_iter().map(|(at, line)| line.replacen("TIME", &clf(at), 1)).collect(),
        auth: auth.into_iter().map(|(at, line)| format!("{at} shop-1 {line}")).collect(),
    }
}

fn visit(dice: &mut Dice, at: Time, out: &mut Vec<(Time, String)>) {
    let client = format!("192.0.2.{}", 20 + dice.below(120));
    let agent = *dice.pick(BROWSERS);
    let number = dice.below(PRODUCTS.len() as u64);
    let word = dice.pick(PRODUCTS).0.split(' ').next().unwrap_or("rope").to_lowercase();
    let targets = ["/".to_owned(), "/style.css".to_owned(), format!("/product/{number}"), format!("/search?q={word}"), "/cart".to_owned()];
    for (step, target) in targets.iter().take(2 + dice.below(4) as usize).enumerate() {
        let bytes = 400 + dice.below(2_000);
        out.push((at.plus_s(2 * step as i64), line(&client, "GET", target, 200, bytes, agent)));
    }
}

fn line(client: &str, method: &str, target: &str, status: u16, bytes: u64, agent: &str) -> String {
    format!("{client} - - [TIME] \"{method} {target} HTTP/1.1\" {status} {bytes} \"-\" \"{agent}\"")
}

/// `22/Nov/2026:19:12:04 +0000`
fn clf(at: Time) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or("01");
    let month = part(5..7).parse::<usize>().ok().and_then(|m| MONTHS.get(m.wrapping_sub(1))).unwrap_or(&"Jan");
    format!("{}/{month}/{}:{} +0000", part(8..10), part(0..4), part(11..19))
}

fn accepted(client: &str, user: &str, dice: &mut Dice) -> String {
    format!("sshd[{}]: Accepted publickey for {user} from {client} port {} ssh2", 900 + dice.below(9_000), 30_000 + dice.below(30_000))
}

fn guesses(dice: &mut Dice, from: Time, client: &str, tries: i64, out: &mut Vec<(Time, String)>) {
    const NAMES: &[&str] = &["root", "admin", "oracle", "test", "ubuntu", "git", "pi", "postgres"];
    for n in 0..tries {
        let user = dice.pick(NAMES);
        let known = if *user == "root" { "" } else { "invalid user " };
        let pid = 900 + dice.below(9_000);
        let port = 30_000 + dice.below(30_000);
        out.push((from.plus_s(3 * n), format!("sshd[{pid}]: Failed password for {known}{user} from {client} port {port} ssh2")));
    }
}

/// Guessing that gets in: what an operator must see first.
fn breach(dice: &mut Dice, from: Time, out: &mut Vec<(Time, String)>) {
    let client = "203.0.113.201";
    for n in 0..55 {
        let (pid, port) = (900 + dice.below(9_000), 30_000 + dice.below(30_000));
        out.push((from.plus_s(4 * n), format!("sshd[{pid}]: Failed password for backup from {client} port {port} ssh2")));
    }
    let (pid, port) = (900 + dice.below(9_000), 30_000 + dice.below(30_000));
    out.push((from.plus_s(224), format!("sshd[{pid}]: Accepted password for backup from {client} port {port} ssh2")));
    out.push((from.plus_s(251), "sudo:   backup : TTY=pts/0 ; PWD=/home/backup ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow".to_owned()));
}

fn scan(dice: &mut Dice, from: Time, out: &mut Vec<(Time, String)>) {
    const PATHS: &[&str] =
        &["/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/", "/backup.zip", "/admin/", "/server-status", "/config.php.bak"];
    for n in 0..60 {
        let path = format!("{}{}", dice.pick(PATHS), if n % 3 == 0 { "~" } else { "" });
        out.push((from.plus_s(n), line("198.51.100.9", "GET", &path, 404, 153, "Mozilla/5.0 (compatible; weakness-finder/1.0)")));
    }
}
