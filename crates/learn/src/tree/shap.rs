//! Exact path-dependent TreeSHAP: Lundberg, Erion, Chen et al., "From local explanations to global understanding with explainable AI
//! for trees", Nature Machine Intelligence 2 (2020), algorithm 2.

use super::{Forest, Node, Tree};

/// One feature on the path from the root: its index, the share of covers that come this way without and with it, and path weights.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// `u16::MAX` for the root's empty entry.
    feature: u16,
    zero: f64,
    one: f64,
    weight: f64,
}

/// Expected logit and one push for each column.
pub(super) fn contributions(forest: &Forest, row: &[f32]) -> (f32, Vec<f32>) {
    let mut pushes = vec![0f64; forest.columns];
    let mut base = f64::from(forest.base);
    for tree in &forest.trees {
        base += mean(tree, 0);
        let path = Vec::with_capacity(super::DEPTH_MAX + 2);
        walk(tree, 0, row, &mut pushes, &path, (1.0, 1.0, u16::MAX));
    }
    (base as f32, pushes.into_iter().map(|push| push as f32).collect())
}

fn mean(tree: &Tree, at: u32) -> f64 {
    let node = &tree[at as usize];
    if node.is_leaf() {
        return f64::from(node.split);
    }
    let (left, right) = shares(tree, node);
    left * mean(tree, node.left) + right * mean(tree, node.right)
}

/// Shares of a node's rows that went left and right.
fn shares(tree: &Tree, node: &Node) -> (f64, f64) {
    let (left, right) = (f64::from(tree[node.left as usize].cover), f64::from(tree[node.right as usize].cover));
    let sum = left + right;
    if sum > 0.0 { (left / sum, right / sum) } else { (0.5, 0.5) }
}

/// Recursion is bounded by the depth of a tree; the path is copied at each level and holds each feature once.
fn walk(tree: &Tree, at: u32, row: &[f32], pushes: &mut [f64], parent: &[Step], (mut zero, mut one, feature): (f64, f64, u16)) {
    let mut path = parent.to_vec();
    if let Some(i) = path.iter().position(|step| feature != u16::MAX && step.feature == feature) {
        // The feature stands higher on the path already: both splits together are one step.
        zero *= path[i].zero;
        one *= path[i].one;
        unwind(&mut path, i);
    }
    extend(&mut path, zero, one, feature);
    let node = &tree[at as usize];
    if node.is_leaf() {
        for i in 1..path.len() {
            let step = path[i];
            pushes[usize::from(step.feature)] += unwound_sum(&path, i) * (step.one - step.zero) * f64::from(node.split);
        }
        return;
    }
    let value = row.get(usize::from(node.feature)).copied().unwrap_or(f32::NAN);
    let (left, right) = shares(tree, node);
    let goes_left = node.goes_left(value);
    walk(tree, node.left, row, pushes, &path, (left, f64::from(u8::from(goes_left)), node.feature));
    walk(tree, node.right, row, pushes, &path, (right, f64::from(u8::from(!goes_left)), node.feature));
}

fn extend(path: &mut Vec<Step>, zero: f64, one: f64, feature: u16) {
    let depth = path.len();
    path.push(Step { feature, zero, one, weight: if depth == 0 { 1.0 } else { 0.0 } });
    for i in (0..depth).rev() {
        let share = (i + 1) as f64 / (depth + 1) as f64;
        path[i + 1].weight += one * path[i].weight * share;
        path[i].weight = zero * path[i].weight * (depth - i) as f64 / (depth + 1) as f64;
    }
}

fn unwind(path: &mut Vec<Step>, at: usize) {
    let last = path.len() - 1;
    let Step { zero, one, .. } = path[at];
    let mut next = path[last].weight;
    for i in (0..last).rev() {
        let here = path[i].weight;
        if one != 0.0 {
            path[i].weight = next * (last + 1) as f64 / ((i + 1) as f64 * one);
            next = here - path[i].weight * zero * (last - i) as f64 / (last + 1) as f64;
        } else {
            path[i].weight = here * (last + 1) as f64 / (zero * (last - i) as f64);
        }
    }
    for i in at..last {
        let after = path[i + 1];
        path[i] = Step { weight: path[i].weight, ..after };
    }
    path.pop();
}

fn unwound_sum(path: &[Step], at: usize) -> f64 {
    let last = path.len() - 1;
    let Step { zero, one, .. } = path[at];
    let (mut next, mut sum) = (path[last].weight, 0.0);
    for i in (0..last).rev() {
        if one != 0.0 {
            let weight = next * (last + 1) as f64 / ((i + 1) as f64 * one);
            sum += weight;
            next = path[i].weight - weight * zero * (last - i) as f64 / (last + 1) as f64;
        } else if zero != 0.0 {
            sum += path[i].weight * (last + 1) as f64 / (zero * (last - i) as f64);
        }
    }
    sum
}
