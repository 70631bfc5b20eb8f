//! The packet filter from attack to undo, in a network namespace: guessed passwords in a log, packets dropped, a killed process leaves a
//! block that still ends, undo lets packets pass again. Says "skipped" where the kernel gives no namespace.
#![allow(clippy::print_stderr)]

use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn ip(arguments: &str) -> Option<Output> {
    Command::new("ip").args(arguments.split(' ')).output().ok().filter(|o| o.status.success())
}

/// `server` runs Bartizan; the client has two addresses.
struct Net {
    id: u32,
}

impl Net {
    fn new() -> Option<Net> {
        let net = Net { id: std::process::id() };
        let (s, c, id) = (net.server(), net.client(), net.id);
        Command::new("nft").arg("--version").output().ok()?;
        for step in [
            format!("netns add {s}"),
            format!("netns add {c}"),
            format!("link add vf-s{id} netns {s} type veth peer name vf-c{id} netns {c}"),
            format!("-n {s} addr add 198.51.100.1/24 dev vf-s{id}"),
            format!("-n {c} addr add 198.51.100.23/24 dev vf-c{id}"),
            format!("-n {c} addr add 198.51.100.24/24 dev vf-c{id}"),
            format!("-n {s} link set vf-s{id} up"),
            format!("-n {c} link set vf-c{id} up"),
        ] {
            ip(&step)?;
        }
        Some(net)
    }

    fn server(&self) -> String {
        format!("bzf-s{}", self.id)
    }

    fn client(&self) -> String {
        format!("bzf-c{}", self.id)
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.server(), program]);
        command
    }

    /// The server answers within a second, with a refusal of the port, or not at all.
    fn reaches(&self, from: &str) -> bool {
        let (client, id) = (self.client(), self.id);
        ip(&format!("-n {client} route replace 198.51.100.1/32 dev vf-c{id} src {from}")).expect("a route");
        let connect = ["netns", "exec", &client, "timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/198.51.100.1/9"];
        Command::new("ip").args(connect).output().expect("bash runs").status.code() != Some(124)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.server()));
        ip(&format!("netns del {}", self.client()));
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn from_guessed_passwords_to_dropped_packets_and_back() {
    let Some(net) = Net::new() else {
        eprintln!("skipped: no network namespace (nft, ip, and the right to make one)");
        return;
    };
    let dir = tempfile::tempdir().expect("a folder");
    let (log, data) = (dir.path().join("auth.log"), dir.path().join("data"));
    std::fs::write(&log, "").expect("written");
    let start = |more: &[&str]| {
        let mut command = net.inside(env!("CARGO_BIN_EXE_bartizan"));
        command.args(["watch", log.to_str().expect("UTF-8"), "--follow", "--no-console", "--nftables", "--data-dir"]).arg(&data).args(more);
        Running(command.stdout(Stdio::null()).spawn().expect("bartizan runs"))
    };
    let guess = |from: &str, at: u32| {
        let mut file = OpenOptions::new().append(true).open(&log).expect("open");
        for n in 0..30_u32 {
            let time = format!("Mar  2 {:02}:{:02}:{:02}", at, n / 6, n % 6 * 10);
            writeln!(file, "{time} web-1 sshd[{}]: Failed password for root from {from} port {} ssh2", 1000 + n, 40_000 + n)
                .expect("written");
        }
    };
    let set = |name: &str| {
        let listed = net.inside("nft").args(["list", "set", "inet", "bartizan", name]).output().expect("nft runs");
        String::from_utf8_lossy(&listed.stdout).into_owned()
    };
    assert!(net.reaches("198.51.100.23") && net.reaches("198.51.100.24"), "before anything is blocked");

    // Monitor first: counted, and everything passes.
    let monitoring = start(&[]);
    soon("the table", || set("watched4").contains("type ipv4_addr"));
    guess("198.51.100.24", 9);
    soon("the address is counted", || set("watched4").contains("198.51.100.24"));
    assert!(net.reaches("198.51.100.24"), "recorded only");
    drop(monitoring);

    let mut enforcing = start(&["--enforce"]);
    soon("the table again", || set("blocked4").contains("type ipv4_addr"));
    guess("198.51.100.23", 10);
    soon("the address is blocked", || set("blocked4").contains("198.51.100.23"));
    assert!(!net.reaches("198.51.100.23") && net.reaches("198.51.100.24"), "one address, no other");

    // Killed, it leaves a block that the kernel ends.
    enforcing.0.kill().expect("killed");
    enforcing.0.wait().expect("ended");
    let left = set("blocked4");
    assert!(left.contains("198.51.100.23") && left.contains("expires"), "{left}");
    assert!(!net.reaches("198.51.100.23"));

    let restarted = start(&["--enforce"]);
    soon("it takes orders", || std::os::unix::net::UnixStream::connect(data.join("control.sock")).is_ok());
    assert!(set("blocked4").contains("198.51.100.23"), "what the log says is in force again");
    let undone =
        net.inside(env!("CARGO_BIN_EXE_bartizan")).args(["undo", "198.51.100.23", "--data-dir"]).arg(&data).output().expect("runs");
    let words = String::from_utf8_lossy(&undone.stdout).into_owned();
    assert!(undone.status.success() && words.contains("2/2 undone"), "{words}{}", String::from_utf8_lossy(&undone.stderr));
    assert!(!set("blocked4").contains("198.51.100.23") && net.reaches("198.51.100.23"), "packets pass again");
    drop(restarted);
}
