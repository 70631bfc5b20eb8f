//! The only record: what the log holds.

use serde::{Deserialize, Serialize};

use crate::order::Order;
use std::net::IpAddr;

use crate::{
    Api, Authentication, Bytes, Dns, Entity, EntityKind, File, Finding, Http, Incident, Mail, Native, Network, Process, Resource, Response,
    Text, Time, Uid,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub meta: Meta,
    pub body: Body,
    /// The record as it came, always kept; empty for what Bartizan made itself.
    pub raw: Bytes,
    /// What rules written for the source match against; made by the decoder, not stored.
    #[serde(skip)]
    pub native: Option<Box<Native>>,
}

/// What a record need not say, because it is what reading it takes it for: most requests have most fields empty.
pub(crate) fn absent<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Where an event comes from and when it happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    pub uid: Uid,
    /// When it happened.
    pub time: Time,
    /// When it was read.
    pub logged: Time,
    #[serde(skip_serializing_if = "absent")]
    pub time_source: TimeSource,
    /// Path or name of the input, as given.
    pub source: Text,
    /// 1-based number of the record in its source.
    pub record: u64,
    /// Name of the decoder.
    pub format: Text,
    /// The record was longer than the limit and was cut to it; its length before.
    #[serde(skip_serializing_if = "absent")]
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
    Network(Box<Network>),
    Dns(Box<Dns>),
    Api(Box<Api>),
    Mail(Box<Mail>),
    File(Box<File>),
    Resource(Box<Resource>),
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
            Body::Network(_) => ("Network Activity", 4001),
            Body::Dns(_) => ("DNS Activity", 4003),
            Body::Api(_) => ("API Activity", 6003),
            Body::Mail(_) => ("Email Activity", 4009),
            Body::File(_) => ("File System Activity", 1001),
            Body::Resource(_) => ("Device Config State", 5002),
            Body::Finding(f) if f.compliance.is_some() => ("Compliance Finding", 2003),
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
            Body::Network(_) => "network",
            Body::Dns(_) => "dns",
            Body::Api(_) => "api",
            Body::Mail(_) => "mail",
            Body::File(_) => "file",
            Body::Resource(_) => "resource",
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
    pub fn new(meta: Meta, body: Body, raw: Bytes) -> Event {
        Event { meta, body, raw, native: None }
    }

    /// An event that Bartizan itself made.
    pub fn own(uid: Uid, time: Time, body: Body) -> Event {
        let meta = Meta { uid, time, logged: time, source: Text::const_new("bartizan"), ..Meta::default() };
        Event::new(meta, body, Bytes::default())
    }

    /// The address that acted, for every class that has one.
    pub fn client(&self) -> Option<IpAddr> {
        match &self.body {
            Body::Http(http) => http.client,
            Body::Authentication(auth) => auth.client,
            Body::Network(flow) => flow.client,
            Body::Dns(dns) => dns.client,
            Body::Api(api) => api.client,
            _ => None,
        }
    }

    /// The account that acted; empty when there is none.
    pub fn user(&self) -> &str {
        match &self.body {
            Body::Http(http) => &http.user,
            Body::Authentication(auth) => &auth.user,
            Body::Process(process) => &process.user,
            Body::Api(api) => &api.user,
            _ => "",
        }
    }

    /// The machine it happened on; empty when it is not said.
    pub fn host(&self) -> &str {
        match &self.body {
            Body::Http(http) => &http.host,
            Body::Authentication(auth) => &auth.host,
            Body::Process(process) => &process.host,
            Body::File(file) => &file.host,
            Body::Other { host, .. } => host,
            _ => "",
        }
    }

    /// The service that was used; empty when it is not said.
    pub fn service(&self) -> &str {
        match &self.body {
            Body::Http(http) => &http.host,
            Body::Authentication(auth) => &auth.service,
            Body::Process(process) => &process.service,
            Body::Api(api) => &api.service,
            Body::Other { service, .. } => service,
            _ => "",
        }
    }

    /// It came from outside: an activity, not something that Bartizan made.
    pub const fn is_activity(&self) -> bool {
        !matches!(self.body, Body::Finding(_) | Body::Incident(_) | Body::Response(_) | Body::Order(_))
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
            Body::Network(flow) => {
                all.extend(flow.client.map(Entity::address));
                all.extend(flow.server.map(Entity::address));
                if !flow.server_name.is_empty() {
                    all.push(Entity::new(EntityKind::Domain, flow.server_name.clone()));
                }
            }
            Body::Dns(dns) => {
                all.extend(dns.client.map(Entity::address));
                if !dns.name.is_empty() {
                    all.push(Entity::new(EntityKind::Domain, dns.name.as_str()));
                }
            }
            Body::Api(api) => {
                text(Entity::user, &api.user);
                text(Entity::service, &api.service);
                all.splice(0..0, api.client.map(Entity::address));
            }
            Body::Mail(mail) => {
                for address in std::iter::once(&mail.from).chain(mail.to.iter().take(8)).filter(|a| !a.is_empty()) {
                    all.push(Entity::new(EntityKind::Mailbox, address.clone()));
                }
            }
            Body::File(file) => {
                text(Entity::host, &file.host);
                if !file.path.is_empty() {
                    all.push(Entity::new(EntityKind::File, file.path.as_str()));
                }
            }
            Body::Resource(resource) => {
                if !resource.address.is_empty() {
                    all.push(Entity::service(&resource.address));
                }
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
