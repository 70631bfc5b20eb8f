//! One compliance framework, requirement by requirement: what was found, what is looked at, what nothing here looks at. Numbers only.

use maud::{Markup, html};

use super::super::{Ctx, Here, layout};
use super::Rule;
use crate::about::{FrameworkState, RequirementState};
use crate::href::Href;
use crate::part::{count, text};

/// Requirements of one framework that are shown.
const SHOWN_MAX: usize = 2_000;
const RULES_SHOWN: usize = 6;

pub(super) fn link(framework: &FrameworkState) -> Markup {
    html! { a href=(Href::to("/posture").query("framework", &framework.id)) { (text(&framework.name)) } }
}

/// A log holds what was found, not all that was looked at: a requirement without a finding is not called met.
fn state(requirement: &RequirementState, open: usize) -> (&'static str, &'static str) {
    match (open, requirement.rules.is_empty(), requirement.without_rule) {
        (1.., _, _) => ("fail", "chip warn"),
        (0, true, 0) => ("manual", "chip"),
        (0, false, 0) => ("nothing found", "chip good"),
        _ => ("not assessed", "chip"),
    }
}

pub(super) fn page(ctx: &Ctx, framework: &FrameworkState, rules: &[Rule<'_>]) -> Markup {
    let open = |r: &RequirementState| {
        rules.iter().filter(|rule| r.rules.iter().any(|id| id == rule.id)).map(|rule| rule.findings.len()).sum::<usize>()
    };
    let rows: Vec<(&RequirementState, usize)> = framework.requirements.iter().map(|r| (r, open(r))).collect();
    let of = |word: &str| rows.iter().filter(|(r, open)| state(r, *open).0 == word).count() as u64;
    layout(
        ctx,
        Here::Posture,
        "Posture",
        &html! {
            div.head { h1 { (text(&framework.name)) } p.sub { "requirement by requirement · " a href=(Href::to("/posture")) { "all findings" } } }
            div id="posture" data-live="finding" data-every="10" {
                section.panel aria-labelledby="crosswalk" {
                    h2 id="crosswalk" { "Requirements" span.sub {
                        (count(of("fail"))) " fail, " (count(of("nothing found"))) " without a finding, " (count(of("not assessed"))) " not assessed, "
                        (count(of("manual"))) " manual, of " (count(rows.len() as u64))
                    } }
                    p.muted { "Numbers are the framework's own. Not assessed: an automatic check of it has no rule here. Without a finding is not yet met: only what was scanned into this log was looked at, and " code { "bartizan posture PATH --framework " (text(&framework.id)) } " says what passes." }
                    table.rows {
                        thead { tr { th scope="col" { "Requirement" } th scope="col" { "State" } th.n scope="col" { "Open" } th scope="col" { "Rules" } th.n scope="col" { "Checks without a rule" } } }
                        tbody { @for (requirement, open) in rows.iter().take(SHOWN_MAX) {
                            @let (word, class) = state(requirement, *open);
                            tr {
                                th scope="row" { (text(&requirement.id)) }
                                td.state data-label="state" { span class=(class) { (word) } }
                                td.n data-label="open" { (count(*open as u64)) }
                                td.why { @for (at, id) in requirement.rules.iter().take(RULES_SHOWN).enumerate() {
                                    @if at > 0 { ", " }
                                    a href=(Href::to("/search").query("q", &format!("class:finding resource:* \"{id}\""))) { (text(id)) }
                                } @if requirement.rules.len() > RULES_SHOWN { " and " (requirement.rules.len() - RULES_SHOWN) " more" } }
                                td.n data-label="without a rule" { (count(u64::from(requirement.without_rule))) }
                            }
                        } }
                    }
                    p.muted { "Mapping: " (text(&framework.source)) }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_looked_at_is_never_called_good() {
        let of = |rules: usize, without_rule: u32, open: usize| {
            let requirement = RequirementState { id: "1".into(), rules: vec!["R".into(); rules], without_rule };
            state(&requirement, open).0
        };
        assert_eq!(
            [of(1, 3, 2), of(1, 0, 0), of(1, 1, 0), of(0, 1, 0), of(0, 0, 0)],
            ["fail", "nothing found", "not assessed", "not assessed", "manual"]
        );
    }
}
