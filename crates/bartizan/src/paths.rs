//! Where things are kept.

use std::path::PathBuf;

/// `--data-dir`, else `BARTIZAN_DATA_DIR`, else systemd's state directory, else `/var/lib/bartizan` for root and the XDG data directory for
/// everybody else.
pub fn data_dir(asked: Option<&PathBuf>) -> PathBuf {
    if let Some(dir) = asked {
        return dir.clone();
    }
    if let Some(dir) = env("BARTIZAN_DATA_DIR").or_else(|| env("STATE_DIRECTORY")) {
        return dir;
    }
    let home = env("HOME").unwrap_or_else(|| PathBuf::from("."));
    // The home of the service's own user, as the package makes it.
    if home == std::path::Path::new("/root") || home == std::path::Path::new("/var/lib/bartizan") {
        return PathBuf::from("/var/lib/bartizan");
    }
    env("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")).join("bartizan")
}

/// `BARTIZAN_CONFIG`, else `/etc/bartizan/bartizan.toml` for root and the XDG configuration directory for everybody else.
pub fn config_file() -> PathBuf {
    let home = env("HOME").unwrap_or_else(|| PathBuf::from("."));
    let of_system = home == std::path::Path::new("/root") || home == std::path::Path::new("/var/lib/bartizan");
    let dir = || match of_system {
        true => PathBuf::from("/etc/bartizan"),
        false => env("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")).join("bartizan"),
    };
    env("BARTIZAN_CONFIG").unwrap_or_else(|| dir().join("bartizan.toml"))
}

fn env(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// Orders to a running Bartizan go through this socket.
pub fn control_socket(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// The location file, as `geo import` put it there.
pub fn locations(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("locations.mmdb")
}

/// Marks a directory of generated data.
pub fn demo_mark(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("DEMO")
}
