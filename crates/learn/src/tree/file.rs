//! `model.bin` of trees. Little endian; every count is bounded before anything is allocated, every child stands after its parent.
//!
//! Layout 1: magic `BZTREE1\0`, name, version (u8 length + UTF-8), columns u16, base f32, curve (u8 knots, then x and y f32 each),
//! trees u16, then for each tree: nodes u16 and for each node: kind u8 (0 leaf, 1 split with missing right, 2 with missing left),
//! cover f32, then a leaf's value f32, or a split's feature u16, threshold f32, left u16, right u16. Nothing may follow.

use super::{COLUMNS_MAX, DEPTH_MAX, Forest, Node, TREES_MAX, Tree};
use crate::bytes::{Reader, put_curve, put_text};
pub use crate::text::FileError;
use crate::text::Thresholds;

const MAGIC: &[u8; 8] = b"BZTREE1\0";
/// A tree of the greatest depth has this many nodes.
const NODES_MAX: usize = (2 << DEPTH_MAX) - 1;

impl Forest {
    /// The bytes of `model.bin`. Thresholds are not in it: they have a file of their own.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.trees.iter().map(|tree| tree.len() * 13).sum::<usize>());
        out.extend_from_slice(MAGIC);
        put_text(&mut out, &self.name);
        put_text(&mut out, &self.version);
        out.extend_from_slice(&(self.columns as u16).to_le_bytes());
        out.extend_from_slice(&self.base.to_le_bytes());
        put_curve(&mut out, &self.curve);
        out.extend_from_slice(&(self.trees.len() as u16).to_le_bytes());
        for tree in &self.trees {
            out.extend_from_slice(&(tree.len() as u16).to_le_bytes());
            for node in tree {
                out.push(if node.is_leaf() { 0 } else { 1 + u8::from(node.default_left) });
                out.extend_from_slice(&node.cover.to_le_bytes());
                if !node.is_leaf() {
                    out.extend_from_slice(&node.feature.to_le_bytes());
                }
                out.extend_from_slice(&node.split.to_le_bytes());
                if !node.is_leaf() {
                    out.extend_from_slice(&(node.left as u16).to_le_bytes());
                    out.extend_from_slice(&(node.right as u16).to_le_bytes());
                }
            }
        }
        out
    }

    /// Whether these bytes say that they are a tree model.
    pub fn is_file(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads `model.bin`. Any bytes are safe to hand over; what is not exactly a model is refused.
    pub fn from_bytes(bytes: &[u8], thresholds: Thresholds) -> Result<Forest, FileError> {
        let mut reader = Reader::new(bytes);
        reader.magic(MAGIC, "BZTREE1")?;
        let (name, version) = (reader.text("name")?, reader.text("version")?);
        let columns = reader.count("columns", 1, COLUMNS_MAX)?;
        let base = reader.number("base", -100.0, 100.0)?;
        let curve = reader.curve()?;
        let count = reader.count("trees", 1, TREES_MAX)?;
        let mut trees = Vec::with_capacity(count);
        for _ in 0..count {
            trees.push(tree(&mut reader, columns)?);
        }
        reader.end()?;
        Ok(Forest { name, version, columns, base, trees, curve, thresholds })
    }
}

fn tree(reader: &mut Reader<'_>, columns: usize) -> Result<Tree, FileError> {
    let count = reader.count("nodes", 1, NODES_MAX)?;
    let mut nodes = Vec::with_capacity(count);
    let mut depth = vec![0usize; count];
    for at in 0..count {
        let kind = reader.byte("node kind")?;
        let cover = reader.number("cover", 0.0, f32::MAX)?;
        if kind == 0 {
            let split = reader.number("leaf", -100.0, 100.0)?;
            nodes.push(Node { feature: 0, default_left: true, split, left: 0, right: 0, cover });
            continue;
        }
        if kind > 2 {
            return Err(FileError::Value { what: "node kind", found: kind.to_string(), expected: "0..=2".into() });
        }
        let feature = reader.count("feature", 0, columns - 1)? as u16;
        let split = reader.number("threshold", f32::MIN, f32::MAX)?;
        let mut child = || -> Result<u32, FileError> {
            let child = reader.count("child", at + 1, count.saturating_sub(1).max(at + 1))?;
            if child >= count || depth[at] == DEPTH_MAX {
                return Err(FileError::Value { what: "child", found: child.to_string(), expected: format!("a tree of depth {DEPTH_MAX}") });
            }
            depth[child] = depth[child].max(depth[at] + 1);
            Ok(child as u32)
        };
        let (left, right) = (child()?, child()?);
        nodes.push(Node { feature, default_left: kind == 2, split, left, right, cover });
    }
    Ok(nodes)
}
