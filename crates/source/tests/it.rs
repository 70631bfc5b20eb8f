//! The sources from outside, over files and loopback sockets made for each test.

#[path = "it/folder.rs"]
mod folder;
#[path = "it/follow.rs"]
mod follow;
#[path = "it/journald.rs"]
mod journald;
#[path = "it/push.rs"]
mod push;
#[path = "it/setup.rs"]
mod setup;
#[path = "it/syslog.rs"]
mod syslog;
#[path = "it/whole.rs"]
mod whole;
