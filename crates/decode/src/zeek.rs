//! Zeek logs: tables with a `#fields` header, and JSON lines.
//!
//! Gives:      `conn`, `ssl`, `ssh`: network; `dns`: DNS; `http`: HTTP; the other logs are kept for rules and for hunting. Native names are Zeek's.
//! Hostile:    a table has as many columns as its header says (one empty more at the end is nothing): a line with more or fewer is
//!             undecoded; `\x09` in a value stays in the value.

use event::native::{FIELDS_MAX, Native, Value};
use event::network::{Ssh, Tls};
use event::{Body, Dns, Event, Http, Network, Text, Time};
use memchr::memmem;

use crate::text::{number, short, string};
use crate::{Decoder, FileDecoder, Place, Reading, When, address, flat, record};

pub struct Zeek;

const NAME: &str = "zeek";
const ABOUT: &str = "Zeek logs: tables with a #fields header, JSON lines";

impl Decoder for Zeek {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn recognise(&self, record: &[u8]) -> u8 {
        let has = |mark: &[u8]| memmem::find(record, mark).is_some();
        let known = record.trim_ascii_start().starts_with(b"{")
            && has(b"\"ts\"")
            && (has(b"\"id.orig_h\"") || has(b"\"fuid\"") || has(b"\"_path\""));
        if known { 96 } else { 0 }
    }

    fn read(&self, record: &[u8], at: &Place<'_>) -> Result<Reading, Text> {
        let members = flat::object(record)?;
        let mut native = Native { product: Text::const_new(NAME), ..Native::default() };
        flat::add(&mut native, "", &members);
        native.service = match native.text("_path") {
            "" => path_of(&native, at.source),
            path => path.into(),
        };
        Ok(reading(native))
    }
}

impl FileDecoder for Zeek {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn recognise(&self, head: &[u8], _name: &str) -> u8 {
        let start = &head[..head.len().min(4_096)];
        if start.starts_with(b"#separator ") || start.starts_with(b"#") && memmem::find(start, b"\n#fields\t").is_some() { 95 } else { 0 }
    }

    fn decode(&self, bytes: &[u8], at: &Place<'_>, out: &mut dyn FnMut(Event)) {
        let mut table = Table::default();
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match line.first() {
                None => {}
                Some(b'#') => table.header(line),
                Some(b'{') => out(record(NAME, line, at, number, |raw| Decoder::read(self, raw, at))),
                Some(_) => out(record(NAME, line, at, number, |raw| table.row(raw))),
            }
        }
    }
}

struct Table {
    separator: u8,
    unset: Vec<u8>,
    empty: Vec<u8>,
    path: Text,
    fields: Vec<Text>,
    types: Vec<Text>,
}

impl Default for Table {
    fn default() -> Table {
        Table {
            separator: b'\t',
            unset: b"-".to_vec(),
            empty: b"(empty)".to_vec(),
            path: Text::default(),
            fields: Vec::new(),
            types: Vec::new(),
        }
    }
}

impl Table {
    fn header(&mut self, line: &[u8]) {
        if let Some(coded) = line.strip_prefix(b"#separator \\x") {
            let hex = std::str::from_utf8(coded).ok().and_then(|t| u8::from_str_radix(t.trim(), 16).ok());
            self.separator = hex.unwrap_or(b'\t');
            return;
        }
        let mut cells = line.split(|byte| *byte == self.separator);
        let name = cells.next().unwrap_or_default();
        match name {
            b"#unset_field" => self.unset = cells.next().unwrap_or(b"-").to_vec(),
            b"#empty_field" => self.empty = cells.next().unwrap_or(b"(empty)").to_vec(),
            b"#path" => self.path = short(cells.next().unwrap_or_default()),
            b"#fields" => self.fields = cells.take(FIELDS_MAX).map(short).collect(),
            b"#types" => self.types = cells.take(FIELDS_MAX).map(short).collect(),
            _ => {}
        }
    }

    fn row(&self, line: &[u8]) -> Result<Reading, Text> {
        if self.fields.is_empty() {
            return Err(Text::const_new("no #fields header before this line"));
        }
        let mut native =
            Native { product: Text::const_new(NAME), service: self.path.clone(), fields: Vec::with_capacity(self.fields.len()) };
        let mut cells = 0;
        for (column, cell) in line.split(|byte| *byte == self.separator).enumerate() {
            // Some exports end each row with a separator.
            if column == self.fields.len() && cell.is_empty() {
                continue;
            }
            cells = column + 1;
            let Some(name) = self.fields.get(column) else { continue };
            if cell == self.unset {
                continue;
            }
            let kind = self.types.get(column).map_or("", |kind| kind.as_str());
            if kind.starts_with("vector[") || kind.starts_with("set[") {
                if cell != self.empty {
                    cell.split(|byte| *byte == b',')
                        .take(256)
                        .for_each(|item| native.fields.push((name.clone(), Value::Text(string(item)))));
                }
            } else if cell == self.empty {
                native.fields.push((name.clone(), Value::Text(String::new())));
            } else {
                native.fields.push((name.clone(), typed(kind, cell)));
            }
        }
        if cells != self.fields.len() {
            return Err(format!("{cells} columns, the header names {}", self.fields.len()).into());
        }
        Ok(reading(native))
    }
}

fn typed(kind: &str, cell: &[u8]) -> Value {
    let text = string(cell);
    match kind {
        "count" | "int" | "port" => text.parse().map_or(Value::Text(text), Value::Int),
        "double" | "interval" | "time" => text.parse().map_or(Value::Text(text), Value::Real),
        "bool" => Value::Bool(cell == b"T"),
        _ => Value::Text(text),
    }
}

/// JSON lines do not say which log they are of: the file's name, else fields that only one log has.
fn path_of(native: &Native, source: &str) -> Text {
    let file = source.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    const LOGS: [&str; 14] =
        ["conn", "dns", "http", "ssl", "ssh", "smtp", "files", "x509", "notice", "kerberos", "smb_files", "dce_rpc", "rdp", "ftp"];
    if let Some(log) = LOGS.iter().find(|log| stem == **log) {
        return Text::const_new(log);
    }
    const MARKS: [(&str, &str); 9] = [
        ("conn_state", "conn"),
        ("qtype_name", "dns"),
        ("rcode", "dns"),
        ("user_agent", "http"),
        ("cipher", "ssl"),
        ("auth_attempts", "ssh"),
        ("mailfrom", "smtp"),
        ("mime_type", "files"),
        ("note", "notice"),
    ];
    MARKS.iter().find(|(field, _)| native.get(field).is_some()).map_or(Text::default(), |(_, log)| Text::const_new(log))
}

fn reading(native: Native) -> Reading {
    let s = real(&native, "ts");
    let time = s.map(|s| Time::from_us((s * 1e6).round() as i64));
    let when = time.map(When::Said).or_else(|| {
        // JSON logs may be configured to ISO times.
        crate::civil::rfc3339(native.text("ts")).map(When::Said)
    });
    let when = when.unwrap_or(When::Unsaid);
    let start = if let When::Said(time) = when { time } else { Time::ZERO };
    let body = body(&native, start);
    Reading { when, body, native: Some(Box::new(native)) }
}

fn real(native: &Native, name: &str) -> Option<f64> {
    match native.get(name)? {
        Value::Real(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn body(native: &Native, start: Time) -> Body {
    let text = |name: &str| native.text(name);
    let ip = |name: &str| address::address(text(name).as_bytes());
    let int = |name: &str| native.int(name).or_else(|| real(native, name).map(|r| r as i64)).unwrap_or(0);
    let size = |name: &str| int(name).max(0) as u64;
    let port = |name: &str| {
        number(text(name).as_bytes()).or_else(|| u64::try_from(int(name)).ok()).and_then(|n| u16::try_from(n).ok()).unwrap_or(0)
    };
    let (client, server) = (ip("id.orig_h"), ip("id.resp_h"));
    let (client_port, server_port) = (port("id.orig_p"), port("id.resp_p"));
    let all = |name: &str| native.all(name).map(ToString::to_string).take(64).collect::<Vec<String>>();
    let flow =
        || Network { client, client_port, server, server_port, transport: Text::const_new("tcp"), start, end: start, ..Network::default() };
    match native.service.as_str() {
        "conn" => {
            let state = match text("conn_state") {
                "S0" => "unanswered",
                "REJ" => "refused",
                "RSTO" | "RSTR" | "RSTOS0" | "RSTRH" => "reset",
                "SF" => "closed",
                "S1" | "S2" | "S3" => "established",
                _ => "",
            };
            Body::Network(Box::new(Network {
                transport: text("proto").into(),
                protocol: text("service").into(),
                end: start.plus_s(real(native, "duration").unwrap_or(0.0) as i64),
                bytes_out: size("orig_bytes"),
                bytes_in: size("resp_bytes"),
                packets_out: size("orig_pkts"),
                packets_in: size("resp_pkts"),
                state: Text::const_new(state),
                community_id: text("community_id").into(),
                ..flow()
            }))
        }
        "ssl" => Body::Network(Box::new(Network {
            protocol: Text::const_new("tls"),
            server_name: text("server_name").to_lowercase().into(),
            tls: Some(Box::new(Tls {
                version: text("version").into(),
                sni: text("server_name").into(),
                cipher: text("cipher").into(),
                ja3: text("ja3").into(),
                ja4: text("ja4").into(),
                subject: text("subject").to_owned(),
                issuer: text("issuer").to_owned(),
                ..Tls::default()
            })),
            ..flow()
        })),
        "ssh" => Body::Network(Box::new(Network {
            protocol: Text::const_new("ssh"),
            ssh: Some(Box::new(Ssh {
                client_software: text("client").into(),
                server_software: text("server").into(),
                client_hassh: text("hassh").into(),
                server_hassh: text("hasshServer").into(),
            })),
            ..flow()
        })),
        "dns" => {
            let (data, lives) = (all("answers"), all("TTLs"));
            let answers = data.into_iter().enumerate().map(|(n, data)| event::dns::Answer {
                kind: Text::default(),
                data,
                ttl_s: lives.get(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0) as u32,
            });
            Body::Dns(Box::new(Dns {
                client,
                client_port,
                server,
                server_port,
                transport: text("proto").into(),
                name: text("query").trim_end_matches('.').to_lowercase(),
                kind: text("qtype_name").into(),
                id: u16::try_from(int("trans_id")).ok(),
                rcode: text("rcode_name").into(),
                answers: answers.collect(),
                ..Dns::default()
            }))
        }
        "http" => Body::Http(Box::new(Http {
            client,
            client_port: Some(client_port),
            host: text("host").into(),
            method: text("method").into(),
            target: text("uri").to_owned(),
            version: text("version").into(),
            status: u16::try_from(int("status_code")).ok().filter(|s| *s > 0),
            request_bytes: Some(size("request_body_len")),
            response_bytes: Some(size("response_body_len")),
            user_agent: text("user_agent").to_owned(),
            referrer: text("referrer").to_owned(),
            user: text("username").into(),
            ..Http::default()
        })),
        other => Body::Other { host: text("id.resp_h").into(), service: format!("zeek {other}").into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\tqtype_name\trcode_name\tanswers\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tstring\tstring\tvector[string]\n1700000000.5\tC1\t192.0.2.7\t5353\t198.51.100.1\t53\tudp\tWWW.Example.test\tA\tNOERROR\t203.0.113.1,203.0.113.2\t\n1700000001.5\tC2\tshort line\n#close\t2023\n";

    fn events(bytes: &[u8], name: &str) -> Vec<Event> {
        let mut all = Vec::new();
        FileDecoder::decode(&Zeek, bytes, &Place::new(name, 0, Time::from_s(1_800_000_000)), &mut |event| all.push(event));
        all
    }

    #[test]
    fn tables_are_read_by_their_header() {
        let all = events(TABLE, "x.log");
        assert_eq!(all.len(), 2);
        let Body::Dns(dns) = &all[0].body else { panic!("{:?}", all[0].body) };
        assert_eq!((dns.name.as_str(), dns.kind.as_str(), dns.rcode.as_str(), dns.answers.len()), ("www.example.test", "A", "NOERROR", 2));
        assert_eq!((dns.client_port, dns.server_port, all[0].meta.record), (5353, 53, 8));
        assert_eq!(all[0].meta.time, Time::from_us(1_700_000_000_500_000));
        assert!(matches!(&all[1].body, Body::Undecoded { reason } if reason.contains("columns")));
    }

    #[test]
    fn json_lines_are_known_by_name_or_fields() {
        let line = br#"{"ts":1700000000.5,"uid":"C1","id.orig_h":"192.0.2.7","id.orig_p":4000,"id.resp_h":"198.51.100.1","id.resp_p":443,"proto":"tcp","conn_state":"SF","orig_bytes":10,"resp_bytes":20}"#;
        let all = events(line, "some.json");
        let Body::Network(flow) = &all[0].body else { panic!("{:?}", all[0].body) };
        assert_eq!((flow.bytes_out, flow.bytes_in, flow.server_port, flow.state.as_str()), (10, 20, 443, "closed"));
        assert_eq!(all[0].native.as_ref().map(|n| n.service.as_str()), Some("conn"));
    }
}
