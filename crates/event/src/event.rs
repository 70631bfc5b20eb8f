//! The only record: what the log holds.

use serde::{Deserialize, Serialize};

use crate::order::Order;
use crate::{Authentication, Bytes, Entity, Finding, Http, Incident, Process, Response, Text, Time, Uid};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub meta: Meta,
    pub body: Body,
    /// The record as it came, always kept; empty for what Bartizan made itself.
    pub raw: Bytes,
}

/// Where an event comes from and when it happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    pub uid: Uid,
    /// When it happened.
    pub time: Time,
    /// When it was read.
    pub logged: Time,
    pub time_source: TimeSource,
    /// Path or name of the input, as given.
    pub source: Text,
    /// 1-based number of the record in its source.
    pub record: u64,
    /// Name of the decoder.
    pub format: Text,
    /// The record was longer than the limit and was cut to it; its length before.
    pub cut_from: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeSource {
    /// The record says when, with its zone.
    #[default]
    Record,
    /// The record says when; year or zone were taken from the time of reading.
    Completed,
    /// The record does not say when.
    Received,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    Http(Box<Http>),
    Authentication(Box<Authentication>),
    Process(Box<Process>),
    /// Understood, and of no interest to any detector: kept for hunting.
    Other {
        host: Text,
        service: Text,
    },
    /// What cannot be read is an event with its raw bytes and the reason.
    Undecoded {
        reason: Text,
    },
    Finding(Box<Finding>),
    Incident(Box<Incident>),
    Response(Box<Response>),
    Order(Box<Order>),
}

impl Body {
    /// OCSF class name and `class_uid`; orders and undecoded records are Base Events.
    pub const fn class(&self) -> (&'static str, u32) {
        match self {
            Body::Http(_) => ("HTTP Activity", 4002),
            Body::Authentication(_) => ("Authentication", 3002),
            Body::Process(_) => ("Process Activity", 1007),
            Body::Finding(_) => ("Detection Finding", 2004),
            Body::Incident(_) => ("Incident Finding", 2005),
            Body::Response(_) => ("Remediation Activity", 7001),
            Body::Other { .. } | Body::Undecoded { .. } | Body::Order(_) => ("Base Event", 0),
        }
    }

    /// One word for queries: `class:http`.
    pub const fn word(&self) -> &'static str {
        match self {
            Body::Http(_) => "http",
            Body::Authentication(_) => "authentication",
            Body::Process(_) => "process",
            Body::Other { .. } => "other",
            Body::Undecoded { .. } => "undecoded",
            Body::Finding(_) => "finding",
            Body::Incident(_) => "incident",
            Body::Response(_) => "response",
            Body::Order(_) => "order",
        }
    }
}

impl Event {
    /// An event that Bartizan itself made.
    pub fn own(uid: Uid, time: Time, body: Body) -> Event {
        let meta = Meta { uid, time, logged: time, source: Text::const_new("bartizan"), ..Meta::default() };
        Event { meta, body, raw: Bytes::default() }
    }

    /// Who and what this event is about, client first. Names that are empty are left out.
    pub fn entities(&self) -> Vec<Entity> {
        let mut all = Vec::with_capacity(4);
        let mut text = |kind: fn(&str) -> Entity, name: &str| {
            if !name.is_empty() {
                all.push(kind(name));
            }
        };
        match &self.body {
            Body::Http(http) => {
                text(Entity::service, &http.host);
                text(Entity::user, &http.user);
                all.splice(0..0, http.client.map(Entity::address));
            }
            Body::Authentication(auth) => {
                text(Entity::user, &auth.user);
                text(Entity::host, &auth.host);
                text(Entity::service, &auth.service);
                all.splice(0..0, auth.client.map(Entity::address));
            }
            Body::Process(process) => {
                text(Entity::user, &process.user);
                text(Entity::host, &process.host);
            }
            Body::Other { host, service } => {
                text(Entity::host, host);
                text(Entity::service, service);
            }
            Body::Finding(finding) => all.extend(finding.entities.iter().cloned()),
            Body::Incident(incident) => all.extend(incident.entities.iter().cloned()),
            Body::Response(response) => all.push(response.target.clone()),
            Body::Undecoded { .. } | Body::Order(_) => {}
        }
        all
    }
}
