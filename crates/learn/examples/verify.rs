//! Verifies a model folder against public keys and loads it: `verify DIR KEY.pem..`.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::disallowed_types)] // a tool around the pure crate: it reads files

use std::error::Error;

use learn::sign::{Folder, KeyRing};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut folder = Folder::new();
    for entry in std::fs::read_dir(arguments.next().ok_or("DIR is missing")?)? {
        let entry = entry?;
        folder.insert(&entry.file_name().to_string_lossy(), std::fs::read(entry.path())?)?;
    }
    let pems = arguments.map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    let ring = KeyRing::from_pems(pems)?;
    let model = learn::load(&folder, &ring)?;
    println!("{} {} verified and loaded", model.name(), model.version());
    Ok(())
}
