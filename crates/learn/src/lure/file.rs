//! `model.bin` of a model with heads: magic `BZHEAD1\0`, length of a JSON head (u32, little endian), the JSON, the weights as i8.

use serde::{Deserialize, Serialize};

use super::{BITS, HEADS_MAX, Heads};

pub(crate) const MAGIC: &[u8; 8] = b"BZHEAD1\0";
const JSON_BYTES_MAX: usize = 64 * 1024;

/// Why `model.bin` was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadsError {
    #[error("model.bin does not begin with BZHEAD1")]
    Magic,
    #[error("model.bin: {0}")]
    Head(String),
    #[error("model.bin has {found} weights, expected {expected}")]
    Weights { found: usize, expected: usize },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    name: String,
    version: String,
    bits: u32,
    heads: Vec<String>,
    bias: Vec<f32>,
    threshold: Vec<f32>,
    unit: f32,
    languages: Vec<String>,
    /// The list of words and their meanings that it learned with; none for a model of spellings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meanings: Option<u32>,
}

impl Heads {
    /// The bytes of `model.bin`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = Head {
            name: self.name.clone(),
            version: self.version.clone(),
            bits: BITS,
            heads: self.heads.clone(),
            bias: self.bias.clone(),
            threshold: self.threshold.clone(),
            unit: self.unit,
            languages: self.languages.clone(),
            meanings: (!self.languages.is_empty()).then(super::meaning::stamp),
        };
        let json = serde_json::to_vec(&head).expect("invariant: text keys and finite numbers");
        let mut out = MAGIC.to_vec();
        out.extend((json.len() as u32).to_le_bytes());
        out.extend(json);
        out.extend(self.weights.iter().map(|&weight| weight as u8));
        out
    }

    /// Whether these bytes claim to be such a model.
    pub fn is_mine(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads `model.bin`. Any bytes are safe.
    pub fn from_bytes(bytes: &[u8]) -> Result<Heads, HeadsError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(HeadsError::Magic)?;
        let (length, rest) = rest.split_at_checked(4).ok_or_else(|| HeadsError::Head("ends inside its length".into()))?;
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let (json, weights) = rest
            .split_at_checked(length)
            .filter(|_| length <= JSON_BYTES_MAX)
            .ok_or_else(|| HeadsError::Head("ends inside its head".into()))?;
        let head: Head = serde_json::from_slice(json).map_err(|e| HeadsError::Head(e.to_string()))?;
        let count = head.heads.len();
        let finite = head.bias.iter().chain(&head.threshold).chain([&head.unit]).all(|n| n.is_finite() && n.abs() < 1e4);
        if head.bits != BITS || count == 0 || count > HEADS_MAX || head.bias.len() != count || head.threshold.len() != count || !finite {
            return Err(HeadsError::Head("heads, bias and threshold do not fit together".into()));
        }
        if head.meanings.is_some_and(|stamp| stamp != super::meaning::stamp()) {
            return Err(HeadsError::Head("it learned with another content/frameworks/lure_words.toml; train it anew".into()));
        }
        let expected = count << BITS;
        if weights.len() != expected {
            return Err(HeadsError::Weights { found: weights.len(), expected });
        }
        Ok(Heads {
            name: head.name,
            version: head.version,
            heads: head.heads,
            bias: head.bias,
            threshold: head.threshold,
            unit: head.unit,
            languages: head.languages,
            weights: weights.iter().map(|&byte| byte as i8).collect(),
        })
    }
}
