//! Where things are kept.

use std::path::PathBuf;

/// `--data-dir`, else `BARTIZAN_DATA_DIR`, else `/var/lib/bartizan` for root and the XDG data directory for everybody else.
pub fn data_dir(asked: Option<&PathBuf>) -> PathBuf {
    if let Some(dir) = asked {
        return dir.clone();
    }
    let env = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(dir) = env("BARTIZAN_DATA_DIR") {
        return dir;
    }
    let home = env("HOME").unwrap_or_else(|| PathBuf::from("."));
    if home == std::path::Path::new("/root") {
        return PathBuf::from("/var/lib/bartizan");
    }
    env("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")).join("bartizan")
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
