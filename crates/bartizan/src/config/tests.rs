use std::path::Path;

use proptest::prelude::*;

use super::layer::Values;
use super::{Config, of, parse};

/// Faults of a file called `b.toml`, one a line.
fn faults(text: &str) -> String {
    match parse(text.as_bytes(), Path::new("b.toml")) {
        Ok(_) => String::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

fn good(text: &str) -> Config {
    parse(text.as_bytes(), Path::new("b.toml")).unwrap_or_else(|f| panic!("{f:#?}"))
}

#[test]
fn an_empty_file_works() {
    let config = good("");
    assert!(config.gateway.is_none() && !config.program.enforce && config.console.is_some() && config.metrics.is_none());
    assert_eq!(config, good("[gateway]\n[gateway.limits]\n[console]\n[metrics]\n[response]\n# nothing\n"));
}

#[test]
fn every_table_is_read() {
    let config = good(
        r#"
        mode = "enforce"
        data_dir = "/srv/b"
        watch = ["/var/log/auth.log"]
        [gateway]
        upstream = "http://127.0.0.1:3000"
        listen = "[::1]:80"
        trusted_proxies = ["10.0.0.0/8", "192.0.2.1"]
        drift_every = "30m"
        limits.head = "32KiB"
        limits.idle = "2m"
        [[gateway.login]]
        path = "/session"
        user = "email"
        success = [302, 303]
        [[gateway.login]]
        path = "/api/login"
        [metrics]
        listen = "0.0.0.0:9464"
        token = { env = "METRICS_TOKEN" }
        [response]
        never_block = ["198.51.100.0/24"]
        [diagnostics]
        format = "json"
        "#,
    );
    let gateway = config.gateway.expect("a gateway");
    assert!(config.program.enforce && gateway.listen.port() == 80);
    assert_eq!(gateway.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "192.0.2.1/32"]);
    assert_eq!((gateway.limits.head_bytes_max, gateway.limits.idle_s, gateway.drift_every.as_secs()), (32 << 10, 120, 1_800));
    assert_eq!(gateway.logins.iter().map(|l| (l.path.as_str(), l.success.len())).collect::<Vec<_>>(), [("/session", 2), ("/api/login", 0)]);
}

#[test]
fn all_faults_are_told_at_once_with_place_and_what_to_write() {
    let told = faults(
        r#"moed = "enforce"
mode = "enforced"
[gatway]
listen = "0.0.0.0:80"
[gateway]
upstream = "127.0.0.1:3000"
lisen = ":80"
listen = ":80"
drift_every = 60
mode = "monitor"
trusted_proxies = "10.0.0.0/8"
[gateway.limits]
head = "64KB"
connections = 0
[[console]]
[response]
never_block = ["10.0.0.0/8", "internal"]
nftables = "yes"
[metrics]
listen = "0.0.0.0:9464"
token = "hunter2"
"#,
    );
    let expected = r#"E0122 b.toml:1:1: unknown key "moed" at the top of the file. write: mode
E0123 b.toml:2:1: mode: "enforced" is none of monitor, enforce. write: "enforce"
E0122 b.toml:3:2: unknown table "gatway" at the top of the file. write: [gateway]
E0123 b.toml:6:1: upstream: "127.0.0.1:3000" has no http or https in front. write: "http://127.0.0.1:3000"
E0122 b.toml:7:1: unknown key "lisen" in [gateway]. write: listen
E0123 b.toml:8:1: listen: ":80" has no address. write: "0.0.0.0:80" or "127.0.0.1:80"
E0123 b.toml:9:1: drift_every: 60 has no unit. write: a time with its unit, such as "60s"
E0122 b.toml:10:1: unknown key "mode" in [gateway]. write: it at the top of the file, before any [table]
E0123 b.toml:11:1: trusted_proxies: "10.0.0.0/8" is one value. write: a list: ["10.0.0.0/8"]
E0123 b.toml:13:1: head: "64KB" is not what stands here. write: a size from "1KiB" to "1MiB"
E0123 b.toml:14:1: connections: 0 is out of bounds. write: a whole number from 1 to 1048576
E0122 b.toml:15:3: [[console]] stands once only. write: [console]
E0123 b.toml:17:1: never_block: "internal" is not what stands here. write: an address or a network, such as "192.0.2.7" or "10.0.0.0/8"
E0123 b.toml:18:1: nftables: "yes" is not what stands here. write: true or false
E0123 b.toml:21:1: token: a secret may not stand here itself. write: { file = "PATH" } or { env = "NAME" }
E0124 b.toml:20:1: listen: 0.0.0.0:9464 can be reached from elsewhere, and there is no token. write: token = { file = "/etc/bartizan/metrics.token" } as well"#;
    assert_eq!(told, expected);
}

#[test]
fn what_does_not_go_together_is_a_fault() {
    for (text, expected) in [
        ("[gateway]\nlisten = \"0.0.0.0:80\"", "b.toml:2:1: a gateway without an upstream"),
        ("[gateway]\nupstream = \"http://h\"\ncert = \"c\"", "b.toml:3:1: cert without key"),
        ("[gateway]\nupstream = \"http://h\"\n[[gateway.login]]\nuser = \"u\"", "b.toml:3:1: a sign-in without a path"),
        ("[console]\nlisten = \"0.0.0.0:8443\"", "b.toml:2:1: listen: 0.0.0.0:8443 can be reached from elsewhere"),
        ("[metrics]\ntoken = { file = \"t\" }", "b.toml:2:1: a token without listen"),
        ("[response]\nblock_private = [\"10.0.0.1\"]", "b.toml:2:1: block_private without nftables"),
        ("gateway = 3", "b.toml:1:1: gateway is a table"),
        ("[gateway]\nlogin = { path = \"/l\" }", "b.toml:2:1: [gateway.login] is a table of which there may be many"),
    ] {
        let told = faults(text);
        assert!(told.contains(expected) && told.lines().count() == 1, "{text}:\n{told}");
    }
}

#[test]
fn broken_toml_is_told_with_its_line_and_nothing_else() {
    for (text, line) in [("mode = \"enforce", 1), ("\n[gateway\n", 2), ("a = 1\na = 2\n", 2), ("mode = monitor\n", 1)] {
        let told = faults(text);
        assert!(told.starts_with(&format!("E0121 b.toml:{line}:")), "{text}: {told}");
        assert!(!told.contains("E0122"), "{told}");
    }
    let told = parse(b"mode = \"monitor\"\nx = \"\xff\"", Path::new("b.toml")).expect_err("no UTF-8");
    assert_eq!(told[0].to_string(), "E0121 b.toml:2:6: a byte that is no UTF-8. write: text in UTF-8");
}

#[test]
fn a_secret_is_never_repeated() {
    for text in [
        "[metrics]\ntoken = \"hunter2\"",
        "[metrics]\ntoken = [\"hunter2\"]",
        "[metrics]\ntoken = { value = \"hunter2\" }",
        "[metrics]\ntoken = { file = \"a\", env = \"hunter2\" }",
    ] {
        let told = faults(text);
        assert!(told.contains("E0123") && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn the_environment_wins_over_files_and_is_checked_alike() {
    let read = |vars: &[(&str, &str)]| {
        let mut values = Values::built_in();
        let mut none = Vec::new();
        values.add(&super::file::parse(
            b"mode = \"monitor\"\n[gateway]\nupstream = \"http://h\"\nlisten = \"127.0.0.1:1\"",
            Path::new("b.toml"),
            &mut none,
        ));
        values.add_env(vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        let config = of(&mut values);
        (config, values)
    };
    let (config, values) = read(&[
        ("BARTIZAN_MODE", "enforce"),
        ("BARTIZAN_GATEWAY__LISTEN", "127.0.0.1:2"),
        ("BARTIZAN_GATEWAY__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
        ("BARTIZAN_GATEWAY__LIMITS__HEADERS", "50"),
        ("BARTIZAN_DATA", "not ours"),
        ("HOME", "/root"),
    ]);
    let gateway = config.gateway.expect("a gateway");
    assert!(values.faults.is_empty() && config.program.enforce);
    assert_eq!((gateway.listen.port(), gateway.trusted_proxies.len(), gateway.limits.headers_max), (2, 2, 50));
    assert_eq!(values.one("gateway").at("listen").to_string(), "environment BARTIZAN_GATEWAY__LISTEN");
    assert_eq!(values.one("gateway").at("upstream").to_string(), "b.toml:3:1");
    let told: Vec<String> = read(&[("BARTIZAN_GATEWAY__LISTN", "x"), ("BARTIZAN_MODE", "on"), ("BARTIZAN_METRICS__TOKEN", "hunter2")])
        .1
        .faults
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(told[0], "E0122 environment BARTIZAN_GATEWAY__LISTN: no such key. write: BARTIZAN_GATEWAY__LISTEN");
    assert!(told[1].starts_with("E0123 environment BARTIZAN_METRICS__TOKEN: a secret may not stand here itself"), "{told:?}");
    assert!(told[2].starts_with("E0123 environment BARTIZAN_MODE: mode: \"on\" is none of monitor, enforce"), "{told:?}");
}

#[test]
fn later_files_win_and_tables_of_many_add_up() {
    let mut values = Values::built_in();
    for text in [
        "[gateway]\nupstream = \"http://a\"\nsite = \"a\"\n[[gateway.login]]\npath = \"/a\"",
        "[gateway]\nsite = \"b\"\n[[gateway.login]]\npath = \"/b\"",
    ] {
        values.add(&super::file::parse(text.as_bytes(), Path::new("b.toml"), &mut Vec::new()));
    }
    let gateway = of(&mut values).gateway.expect("a gateway");
    assert_eq!((gateway.site.as_deref(), gateway.logins.len()), (Some("b"), 2));
}

/// What is shown can be written into a file and means the same.
#[test]
fn a_value_is_shown_as_it_is_written() {
    use super::key::{Kind, Raw, Value};
    let hostile = Kind::Text.read(&Raw::Text("a\"b\\c\n\u{7f}é".into())).expect("a text");
    let written = super::file::parse(format!("x = {hostile}").as_bytes(), Path::new("b.toml"), &mut Vec::new());
    assert_eq!(Kind::Text.read(&super::file::as_raw(&written[0].value)), Ok(hostile));
    for (value, shown) in [(Value::DurationS(5_400), "\"90m\""), (Value::SizeBytes(1_536), "\"1536B\""), (Value::DurationS(0), "\"0s\"")] {
        assert_eq!(value.to_string(), shown);
    }
}

/// Pieces of which broken configurations are made.
fn piece() -> impl Strategy<Value = String> {
    let names = ["gateway", "gateway.limits", "gateway.login", "console", "metrics", "token", "listen", "upstream", "mode", "x"];
    prop_oneof![
        proptest::sample::select(names.to_vec()).prop_map(|n| format!("[{n}]\n")),
        proptest::sample::select(names.to_vec()).prop_map(|n| format!("[[{n}]]\n")),
        (proptest::sample::select(names.to_vec()), "[ -~]{0,12}").prop_map(|(n, v)| format!("{n} = {v}\n")),
        (proptest::sample::select(names.to_vec()), "[ -~é\u{202e}]{0,12}").prop_map(|(n, v)| format!("{n} = {v:?}\n")),
        Just("[".repeat(2_000)),
        Just(format!("x = {}\n", "[".repeat(2_000))),
        Just("a.".repeat(500)),
        "\\PC{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes, Path::new("b.toml"));
    }

    #[test]
    fn no_pieces_panic_and_every_fault_says_where_and_what_instead(pieces in proptest::collection::vec(piece(), 0..12)) {
        if let Err(faults) = parse(pieces.concat().as_bytes(), Path::new("b.toml")) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(fault.to_string().contains("b.toml:") && !fault.instead.is_empty(), "{fault}");
                prop_assert!(fault.text.len() < 4_000);
            }
        }
    }

    #[test]
    fn no_variable_panics(name in "(GATEWAY__|METRICS__|)[A-Z_]{0,12}", text in "\\PC{0,30}") {
        let mut values = Values::built_in();
        values.add_env(std::iter::once((format!("BARTIZAN_{name}"), text)));
        let _ = of(&mut values);
    }
}
