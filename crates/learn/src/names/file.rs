//! `model.bin` of a name model. Little endian.
//!
//! Layout 1: magic `BZNAMES1`, name, version (u8 length + UTF-8), curve (u8 knots, then x and y f32 each), the letter table (u16 each),
//! two heads (bias f32, then weights i8 each), then a tree model to the end.

use super::heads::{BUCKETS, Head, Heads};
use super::letters::{ENTRIES, Letters};
use super::{FEATURES, NameModel};
use crate::bytes::{Reader, put_curve, put_text};
use crate::text::{FileError, Thresholds};
use crate::tree::Forest;

const MAGIC: &[u8; 8] = b"BZNAMES1";

impl NameModel {
    /// The bytes of `model.bin`. Thresholds are not in it: they have a file of their own.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put_text(&mut out, &self.name);
        put_text(&mut out, &self.version);
        put_curve(&mut out, &self.curve);
        out.extend(self.letters.table.iter().flat_map(|value| value.to_le_bytes()));
        for head in &self.heads.0 {
            out.extend_from_slice(&head.bias.to_le_bytes());
            out.extend(head.weights.iter().map(|&weight| weight as u8));
        }
        out.extend(self.forest.to_bytes());
        out
    }

    /// Whether these bytes say that they are a name model.
    pub fn is_file(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads `model.bin`. Any bytes are safe to hand over; what is not exactly a model is refused.
    pub fn from_bytes(bytes: &[u8], thresholds: Thresholds) -> Result<NameModel, FileError> {
        let mut reader = Reader::new(bytes);
        reader.magic(MAGIC, "BZNAMES1")?;
        let (name, version) = (reader.text("name")?, reader.text("version")?);
        let curve = reader.curve()?;
        let table = reader.take(ENTRIES * 2, "letter table")?.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
        let mut head = || -> Result<Head, FileError> {
            let bias = reader.number("bias", -100.0, 100.0)?;
            let weights = reader.take(BUCKETS, "weights")?.iter().map(|&byte| byte as i8).collect();
            Ok(Head { bias, weights })
        };
        let heads = Heads([head()?, head()?]);
        let forest = Forest::from_bytes(reader.rest(), thresholds)?;
        if forest.columns != FEATURES.len() {
            let found = forest.columns.to_string();
            return Err(FileError::Value { what: "columns", found, expected: FEATURES.len().to_string() });
        }
        Ok(NameModel { name, version, letters: Letters { table }, heads, forest, curve, thresholds })
    }
}
