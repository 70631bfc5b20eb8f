//! Authentication (OCSF 3002): one try to sign in, of any service.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::Text;
use crate::event::absent;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Authentication {
    pub action: Action,
    pub outcome: Outcome,
    pub user: Text,
    /// The service said that no such account exists.
    #[serde(skip_serializing_if = "absent")]
    pub user_unknown: bool,
    pub client: Option<IpAddr>,
    #[serde(skip_serializing_if = "absent")]
    pub client_port: Option<u16>,
    /// Host that was signed in to.
    pub host: Text,
    /// `sshd`, `sudo`, `web`, ..
    pub service: Text,
    /// `password`, `publickey`, `totp`, ..
    #[serde(skip_serializing_if = "absent")]
    pub factor: Text,
    /// Why it failed, in the service's words.
    #[serde(skip_serializing_if = "absent")]
    pub reason: Text,
    #[serde(skip_serializing_if = "absent")]
    pub session: Text,
    #[serde(skip_serializing_if = "absent")]
    pub device: Text,
    #[serde(skip_serializing_if = "absent")]
    pub user_agent: String,
    /// ISO 3166 alpha-2.
    #[serde(skip_serializing_if = "absent")]
    pub country: Text,
    #[serde(skip_serializing_if = "absent")]
    pub asn: Option<u32>,
    #[serde(skip_serializing_if = "absent")]
    pub rtt_ms: Option<f32>,
    #[serde(skip_serializing_if = "absent")]
    pub ja4: Text,
    /// Number of equal tries that this one record stands for ("message repeated 5 times").
    pub repeats: u32,
    /// Echoed identity of the record, when the source gave one.
    #[serde(skip_serializing_if = "absent")]
    pub id: Text,
    /// Keys the decoder does not know, as JSON text.
    #[serde(skip_serializing_if = "absent")]
    pub unmapped: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    #[default]
    Login,
    /// An existing session was used.
    Session,
    Logout,
    PasswordReset,
    MfaReset,
    StepUp,
    /// Connection ended before any try was complete; scanners do this.
    Preauth,
}

impl Action {
    pub const ALL: [(Action, &'static str); 7] = [
        (Action::Login, "login"),
        (Action::Session, "session"),
        (Action::Logout, "logout"),
        (Action::PasswordReset, "password_reset"),
        (Action::MfaReset, "mfa_reset"),
        (Action::StepUp, "step_up"),
        (Action::Preauth, "preauth"),
    ];

    pub fn parse(word: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|(_, w)| *w == word).map(|(a, _)| a)
    }

    pub fn word(self) -> &'static str {
        Action::ALL.into_iter().find(|(a, _)| *a == self).map_or("login", |(_, w)| w)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Success,
    #[default]
    Failure,
    /// Password right, no session yet.
    Pending,
}

impl Outcome {
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Pending => "pending",
        }
    }

    pub fn parse(word: &str) -> Option<Outcome> {
        [Outcome::Success, Outcome::Failure, Outcome::Pending].into_iter().find(|o| o.word() == word)
    }
}
