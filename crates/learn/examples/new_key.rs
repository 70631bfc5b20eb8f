//! Makes a signing key pair from 32 random bytes on standard input: writes `PRIVATE.pem` and `DIR/<keyid>.pem`.
//!
//!     head -c 32 /dev/urandom | cargo run -p learn --example new_key -- PRIVATE.pem DIR
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::disallowed_types)] // a tool around the pure crate: it reads and writes files

use std::error::Error;
use std::io::Read as _;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (private, folder) = (arguments.next().ok_or("PRIVATE.pem is missing")?, arguments.next().ok_or("DIR is missing")?);
    let mut random = [0; 32];
    std::io::stdin().read_exact(&mut random)?;
    let (private_pem, public_pem) = learn::sign::new_key(&random)?;
    let id = learn::sign::VerifyingKey::from_pem(&public_pem)?.id();
    std::fs::write(private, private_pem)?;
    std::fs::write(std::path::Path::new(&folder).join(format!("{id}.pem")), public_pem)?;
    println!("{id}");
    Ok(())
}
