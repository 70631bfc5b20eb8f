//! Network 4001 and DNS 4003.

use serde_json::{Map, Value, json};

use super::activity::endpoint;
use super::{base, ms, opt};
use crate::network::Tls;
use crate::{Dns, Event, Network, Severity};

pub(super) fn network(event: &Event, flow: &Network) -> Value {
    let activity = match flow.state.as_str() {
        "reset" => (3, "Reset"),
        "refused" => (5, "Refuse"),
        "unanswered" => (4, "Fail"),
        "closed" => (2, "Close"),
        _ => (6, "Traffic"),
    };
    let mut object = base(event, (4, "Network Activity"), activity, Severity::Info);
    object.insert("src_endpoint".into(), endpoint(flow.client, Some(flow.client_port)));
    let mut server = endpoint(flow.server, Some(flow.server_port));
    if !flow.server_name.is_empty() {
        server["hostname"] = flow.server_name.as_str().into();
    }
    object.insert("dst_endpoint".into(), server);
    let mut connection = Map::new();
    opt(&mut connection, "protocol_name", &flow.transport);
    opt(&mut connection, "community_uid", &flow.community_id);
    connection.insert("direction_id".into(), 0.into());
    connection.insert("direction".into(), "Unknown".into());
    if flow.flags_out | flow.flags_in != 0 {
        connection.insert("tcp_flags".into(), (flow.flags_out | flow.flags_in).into());
    }
    object.insert("connection_info".into(), Value::Object(connection));
    opt(&mut object, "app_protocol_name", &flow.protocol);
    object.insert(
        "traffic".into(),
        json!({
            "bytes_out": flow.bytes_out, "packets_out": flow.packets_out, "bytes_in": flow.bytes_in, "packets_in": flow.packets_in,
            "bytes": flow.bytes_out + flow.bytes_in, "packets": flow.packets_out + flow.packets_in,
        }),
    );
    object.insert("start_time".into(), ms(flow.start));
    object.insert("end_time".into(), ms(flow.end));
    if let Some(tls) = &flow.tls {
        object.insert("tls".into(), tls_json(tls));
        if !tls.ja4.is_empty() {
            let one = |value: &crate::Text| json!({"type": "JA4", "type_id": 1, "value": value.as_str()});
            let all: Vec<Value> = std::iter::once(&tls.ja4).chain(&tls.ja4_later).map(one).collect();
            object.insert("ja4_fingerprint_list".into(), all.into());
        }
    }
    if let Some(ssh) = &flow.ssh {
        object.insert(
            "unmapped".into(),
            json!({"ssh": {
                "client_software": ssh.client_software.as_str(), "server_software": ssh.server_software.as_str(),
                "client_hassh": ssh.client_hassh.as_str(), "server_hassh": ssh.server_hassh.as_str(),
            }}),
        );
    }
    Value::Object(object)
}

fn tls_json(tls: &Tls) -> Value {
    let mut object = Map::new();
    object.insert("version".into(), tls.version.as_str().into());
    opt(&mut object, "sni", &tls.sni);
    opt(&mut object, "cipher", &tls.cipher);
    if !tls.ja3.is_empty() {
        object.insert("ja3_hash".into(), json!({"algorithm_id": 1, "algorithm": "MD5", "value": tls.ja3.as_str()}));
    }
    if !tls.subject.is_empty() || !tls.serial.is_empty() {
        let mut certificate = Map::new();
        opt(&mut certificate, "subject", &tls.subject);
        certificate.insert("issuer".into(), tls.issuer.as_str().into());
        certificate.insert("serial_number".into(), tls.serial.as_str().into());
        tls.not_before.map(|t| certificate.insert("created_time".into(), ms(t)));
        tls.not_after.map(|t| certificate.insert("expiration_time".into(), ms(t)));
        object.insert("certificate".into(), Value::Object(certificate));
    }
    if !tls.alpn.is_empty() {
        let names: Vec<&str> = tls.alpn.iter().map(crate::Text::as_str).collect();
        let data = json!({"alpn": names});
        object
            .insert("tls_extension_list".into(), json!([{"type_id": 16, "type": "application_layer_protocol_negotiation", "data": data}]));
    }
    Value::Object(object)
}

pub(super) fn dns(event: &Event, dns: &Dns) -> Value {
    let activity = match (dns.rcode.is_empty(), dns.name.is_empty()) {
        (true, _) => (1, "Query"),
        (false, false) => (6, "Traffic"),
        (false, true) => (2, "Response"),
    };
    let mut object = base(event, (4, "Network Activity"), activity, Severity::Info);
    object.insert("src_endpoint".into(), endpoint(dns.client, Some(dns.client_port)));
    if dns.server.is_some() {
        object.insert("dst_endpoint".into(), endpoint(dns.server, Some(dns.server_port)));
    }
    let mut query = Map::new();
    query.insert("hostname".into(), dns.name.as_str().into());
    opt(&mut query, "type", &dns.kind);
    dns.id.map(|id| query.insert("packet_uid".into(), id.into()));
    object.insert("query".into(), Value::Object(query));
    if !dns.rcode.is_empty() {
        let (id, caption) = rcode(&dns.rcode);
        object.insert("rcode_id".into(), id.into());
        object.insert("rcode".into(), caption.into());
    }
    if !dns.answers.is_empty() {
        let answers: Vec<Value> = dns.answers.iter().map(|a| json!({"type": a.kind.as_str(), "rdata": a.data, "ttl": a.ttl_s})).collect();
        object.insert("answers".into(), answers.into());
    }
    object.insert("connection_info".into(), json!({"protocol_name": dns.transport.as_str(), "direction_id": 0, "direction": "Unknown"}));
    object.insert("traffic".into(), json!({"bytes_out": dns.bytes_out, "bytes_in": dns.bytes_in}));
    Value::Object(object)
}

/// OCSF 1.8 `rcode_id` and caption.
fn rcode(word: &str) -> (u32, &'static str) {
    match word {
        "NOERROR" => (0, "NoError"),
        "FORMERR" => (1, "FormError"),
        "SERVFAIL" => (2, "ServError"),
        "NXDOMAIN" => (3, "NXDomain"),
        "NOTIMP" => (4, "NotImp"),
        "REFUSED" => (5, "Refused"),
        _ => (99, "Other"),
    }
}
