//! What detectors of cloud audit logs share: one management call with its parameters, and findings about calls that speak for themselves.

use event::finding::Reason;
use event::native::Value;
use event::{Analytic, Api, Body, Entity, Event, Finding, Native, Score, Severity, Technique};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, key, logistic};
use crate::{Detector, Seen, StateError, state};

/// One call of a management interface.
pub(crate) struct Call<'e> {
    pub(crate) event: &'e Event,
    pub(crate) api: &'e Api,
    native: Option<&'e Native>,
}

impl<'e> Call<'e> {
    pub(crate) fn of(event: &'e Event) -> Option<Call<'e>> {
        let Body::Api(api) = &event.body else { return None };
        Some(Call { event, api, native: event.native.as_deref() })
    }

    /// Parameters (`requestParameters.*`) whose last name is `name`, whatever its case, as text.
    pub(crate) fn parameters(&self, name: &str) -> Vec<String> {
        let fields = self.native.map(|n| n.fields.as_slice()).unwrap_or_default();
        let is = |field: &str| {
            field.get(..18).is_some_and(|p| p.eq_ignore_ascii_case("requestParameters."))
                && field.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case(name))
        };
        fields.iter().filter(|(field, _)| is(field)).map(|(_, value)| value.to_string()).take(VALUES_MAX).collect()
    }

    /// Every parameter, as `name=value` in lower case, joined; what is longer than 16 KiB is cut.
    pub(crate) fn all_parameters(&self) -> String {
        const BYTES_MAX: usize = 16 * 1024;
        let mut all = String::new();
        for (field, value) in self.native.map(|n| n.fields.as_slice()).unwrap_or_default() {
            if let Some(name) = field.strip_prefix("requestParameters.") {
                if all.len() > BYTES_MAX {
                    break;
                }
                let text = value.to_string();
                all.push_str(&name.to_ascii_lowercase());
                all.push('=');
                all.push_str(&text[..text.floor_char_boundary(BYTES_MAX)].to_ascii_lowercase());
                all.push('\n');
            }
        }
        all
    }

    /// A field of the record by its whole name.
    pub(crate) fn field(&self, name: &str) -> String {
        self.native.and_then(|n| n.get(name)).filter(|v| !matches!(v, Value::Null)).map(Value::to_string).unwrap_or_default()
    }

    /// The operation without the version some services add: `UpdateFunctionCode20150331v2`.
    pub(crate) fn operation(&self) -> &'e str {
        let name = self.api.operation.as_str();
        match name.find("20") {
            Some(at) if name[at..].len() >= 8 && name[at..].bytes().take(8).all(|b| b.is_ascii_digit()) => &name[..at],
            _ => name,
        }
    }

    /// `s3` of `s3.amazonaws.com`.
    pub(crate) fn service(&self) -> &'e str {
        self.api.service.split('.').next().unwrap_or_default()
    }

    pub(crate) fn denied(&self) -> bool {
        let error = &self.api.error;
        ["AccessDenied", "Unauthorized", "Forbidden", "PERMISSION_DENIED", "AuthorizationFailed"].iter().any(|e| error.contains(e))
    }

    /// The provider itself called: autoscaling, backup, lifecycle rules, service-linked roles.
    pub(crate) fn by_provider(&self) -> bool {
        let api = self.api;
        api.user_kind == "AWSService"
            || api.client.is_none() && api.client_name.ends_with(".amazonaws.com")
            || api.principal.contains(":assumed-role/AWSServiceRole")
            || api.user.starts_with("AWSServiceRole")
    }

    /// Who called, as findings name it.
    pub(crate) fn caller(&self) -> &'e str {
        let api = self.api;
        [api.user.as_str(), &api.principal, &api.credential].into_iter().find(|n| !n.is_empty()).unwrap_or("unknown caller")
    }

    pub(crate) fn caller_key(&self) -> u64 {
        key(format!("{} {}", self.api.account, self.caller()).as_bytes())
    }

    /// Caller first, then its address and the service.
    pub(crate) fn entities(&self) -> Vec<Entity> {
        let mut all = vec![Entity::user(self.caller())];
        all.extend(self.api.client.map(Entity::address));
        if !self.api.service.is_empty() {
            all.push(Entity::service(&self.api.service));
        }
        all
    }
}

/// Values of one parameter that are looked at.
const VALUES_MAX: usize = 256;

/// What one call means.
pub(crate) struct Meaning {
    /// `cloud.trail_stopped`: also tells campaigns of one caller apart.
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) techniques: &'static [Technique],
    pub(crate) severity: Severity,
    /// Log-odds.
    pub(crate) odds: f64,
    /// What was called on what, in words.
    pub(crate) text: String,
    pub(crate) usual: &'static str,
    pub(crate) now: String,
    /// What would make it harmless.
    pub(crate) would_change: &'static str,
}

/// A pause this long ends a campaign of one caller.
const IDLE_S: i64 = 3_600;
const CALLERS_MAX: usize = 20_000;

/// A detector for calls that speak for themselves: one finding a caller and meaning, grown while it goes on.
pub(crate) struct Judge {
    analytic: &'static Analytic,
    judge: fn(&Call<'_>) -> Option<Meaning>,
    campaigns: Table<Told>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Told {
    campaign: Campaign,
    failed: u64,
}

impl Judge {
    pub(crate) fn new(analytic: &'static Analytic, judge: fn(&Call<'_>) -> Option<Meaning>) -> Judge {
        Judge { analytic, judge, campaigns: Table::new(CALLERS_MAX, IDLE_S * 24_000_000, 0x636c_6f75) }
    }
}

impl Detector for Judge {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Some(call) = Call::of(event) else { return };
        let Some(meaning) = (self.judge)(&call) else { return };
        let now = event.meta.time;
        let told = self.campaigns.entry(call.caller_key() ^ key(meaning.code.as_bytes()), now.us(), |t| t.campaign.count as u32);
        if told.campaign.begin_if_idle(now, IDLE_S) {
            told.failed = 0;
        }
        told.campaign.add(event, 1);
        told.failed += u64::from(!call.api.success);
        let succeeded = told.failed < told.campaign.count;
        if told.campaign.due(u32::from(succeeded)) {
            out.push(finding(self.analytic, &call, meaning, &mut told.campaign, succeeded));
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("callers", self.campaigns.len(), CALLERS_MAX)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.campaigns)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.campaigns = state::load(self.analytic.uid, saved)?;
        Ok(())
    }
}

fn finding(analytic: &Analytic, call: &Call<'_>, meaning: Meaning, campaign: &mut Campaign, succeeded: bool) -> Finding {
    let caller = call.caller();
    let odds = if succeeded { meaning.odds } else { meaning.odds - 1.5 };
    let mut reasons = vec![Reason {
        code: meaning.code.into(),
        text: meaning.text.clone(),
        usual: meaning.usual.to_owned(),
        now: meaning.now,
        push: (odds + 3.0) as f32,
    }];
    if !succeeded {
        let error = if call.api.error.is_empty() { "it failed" } else { call.api.error.as_str() };
        reasons.push(Reason {
            code: "cloud.refused".into(),
            text: format!("the provider refused it: {error}"),
            usual: String::new(),
            now: "failed".to_owned(),
            push: -1.5,
        });
    }
    let mut finding = campaign.tell(analytic, &format!("{caller} {}", meaning.code), u32::from(succeeded));
    finding = finding.explained(Score::new(logistic(odds)), reasons);
    finding.title = meaning.title.to_owned();
    finding.text = format!("{caller} {}", meaning.text);
    finding.would_change = meaning.would_change.to_owned();
    finding.techniques = meaning.techniques.to_vec();
    finding.severity = if succeeded { meaning.severity } else { meaning.severity.min(Severity::Low) };
    finding.entities = call.entities();
    finding
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Spec;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A call of `user` at second 0 with request parameters.
    pub(crate) fn call(user: &str, service: &str, operation: &str, parameters: &[(&str, &str)]) -> Event {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let resources = parameters.iter().filter(|(n, _)| n.contains("ame") || n.contains("Id")).map(|(_, v)| (*v).into()).collect();
        let api = Api {
            provider: "aws".into(),
            service: format!("{service}.amazonaws.com").into(),
            operation: operation.into(),
            user: user.into(),
            user_kind: "IAMUser".into(),
            client: "203.0.113.7".parse().ok(),
            account: "1".into(),
            region: "eu-west-1".into(),
            success: true,
            read_only: ["Describe", "List", "Get"].iter().any(|p| operation.starts_with(p)),
            resources,
            ..Api::default()
        };
        let meta = event::Meta {
            uid: event::Uid::of_record("t", number),
            time: event::Time::from_s(1_700_000_000),
            record: number,
            ..event::Meta::default()
        };
        let fields = parameters.iter().map(|(n, v)| (format!("requestParameters.{n}").into(), Value::Text((*v).to_owned()))).collect();
        let mut event = Event::new(meta, Body::Api(Box::new(api)), event::Bytes::from(operation.as_bytes()));
        event.native = Some(Box::new(Native { product: "aws".into(), service: "cloudtrail".into(), fields }));
        event
    }

    pub(crate) fn change(mut event: Event, with: impl Fn(&mut Api)) -> Event {
        if let Body::Api(api) = &mut event.body {
            with(api);
        }
        event
    }

    pub(crate) fn kind(event: Event, kind: &str) -> Event {
        change(event, |api| api.user_kind = kind.into())
    }

    pub(crate) fn denied(event: Event) -> Event {
        change(event, |api| (api.success, api.error) = (false, "AccessDenied".into()))
    }

    pub(crate) fn at(mut event: Event, second: i64) -> Event {
        event.meta.time = event.meta.time.plus_s(second);
        event
    }

    pub(crate) fn with(mut event: Event, field: &str, value: &str) -> Event {
        if let Some(native) = &mut event.native {
            native.fields.push((field.into(), Value::Text(value.to_owned())));
        }
        event
    }

    /// The last finding, which must be there.
    pub(crate) fn one(spec: &Spec, events: &[Event]) -> Finding {
        crate::tests::run(spec, events).pop().unwrap_or_else(|| panic!("{} found nothing", spec.analytic.uid))
    }
}
