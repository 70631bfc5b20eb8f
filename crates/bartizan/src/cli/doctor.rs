//! `doctor`: looks at the machine and the configuration without changing anything. One line a check: ok, warn or fail, the cause, what to do.

use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::config::Config;
use crate::knowledge::Content;
use crate::{control, paths};

/// Look at the machine: rights, ports, disk, clock, models, what is configured. Changes nothing
#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan doctor --config /etc/bartizan/bartizan.toml\n\nExit codes: 0 nothing failed; 1 something failed."
)]
pub(super) struct Doctor {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Ok,
    Warn,
    Fail,
}

struct Check {
    name: &'static str,
    grade: Grade,
    text: String,
    /// What to do.
    fix: String,
}

fn ok(name: &'static str, text: impl Into<String>) -> Check {
    Check { name, grade: Grade::Ok, text: text.into(), fix: String::new() }
}

fn warn(name: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Check {
    Check { name, grade: Grade::Warn, text: text.into(), fix: fix.into() }
}

fn bad(name: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Check {
    Check { name, grade: Grade::Fail, text: text.into(), fix: fix.into() }
}

pub(super) fn run(_args: &Doctor, global: &Global) -> Result<Exit, Fail> {
    let place = super::config::place(global);
    let mut checks = Vec::new();
    match place.load() {
        Ok(loaded) => {
            let from = if loaded.files.is_empty() {
                format!("none at {}: as built in", place.main().display())
            } else {
                format!("{} files", loaded.files.len())
            };
            checks.push(ok("configuration", from));
            checks.extend(of_config(&loaded.config));
        }
        Err(faults) => {
            let text =
                format!("{} faults, the first: {}", faults.all.len(), faults.all.first().map(ToString::to_string).unwrap_or_default());
            checks.push(bad("configuration", text, "bartizan config check"));
            checks.extend(data_dir(&paths::data_dir(global.data_dir.as_ref())));
        }
    }
    checks.extend([clock(), files_limit(), memory()]);
    report(&checks, global.json);
    Ok(if checks.iter().any(|c| c.grade == Grade::Fail) { Exit::Found } else { Exit::Fine })
}

fn report(checks: &[Check], as_json: bool) {
    let word = |grade: Grade| match grade {
        Grade::Ok => "ok",
        Grade::Warn => "warn",
        Grade::Fail => "fail",
    };
    if as_json {
        let rows: Vec<_> = checks.iter().map(|c| json!({"check": c.name, "grade": word(c.grade), "text": c.text, "fix": c.fix})).collect();
        out::json(&json!({"schema": "bartizan.doctor/1", "checks": rows}));
        return;
    }
    for check in checks {
        out::line(format!(" {:<5}{:<15} {}", word(check.grade), check.name, out::shown_line(&check.text)));
        if !check.fix.is_empty() {
            out::line(format!("{:<22}fix: {}", "", out::shown_line(&check.fix)));
        }
    }
}

fn of_config(config: &Config) -> Vec<Check> {
    let dir = &config.program.data_dir;
    let runs = control::is_up(&paths::control_socket(dir));
    let mut checks = data_dir(dir);
    checks.push(ok("running", if runs { "a bartizan runs on this data directory" } else { "no bartizan runs on this data directory" }));
    if let Some(gateway) = &config.gateway {
        checks.push(port("gateway port", gateway.listen, runs));
        checks.push(upstream(&gateway.upstream));
        if let Some((cert, key)) = &gateway.tls {
            checks.push(match crate::tls::read(cert, key) {
                Ok(_) => ok("certificate", format!("{} and its key belong together", cert.display())),
                Err(fail) => bad("certificate", fail.text, "a certificate chain and its key in PEM, readable by this user"),
            });
        }
    }
    if let Some(console) = &config.console {
        checks.push(port("console port", console.listen, runs));
    }
    if let Some(metrics) = &config.metrics {
        checks.push(port("metrics port", metrics.listen, runs));
        if let Some(Err(why)) = metrics.token.as_ref().map(|secret| secret.read("metrics.token")) {
            checks.push(bad("metrics token", why, "a file or variable with the secret as its only line"));
        }
    }
    checks.extend(config.program.watch.iter().map(|path| readable(path)));
    if config.response.nftables {
        checks.push(nftables(config));
    }
    checks.extend(models(config));
    checks
}

fn data_dir(dir: &Path) -> Vec<Check> {
    // The folder itself, or the nearest one above it that is there.
    let Some(there) = dir.ancestors().find(|d| d.is_dir()) else {
        return vec![bad("data directory", format!("{} has no folder above it", dir.display()), "choose another data_dir")];
    };
    let mut checks = Vec::new();
    let writable = rustix::fs::access(there, rustix::fs::Access::WRITE_OK).is_ok();
    checks.push(match (writable, there == dir) {
        (true, true) => ok("data directory", format!("{} can be written", dir.display())),
        (true, false) => ok("data directory", format!("{} will be made", dir.display())),
        (false, _) => {
            let text = format!("{} cannot be written by this user", there.display());
            bad("data directory", text, format!("chown bartizan: {0}, or another data_dir", dir.display()))
        }
    });
    if let Ok(facts) = std::fs::metadata(dir)
        && facts.mode() & 0o007 != 0
    {
        checks.push(warn("data privacy", format!("everybody may read {}", dir.display()), format!("chmod 0750 {}", dir.display())));
    }
    if let Ok(disk) = rustix::fs::statvfs(there) {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let (mib, share) = (free >> 20, disk.f_bavail as f64 / disk.f_blocks.max(1) as f64);
        let text = format!("{mib} MiB free below {} ({:.0} %)", there.display(), share * 100.0);
        checks.push(match mib {
            0..256 => bad("disk", text, "free space: a full disk stops the log"),
            256..2_048 => warn("disk", text, "a busy site writes a GiB a day"),
            _ => ok("disk", text),
        });
    }
    if dir.join("log").is_dir() {
        checks.push(match store::open_read_only(dir) {
            Ok(log) => {
                let facts = log.facts();
                let damaged = facts.damaged_records + facts.unreadable_records;
                let text = format!("{} records in {} segments, {} MiB", facts.records, facts.segments, facts.bytes >> 20);
                match (damaged, facts.unsealed) {
                    (0, None) => ok("log", text),
                    (0, Some(why)) => {
                        warn("log", format!("{text}; a segment cannot be sealed: {why}"), "it stays as it is and is tried again")
                    }
                    (n, _) => warn("log", format!("{text}; {n} of them cannot be read back"), "keep the folder; the rest is whole"),
                }
            }
            Err(error) => bad("log", error.to_string(), "bartizan run as the user that owns it"),
        });
    }
    checks
}

/// Free, or held by the Bartizan that runs.
fn port(name: &'static str, addr: SocketAddr, runs: bool) -> Check {
    match TcpListener::bind(addr) {
        Ok(_) if runs && addr.port() != 0 => {
            warn(name, format!("nobody listens at {addr}, and a bartizan runs"), "bartizan restart takes the configuration up")
        }
        Ok(_) => ok(name, format!("{addr} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && runs => {
            ok(name, format!("{addr} is in use, by the bartizan that runs as it seems"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bad(
            name,
            format!("{addr} is in use by another program"),
            format!("ss -ltnp 'sport = :{}' names it; or choose another port", addr.port()),
        ),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => bad(
            name,
            format!("this user may not listen at {addr}"),
            "a port from 1024 on, or AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit",
        ),
        Err(error) => bad(name, format!("cannot listen at {addr}: {error}"), "an address of this machine"),
    }
}

fn upstream(upstream: &gateway::Upstream) -> Check {
    let at = format!("{}:{}", upstream.host().trim_matches(['[', ']']), upstream.port());
    match at.to_socket_addrs().ok().and_then(|mut all| all.next()) {
        None => bad("upstream", format!("{} has no address", upstream.host()), "the right name, or a name server that knows it"),
        Some(addr) => match TcpStream::connect_timeout(&addr, Duration::from_secs(2)) {
            Ok(_) => ok("upstream", format!("{upstream} answers")),
            Err(error) => {
                warn("upstream", format!("{upstream} does not answer: {error}"), "start the application; until then clients get 502")
            }
        },
    }
}

fn readable(path: &Path) -> Check {
    match std::fs::metadata(path) {
        Ok(facts) if facts.is_dir() => match std::fs::read_dir(path) {
            Ok(_) => ok("watched", format!("{} can be read", path.display())),
            Err(error) => bad("watched", format!("{}: {error}", path.display()), "usermod -aG adm bartizan"),
        },
        Ok(_) => match std::fs::File::open(path) {
            Ok(_) => ok("watched", format!("{} can be read", path.display())),
            Err(error) => bad("watched", format!("{}: {error}", path.display()), "usermod -aG adm bartizan"),
        },
        Err(error) => bad("watched", format!("{}: {error}", path.display()), "the right path below watch"),
    }
}

fn nftables(config: &Config) -> Check {
    let points = crate::points::Points { nftables: config.response.filter(), data_dir: config.program.data_dir.clone() };
    match points.check() {
        Ok(()) => ok("packet filter", "nft may be used"),
        Err(fail) => bad("packet filter", fail.text, fail.fix.unwrap_or_default()),
    }
}

fn models(config: &Config) -> Vec<Check> {
    match Content::serving(config.program.content.as_deref(), &config.program.data_dir) {
        Err(fail) => vec![bad("content", fail.text, "the folder of rules, models and keys, or no content")],
        Ok(content) => {
            let models = crate::served::models(&content);
            let (signed, refused): (Vec<_>, Vec<_>) = models.iter().partition(|m| m.signed);
            let mut checks = vec![ok("models", format!("{} with a signature that holds", signed.len()))];
            checks.extend(
                refused
                    .iter()
                    .map(|m| bad("model", format!("{} is refused: {}", m.name, m.thresholds), format!("bartizan model verify {}", m.name))),
            );
            checks
        }
    }
}

/// A clock that is off makes nonsense of every date; one that nobody sets will be.
fn clock() -> Check {
    // 2026-01-01: no build of this program is older.
    const BUILT_S: i64 = 1_767_225_600;
    let now = crate::clock::now();
    if now.s() < BUILT_S {
        return bad("clock", format!("it says {now}, which is before this program was built"), "timedatectl set-ntp true");
    }
    let synchronised = Path::new("/run/systemd/timesync/synchronized").exists()
        || Path::new("/run/chrony").exists()
        || Path::new("/run/ntpd.pid").exists();
    match synchronised {
        true => ok("clock", format!("{now}, kept by a time service")),
        false => warn("clock", format!("{now}, no time service was found"), "timedatectl set-ntp true"),
    }
}

fn files_limit() -> Check {
    const WANTED: u64 = 16_384;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|l| l.starts_with("Max open files")).unwrap_or_default();
    match line.split_whitespace().nth(3).and_then(|n| n.parse::<u64>().ok()) {
        Some(n) if n < WANTED => {
            warn("open files", format!("at most {n}: a busy gateway needs more"), "LimitNOFILE=65536 in the unit, or ulimit -n 65536")
        }
        Some(n) => ok("open files", format!("at most {n}")),
        None => ok("open files", "no limit is known"),
    }
}

fn memory() -> Check {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = |name: &str| info.lines().find(|l| l.starts_with(name)).and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok());
    match kib("MemAvailable:").map(|kib| kib >> 10) {
        Some(mib @ 0..512) => warn("memory", format!("{mib} MiB available"), "512 MiB are enough for a small site"),
        Some(mib) => ok("memory", format!("{mib} MiB available")),
        None => warn("memory", "the kernel does not say how much is available", "mount /proc"),
    }
}
