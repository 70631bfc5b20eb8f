//! `rule lint|list|test`: rules before they are used.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::knowledge::Content;

/// Look at rules: which are used, which are refused and why
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan rule lint my-rules/\n  bartizan rule list --json\n  bartizan rule test --posture\n\nExit codes: 0 every rule can be used; 1 some are refused, or an example is judged wrongly; 3 could not read them."
)]
pub(super) struct Rule {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Load Sigma and YARA rules (folder, .yml, .yar, .tar.zst) and say what is refused, and which log sources no event reaches
    Lint { paths: Vec<PathBuf> },
    /// Run the examples of the rules: each bad one must be found, each good one must stay silent
    Test {
        /// The rules about configuration
        #[arg(long, required = true)]
        posture: bool,
        /// Only this rule, by id or alias
        #[arg(long, value_name = "ID")]
        rule: Option<String>,
    },
    /// Every rule that is loaded
    List {
        /// Rules beside the built-in ones
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
}

pub(super) fn run(args: &Rule, global: &Global) -> Result<Exit, Fail> {
    let mut content = Content::load(global.content.as_deref())?;
    match &args.what {
        What::Lint { paths } => {
            content.add_rules(paths)?;
            lint(&content.sigma()?, &content.yara(), global)
        }
        What::Test { rule, .. } => test(&content.posture_rules()?, rule.as_deref(), global),
        What::List { rules } => {
            content.add_rules(rules)?;
            list(&content.sigma()?, global);
            Ok(Exit::Fine)
        }
    }
}

fn test(rules: &::rule::posture::Rules, only: Option<&str>, global: &Global) -> Result<Exit, Fail> {
    let wanted: Vec<usize> = (0..rules.all().len()).filter(|n| only.is_none_or(|id| rules.all()[*n].is_named(id))).collect();
    if wanted.is_empty() {
        return Err(
            Fail::new("E0510", format!("no rule is called {}", out::shown(only.unwrap_or_default()))).fix("bartizan posture --list-rules")
        );
    }
    let examples: usize = wanted.iter().map(|n| rules.all()[*n].bad.len() + rules.all()[*n].good.len()).sum();
    let failures: Vec<(&str, String)> =
        wanted.iter().flat_map(|n| rules.examples_of(*n).into_iter().map(|why| (rules.all()[*n].id.as_str(), why))).collect();
    if global.json {
        let listed: Vec<_> = failures.iter().map(|(rule, why)| json!({"rule": rule, "why": why})).collect();
        out::json(&json!({
            "schema": "bartizan.rule_test/1", "rules": wanted.len(), "passed": examples - failures.len(), "failed": failures.len(), "skipped": 0,
            "failures": listed,
        }));
    } else {
        failures.iter().for_each(|(_, why)| out::line(out::shown(why)));
        out::line(format!("{} rules, {examples} examples: {} passed, {} failed", wanted.len(), examples - failures.len(), failures.len()));
    }
    Ok(if failures.is_empty() { Exit::Fine } else { Exit::Found })
}

fn lint(set: &::rule::sigma::Set, yara: &::rule::yara::Loaded, global: &Global) -> Result<Exit, Fail> {
    let refused: Vec<&::rule::sigma::Refused> = set.refused.iter().chain(&yara.refused).collect();
    let of_files = yara.rules.as_ref().map_or(0, ::rule::yara::Rules::len);
    if global.json {
        let refused = refused.iter().map(|r| json!({"file": r.file, "line": r.line, "why": r.why, "fix": r.fix}));
        out::json(&json!({
            "schema": "bartizan.rule_lint/1", "rules": set.len() + of_files, "refused": refused.collect::<Vec<_>>(), "unrouted": set.unrouted,
        }));
    } else {
        refused.iter().for_each(|refused| out::line(out::shown(&refused.to_string())));
        for (source, rules) in &set.unrouted {
            out::line(out::shown(&format!("{source}: {rules} rules, no event of this log source is known")));
        }
        let idle: usize = set.unrouted.values().sum();
        let yara = if ::rule::yara::BUILT_IN { format!(", {of_files} YARA rules") } else { String::new() };
        out::line(format!("{} rules{yara}, {} refused, {idle} for unknown log sources", set.len(), refused.len()));
    }
    Ok(if refused.is_empty() { Exit::Fine } else { Exit::Found })
}

fn list(set: &::rule::sigma::Set, global: &Global) {
    for rule in set.rules() {
        if global.json {
            out::json(&json!({
                "schema": "bartizan.rule/1", "id": rule.id, "title": rule.title, "level": format!("{:?}", rule.level).to_lowercase(),
                "source": rule.source, "tags": rule.tags, "author": rule.author, "file": rule.file,
            }));
        } else {
            out::line(out::shown(&format!("{:<13} {:<40} {}", format!("{:?}", rule.level).to_lowercase(), rule.source, rule.title)));
        }
    }
}
