//! A failure that a person can act on: code, what, where, what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// `E0107 cannot read /var/log/auth.log: permission denied. fix: ..`
#[derive(Debug)]
pub struct Fail {
    pub code: &'static str,
    pub text: String,
    pub path: Option<PathBuf>,
    pub fix: Option<String>,
    pub exit: Exit,
}

/// The exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Fine = 0,
    Found = 1,
    Usage = 2,
    CouldNot = 3,
    Refused = 4,
    Interrupted = 130,
}

impl Fail {
    pub fn new(code: &'static str, text: impl Into<String>) -> Fail {
        Fail { code, text: text.into(), path: None, fix: None, exit: Exit::CouldNot }
    }

    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Fail {
        self.fix = Some(fix.into());
        self
    }

    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Fail {
        self.exit = exit;
        self
    }

    pub fn unreadable(path: &Path, error: &std::io::Error) -> Fail {
        let mut fail = Fail::new("E0107", format!("cannot read {}: {}", path.display(), words(error)));
        fail.path = Some(path.to_owned());
        if error.kind() == std::io::ErrorKind::PermissionDenied {
            fail.fix = Some("read it as root, or join the group that may: usermod -aG adm USER".into());
        }
        fail
    }
}

fn words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

impl fmt::Display for Fail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)?;
        if let Some(fix) = &self.fix {
            write!(f, ". fix: {fix}")?;
        }
        Ok(())
    }
}
