//! The console from outside: over a socket, as a browser or an attacker meets it.

mod support;

mod api;
mod live;
mod login;
mod pages;
mod palette;
mod source;
