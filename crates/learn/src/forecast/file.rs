//! `model.bin` of a forecast: magic, version, ids, popularity, curve, weights; little endian, every count bounded.

use super::ForecastModel;
use crate::calibrate::Curve;

pub(crate) const MAGIC: &[u8; 8] = b"BZFORE01";
const TECHNIQUES_MAX: usize = 2_000;
const KNOTS_MAX: usize = 64;
const NAME_MAX: usize = 64;

/// `model.bin` that does not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("model.bin of the forecast: {0}")]
pub struct FileError(&'static str);

impl ForecastModel {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let text = |out: &mut Vec<u8>, text: &str| {
            out.extend((text.len() as u32).to_le_bytes());
            out.extend(text.as_bytes());
        };
        text(&mut out, &self.version);
        out.extend((self.techniques.len() as u32).to_le_bytes());
        self.techniques.iter().for_each(|id| text(&mut out, id));
        self.popularity.iter().for_each(|p| out.extend(p.to_le_bytes()));
        out.extend((self.curve.knots().len() as u32).to_le_bytes());
        self.curve.knots().iter().for_each(|(x, y)| {
            out.extend(x.to_le_bytes());
            out.extend(y.to_le_bytes());
        });
        self.weights.iter().for_each(|w| out.extend(w.to_le_bytes()));
        out
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<ForecastModel, FileError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(FileError("not a forecast"))?;
        let version = text(&mut rest)?;
        let n = count(&mut rest, TECHNIQUES_MAX)?;
        let techniques = (0..n).map(|_| text(&mut rest)).collect::<Result<Vec<String>, FileError>>()?;
        if !techniques.is_sorted_by(|a, b| a < b) {
            return Err(FileError("ids are not sorted"));
        }
        let popularity = numbers(&mut rest, n)?;
        let knots = count(&mut rest, KNOTS_MAX)?;
        let flat = numbers(&mut rest, 2 * knots)?;
        let curve = Curve::from_knots(flat.chunks_exact(2).map(|p| (p[0], p[1])).collect()).ok_or(FileError("the curve does not rise"))?;
        let weights = numbers(&mut rest, n * n)?;
        if !rest.is_empty() {
            return Err(FileError("bytes behind the end"));
        }
        Ok(ForecastModel { version, techniques, popularity, weights, curve })
    }
}

fn take<'b>(rest: &mut &'b [u8], n: usize) -> Result<&'b [u8], FileError> {
    let (head, tail) = rest.split_at_checked(n).ok_or(FileError("too short"))?;
    *rest = tail;
    Ok(head)
}

fn count(rest: &mut &[u8], most: usize) -> Result<usize, FileError> {
    let bytes = take(rest, 4)?;
    let n = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    if n > most { Err(FileError("a count is out of bounds")) } else { Ok(n) }
}

fn text(rest: &mut &[u8]) -> Result<String, FileError> {
    let n = count(rest, NAME_MAX)?;
    String::from_utf8(take(rest, n)?.to_vec()).map_err(|_| FileError("a name is not UTF-8"))
}

fn numbers(rest: &mut &[u8], n: usize) -> Result<Vec<f32>, FileError> {
    let all: Vec<f32> = take(rest, 4 * n)?.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    if all.iter().all(|x| x.is_finite()) { Ok(all) } else { Err(FileError("a number is not finite")) }
}
