//! `model.bin` of a prose model. Little endian.
//!
//! Layout 1: magic `BZPROSE1`, name, version (u8 length + UTF-8), window words u16, bias f32, unit f32, curve (u8 knots, then x and y
//! f32 each), then `1 << BUCKET_BITS` weights i8. Nothing may follow.

use super::{BUCKET_BITS, ProseModel};
use crate::bytes::{Reader, put_curve, put_text};
use crate::text::{FileError, Thresholds};

const MAGIC: &[u8; 8] = b"BZPROSE1";

impl ProseModel {
    /// The bytes of `model.bin`. Thresholds are not in it: they have a file of their own.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.weights.len() + 512);
        out.extend_from_slice(MAGIC);
        put_text(&mut out, &self.name);
        put_text(&mut out, &self.version);
        out.extend_from_slice(&(self.window as u16).to_le_bytes());
        out.extend_from_slice(&self.bias.to_le_bytes());
        out.extend_from_slice(&self.unit.to_le_bytes());
        put_curve(&mut out, &self.curve);
        out.extend(self.weights.iter().map(|&weight| weight as u8));
        out
    }

    /// Whether these bytes say that they are a prose model.
    pub fn is_file(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads `model.bin`. Any bytes are safe to hand over; what is not exactly a model is refused.
    pub fn from_bytes(bytes: &[u8], thresholds: Thresholds) -> Result<ProseModel, FileError> {
        let mut reader = Reader::new(bytes);
        reader.magic(MAGIC, "BZPROSE1")?;
        let (name, version) = (reader.text("name")?, reader.text("version")?);
        let window = reader.count("window words", 1, 10_000)?;
        let bias = reader.number("bias", -100.0, 100.0)?;
        let unit = reader.number("unit", 1e-6, 10.0)?;
        let curve = reader.curve()?;
        let weights = reader.take(1 << BUCKET_BITS, "weights")?.iter().map(|&byte| byte as i8).collect();
        reader.end()?;
        Ok(ProseModel { name, version, window, bias, unit, weights, curve, thresholds })
    }
}
