//! The engine behind a trait of our own: what compiles the rules of one log source and matches them.

use rsigma_eval::ResultBody;
use rsigma_parser::SigmaRule;

use super::View;

/// Compiled rules of one log source.
pub trait Engine: Send + Sync {
    /// Rules that cannot be compiled, by their index in `rules`, and why; the others are ready.
    fn load(&mut self, rules: &[SigmaRule]) -> Vec<(usize, String)>;

    /// Ids of the rules that match, with the fields that did.
    fn matches(&self, view: &View<'_>) -> Vec<(String, Vec<(String, String)>)>;
}

#[derive(Default)]
pub struct Rsigma {
    engine: rsigma_eval::Engine,
}

/// Matched fields kept of one hit.
const FIELDS_KEPT: usize = 16;
/// Characters kept of a matched value.
const VALUE_CHARS_MAX: usize = 256;

impl Engine for Rsigma {
    fn load(&mut self, rules: &[SigmaRule]) -> Vec<(usize, String)> {
        self.engine.add_rules(rules).into_iter().map(|(index, error)| (index, error.to_string())).collect()
    }

    fn matches(&self, view: &View<'_>) -> Vec<(String, Vec<(String, String)>)> {
        let hit = |result: rsigma_eval::EvaluationResult| {
            let ResultBody::Detection(body) = result.body else { return None };
            let shown = |value: serde_json::Value| match value {
                serde_json::Value::String(text) => text.chars().take(VALUE_CHARS_MAX).collect(),
                other => other.to_string().chars().take(VALUE_CHARS_MAX).collect(),
            };
            let fields = body.matched_fields.into_iter().take(FIELDS_KEPT).map(|m| (m.field, shown(m.value)));
            Some((result.header.rule_id?, fields.collect()))
        };
        self.engine.evaluate(view).into_iter().filter_map(hit).collect()
    }
}
