//! The least and greatest logit over a box of values: each tree's reachable leaves, summed.
//!
//! Sound, not tight: two trees may want different values of one column; the true range lies inside.

use super::{Forest, Tree};

pub(super) fn bounds(forest: &Forest, low: &[f32], high: &[f32]) -> (f32, f32) {
    let at = |values: &[f32], column: u16| values.get(usize::from(column)).copied().unwrap_or(f32::NAN);
    let (mut least, mut most) = (forest.base, forest.base);
    for tree in &forest.trees {
        let (a, b) = range(tree, 0, &|column| (at(low, column), at(high, column)));
        least += a;
        most += b;
    }
    (least, most)
}

/// Depth is at most [`super::DEPTH_MAX`], so the recursion is bounded.
fn range(tree: &Tree, at: u32, column: &dyn Fn(u16) -> (f32, f32)) -> (f32, f32) {
    let node = &tree[at as usize];
    if node.is_leaf() {
        return (node.split, node.split);
    }
    let (low, high) = column(node.feature);
    let missing = low.is_nan() || high.is_nan();
    let left = if missing { node.default_left } else { low < node.split };
    let right = if missing { !node.default_left } else { high >= node.split };
    match (left, right) {
        (true, false) => range(tree, node.left, column),
        (false, true) => range(tree, node.right, column),
        _ => {
            let (a, b) = (range(tree, node.left, column), range(tree, node.right, column));
            (a.0.min(b.0), a.1.max(b.1))
        }
    }
}
