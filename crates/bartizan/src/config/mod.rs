//! The configuration: one file or none, `conf.d/*.toml` beside it, variables of the environment, flags.
//!
//! An empty file works. [`section`] has the tables, one file each; [`key`] says what may stand behind a key, [`file`] reads bytes into values
//! that know their line, [`layer`] puts the layers over each other, and here they become a [`Config`] or a list of all faults at once.

pub mod fault;
pub mod file;
pub mod key;
pub mod layer;
pub mod nearest;
pub mod schema;
pub mod section;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use fault::Fault;
use layer::Values;

/// What the binary is told. Two that are equal run alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub program: section::program::Program,
    pub gateway: Option<section::gateway::Gateway>,
    pub console: Option<Console>,
    pub metrics: Option<section::metrics::Metrics>,
    pub response: section::response::Response,
    pub notify: Vec<section::notify::Asked>,
    pub privacy: crate::privacy::Choice,
    pub retention: store::retain::Policy,
    pub diagnostics: section::diagnostics::Form,
}

/// As [`console::Config`], which knows no equality.
#[derive(Clone, Debug, PartialEq)]
pub struct Console {
    pub listen: std::net::SocketAddr,
    pub names: Vec<String>,
    /// How people reach it.
    pub link: String,
}

/// Where to look, and what flags say.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// `--config`
    pub file: Option<PathBuf>,
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--content`
    pub content: Option<PathBuf>,
}

/// What was read, with the origin of every value.
pub struct Loaded {
    pub config: Config,
    pub values: Values,
    pub files: Vec<PathBuf>,
}

/// Every fault, in the order of files, lines and layers.
pub struct Faults {
    pub files: Vec<PathBuf>,
    pub all: Vec<Fault>,
}

impl Place {
    pub fn main(&self) -> PathBuf {
        self.file.clone().unwrap_or_else(crate::paths::config_file)
    }

    /// Reads everything anew.
    pub fn load(&self) -> Result<Loaded, Faults> {
        let (files, mut faults) = file::list(&self.main(), self.file.is_some());
        let mut values = Values::built_in();
        for path in &files {
            let written = file::read(path, &mut faults);
            values.add(&written);
        }
        values.add_env(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))));
        let flag = |values: &mut Values, flag, key, path: &Option<PathBuf>| {
            if let Some(path) = path {
                values.put_flag(flag, "", key, &path.to_string_lossy());
            }
        };
        flag(&mut values, "--data-dir", "data_dir", &self.data_dir);
        flag(&mut values, "--content", "content", &self.content);
        let config = of(&mut values);
        faults.append(&mut values.faults);
        if faults.is_empty() { Ok(Loaded { config, values, files }) } else { Err(Faults { files, all: faults }) }
    }
}

/// Values that fit each by itself, put together; what does not go together is a fault in `values`.
pub fn of(values: &mut Values) -> Config {
    Config {
        program: section::program::read(values),
        gateway: section::gateway::read(values),
        console: section::console::read(values).map(|c| Console {
            link: values.one("console").text("link").unwrap_or_else(|| format!("http://{}", c.listen)),
            listen: c.listen,
            names: c.names,
        }),
        metrics: section::metrics::read(values),
        response: section::response::read(values),
        notify: section::notify::read(values),
        privacy: section::privacy::read(values),
        retention: section::retention::read(values),
        diagnostics: section::diagnostics::read(values),
    }
}

/// A configuration in one text, for tests and tools.
pub fn parse(text: &[u8], name: &Path) -> Result<Config, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut values = Values::built_in();
    values.add(&file::parse(text, name, &mut faults));
    let config = of(&mut values);
    faults.append(&mut values.faults);
    if faults.is_empty() { Ok(config) } else { Err(faults) }
}

impl std::fmt::Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        /// Further ones are counted.
        const SHOWN_MAX: usize = 100;
        for fault in self.all.iter().take(SHOWN_MAX) {
            writeln!(f, "{fault}")?;
        }
        match self.all.len().checked_sub(SHOWN_MAX) {
            Some(more) if more > 0 => write!(f, "and {more} more"),
            _ => write!(f, "{} fault{}", self.all.len(), if self.all.len() == 1 { "" } else { "s" }),
        }
    }
}
