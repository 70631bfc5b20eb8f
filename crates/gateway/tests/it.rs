//! The gateway over loopback: a raw upstream behind it, raw sockets in front.

#![allow(clippy::expect_used)]

#[path = "it/challenge.rs"]
mod challenge;
#[path = "it/decide.rs"]
mod decide;
#[path = "it/forward.rs"]
mod forward;
#[path = "it/hand_over.rs"]
mod hand_over;
#[path = "it/http2.rs"]
mod http2;
#[path = "it/login.rs"]
mod login;
#[path = "it/secret.rs"]
mod secret;
#[path = "it/setup.rs"]
mod setup;
#[path = "it/slow.rs"]
mod slow;
#[path = "it/stream.rs"]
mod stream;
#[path = "it/strict.rs"]
mod strict;
