//! Standard input: whatever a pipe brings, to its end. Archives are expanded as from a file.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::expand::{Bounds, Expanded};
use crate::file::drain;
use crate::split::Splitter;
use crate::{Done, Error, Out, Source};

/// Told to stop, it ends with the next bytes that come, or with the pipe.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stdin {
    pub bounds: Bounds,
}

impl Source for Stdin {
    fn name(&self) -> &str {
        "-"
    }

    fn run(&mut self, out: &mut Out<'_>, stop: &AtomicBool) -> Result<Done, Error> {
        let name = Path::new("-");
        let expanded = Expanded::new(io::stdin().lock(), self.bounds).map_err(Error::read(name))?;
        drain(expanded, Splitter::new(Arc::from("-"), None), name, out, stop)
    }
}
