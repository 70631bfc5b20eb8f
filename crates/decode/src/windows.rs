//! A Windows event in any of its JSON forms, as an event: what the channel and the id mean, and every field under its native name.
//!
//! Reads:      `Event.System` and `Event.EventData` (EVTX, forwarders that keep the XML tree), `winlog` (Winlogbeat), and flat objects with
//!             `EventID` and `Channel` (NXLog, collectors that keep its names).
//! Gives:      logons and Kerberos of the Security log: authentication; 4688 and Sysmon 1: process; Sysmon 3 and 5156: network; Sysmon 22: DNS;
//!             Sysmon 11, 15, 23, 26: file. The rest is kept for rules and for hunting.

use event::authentication::{Action, Outcome};
use event::native::Native;
use event::{Authentication, Body, Dns, File, Network, Process, Text};
use serde_json::{Map, Value};

use crate::{Reading, When, address, civil, flat};

pub(crate) const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

type Object = Map<String, Value>;

/// `Err` when it is no Windows event.
pub(crate) fn reading(record: &Object) -> Result<Reading, Text> {
    let mut native = Native { product: Text::const_new("windows"), ..Native::default() };
    let time = tree(record, &mut native).or_else(|| winlogbeat(record, &mut native)).or_else(|| named(record, &mut native));
    let time = time.ok_or(Text::const_new("no Windows event: neither System, winlog nor EventID"))?;
    // Events of a trace that goes to no channel are named by their provider.
    let named = [native.text("Channel"), native.text("Provider_Name")];
    let service: Text = named.into_iter().find(|n| !n.is_empty()).unwrap_or_default().into();
    native.service = service;
    if native.service.is_empty() || native.int("EventID").is_none() {
        return Err(Text::const_new("a Windows event without EventID or Channel"));
    }
    let when = civil::rfc3339(&time.replacen(' ', "T", 1)).map_or(When::Unsaid, When::Said);
    let when = match when {
        When::Unsaid => civil::iso(time.as_bytes(), &crate::Place::new("", 0, event::Time::ZERO)).map_or(When::Unsaid, |(when, _)| when),
        said => said,
    };
    Ok(Reading { when, body: body(&native), native: Some(Box::new(native)) })
}

/// `System` and `EventData` or `UserData`, below `Event` or at the top.
fn tree(record: &Object, native: &mut Native) -> Option<String> {
    let event = record.get("Event").and_then(Value::as_object).unwrap_or(record);
    let system = event.get("System")?.as_object()?;
    for (name, value) in system {
        let attributes = value.get("#attributes").or_else(|| value.get("@attributes")).and_then(Value::as_object);
        match (name.as_str(), value, attributes) {
            ("TimeCreated", ..) => {}
            (_, Value::Object(inner), _) if inner.contains_key("#text") => push(native, name, &inner["#text"]),
            (_, _, Some(attributes)) => attributes.iter().for_each(|(inner, value)| push(native, &format!("{name}_{inner}"), value)),
            (_, Value::Object(inner), None) => inner.iter().for_each(|(inner, value)| push(native, &format!("{name}_{inner}"), value)),
            _ => push(native, name, value),
        }
    }
    for part in ["EventData", "UserData"] {
        if let Some(Value::Object(data)) = event.get(part) {
            leaves(native, data, 8);
        }
    }
    let created = system.get("TimeCreated")?;
    let time = [created.pointer("/#attributes/SystemTime"), created.get("SystemTime"), created.get("@SystemTime"), Some(created)];
    time.into_iter().flatten().find_map(Value::as_str).map(str::to_owned).or(Some(String::new()))
}

/// Data by its name, whatever it is wrapped in.
fn leaves(native: &mut Native, data: &Object, depth: usize) {
    for (name, value) in data {
        match value {
            _ if name.starts_with('#') || name.starts_with('@') || depth == 0 => {}
            Value::Object(inner) => match inner.get("#text") {
                Some(Value::Array(items)) => items.iter().for_each(|item| push(native, name, item)),
                Some(text) => push(native, name, text),
                None => leaves(native, inner, depth - 1),
            },
            // `<Data Name="..">` kept as a list of name and text.
            Value::Array(items) => {
                for item in items {
                    let named = item.get("Name").or_else(|| item.get("@Name")).or_else(|| item.pointer("/#attributes/Name"));
                    match (named.and_then(Value::as_str), item.get("#text").or_else(|| item.get("Value"))) {
                        (Some(named), text) => push(native, named, text.unwrap_or(&Value::Null)),
                        (None, Some(text)) => push(native, name, text),
                        (None, None) => push(native, name, item),
                    }
                }
            }
            _ => push(native, name, value),
        }
    }
}

fn winlogbeat(record: &Object, native: &mut Native) -> Option<String> {
    let log = record.get("winlog")?.as_object()?;
    for (ours, theirs) in
        [("EventID", "event_id"), ("Channel", "channel"), ("Computer", "computer_name"), ("Provider_Name", "provider_name")]
    {
        push(native, ours, log.get(theirs)?);
    }
    for part in ["event_data", "user_data"] {
        if let Some(Value::Object(data)) = log.get(part) {
            leaves(native, data, 8);
        }
    }
    Some(record.get("@timestamp").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// All in one object, as the collector's configuration names it.
fn named(record: &Object, native: &mut Native) -> Option<String> {
    record.get("EventID").or_else(|| record.get("event_id"))?;
    for (name, value) in record {
        let ours = match name.as_str() {
            "event_id" => "EventID",
            "channel" | "log_name" => "Channel",
            "Hostname" | "host_name" if !record.contains_key("Computer") => "Computer",
            "SourceName" | "source_name" => "Provider_Name",
            "SourceImage" | "TargetImage" => name,
            "EventData" | "UserData" => {
                if let Some(data) = value.as_object() {
                    leaves(native, data, 8);
                }
                continue;
            }
            other => other,
        };
        if !value.is_object() {
            push(native, ours, value);
        }
    }
    let time = ["TimeCreated", "@timestamp", "EventTime", "UtcTime"].iter().find_map(|name| record.get(*name)?.as_str());
    Some(time.unwrap_or_default().to_owned())
}

fn push(native: &mut Native, name: &str, value: &Value) {
    if native.fields.len() < event::native::FIELDS_MAX {
        match value {
            Value::Array(items) => items.iter().for_each(|item| native.fields.push((name.into(), flat::held(item)))),
            _ => native.fields.push((name.into(), flat::held(value))),
        }
    }
}

/// Of a native event with its channel and id; `-` is how Windows writes nothing.
fn body(native: &Native) -> Body {
    let id = native.int("EventID").unwrap_or(0);
    let text = |name: &str| Some(native.text(name).trim()).filter(|t| *t != "-").unwrap_or("");
    let host = || Text::from(text("Computer"));
    let ip = |name: &str| address::address(text(name).as_bytes());
    let port = |name: &str| native.int(name).and_then(|n| u16::try_from(n).ok());
    let sysmon = native.service == SYSMON;
    match (sysmon, id) {
        (false, 4624 | 4625 | 4634 | 4647 | 4648 | 4768 | 4771 | 4776) if native.service == "Security" => {
            let status = [text("Status"), text("SubStatus")];
            let zero = status[0].is_empty() || i64::from_str_radix(status[0].trim_start_matches("0x"), 16) == Ok(0);
            let failed = matches!(id, 4625 | 4771) || matches!(id, 4768 | 4776) && !zero;
            let unknown =
                status.iter().any(|s| s.eq_ignore_ascii_case("0xc0000064")) || id == 4768 && status[0].eq_ignore_ascii_case("0x6");
            let factor = [text("AuthenticationPackageName"), text("PackageName"), text("PreAuthType")].into_iter().find(|t| !t.is_empty());
            Body::Authentication(Box::new(Authentication {
                action: if matches!(id, 4634 | 4647) { Action::Logout } else { Action::Login },
                outcome: if failed { Outcome::Failure } else { Outcome::Success },
                user: account(text("TargetUserName")),
                user_unknown: unknown,
                client: ip("IpAddress").filter(|ip| !ip.is_unspecified()),
                client_port: port("IpPort").filter(|port| *port > 0),
                host: host(),
                service: Text::const_new(if matches!(id, 4768 | 4771) { "kerberos" } else { "windows" }),
                factor: factor.unwrap_or_default().into(),
                reason: if failed {
                    status.into_iter().rfind(|s| !s.is_empty() && *s != "0x0").unwrap_or_default().into()
                } else {
                    Text::default()
                },
                session: text("TargetLogonId").into(),
                device: text("WorkstationName").into(),
                repeats: 1,
                ..Authentication::default()
            }))
        }
        (false, 4688) if native.service == "Security" => Body::Process(Box::new(Process {
            host: host(),
            user: account(text("SubjectUserName")),
            run_as: account(text("TargetUserName")),
            command_line: text("CommandLine").to_owned(),
            service: Text::const_new("windows"),
            allowed: true,
            image: text("NewProcessName").to_owned(),
            parent_image: text("ParentProcessName").to_owned(),
            pid: number(native, "NewProcessId"),
            parent_pid: number(native, "ProcessId"),
            ..Process::default()
        })),
        (true, 1) => Body::Process(Box::new(Process {
            host: host(),
            user: account(text("User")),
            command_line: text("CommandLine").to_owned(),
            working_directory: text("CurrentDirectory").into(),
            service: Text::const_new("windows"),
            allowed: true,
            image: text("Image").to_owned(),
            parent_image: text("ParentImage").to_owned(),
            parent_command_line: text("ParentCommandLine").to_owned(),
            pid: number(native, "ProcessId"),
            parent_pid: number(native, "ParentProcessId"),
            hashes: text("Hashes").to_owned(),
            ..Process::default()
        })),
        (true, 3) => flow(
            native,
            [ip("SourceIp"), ip("DestinationIp")],
            [port("SourcePort"), port("DestinationPort")],
            text("Protocol"),
            text("DestinationHostname"),
        ),
        (false, 5156) if native.service == "Security" => {
            let transport = if native.int("Protocol") == Some(17) { "udp" } else { "tcp" };
            let (mut ends, mut ports) = ([ip("SourceAddress"), ip("DestAddress")], [port("SourcePort"), port("DestPort")]);
            // %%14592 is inbound: source is the machine itself all the same in some versions, the direction decides.
            if text("Direction") == "%%14592" && ports[0] < ports[1] {
                ends.swap(0, 1);
                ports.swap(0, 1);
            }
            flow(native, ends, ports, transport, "")
        }
        (true, 22) => Body::Dns(Box::new(Dns {
            name: text("QueryName").trim_end_matches('.').to_lowercase(),
            rcode: if native.int("QueryStatus") == Some(0) { Text::const_new("NOERROR") } else { Text::default() },
            ..Dns::default()
        })),
        (true, 11 | 15 | 23 | 26) => Body::File(Box::new(File {
            host: host(),
            path: text("TargetFilename").to_owned(),
            action: Text::const_new(if matches!(id, 11 | 15) { "create" } else { "delete" }),
            by: text("Image").to_owned(),
            ..File::default()
        })),
        _ => Body::Other { host: host(), service: native.service.clone() },
    }
}

fn flow(
    native: &Native,
    [client, server]: [Option<std::net::IpAddr>; 2],
    [from, to]: [Option<u16>; 2],
    transport: &str,
    name: &str,
) -> Body {
    if client.is_none() && server.is_none() {
        return Body::Other { host: native.text("Computer").into(), service: native.service.clone() };
    }
    Body::Network(Box::new(Network {
        client,
        client_port: from.unwrap_or(0),
        server,
        server_port: to.unwrap_or(0),
        transport: transport.to_lowercase().into(),
        server_name: name.to_lowercase().into(),
        ..Network::default()
    }))
}

/// `DOMAIN\user` and `user@REALM` are the account `user` of that domain; names of Windows accounts have no case.
fn account(name: &str) -> Text {
    let bare = name.rsplit_once('\\').map_or(name, |(_, user)| user);
    bare.to_lowercase().into()
}

/// Decimal or `0x1f4`.
fn number(native: &Native, name: &str) -> Option<u32> {
    match native.text(name).strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => native.int(name).and_then(|n| u32::try_from(n).ok()),
    }
}
