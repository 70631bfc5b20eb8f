//! Reading and writing `model.bin`: little endian, every count bounded, nothing may follow the end.

use crate::calibrate::Curve;
use crate::text::FileError;

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    let bytes = &text.as_bytes()[..text.len().min(255)];
    out.push(bytes.len() as u8);
    out.extend_from_slice(bytes);
}

pub(crate) fn put_curve(out: &mut Vec<u8>, curve: &Curve) {
    out.push(curve.knots().len() as u8);
    for (x, y) in curve.knots() {
        out.extend_from_slice(&x.to_le_bytes());
        out.extend_from_slice(&y.to_le_bytes());
    }
}

pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    pub(crate) fn magic(&mut self, magic: &[u8], name: &'static str) -> Result<(), FileError> {
        match self.take(magic.len(), "magic") {
            Ok(found) if found == magic => Ok(()),
            _ => Err(FileError::Magic(name)),
        }
    }

    pub(crate) fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], FileError> {
        let found = self.bytes[self.at..].get(..count).ok_or(FileError::Short(self.bytes.len(), what))?;
        self.at += count;
        Ok(found)
    }

    pub(crate) fn byte(&mut self, what: &'static str) -> Result<u8, FileError> {
        Ok(self.take(1, what)?[0])
    }

    pub(crate) fn four(&mut self, what: &'static str) -> Result<[u8; 4], FileError> {
        let bytes = self.take(4, what)?;
        Ok([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    /// A u16 in least..=most.
    pub(crate) fn count(&mut self, what: &'static str, least: usize, most: usize) -> Result<usize, FileError> {
        let bytes = self.take(2, what)?;
        let found = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        if (least..=most).contains(&found) {
            Ok(found)
        } else {
            Err(FileError::Value { what, found: found.to_string(), expected: format!("{least}..={most}") })
        }
    }

    pub(crate) fn number(&mut self, what: &'static str, least: f32, most: f32) -> Result<f32, FileError> {
        let number = f32::from_le_bytes(self.four(what)?);
        // NaN fails both comparisons.
        if number >= least && number <= most {
            Ok(number)
        } else {
            Err(FileError::Value { what, found: number.to_string(), expected: format!("{least}..={most}") })
        }
    }

    pub(crate) fn text(&mut self, what: &'static str) -> Result<String, FileError> {
        let count = self.byte(what)?;
        let bytes = self.take(usize::from(count), what)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| FileError::Value { what, found: "not UTF-8".into(), expected: "UTF-8".into() })
    }

    pub(crate) fn curve(&mut self) -> Result<Curve, FileError> {
        let count = self.byte("knot count")?;
        let mut knots = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            knots.push((self.number("knot", -1e6, 1e6)?, self.number("knot", -1e6, 1e6)?));
        }
        Curve::from_knots(knots).ok_or_else(|| FileError::Value {
            what: "knots",
            found: "a falling or single-point curve".into(),
            expected: "at least 2 points, both coordinates rising".into(),
        })
    }

    /// What is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        self.at = self.bytes.len();
        rest
    }

    pub(crate) fn end(&self) -> Result<(), FileError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(FileError::Trailing(self.bytes.len() - self.at)) }
    }
}
