//! What systemd is told (sd_notify): ready, reloading, stopping, and which process is the service after a hand-over. Without systemd nothing.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// `READY=1`, `STOPPING=1`, `MAINPID=123`: one a line.
pub fn tell(state: &str) {
    let Some(at) = std::env::var_os("NOTIFY_SOCKET").filter(|at| !at.is_empty()) else { return };
    let addr = match at.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&at),
    };
    let sent = addr.and_then(|addr| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &addr));
    if let Err(error) = sent {
        crate::cli::out::note(format!("systemd is not told {state}: {error}"));
    }
}

/// How often systemd wants to hear that this process is alive; half of what it allows.
pub fn watchdog() -> Option<std::time::Duration> {
    let us: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    Some(std::time::Duration::from_micros(us / 2)).filter(|every| !every.is_zero())
}
