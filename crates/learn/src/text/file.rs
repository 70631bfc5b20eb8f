//! `model.bin`: the text model as bytes. Little endian; every count is bounded before anything is allocated.
//!
//! Layout 1: magic `BZTEXT1\0`, name, version (u8 length + UTF-8), bucket bits u8, unit f32, bias f32, drift i32, flag count u8 and
//! f32 each, curve (u8 knots, then x and y f32 each), weights i8 each. Nothing may follow.

use super::{BUCKET_BITS, Parts, TextModel, Thresholds};
use crate::bytes::{Reader, put_curve, put_text};
use crate::canonical::STEP_NAMES;

const MAGIC: &[u8; 8] = b"BZTEXT1\0";

/// Why `model.bin` was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Another format or a newer layout.
    #[error("model.bin does not begin with {0}")]
    Magic(&'static str),
    /// The file ends too early.
    #[error("model.bin ends at byte {0} inside {1}")]
    Short(usize, &'static str),
    /// A count or number outside its range.
    #[error("model.bin has {found} for {what}, expected {expected}")]
    Value {
        /// Field.
        what: &'static str,
        /// What stands there.
        found: String,
        /// What this version reads.
        expected: String,
    },
    /// Bytes after the last weight.
    #[error("model.bin has {0} bytes after its end")]
    Trailing(usize),
}

impl TextModel {
    /// The bytes of `model.bin`. Thresholds are not in it: they have a file of their own.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.weights.len() + 512);
        out.extend_from_slice(MAGIC);
        put_text(&mut out, &self.name);
        put_text(&mut out, &self.version);
        out.push(BUCKET_BITS as u8);
        out.extend_from_slice(&self.unit.to_le_bytes());
        out.extend_from_slice(&self.bias.to_le_bytes());
        out.extend_from_slice(&self.drift.to_le_bytes());
        out.push(self.flags.len() as u8);
        self.flags.iter().for_each(|flag| out.extend_from_slice(&flag.to_le_bytes()));
        put_curve(&mut out, &self.curve);
        out.extend(self.weights.iter().map(|&weight| weight as u8));
        out
    }

    /// Reads `model.bin`. Any bytes are safe to hand over; what is not exactly a model is refused.
    pub fn from_bytes(bytes: &[u8], thresholds: Thresholds) -> Result<TextModel, FileError> {
        let mut reader = Reader::new(bytes);
        reader.magic(MAGIC, "BZTEXT1")?;
        let name = reader.text("name")?;
        let version = reader.text("version")?;
        let bits = reader.byte("bucket bits")?;
        exactly("bucket bits", usize::from(bits), BUCKET_BITS as usize)?;
        let unit = reader.number("unit", 1e-6, 10.0)?;
        let bias = reader.number("bias", -100.0, 100.0)?;
        let drift = i32::from_le_bytes(reader.four("drift")?);
        if !(0..=1 << 16).contains(&drift) {
            return Err(FileError::Value { what: "drift", found: drift.to_string(), expected: "0..=65536".into() });
        }
        exactly("flag count", usize::from(reader.byte("flag count")?), STEP_NAMES.len())?;
        let mut flags = [0.0; STEP_NAMES.len()];
        for flag in &mut flags {
            *flag = reader.number("flag weight", 0.0, 100.0)?;
        }
        let curve = reader.curve()?;
        let weights = reader.take(1 << BUCKET_BITS, "weights")?.iter().map(|&byte| byte as i8).collect();
        reader.end()?;
        Ok(Parts { name, version, unit, bias, drift, weights, flags, curve, thresholds }.into())
    }
}

fn exactly(what: &'static str, found: usize, expected: usize) -> Result<(), FileError> {
    if found == expected { Ok(()) } else { Err(FileError::Value { what, found: found.to_string(), expected: expected.to_string() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::arbitrary;
    use proptest::prelude::*;

    #[test]
    fn round_trip() {
        let model = arbitrary();
        let bytes = model.to_bytes();
        let again = TextModel::from_bytes(&bytes, model.thresholds()).unwrap();
        assert_eq!(again.to_bytes(), bytes);
        assert!(matches!(TextModel::from_bytes(&bytes[..bytes.len() - 1], model.thresholds()), Err(FileError::Short(..))));
        assert_eq!(TextModel::from_bytes(&[bytes, vec![0]].concat(), model.thresholds()).unwrap_err(), FileError::Trailing(1));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), whole in any::<bool>(), at in 0usize..120, value in any::<u8>()) {
            let thresholds = Thresholds { alone: 0.9, alert: 0.5, veto: 0.1 };
            let _ = TextModel::from_bytes(&bytes, thresholds);
            bytes.splice(0..0, *MAGIC);
            let _ = TextModel::from_bytes(&bytes, thresholds);
            if whole {
                let mut real = arbitrary().to_bytes();
                real[at] = value;
                if let Ok(model) = TextModel::from_bytes(&real, thresholds) {
                    prop_assert!(model.score(b"' or 1=1 --", &mut crate::Scratch::default()).is_finite());
                }
            }
        }
    }
}
