//! Who may write where: files that decide who is who, what runs by itself, folders that programs are found in, mounts.

use std::os::unix::fs::MetadataExt;

use serde_json::json;

use super::Host;

/// Path and what it is.
const FILES: &[(&str, &str)] = &[
    ("/etc/passwd", "accounts"),
    ("/etc/group", "accounts"),
    ("/etc/shadow", "secret"),
    ("/etc/gshadow", "secret"),
    ("/etc/sudoers", "secret"),
    ("/etc/ssh/sshd_config", "setting"),
    ("/etc/crontab", "runs"),
    ("/etc/ld.so.preload", "runs"),
    ("/etc/profile", "runs"),
    ("/boot/grub/grub.cfg", "setting"),
];
/// Folders whose files run by themselves.
const RUNS: &[&str] = &[
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/etc/systemd/system",
    "/etc/init.d",
    "/etc/profile.d",
    "/etc/sudoers.d",
];
/// Where root's shell looks for programs.
const PATHS: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// Mounts that anybody may write to.
const SHARED: &[&str] = &["/tmp", "/var/tmp", "/dev/shm"];

pub(super) fn look(host: &mut Host) {
    for (path, what) in FILES {
        file(host, path, what);
    }
    for name in host.list("/etc/ssh") {
        if name.starts_with("ssh_host_") && name.ends_with("_key") {
            file(host, &format!("/etc/ssh/{name}"), "key");
        }
    }
    for folder in RUNS {
        file(host, folder, "runs");
        for name in host.list(folder) {
            file(host, &format!("{folder}/{name}"), "runs");
        }
    }
    for folder in PATHS {
        file(host, folder, "path");
    }
    for socket in ["/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock"] {
        file(host, socket, "container_socket");
    }
    mounts(host);
}

/// What stands there in the end: links are followed, since their own mode says nothing.
fn file(host: &mut Host, path: &str, what: &str) {
    let Ok(about) = host.at(path).metadata() else { return };
    let mode = about.mode() & 0o7777;
    host.fact(
        "host_file",
        path,
        path,
        0,
        json!({
            "what": what, "mode": format!("{mode:04o}"), "owner": about.uid(), "group": about.gid(), "owned_by_root": about.uid() == 0,
            "others_write": mode & 0o002 != 0 && mode & 0o1000 == 0, "others_read": mode & 0o004 != 0,
            "group_write": mode & 0o020 != 0 && about.gid() != 0, "group_read": mode & 0o040 != 0 && about.gid() != 0,
        }),
    );
}

fn mounts(host: &mut Host) {
    if let Some(kind) = host.container {
        host.does_not_apply("host_mount", &format!("the mounts of a container ({kind}) are made by its host"));
        return;
    }
    let Some(text) = host.read("/proc/mounts") else { return };
    for line in text.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        if let [_, at, kind, options, ..] = fields.as_slice()
            && SHARED.contains(at)
        {
            let has = |word: &str| options.split(',').any(|o| o == word);
            let attributes = json!({"at": at, "kind": kind, "nosuid": has("nosuid"), "nodev": has("nodev"), "noexec": has("noexec")});
            host.fact("host_mount", at, "/proc/mounts", 0, attributes);
        }
    }
}
