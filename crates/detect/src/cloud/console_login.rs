//! Console sign-in without a second factor, and sign-in as the root user.
//!
//! Reads:      authentication (3002) of an AWS `ConsoleLogin` with its native fields, or api_activity (6003) of that name.  Keyed by: caller.
//! Evidence:   the sign-in and what it says about the second factor.   Score: fixed, more for root.   ATT&CK: T1078.004.
//! State:      one campaign a caller, at most 20,000.   Cost: a few comparisons a call.
//! Mistaken by: federated sign-in, where the second factor is asked for elsewhere (silent: assumed roles and SAML are left out).

use event::analytic::AnalyticKind;
use event::authentication::Outcome;
use event::{Analytic, Api, Authentication, Body, Event, Finding, Severity, Technique};

use crate::call::{Call, Judge, Meaning};
use crate::technique::technique;
use crate::{Detector, Scope, Seen, Spec, StateError};

const CLOUD_ACCOUNTS: &[Technique] = &[technique("T1078.004")];

const ANALYTIC: Analytic = Analytic {
    uid: "cloud.console_login",
    name: "Console sign-in without a second factor",
    version: "1.0",
    kind: AnalyticKind::Behavioral,
    techniques: CLOUD_ACCOUNTS,
};

pub const SPEC: Spec = Spec {
    analytic: ANALYTIC,
    scope: Scope::Whole,
    header: "A user signs in to the console without a second factor (low), or as root (medium). Mistaken by: federated sign-in, which is left out.",
    build: |_| Box::new(ConsoleLogin { judge: Judge::new(&ANALYTIC, judge) }),
};

struct ConsoleLogin {
    judge: Judge,
}

impl Detector for ConsoleLogin {
    fn detect(&mut self, event: &Event, seen: &Seen, out: &mut Vec<Finding>) {
        match &event.body {
            Body::Authentication(login) => {
                if let Some(call) = as_call(event, login) {
                    self.judge.detect(&call, seen, out);
                }
            }
            _ => self.judge.detect(event, seen, out),
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        self.judge.filled()
    }

    fn save(&self) -> Vec<u8> {
        self.judge.save()
    }

    fn load(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.judge.load(state)
    }
}

/// The sign-in as the call it is in the audit log; `None` for sign-ins elsewhere.
fn as_call(event: &Event, login: &Authentication) -> Option<Event> {
    let native = event.native.as_deref()?;
    let text = |name: &str| native.get(name).map(ToString::to_string).unwrap_or_default();
    if native.product != "aws" || text("eventName") != "ConsoleLogin" {
        return None;
    }
    let api = Api {
        provider: native.product.clone(),
        service: text("eventSource").into(),
        operation: text("eventName").into(),
        user: login.user.clone(),
        user_kind: text("userIdentity.type").into(),
        principal: text("userIdentity.arn"),
        client: login.client,
        user_agent: login.user_agent.clone(),
        account: login.host.clone(),
        region: text("awsRegion").into(),
        success: login.outcome == Outcome::Success,
        error: login.reason.clone(),
        ..Api::default()
    };
    Some(Event { body: Body::Api(Box::new(api)), ..event.clone() })
}

fn judge(call: &Call<'_>) -> Option<Meaning> {
    if call.operation() != "ConsoleLogin" || call.api.user_kind == "AssumedRole" || call.api.user_kind == "SAMLUser" {
        return None;
    }
    if !call.api.success || call.field("responseElements.ConsoleLogin") == "Failure" {
        return None;
    }
    let root = call.api.user_kind == "Root" || call.api.user == "root";
    let used = call.field("additionalEventData.MFAUsed");
    let mfa = match used.as_str() {
        "Yes" => true,
        "No" => false,
        _ => call.api.mfa.unwrap_or(!root),
    };
    if mfa && !root {
        return None;
    }
    let whose = if root { "signed in to the console as root" } else { "signed in to the console" };
    let how = if mfa { "with a second factor" } else { "without a second factor" };
    Some(Meaning {
        code: "cloud.console_login",
        title: if root { "Root signed in to the console" } else { "Console sign-in without a second factor" },
        techniques: CLOUD_ACCOUNTS,
        severity: if root && !mfa { Severity::Medium } else { Severity::Low },
        odds: if root && !mfa { 1.5 } else { 0.5 },
        text: format!("{whose} {how}"),
        usual: "a second factor at each sign-in, root not at all",
        now: how.to_owned(),
        would_change: "a second factor at the sign-in",
    })
}

#[cfg(test)]
mod tests {
    use crate::call::tests::{call, kind, one, with};
    use event::authentication::Outcome;
    use event::{Authentication, Body, Severity};

    /// What the decoder makes of a console sign-in.
    #[test]
    fn t1078_004_an_authentication_with_native_fields() {
        let login = |mfa: &str, product: &str| {
            let mut event = with(call("root", "signin", "ConsoleLogin", &[]), "additionalEventData.MFAUsed", mfa);
            event = with(with(event, "eventName", "ConsoleLogin"), "userIdentity.type", "Root");
            event.body = Body::Authentication(Box::new(Authentication {
                outcome: Outcome::Success,
                user: "root".into(),
                host: "1".into(),
                ..Authentication::default()
            }));
            if let Some(native) = &mut event.native {
                native.product = product.into();
            }
            event
        };
        assert_eq!(one(&super::SPEC, &[login("No", "aws")]).severity, Severity::Medium);
        assert_eq!(crate::tests::run(&super::SPEC, &[login("No", "linux")]), []);
    }

    #[test]
    fn t1078_004_without_second_factor() {
        let login = with(call("eva", "signin", "ConsoleLogin", &[]), "additionalEventData.MFAUsed", "No");
        assert_eq!(one(&super::SPEC, &[login]).severity, Severity::Low);
        let root = with(kind(call("root", "signin", "ConsoleLogin", &[]), "Root"), "additionalEventData.MFAUsed", "No");
        assert_eq!(one(&super::SPEC, &[root]).severity, Severity::Medium);
    }

    #[test]
    fn with_second_factor_or_federated_is_silent() {
        let events = [
            with(call("eva", "signin", "ConsoleLogin", &[]), "additionalEventData.MFAUsed", "Yes"),
            with(kind(call("ops", "signin", "ConsoleLogin", &[]), "AssumedRole"), "additionalEventData.MFAUsed", "No"),
            call("eva", "signin", "CheckMfa", &[]),
        ];
        assert_eq!(crate::tests::run(&super::SPEC, &events), []);
    }
}
