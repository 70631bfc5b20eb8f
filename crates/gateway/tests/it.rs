//! gateway over loopback.
