//! Kernel settings from `/proc/sys`. A container shares the kernel of its host: there they are not its own.

use serde_json::{Map, Value, json};

use super::Host;

/// Path below `/proc/sys` and name.
const SETTINGS: &[(&str, &str)] = &[
    ("net/ipv4/ip_forward", "ip_forward"),
    ("net/ipv4/conf/all/accept_redirects", "accept_redirects"),
    ("net/ipv6/conf/all/accept_redirects", "accept_redirects6"),
    ("net/ipv4/conf/all/accept_source_route", "accept_source_route"),
    ("net/ipv4/conf/all/rp_filter", "rp_filter"),
    ("net/ipv4/conf/all/log_martians", "log_martians"),
    ("net/ipv4/tcp_syncookies", "tcp_syncookies"),
    ("kernel/randomize_va_space", "randomize_va_space"),
    ("kernel/yama/ptrace_scope", "ptrace_scope"),
    ("kernel/kptr_restrict", "kptr_restrict"),
    ("kernel/dmesg_restrict", "dmesg_restrict"),
    ("kernel/unprivileged_bpf_disabled", "unprivileged_bpf_disabled"),
    ("kernel/sysrq", "sysrq"),
    ("fs/suid_dumpable", "suid_dumpable"),
    ("fs/protected_symlinks", "protected_symlinks"),
    ("fs/protected_hardlinks", "protected_hardlinks"),
];

pub(super) fn look(host: &mut Host) {
    if let Some(kind) = host.container {
        host.does_not_apply("host_kernel", &format!("a container ({kind}) shares the kernel of its host: look there"));
        return;
    }
    let (mut attributes, mut not_read) = (Map::new(), Vec::new());
    for (path, name) in SETTINGS {
        let whole = format!("/proc/sys/{path}");
        match host.read(&whole).and_then(|text| text.trim().parse::<i64>().ok()) {
            Some(value) => drop(attributes.insert((*name).to_owned(), json!(value))),
            // A kernel without the setting has no such switch; one that hides it is unknown.
            None if host.at(&whole).exists() => not_read.push(*name),
            None => {}
        }
    }
    if attributes.is_empty() {
        host.does_not_apply("host_kernel", "no kernel settings are shown here");
        return;
    }
    host.partly("host_kernel", "kernel", "/proc/sys", Value::Object(attributes), &not_read);
}
