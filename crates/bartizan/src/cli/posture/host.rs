//! `posture host`: facts of this machine as one more configuration file.

use std::path::Path;

use super::folder::Files;
use crate::cli::fail::Fail;

/// Name of the facts among the files of a scan.
const NAME: &str = "host.json";

pub(super) fn read(save: Option<&Path>) -> Result<Files, Fail> {
    let facts = serde_json::to_vec_pretty(&source::host::facts(Path::new("/"))).unwrap_or_default();
    if let Some(path) = save {
        std::fs::write(path, &facts).map_err(|e| Fail::unreadable(path, &e))?;
    }
    Ok(Files { files: vec![(NAME.to_owned(), facts)], notices: Vec::new() })
}
