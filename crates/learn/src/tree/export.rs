//! The way out: a forest as XGBoost JSON (`Booster.load_model`), raw margins, calibration not included.

use serde_json::{Value, json};

use super::{Forest, Node};

/// The model in XGBoost's JSON schema (version 3), one tree for each of ours. `base_score` is written as a probability, as XGBoost keeps it.
pub fn xgboost_json(forest: &Forest, names: &[&str]) -> Vec<u8> {
    let trees: Vec<Value> = forest.trees.iter().enumerate().map(|(id, tree)| tree_json(id, tree, forest.columns)).collect();
    let base = crate::calibrate::sigmoid(f64::from(forest.base));
    let model = json!({
        "learner": {
            "attributes": {"note": "exported; scores are uncalibrated"},
            "feature_names": names,
            "feature_types": vec!["float"; names.len()],
            "gradient_booster": {
                "model": {
                    "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": trees.len().to_string()},
                    "iteration_indptr": (0..=trees.len()).collect::<Vec<_>>(),
                    "tree_info": vec![0; trees.len()],
                    "trees": trees,
                },
                "name": "gbtree",
            },
            "learner_model_param": {
                "base_score": format!("[{base:E}]"), "boost_from_average": "1", "num_class": "0",
                "num_feature": forest.columns.to_string(), "num_target": "1",
            },
            "objective": {"name": "binary:logistic", "reg_loss_param": {"scale_pos_weight": "1"}},
        },
        "version": [3, 1, 0],
    });
    serde_json::to_vec(&model).expect("invariant: text keys and finite numbers")
}

fn tree_json(id: usize, tree: &[Node], columns: usize) -> Value {
    let mut parents = vec![i32::MAX; tree.len()];
    for (at, node) in tree.iter().enumerate().filter(|(_, node)| !node.is_leaf()) {
        parents[node.left as usize] = at as i32;
        parents[node.right as usize] = at as i32;
    }
    let child = |node: &Node, child: u32| if node.is_leaf() { -1 } else { child as i32 };
    let zeros = vec![0; tree.len()];
    json!({
        "base_weights": tree.iter().map(|n| if n.is_leaf() { n.split } else { 0.0 }).collect::<Vec<_>>(),
        "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
        "default_left": tree.iter().map(|n| u8::from(n.default_left && !n.is_leaf())).collect::<Vec<_>>(),
        "id": id,
        "left_children": tree.iter().map(|n| child(n, n.left)).collect::<Vec<_>>(),
        "right_children": tree.iter().map(|n| child(n, n.right)).collect::<Vec<_>>(),
        "loss_changes": vec![0.0; tree.len()],
        "parents": parents,
        "split_conditions": tree.iter().map(|n| n.split).collect::<Vec<_>>(),
        "split_indices": tree.iter().map(|n| n.feature).collect::<Vec<_>>(),
        "split_type": zeros,
        "sum_hessian": tree.iter().map(|n| n.cover).collect::<Vec<_>>(),
        "tree_param": {"num_deleted": "0", "num_feature": columns.to_string(), "num_nodes": tree.len().to_string(), "size_leaf_vector": "1"},
    })
}
