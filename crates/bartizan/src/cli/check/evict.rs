//! `check --quarantine`: the plan first, then one order a file, like every other order of a person.

use event::order::{Answer, Fault, What};
use serde_json::json;

use super::record::{Bad, Settled};
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, out, text};

/// Files of the plan that are shown.
const SHOWN_MAX: usize = 20;

pub(super) fn evict(settled: &Settled, ndjson: bool, global: &Global) -> Result<Exit, Fail> {
    let Settled { incidents, bad, to } = settled;
    let machine = ndjson || global.json;
    // A Bartizan that enforces may have moved it already.
    let there: Vec<&Bad> = bad.iter().filter(|b| b.path.symlink_metadata().is_ok()).collect();
    if !machine && there.len() < bad.len() {
        out::line(format!(
            " {} of {} files are not there any more: a running bartizan may have moved them",
            bad.len() - there.len(),
            bad.len()
        ));
    }
    if there.is_empty() {
        if !machine && bad.is_empty() {
            out::line(" nothing to put in quarantine: no file was judged phishing or malicious");
        }
        return Ok(Exit::Fine);
    }
    if !machine {
        for file in there.iter().take(SHOWN_MAX) {
            out::line(format!(" will   move {} to quarantine", out::shown(&file.path.display().to_string())));
        }
        if there.len() > SHOWN_MAX {
            out::line(format!("        and {} more", there.len() - SHOWN_MAX));
        }
        out::line(" undo   bartizan undo PATH puts a file back as it was; nothing is deleted");
    }
    text::confirm(global)?;
    let (mut done, mut worst) = (0, None);
    for file in &there {
        let incident = incidents.iter().find(|(finding, _)| *finding == file.finding).map(|(_, incident)| incident.clone());
        let what = What::Quarantine {
            path: file.path.display().to_string(),
            sha256: file.sha256.clone(),
            incident: incident.unwrap_or_default(),
            reason: file.title.clone(),
        };
        let answer: Answer = to.order(what, global)?;
        done += usize::from(answer.fault.is_none());
        if let Some(fault) = &answer.fault {
            let (Fault::Refused(why) | Fault::Unknown(why) | Fault::Failed(why)) = fault;
            out::note(format!("E0406 {} stays where it is: {}", out::shown(&file.path.display().to_string()), out::shown(why)));
            worst = Some(Exit::CouldNot);
        }
        if machine {
            out::json(&json!({
                "schema": "bartizan.quarantine/1", "path": file.path.display().to_string(), "sha256": file.sha256, "done": answer.fault.is_none(),
                "receipt": answer.receipt, "text": answer.text,
            }));
        } else if answer.fault.is_none() {
            let receipt = answer.receipt.map(|r| format!("      receipt {r}")).unwrap_or_default();
            out::line(format!("        {}{receipt}", out::shown(&answer.text)));
        }
    }
    if !machine {
        out::line(format!(" done   {done}/{} in quarantine", there.len()));
    }
    Ok(worst.unwrap_or(Exit::Fine))
}
