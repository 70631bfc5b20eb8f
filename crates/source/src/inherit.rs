//! Listening sockets that a process before this one had: by the locator that they were opened for, so that a restart turns nobody away.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

/// Each is taken once.
#[derive(Debug, Default)]
pub struct Inherited(Mutex<Vec<(String, OwnedFd)>>);

impl Inherited {
    pub fn new(sockets: Vec<(String, OwnedFd)>) -> Inherited {
        Inherited(Mutex::new(sockets))
    }

    /// The socket that was opened for that locator.
    pub(crate) fn take(&self, locator: &str) -> Option<OwnedFd> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = held.iter().position(|(name, _)| name == locator)?;
        Some(held.remove(at).1)
    }
}
