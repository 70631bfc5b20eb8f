//! `bartizan run`: configuration, reload, figures, and a restart under load.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bartizan::metrics::text;

use super::live::{application, get};

struct Running {
    child: Child,
    dir: tempfile::TempDir,
    gateway: SocketAddr,
    metrics: SocketAddr,
    /// Lines of stderr so far.
    said: Arc<Mutex<String>>,
    /// The process that serves, when it is no child of this test.
    successor: Option<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pid) = &self.successor {
            signal("TERM", pid);
            let start = Instant::now();
            while Path::new("/proc").join(pid).exists() && start.elapsed() < Duration::from_secs(10) {
                std::thread::yield_now();
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(name: &str, pid: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).stderr(Stdio::null()).status();
    assert!(sent.is_ok());
}

fn config(application: SocketAddr, more: &str, tables: &str) -> String {
    format!(
        "{more}\n[gateway]\nupstream = \"http://{application}\"\nlisten = \"127.0.0.1:0\"\nsite = \"shop\"\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
         [console]\nenabled = false\n[metrics]\nlisten = \"127.0.0.1:0\"\n{tables}"
    )
}

impl Running {
    fn start(text: &str) -> Running {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("bartizan.toml"), text).expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .arg("run")
            .arg("--config")
            .arg(dir.path().join("bartizan.toml"))
            .arg("--data-dir")
            .arg(dir.path().join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bartizan runs");
        let said = Arc::new(Mutex::new(String::new()));
        let (mut err, kept) = (BufReader::new(child.stderr.take().expect("stderr")), Arc::clone(&said));
        std::thread::spawn(move || {
            let mut line = String::new();
            while err.read_line(&mut line).is_ok_and(|n| n > 0) {
                kept.lock().expect("kept").push_str(&line);
                line.clear();
            }
        });
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines().map_while(Result::ok);
        let first: Vec<String> = lines.by_ref().take_while(|l| l != "running").collect();
        std::thread::spawn(move || lines.for_each(drop));
        let at = |word: &str| {
            let line = first
                .iter()
                .find(|l| l.starts_with(word))
                .unwrap_or_else(|| panic!("no {word} in {first:?}: {}", said.lock().expect("said")));
            let rest = line.split("://").nth(1).expect("an address");
            rest.split(['/', ' ']).next().and_then(|a| a.parse().ok()).expect("an address")
        };
        Running { gateway: at("gateway"), metrics: at("metrics"), child, dir, said, successor: None }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("bartizan.toml")
    }

    fn cli(&self, args: &[&str]) -> (Option<i32>, String) {
        let out = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .args(args)
            .arg("--config")
            .arg(self.file())
            .arg("--data-dir")
            .arg(self.dir.path().join("data"))
            .output()
            .expect("bartizan runs");
        (out.status.code(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
    }

    fn said(&self) -> String {
        self.said.lock().expect("said").clone()
    }

    fn figures(&self) -> Vec<text::Family> {
        let (head, body) = ask(self.metrics, "/metrics");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        text::read(&body).unwrap_or_else(|e| panic!("{e}\n{body}"))
    }
}

fn ask(at: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").expect("sent");
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    (head.to_owned(), body.to_owned())
}

fn value(figures: &[text::Family], name: &str, labels: &str) -> f64 {
    let family = figures.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no {name}"));
    family.samples.iter().find(|(l, _)| l == labels).unwrap_or_else(|| panic!("no {labels} in {family:?}")).1
}

fn soon(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

const ATTACK: &str = "/?q=1%27%20UNION%20SELECT%20password%20FROM%20users--%20";

#[test]
fn a_reload_is_whole_or_not_at_all() {
    let application = application();
    let running = Running::start(&config(application, "mode = \"monitor\"", ""));
    let pid = running.child.id().to_string();
    assert_eq!(get(running.gateway, "203.0.113.7", ATTACK).0, 200, "monitor refuses nothing");

    std::fs::write(running.file(), config(application, "mode = \"enforce\"\nmoed = 1", "")).expect("written");
    signal("HUP", &pid);
    soon("the refusal", || running.said().contains("E0118"));
    let said = running.said();
    assert!(said.contains("the one before stays in force") && said.contains("bartizan.toml:2:1: unknown key \"moed\""), "{said}");
    assert_eq!(get(running.gateway, "203.0.113.8", ATTACK).0, 200, "nothing of a bad file is taken up");

    std::fs::write(running.file(), config(application, "mode = \"enforce\"", "[response]\nnftables = true")).expect("written");
    let (code, text) = running.cli(&["config", "reload"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("response.nftables false -> true needs a restart"), "{text}");
    assert_eq!(get(running.gateway, "203.0.113.9", ATTACK).0, 200, "the mode is not taken up alone");

    std::fs::write(running.file(), config(application, "mode = \"enforce\"", "[response]\nnever_block = [\"203.0.113.0/24\"]"))
        .expect("written");
    signal("HUP", &pid);
    soon("the reload", || running.said().contains("reloaded: mode \"monitor\" -> \"enforce\""));
    assert_eq!(get(running.gateway, "203.0.113.10", ATTACK).0, 403);
    let (code, text) = running.cli(&["block", "203.0.113.77", "--yes"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("never_block says so"), "{text}");
    let (code, text) = running.cli(&["config", "reload", "--json"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("bartizan.config_reload/1") && text.contains("nothing changed"), "{text}");
}

#[test]
fn figures_are_prometheus_text_and_every_bound_stands_beside_what_is_held() {
    let running = Running::start(&config(application(), "mode = \"enforce\"", ""));
    assert_eq!(ask(running.metrics, "/healthz").1, "ok\n");
    assert_eq!(ask(running.metrics, "/readyz").1, "ready\n");
    assert_eq!(get(running.gateway, "203.0.113.7", "/").0, 200);
    assert_eq!(get(running.gateway, "203.0.113.7", ATTACK).0, 403);
    soon("the records", || value(&running.figures(), "bartizan_log_records_written_total", "") >= 2.0);
    // Counted once a second.
    soon("what is held", || running.figures().iter().any(|f| f.name == "bartizan_filled" && f.samples.len() > 20));
    let figures = running.figures();
    assert_eq!(value(&figures, "bartizan_gateway_requests_total", ""), 2.0);
    assert_eq!(value(&figures, "bartizan_gateway_outcomes_total", "outcome=\"blocked\""), 1.0);
    assert_eq!(value(&figures, "bartizan_enforcing", ""), 1.0);
    assert_eq!(value(&figures, "bartizan_log_records_lost_total", ""), 0.0);
    let family = |name: &str| figures.iter().find(|f| f.name == name).expect("a family");
    let (now, max) = (family("bartizan_filled"), family("bartizan_filled_max"));
    assert_eq!(now.samples.len(), max.samples.len());
    for ((what, now), (of, max)) in now.samples.iter().zip(&max.samples) {
        assert_eq!(what, of);
        assert!(now <= max && *max > 0.0, "{what}: {now} of {max}");
    }
    for what in ["gateway connections", "gateway queue", "decisions", "incidents", "web.scanner sources"] {
        assert!(now.samples.iter().any(|(l, _)| *l == format!("what=\"{what}\"")), "{what} is not shown");
    }
}

#[test]
fn a_configuration_with_faults_does_not_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("b.toml");
    std::fs::write(&file, "[gateway]\nlisen = 1\n[consol]\n").expect("written");
    let run = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .args(args)
            .arg("--config")
            .arg(&file)
            .env("HOME", dir.path())
            .output()
            .expect("runs");
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, _, said) = run(&["run"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("b.toml:2:1: unknown key \"lisen\" in [gateway]. write: listen") && said.contains("[console]"), "{said}");
    let (code, text, _) = run(&["config", "check", "--json"]);
    assert_eq!(code, Some(3));
    let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&told["schema"], &told["faults"][0]["line"]), (&"bartizan.config_check/1".into(), &2.into()));
    assert_eq!(told["faults"].as_array().map(Vec::len), Some(2), "{text}");
    std::fs::write(&file, "mode = \"enforce\"\n").expect("written");
    std::fs::create_dir(dir.path().join("conf.d")).expect("a folder");
    std::fs::write(dir.path().join("conf.d/10-site.toml"), "[gateway]\nupstream = \"http://127.0.0.1:3000\"\n").expect("written");
    let (code, text, _) = run(&["config", "show", "--origin"]);
    assert_eq!(code, Some(0), "{text}");
    let line = |key: &str| text.lines().find(|l| l.starts_with(key)).unwrap_or_else(|| panic!("no {key}: {text}"));
    assert!(line("mode").ends_with("b.toml:1:1") && line("upstream").ends_with("10-site.toml:2:1"), "{text}");
    assert!(line("listen").ends_with("built in"), "{text}");
}

/// Requests of one kind of client until it is told to stop: how many were answered, and what went wrong.
fn client(at: SocketAddr, keeps: bool, stop: &AtomicBool, answered: &AtomicU64, failed: &Mutex<Vec<String>>) {
    let request = format!(
        "GET /item HTTP/1.1\r\nhost: shop.example\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\nconnection: {}\r\n\r\n",
        if keeps { "keep-alive" } else { "close" }
    );
    let once = |open: &mut Option<BufReader<TcpStream>>| -> std::io::Result<()> {
        let stream = match open.take() {
            Some(stream) => open.insert(stream),
            None => {
                let stream = TcpStream::connect_timeout(&at, Duration::from_secs(20))?;
                stream.set_read_timeout(Some(Duration::from_secs(20)))?;
                open.insert(BufReader::new(stream))
            }
        };
        stream.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut closes, mut status) = (String::new(), !keeps, String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end().to_ascii_lowercase();
            if status.is_empty() {
                status.clone_from(&text);
            }
            closes |= text == "connection: close";
            if text.is_empty() {
                break;
            }
        }
        let mut body = [0; 5];
        stream.read_exact(&mut body)?;
        if !status.contains("200") || body != *b"hello" {
            return Err(std::io::Error::other(status));
        }
        if closes {
            *open = None;
        }
        Ok(())
    };
    let mut open = None;
    while !stop.load(Relaxed) {
        match once(&mut open) {
            Ok(()) => drop(answered.fetch_add(1, Relaxed)),
            Err(error) => {
                failed.lock().expect("failed").push(format!("keeps {keeps}: {error}"));
                open = None;
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_restart_under_load_fails_no_request_and_loses_no_record() {
    let mut running = Running::start(&config(application(), "", ""));
    let (stop, answered, failed) = (AtomicBool::new(false), AtomicU64::new(0), Mutex::new(Vec::new()));
    let gateway = running.gateway;
    let mut longest = Duration::ZERO;
    std::thread::scope(|scope| {
        for keeps in [false, true, false, true] {
            let (stop, answered, failed) = (&stop, &answered, &failed);
            scope.spawn(move || client(gateway, keeps, stop, answered, failed));
        }
        soon("traffic", || answered.load(Relaxed) > 100);
        for _ in 0..2 {
            let start = Instant::now();
            let (code, text) = running.cli(&["restart"]);
            longest = longest.max(start.elapsed());
            // Scoped threads end only when they are told to: no panic before that.
            if code != Some(0) {
                failed.lock().expect("failed").push(text);
                break;
            }
            let pid = text.split(' ').nth(1).expect("a process").to_owned();
            running.successor = Some(pid);
            let before = answered.load(Relaxed);
            let start = Instant::now();
            while answered.load(Relaxed) < before + 100 && start.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        stop.store(true, Relaxed);
    });
    let (answered, failed) = (answered.into_inner(), failed.into_inner().expect("failed"));
    assert!(failed.is_empty(), "{} of {answered} requests failed: {:?}\n{}", failed.len(), &failed[..failed.len().min(5)], running.said());
    assert!(running.child.wait().is_ok_and(|status| status.success()), "the first process ended well");
    // Nothing but these requests became records of requests.
    let kept = || {
        let figures = running.figures();
        value(&figures, "bartizan_log_class_records", "class=\"http\"") as u64
    };
    soon("the last records", || kept() >= answered);
    assert_eq!(kept(), answered, "records of requests, restarts took at most {longest:?}");
}

/// Answers with five bytes, one each half second.
fn slow_application() -> SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let addr = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                    line.clear();
                }
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
                for byte in b"hello" {
                    std::thread::sleep(Duration::from_millis(500));
                    let _ = stream.write_all(&[*byte]);
                }
            });
        }
    });
    addr
}

#[test]
fn a_long_answer_is_finished_by_the_old_process_while_the_new_one_serves() {
    let mut running = Running::start(&config(slow_application(), "", ""));
    let gateway = running.gateway;
    let long = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(gateway).expect("it listens");
        write!(stream, "GET /long HTTP/1.1\r\nhost: h\r\nuser-agent: Mozilla/5.0\r\n\r\n").expect("sent");
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    });
    // Its head is there: the request is under way.
    soon("the request", || value(&running.figures(), "bartizan_gateway_requests_total", "") >= 1.0);
    let (code, text) = running.cli(&["restart"]);
    assert_eq!(code, Some(0), "{text}");
    running.successor = text.split(' ').nth(1).map(str::to_owned);
    assert!(!long.is_finished(), "the new process serves before the long answer is over");
    assert!(running.child.try_wait().is_ok_and(|status| status.is_none()), "the old process is still there for it");
    let text = long.join().expect("ended");
    assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("\r\n\r\nhello"), "{text}");
    assert!(running.child.wait().is_ok_and(|status| status.success()));
    // Its record is in the log of the new one.
    soon("the record", || value(&running.figures(), "bartizan_log_class_records", "class=\"http\"") >= 1.0);
}

/// Whoever wants two at once gets one.
#[test]
fn two_restarts_at_once_are_one() {
    let mut running = Running::start(&config(application(), "", ""));
    let told: Vec<(Option<i32>, String)> = std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| running.cli(&["restart"])));
        both.map(|one| one.join().expect("an answer")).into()
    });
    let pids: Vec<&str> = told.iter().filter(|(code, _)| *code == Some(0)).filter_map(|(_, text)| text.split(' ').nth(1)).collect();
    assert!(!pids.is_empty(), "{told:?}");
    // The second may have come after the first was over, and restarted the new process.
    running.successor = pids.iter().max_by_key(|pid| pid.parse::<u32>().unwrap_or(0)).map(|pid| (*pid).to_owned());
    assert_eq!(get(running.gateway, "203.0.113.7", "/").0, 200);
    for (code, text) in told.iter().filter(|(code, _)| *code != Some(0)) {
        let known = ["another restart is under way", "it is busy", "no bartizan runs"].iter().any(|why| text.contains(why));
        assert!(*code == Some(3) && known, "{text}");
    }
}

/// What of the new process can fail is tried before the old one gives its log away.
#[test]
fn an_address_that_cannot_be_opened_costs_nothing() {
    let application = application();
    let running = Running::start(&config(application, "", ""));
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let text = config(application, "", "").replacen("127.0.0.1:0", &taken.local_addr().expect("an address").to_string(), 1);
    std::fs::write(running.file(), text).expect("written");
    let (code, text) = running.cli(&["restart"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("this one goes on"), "{text}");
    assert_eq!(get(running.gateway, "203.0.113.7", "/").0, 200);
    soon("its record", || value(&running.figures(), "bartizan_log_class_records", "class=\"http\"") >= 1.0);
}

#[test]
fn a_new_process_that_cannot_start_leaves_the_old_one_at_work() {
    let mut running = Running::start(&config(application(), "", ""));
    let good = std::fs::read_to_string(running.file()).expect("the configuration");
    std::fs::write(running.file(), format!("{good}\nnonsense = 1\n")).expect("written");
    let (code, text) = running.cli(&["restart"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("did not come up") && text.contains("this one goes on"), "{text}");
    assert!(running.said().contains("unknown key"), "{}", running.said());
    assert_eq!(get(running.gateway, "203.0.113.7", "/").0, 200);
    std::fs::write(running.file(), good).expect("written");
    let (code, text) = running.cli(&["restart"]);
    assert_eq!(code, Some(0), "{text}");
    running.successor = text.split(' ').nth(1).map(str::to_owned);
    assert_eq!(get(running.gateway, "203.0.113.7", "/").0, 200);
}

#[test]
fn pages_and_files_that_are_made_from_the_keys_are_not_behind() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    for (name, made, how) in [
        ("docs/configuration.md", bartizan::config::schema::reference(), "bartizan config schema --markdown"),
        ("packaging/bartizan.toml", bartizan::config::schema::example(), "bartizan config schema --example"),
    ] {
        assert!(read(name) == made, "{name} is behind: {how} > {name}");
    }
    // The page for people shows a configuration that is one.
    let page = read("docs/operations.md");
    let shown = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let config = bartizan::config::parse(shown.as_bytes(), "operations.md".as_ref()).unwrap_or_else(|f| panic!("{f:#?}"));
    assert!(config.gateway.is_some() && config.metrics.is_some());
}

#[test]
fn figures_that_the_page_names_exist() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md")).expect("the page");
    let running = Running::start(&config(application(), "watch = [\"/dev/null\"]", ""));
    let names: Vec<String> = running.figures().into_iter().map(|f| f.name).collect();
    let named = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| w.starts_with("bartizan_") && !w.ends_with('_'));
    let mut count = 0;
    for name in named {
        count += 1;
        assert!(names.iter().any(|n| n == name), "{name} is no figure");
    }
    assert!(count >= 6, "{count} names");
}

#[test]
fn doctor_names_what_is_wrong_and_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let at = taken.local_addr().expect("an address");
    let file = dir.path().join("b.toml");
    let text = format!(
        "watch = [\"/no/such/log\"]\n[gateway]\nupstream = \"http://{}\"\nlisten = \"{at}\"\ncert = \"/no/such/cert\"\nkey = \"/no/such/key\"\n[console]\nenabled = false\n",
        application()
    );
    std::fs::write(&file, text).expect("written");
    let doctor = || {
        let out = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .args(["doctor", "--json", "--config"])
            .arg(&file)
            .arg("--data-dir")
            .arg(dir.path().join("data"))
            .output()
            .expect("runs");
        let told: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
        let rows = told["checks"].as_array().expect("checks").clone();
        (out.status.code(), rows)
    };
    let (code, rows) = doctor();
    assert_eq!(code, Some(1));
    let grade = |rows: &[serde_json::Value], name: &str| {
        let row = rows.iter().find(|r| r["check"] == name).unwrap_or_else(|| panic!("no {name}: {rows:?}"));
        assert_eq!(row["grade"] == "ok", row["fix"] == "", "what is not ok has a remedy: {row}");
        row["grade"].as_str().expect("a grade").to_owned()
    };
    for (name, expected) in [
        ("gateway port", "fail"),
        ("certificate", "fail"),
        ("watched", "fail"),
        ("upstream", "ok"),
        ("data directory", "ok"),
        ("models", "ok"),
    ] {
        assert_eq!(grade(&rows, name), expected, "{name}: {rows:?}");
    }
    assert!(!dir.path().join("data").exists(), "the doctor changes nothing");
    drop(taken);
    std::fs::write(&file, format!("[gateway]\nupstream = \"http://127.0.0.1:1\"\nlisten = \"{at}\"\n[console]\nenabled = false\n"))
        .expect("written");
    let (code, rows) = doctor();
    assert_eq!((code, grade(&rows, "gateway port"), grade(&rows, "upstream")), (Some(0), "ok".into(), "warn".into()));
}

#[test]
fn the_selftest_finds_every_probe_and_sees_when_nothing_is_inspected() {
    let selftest = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_bartizan")).args(["selftest", "--json"]).args(args).output().expect("runs");
        let told: serde_json::Value =
            serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
        (out.status.code(), told)
    };
    let (code, told) = selftest(&[]);
    assert_eq!((code, &told["missed"]), (Some(0), &0.into()), "{told}");
    assert!(told["probes"].as_array().is_some_and(|p| p.len() >= 9), "{told}");
    // Without rules and models the attacks pass, and that is told.
    let dir = tempfile::tempdir().expect("a folder");
    let (code, told) = selftest(&["--content", dir.path().to_str().expect("UTF-8")]);
    assert_eq!(code, Some(1), "{told}");
    let held = |what: &str| told["probes"].as_array().expect("probes").iter().find(|p| p["probe"] == what).map(|p| p["held"].clone());
    assert_eq!((held("a visitor passes"), held("SQL injection")), (Some(true.into()), Some(false.into())), "{told}");
}

/// What systemd hears of a start and a stop.
#[test]
fn systemd_is_told_when_it_serves() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path().join("notify");
    let heard = std::os::unix::net::UnixDatagram::bind(&at).expect("a socket");
    heard.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["run", "--data-dir"])
        .arg(dir.path().join("data"))
        .env("NOTIFY_SOCKET", &at)
        .env("BARTIZAN_CONSOLE__ENABLED", "false")
        .env("HOME", dir.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("bartizan runs");
    let next = || {
        let mut bytes = [0; 256];
        let n = heard.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..n]).into_owned()
    };
    assert_eq!(next(), "READY=1");
    signal("TERM", &child.id().to_string());
    assert_eq!(next(), "STOPPING=1");
    assert!(child.wait().is_ok_and(|status| status.success()));
}

/// A renewed certificate is taken up by a reload; one that cannot be read leaves the one before in force.
#[test]
fn certificates_are_read_again_by_a_reload() {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/tests/testdata");
    let dir = tempfile::tempdir().expect("a folder");
    let (cert, key) = (dir.path().join("tls.pem"), dir.path().join("tls.key"));
    std::fs::copy(testdata.join("localhost.pem"), &cert).expect("copied");
    std::fs::copy(testdata.join("localhost.key"), &key).expect("copied");
    let text = config(application(), "", "").replace("site =", &format!("cert = {cert:?}\nkey = {key:?}\nsite ="));
    let running = Running::start(&text);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&cert).expect("a certificate")).expect("a root");
    let client = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Arc::new(client);
    let ask = || {
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = rustls::ClientConnection::new(Arc::clone(&client), name).expect("a client");
        let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(running.gateway).expect("it listens"));
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nuser-agent: Mozilla/5.0\r\nconnection: close\r\n\r\n").expect("sent");
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    };
    assert!(ask().starts_with("HTTP/1.1 200"));
    std::fs::write(&cert, "no certificate").expect("written");
    let (code, text) = running.cli(&["config", "reload"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("tls.pem"), "{text}");
    assert!(ask().starts_with("HTTP/1.1 200"), "the one before is in force");
    std::fs::copy(testdata.join("localhost.pem"), &cert).expect("copied");
    let (code, text) = running.cli(&["config", "reload"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("the certificate was read again"), "{text}");
    assert!(ask().starts_with("HTTP/1.1 200"));
}
