//! What listens on the network, and whether time, audit and log are kept: by sockets in `/proc/net` and by the links of enabled units.

use std::collections::BTreeSet;

use serde_json::json;

use super::Host;

/// Kernel's word for a socket that listens.
const LISTEN: &str = "0A";
const SOCKETS_MAX: usize = 10_000;
/// Where the links of enabled units are.
const WANTED: &[&str] = &["/etc/systemd/system/multi-user.target.wants", "/etc/systemd/system/sysinit.target.wants", "/etc/systemd/system"];

pub(super) fn look(host: &mut Host) {
    let mut seen = BTreeSet::new();
    for (file, loopback) in [("/proc/net/tcp", "0100007F"), ("/proc/net/tcp6", "00000000000000000000000001000000")] {
        for line in host.read(file).unwrap_or_default().lines().skip(1).take(SOCKETS_MAX) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if let [_, local, _, LISTEN, ..] = fields.as_slice()
                && let Some((address, port)) = local.split_once(':')
                && let Ok(port) = u16::from_str_radix(port, 16)
            {
                seen.insert((port, address != loopback));
            }
        }
    }
    for (port, open) in seen {
        // Sockets of a container are its own: its network is.
        host.fact("host_socket", &format!("tcp/{port}"), "/proc/net/tcp", 0, json!({"port": port, "open": open}));
    }
    if let Some(kind) = host.container {
        host.does_not_apply("host_service", &format!("time, audit and log of a container ({kind}) are its host's"));
        return;
    }
    if host.list("/etc/systemd/system").is_empty() {
        host.does_not_apply("host_service", "no systemd here: which services start is not known");
        return;
    }
    let enabled: BTreeSet<String> = WANTED.iter().flat_map(|folder| host.list(folder)).collect();
    let any = |names: &[&str]| names.iter().any(|name| enabled.contains(&format!("{name}.service")));
    let forwards = ["/etc/rsyslog.conf", "/etc/systemd/journal-upload.conf"].iter().any(|path| {
        let text = host.read(path).unwrap_or_default();
        text.lines().map(str::trim).any(|l| !l.starts_with('#') && (l.contains("@@") || l.contains("omfwd") || l.starts_with("URL=")))
    });
    let attributes = json!({
        "time_sync": any(&["systemd-timesyncd", "chronyd", "chrony", "ntp", "ntpd", "ntpsec", "dbus-org.freedesktop.timesync1"]),
        "audit": any(&["auditd"]), "log_forwarding": forwards,
        "firewall": any(&["nftables", "ufw", "firewalld", "iptables"]),
    });
    host.fact("host_service", "services", "/etc/systemd/system", 0, attributes);
}
