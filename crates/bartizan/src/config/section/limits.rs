//! `[gateway.limits]`: every bound of the gateway.

use gateway::Limits;

use crate::config::key::TakenUp::Restart;
use crate::config::key::{Key, Kind, Section};
use crate::config::layer::Values;

const fn size(name: &'static str, min: u64, max: u64, default: &'static str, doc: &'static str) -> Key {
    Key { name, kind: Kind::Size { min, max }, default, doc, taken_up: Restart }
}

const fn count(name: &'static str, max: u64, default: &'static str, doc: &'static str) -> Key {
    Key { name, kind: Kind::Count { min: 1, max }, default, doc, taken_up: Restart }
}

const fn time(name: &'static str, max_s: u64, default: &'static str, doc: &'static str) -> Key {
    Key { name, kind: Kind::Duration { min_s: 1, max_s }, default, doc, taken_up: Restart }
}

pub const SECTION: Section = Section {
    name: "gateway.limits",
    many: false,
    doc: "What a client may cost. Each has a default that fits most sites.",
    keys: &[
        size("head", 1 << 10, 1 << 20, "\"64KiB\"", "Request line and headers together; 431 beyond."),
        count("headers", 1_000, "200", "Headers of a request; 431 beyond."),
        size("uri", 256, 1 << 16, "\"16KiB\"", "Target of a request; 414 beyond."),
        time("head_time", 600, "\"10s\"", "For one whole head; 408 beyond."),
        time("idle", 3_600, "\"75s\"", "Connections without a request are closed after this."),
        size("body_rate_min", 1, 1 << 20, "\"200B\"", "Bytes a second that a body, or a client that reads an answer, must reach."),
        time("body_grace", 3_600, "\"20s\"", "Waiting for a client after which body_rate_min counts."),
        count("connections_per_address", 1 << 20, "256", "Open connections of one address."),
        count("connections", 1 << 20, "8192", "Open connections of everybody."),
        size("window", 1 << 10, 64 << 20, "\"128KiB\"", "First part of a body that is looked at before it is forwarded; the rest streams."),
        time("upstream_connect", 300, "\"5s\"", "For a connection to the application; 502 beyond."),
        time("upstream_answer", 3_600, "\"60s\"", "Until the application's first byte; 504 beyond."),
        count("upstream_idle_connections", 10_000, "128", "Connections to the application kept open by each worker."),
        time("upstream_idle", 3_600, "\"50s\"", "How long they are kept."),
        count("limit_rate", 1_000_000, "1", "Requests a second that a decision to limit leaves to one entity."),
        count("limit_burst", 1_000_000, "5", "How many of them may come at once."),
        time("stop", 3_600, "\"5s\"", "What open requests get when the gateway stops."),
    ],
};

pub fn read(values: &Values) -> Limits {
    let part = values.one("gateway.limits");
    let size = |key: &str| usize::try_from(part.number(key)).unwrap_or(usize::MAX);
    let count = |key: &str| u32::try_from(part.number(key)).unwrap_or(u32::MAX);
    Limits {
        head_bytes_max: size("head"),
        headers_max: size("headers"),
        uri_bytes_max: size("uri"),
        head_time_s: count("head_time"),
        idle_s: count("idle"),
        body_rate_min_bytes_per_s: count("body_rate_min"),
        body_grace_s: count("body_grace"),
        connections_per_address_max: count("connections_per_address"),
        connections_max: count("connections"),
        window_bytes: size("window"),
        upstream_connect_s: count("upstream_connect"),
        upstream_answer_s: count("upstream_answer"),
        upstream_idle_max: size("upstream_idle_connections"),
        upstream_idle_s: count("upstream_idle"),
        limit_rate_per_s: count("limit_rate"),
        limit_burst: count("limit_burst"),
        stop_s: count("stop"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_is_the_gateways_own_default() {
        assert_eq!(read(&Values::built_in()), Limits::default());
    }
}
