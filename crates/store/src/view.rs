//! The folded view: latest state of each incident and response.

use event::{Entity, Severity, Text, Time};

/// All that is set must hold.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    pub open: bool,
    /// At least.
    pub severity: Option<Severity>,
    pub entity: Option<Entity>,
    /// `T1110` takes its sub-techniques with it.
    pub technique: Option<Text>,
    /// Beginning of an analytic's name: `web.` or `web.request`.
    pub analytic: Option<Text>,
    /// In name, title, story or entities; no matter which case.
    pub text: String,
    /// 0 is no limit.
    pub limit: usize,
    /// `last_seen` and name of the last one of the page before.
    pub before: Option<(Time, Text)>,
}
