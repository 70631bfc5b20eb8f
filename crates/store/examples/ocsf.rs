//! Every record of a log as OCSF JSON, one a line: what `tests/ocsf.py` hands to a validator that is not ours.
//!
//!     cargo run -p store --example ocsf -- DATA_DIR
#![allow(clippy::print_stdout)]

use std::path::Path;

fn main() {
    let dir = std::env::args().nth(1).unwrap_or_else(|| panic!("usage: ocsf DATA_DIR"));
    let log = store::open_read_only(Path::new(&dir)).unwrap_or_else(|error| panic!("{dir}: {error}"));
    for (_, event) in log.read(0, usize::MAX).unwrap_or_else(|error| panic!("{dir}: {error}")) {
        println!("{}", event::ocsf::json(&event));
    }
}
