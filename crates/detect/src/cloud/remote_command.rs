//! Commands on machines through the cloud's own management: run command, sessions, serial console, start-up scripts and changed functions.
//!
//! Reads:      api_activity (6003) with parameters.  Keyed by: caller and kind of call.
//! Evidence:   the call, its document and targets.   Score: fixed for each kind; low, because administrators do the same.
//!             ATT&CK: T1651, T1021.008, T1059 (start-up script), T1525/T1648 (function code).
//! State:      one campaign for each caller and kind, at most 20,000.   Cost: a few comparisons a call.
//! Mistaken by: administrators and patch management, which is why it stays low and serves chains.
//! Method:     documented calls.

use event::analytic::AnalyticKind;
use event::{Analytic, Severity, Technique};

use crate::call::{Call, Judge, Meaning};
use crate::technique::technique;
use crate::{Scope, Spec};

const COMMAND: &[Technique] = &[technique("T1651")];
const SESSION: &[Technique] = &[technique("T1021.008"), technique("T1651")];
const USER_DATA: &[Technique] = &[technique("T1059"), technique("T1578")];
const FUNCTION: &[Technique] = &[technique("T1648"), technique("T1525")];
const ALL: &[Technique] = &[COMMAND[0], SESSION[0], USER_DATA[0], FUNCTION[0], FUNCTION[1]];

const ANALYTIC: Analytic = Analytic {
    uid: "cloud.remote_command",
    name: "Command through cloud management",
    version: "1.0",
    kind: AnalyticKind::Behavioral,
    techniques: ALL,
};

pub const SPEC: Spec = Spec {
    analytic: ANALYTIC,
    scope: Scope::Whole,
    header: "A command, session, start-up script or function code that reaches machines through the cloud's management. Low: administrators do it too.",
    build: |_| Box::new(Judge::new(&ANALYTIC, judge)),
};

fn judge(call: &Call<'_>) -> Option<Meaning> {
    if call.by_provider() {
        return None;
    }
    let targets = call.parameters("instanceIds").len() + call.parameters("target").len();
    let (techniques, title, text) = match (call.service(), call.operation()) {
        ("ssm", "SendCommand") => {
            let document = call.parameters("documentName").into_iter().next().unwrap_or_default();
            if !(document.contains("Run") && (document.contains("Shell") || document.contains("PowerShell") || document.contains("Remote")))
            {
                return None;
            }
            (COMMAND, "Command run through cloud management", format!("ran {document} on {targets} instances"))
        }
        ("ssm", "StartSession" | "ResumeSession") => {
            (SESSION, "Session through cloud management", "opened a session on an instance".to_owned())
        }
        ("ec2-instance-connect", "SendSSHPublicKey" | "SendSerialConsoleSSHPublicKey") => {
            (SESSION, "Key sent to an instance", "sent a key to sign in to an instance".to_owned())
        }
        ("ec2", "ModifyInstanceAttribute") if call.all_parameters().contains("userdata") => {
            (USER_DATA, "Start-up script changed", "changed the script that an instance runs at its start".to_owned())
        }
        ("lambda", "UpdateFunctionCode") => (FUNCTION, "Function code replaced", "replaced the code of a function".to_owned()),
        ("lambda", "UpdateFunctionConfiguration") if call.all_parameters().contains("layers") => {
            (FUNCTION, "Layer added to a function", "put a layer over a function".to_owned())
        }
        _ => return None,
    };
    Some(Meaning {
        code: "cloud.remote_command",
        title,
        techniques,
        severity: Severity::Low,
        odds: 0.0,
        text,
        usual: "",
        now: call.operation().to_owned(),
        would_change: "a caller that does this each week",
    })
}

#[cfg(test)]
mod tests {
    use crate::call::tests::{call, one};

    #[test]
    fn t1651_and_sessions() {
        let send = call("eva", "ssm", "SendCommand", &[("documentName", "AWS-RunShellScript"), ("instanceIds", "i-1")]);
        assert_eq!(one(&super::SPEC, &[send]).techniques[0].uid, "T1651");
        assert_eq!(one(&super::SPEC, &[call("eva", "ssm", "StartSession", &[("target", "i-1")])]).techniques[0].uid, "T1021.008");
    }

    #[test]
    fn patching_and_inventory_are_silent() {
        let events = [
            call("eva", "ssm", "SendCommand", &[("documentName", "AWS-RunPatchBaseline")]),
            call("eva", "ssm", "PutInventory", &[]),
            call("eva", "lambda", "UpdateFunctionConfiguration", &[("memorySize", "512")]),
        ];
        assert_eq!(crate::tests::run(&super::SPEC, &events), []);
    }
}
