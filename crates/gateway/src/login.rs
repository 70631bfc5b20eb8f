//! Sign-ins that pass the gateway: asked about before they are forwarded, and made a record of once the answer says how they ended.
//!
//! The application hears `x-bartizan-login: step_up;risk=0.83;id=r-..` and asks for a second factor; nobody else can say that. It may say how
//! that ended by `x-bartizan-login: passed;id=r-..` (or `failed`) in any later answer, which goes no further. Until then the password was right
//! and nobody is in: a thief who is asked again teaches nothing. Nothing here waits: who does not get an answer at once lets the sign-in
//! pass, and counts it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use detect::door::Said;
use detect::web::login::form::{Answer, Form, Tried};
use event::authentication::{Action, Outcome};
use event::login::Step;
use event::{Authentication, Body, Event, Finding, Http, LoginDecision, Text, Time, Uid};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use http::response;

pub(crate) const LOGIN: HeaderName = HeaderName::from_static("x-bartizan-login");

/// What the gateway asks about sign-ins, and how it recognises them.
#[derive(Clone)]
pub struct Logins {
    /// None: recognised by path and fields.
    pub forms: Vec<Form>,
    pub ask: Ask,
}

/// About an event of authentication without an outcome. Must not wait. `None`: nothing can be said.
pub type Ask = Arc<dyn Fn(&mut Event) -> Option<Said> + Send + Sync>;

/// A sign-in that passed, or was turned away.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Authentication; with the outcome that the answer showed.
    pub event: Event,
    pub decision: Option<LoginDecision>,
    pub finding: Option<Box<Finding>>,
}

/// One on its way.
pub(crate) struct Asked {
    sign_in: SignIn,
    form: Form,
    /// The account could not be read, on purpose as it seems.
    hidden: bool,
    /// The application was told to ask for a second factor.
    asks_again: bool,
}

/// Cookies of an answer that are looked at.
const COOKIES_MAX: usize = 32;
/// How long an application may take to say how a second factor ended, and how many it is waited for.
const OPEN_S: f64 = 3_600.0;
const OPEN_MAX: usize = 10_000;

/// Sign-ins that were asked again, by request id.
#[derive(Default)]
pub(crate) struct Open(Mutex<HashMap<Text, Event>>);

impl Open {
    /// When it is full those that nobody answered in time go; beyond, nothing is kept.
    fn keep(&self, request: &Text, event: &Event) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= OPEN_MAX {
            open.retain(|_, kept| event.meta.time.since_s(kept.meta.time) < OPEN_S);
        }
        if open.len() < OPEN_MAX {
            open.insert(request.clone(), event.clone());
        }
    }

    /// What the application says of a second factor: the record of it. Said once, within the hour.
    pub(crate) fn said(&self, value: &HeaderValue, now: Time) -> Option<SignIn> {
        let (word, id) = value.to_str().ok()?.split_once(';')?;
        let id = id.trim().strip_prefix("id=")?;
        let outcome = match word.trim() {
            "passed" => Outcome::Success,
            "failed" => Outcome::Failure,
            _ => return None,
        };
        let mut event = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)?;
        if now.since_s(event.meta.time) > OPEN_S {
            return None;
        }
        event.meta.uid = Uid::of_record(&format!("{} second factor", event.meta.uid), event.meta.record);
        (event.meta.time, event.meta.logged) = (now, now);
        if let Body::Authentication(auth) = &mut event.body {
            (auth.action, auth.outcome, auth.factor) = (Action::StepUp, outcome, Text::default());
        }
        Some(SignIn { event, decision: None, finding: None })
    }
}

impl Logins {
    /// `None` when the request is no sign-in. `event` still holds its body.
    pub(crate) fn ask(&self, event: &Event, cut: bool) -> Option<Asked> {
        let Body::Http(http) = &event.body else { return None };
        let found = |form: &Form| form.tried(http, cut).map(|tried| (tried, form.clone()));
        let (tried, form) = if self.forms.is_empty() { found(&Form::default()) } else { self.forms.iter().find_map(found) }?;
        let Tried::Accounts(accounts) = tried else {
            let event = authentication(event, http, "");
            return Some(Asked { sign_in: SignIn { event, decision: None, finding: None }, form, hidden: true, asks_again: false });
        };
        let asked = accounts.iter().map(|account| {
            let mut event = authentication(event, http, account);
            let said = (self.ask)(&mut event);
            (event, said)
        });
        let risk = |said: &Option<Said>| said.as_ref().map_or(-1.0, |s| s.decision.risk);
        let (event, said) = asked.max_by(|(_, a), (_, b)| risk(a).total_cmp(&risk(b)))?;
        let (decision, finding) = said.map_or((None, None), |said| (Some(said.decision), said.finding));
        Some(Asked { sign_in: SignIn { event, decision, finding }, form, hidden: false, asks_again: false })
    }
}

impl Asked {
    pub(crate) fn step(&self) -> Step {
        if self.hidden {
            return Step::StepUp;
        }
        self.sign_in.decision.as_ref().map_or(Step::Allow, |d| d.decision)
    }

    /// Nothing could be said about it.
    pub(crate) fn is_unjudged(&self) -> bool {
        !self.hidden && self.sign_in.decision.is_none()
    }

    /// For the application: `step_up;risk=0.83;id=r-8f21`. From here on a right password is not the whole answer.
    pub(crate) fn step_up(&mut self, request: &Text, open: &Open) -> Option<HeaderValue> {
        if self.step() != Step::StepUp {
            return None;
        }
        self.asks_again = true;
        if !self.hidden {
            open.keep(request, &self.sign_in.event);
        }
        let risk = self.sign_in.decision.as_ref().map_or(1.0, |d| d.risk);
        HeaderValue::from_str(&format!("step_up;risk={risk:.2};id={request}")).ok()
    }

    /// Turned away: the password was never looked at.
    pub(crate) fn refused(mut self, request: &Text) -> SignIn {
        if let Some(finding) = &mut self.sign_in.finding {
            finding.verdict = Some(event::Verdict::Blocked);
            finding.request_id = Some(request.clone());
        }
        if let Body::Authentication(auth) = &mut self.sign_in.event.body {
            auth.outcome = Outcome::Failure;
            auth.reason = Text::const_new("turned away at the gateway");
        }
        self.sign_in
    }

    /// `None` when the answer does not tell who got in.
    pub(crate) fn answered(mut self, http: &Http, answer: &response::Parts) -> Option<SignIn> {
        if self.hidden {
            return None;
        }
        let text = |name| answer.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("");
        let cookies: Vec<&str> = answer.headers.get_all(SET_COOKIE).iter().take(COOKIES_MAX).filter_map(|v| v.to_str().ok()).collect();
        let said = Answer { status: answer.status.as_u16(), location: text(LOCATION), content_type: text(CONTENT_TYPE), cookies: &cookies };
        let outcome = self.form.outcome(http, said)?;
        if let Body::Authentication(auth) = &mut self.sign_in.event.body {
            auth.outcome = if self.asks_again && outcome == Outcome::Success { Outcome::Pending } else { outcome };
        }
        // What was not turned away is told by the detectors, which know how it ended.
        self.sign_in.finding = None;
        Some(self.sign_in)
    }
}

/// The sign-in as a record, without an outcome yet.
fn authentication(event: &Event, http: &Http, account: &str) -> Event {
    let auth = Authentication {
        action: Action::Login,
        outcome: Outcome::Pending,
        user: account.into(),
        client: http.client,
        client_port: http.client_port,
        host: http.host.clone(),
        service: event.meta.source.clone(),
        factor: Text::const_new("password"),
        user_agent: http.user_agent.clone(),
        repeats: 1,
        id: http.request_id.clone().unwrap_or_default(),
        ..Authentication::default()
    };
    let mut meta = event.meta.clone();
    meta.uid = Uid::of_record(&format!("{} sign-in", meta.uid), meta.record);
    Event::new(meta, Body::Authentication(Box::new(auth)), event.raw.clone())
}
