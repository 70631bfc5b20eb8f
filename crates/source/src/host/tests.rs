//! A machine made of files: what is read from it, what is not applicable, and what stays unknown.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::facts;

fn machine(files: &[(&str, &str, u32)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, text, mode) in files {
        let whole = dir.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(whole.parent().expect("a parent")).expect("folders");
        std::fs::write(&whole, text).expect("written");
        std::fs::set_permissions(&whole, std::fs::Permissions::from_mode(*mode)).expect("mode");
    }
    dir
}

fn fact<'f>(all: &'f Value, kind: &str, name: &str) -> &'f Value {
    let found = all["facts"].as_array().expect("facts").iter().find(|f| f["kind"] == kind && f["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name} in {all:#}"))
}

const OWN_KERNEL: (&str, &str, u32) = ("/proc/2/comm", "kthreadd\n", 0o444);

#[test]
fn ssh_first_value_counts_includes_stand_where_they_are_and_matches_apart() {
    let config = "# a comment\nInclude /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nMaxAuthTries=3\nMatch User backup\n  PasswordAuthentication yes\n  PermitRootLogin yes\nMatch all\nX11Forwarding yes\n";
    let dir = machine(&[
        ("/etc/ssh/sshd_config", config, 0o644),
        ("/etc/ssh/sshd_config.d/10.conf", "PermitRootLogin no\nMatch Group sftp\n ForceCommand internal-sftp\n", 0o644),
        ("/etc/ssh/sshd_config.d/20.conf.off", "MaxAuthTries 99\n", 0o644),
    ]);
    let all = facts(dir.path());
    let ssh = &fact(&all, "host_ssh", "sshd")["attributes"];
    let word = |key: &str| ssh[key].as_str().unwrap_or_default().to_owned();
    assert_eq!((word("permitrootlogin"), word("maxauthtries"), word("x11forwarding")), ("no".into(), "3".into(), "yes".into()));
    assert_eq!(word("passwordauthentication"), "yes", "the server's default");
    let matches = ssh["matches"].as_array().expect("matches");
    assert_eq!(matches.len(), 2);
    assert_eq!((&matches[1]["criteria"], &matches[1]["permitrootlogin"]), (&"User backup".into(), &"yes".into()));
}

#[test]
fn accounts_keep_no_hash() {
    let dir = machine(&[
        (
            "/etc/passwd",
            "root:x:0:0::/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\nada::1000:1000::/home/ada:/bin/bash\nbin:*:2:2::/:/usr/sbin/nologin\nold:x:1001:1001::/:/bin/sh\n",
            0o644,
        ),
        ("/etc/shadow", "root:$y$j9T$abc$def:1::::::\ntoor:!:1::::::\nold:$1$abc$def:1::::::\n", 0o600),
    ]);
    let all = facts(dir.path());
    let of = |name: &str| fact(&all, "host_account", name)["attributes"].clone();
    assert_eq!(of("root")["password"], "strong");
    assert_eq!((of("toor")["password"].clone(), of("toor")["root"].clone()), ("none".into(), true.into()));
    assert_eq!((of("ada")["password"].clone(), of("old")["password"].clone()), ("empty".into(), "weak".into()));
    assert!(!all.to_string().contains("$y$") && !all.to_string().contains("$1$"), "no hash leaves the reader");
}

#[test]
fn without_shadow_the_password_is_unknown() {
    let dir = machine(&[("/etc/passwd", "root:x:0:0::/root:/bin/bash\n", 0o644)]);
    assert_eq!(fact(&facts(dir.path()), "host_account", "root")["not_read"][0], "password");
}

#[test]
fn sudo_entries() {
    let text = "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL) ALL\nci ALL=(ALL) NOPASSWD: ALL\nops ALL=(root) NOPASSWD: /bin/systemctl restart app, \\\n  /bin/cat /var/log/*\n";
    let dir = machine(&[("/etc/sudoers", text, 0o440), ("/etc/sudoers.d/off.bak", "x ALL=(ALL) NOPASSWD: ALL\n", 0o440)]);
    let all = facts(dir.path());
    let of = |name: &str| fact(&all, "host_sudo", name)["attributes"].clone();
    assert_eq!((of("root")["no_password"].clone(), of("root")["everything"].clone()), (false.into(), true.into()));
    assert_eq!((of("ci")["no_password"].clone(), of("ci")["everything"].clone()), (true.into(), true.into()));
    assert_eq!((of("ops")["everything"].clone(), of("ops")["wildcard"].clone()), (false.into(), true.into()));
    let entries = all["facts"].as_array().expect("facts").iter().filter(|f| f["kind"] == "host_sudo");
    assert!(entries.clone().count() == 4 && entries.clone().all(|f| f["name"] != "x"), "names with a dot are passed over");
}

#[test]
fn a_container_is_not_blamed_for_its_hosts_kernel() {
    let settings = [("/proc/sys/kernel/randomize_va_space", "0\n", 0o444), ("/proc/sys/kernel/dmesg_restrict", "1\n", 0o444)];
    let own = facts(machine(&[&settings[..], &[OWN_KERNEL, ("/proc/1/cgroup", "0::/init.scope\n", 0o444)]].concat()).path());
    assert_eq!(fact(&own, "host_kernel", "kernel")["attributes"]["randomize_va_space"], 0);
    assert_eq!(own["container"], Value::Null);
    let inside = facts(machine(&[&settings[..], &[("/.dockerenv", "", 0o444)]].concat()).path());
    assert_eq!(inside["container"], "docker");
    assert!(inside["not_applicable"].as_array().is_some_and(|all| all.iter().any(|n| n["kind"] == "host_kernel")));
    assert!(!inside.to_string().contains("randomize_va_space"));
}

#[test]
fn modes_sockets_and_mounts() {
    let tcp = "  sl  local_address rem_address   st\n   0: 00000000:0017 00000000:0000 0A 0\n   1: 0100007F:1F90 00000000:0000 0A 0\n   2: 00000000:1F91 00000000:0000 01 0\n";
    let dir = machine(&[
        OWN_KERNEL,
        ("/etc/shadow", "root:*:1::::::\n", 0o644),
        ("/etc/cron.d/backup", "x\n", 0o666),
        ("/proc/net/tcp", tcp, 0o444),
        ("/proc/mounts", "tmpfs /tmp tmpfs rw,nosuid,nodev 0 0\nproc /proc proc rw 0 0\n", 0o444),
    ]);
    let all = facts(dir.path());
    assert_eq!(fact(&all, "host_file", "/etc/shadow")["attributes"]["others_read"], true);
    assert_eq!(fact(&all, "host_file", "/etc/cron.d/backup")["attributes"]["others_write"], true);
    assert_eq!(fact(&all, "host_socket", "tcp/23")["attributes"]["open"], true);
    assert_eq!(fact(&all, "host_socket", "tcp/8080")["attributes"]["open"], false);
    assert!(!all.to_string().contains("tcp/8081"), "a connection is no listener");
    let tmp = &fact(&all, "host_mount", "/tmp")["attributes"];
    assert_eq!((&tmp["nosuid"], &tmp["noexec"]), (&true.into(), &false.into()));
}

#[test]
fn nothing_there_is_no_fault() {
    let all = facts(Path::new("/no/such/root"));
    assert_eq!(all["schema"], "bartizan.host/1");
    assert_eq!(all["facts"].as_array().map(Vec::len), Some(0));
}
