//! `[metrics]`: state and figures for machines.

use std::net::SocketAddr;

use crate::config::fault::Code;
use crate::config::key::TakenUp::Restart;
use crate::config::key::{Key, Kind, Secret, Section};
use crate::config::layer::Values;

pub const SECTION: Section = Section {
    name: "metrics",
    many: false,
    doc: "State and figures for machines: /healthz, /readyz and /metrics (Prometheus). Without listen there are none.",
    keys: &[
        Key {
            name: "listen",
            kind: Kind::Listen,
            default: "",
            doc: "Where they are asked for. Every address but loopback needs a token.",
            taken_up: Restart,
        },
        Key {
            name: "token",
            kind: Kind::Secret,
            default: "",
            doc: "What /metrics asks for as `Authorization: Bearer TOKEN`; /healthz and /readyz ask for nothing.",
            taken_up: Restart,
        },
    ],
};

#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    pub listen: SocketAddr,
    pub token: Option<Secret>,
}

pub fn read(values: &mut Values) -> Option<Metrics> {
    let part = values.one("metrics").clone();
    let token = part.secret("token");
    let Some(listen) = part.listen("listen") else {
        if token.is_some() && !values.faults.iter().any(|f| f.text.starts_with("listen:")) {
            let instead = "listen = \"127.0.0.1:9464\" as well".to_owned();
            values.fault(Code::Together, &part.at("token"), "a token without listen".into(), instead);
        }
        return None;
    };
    if !listen.ip().is_loopback() && token.is_none() {
        let text = format!("listen: {listen} can be reached from elsewhere, and there is no token");
        values.fault(Code::Together, &part.at("listen"), text, "token = { file = \"/etc/bartizan/metrics.token\" } as well".into());
    }
    Some(Metrics { listen, token })
}
