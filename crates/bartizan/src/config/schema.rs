//! What is made from the rows of the keys: a JSON Schema for editors, the reference page, and an example file that holds every key.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::key::{Key, Kind, Section, TakenUp};
use super::layer::variable;
use super::section::ALL;

/// JSON Schema, draft 2020-12.
pub fn json_schema() -> Value {
    let mut root = table(ALL[0]);
    for section in &ALL[1..] {
        let (mut at, mut names) = (&mut root, section.name.split('.').peekable());
        while let Some(name) = names.next() {
            let properties = at["properties"].as_object_mut().unwrap_or_else(|| unreachable!("invariant: table() makes properties"));
            if names.peek().is_none() {
                let made = table(section);
                properties.insert(name.to_owned(), if section.many { json!({"type": "array", "items": made}) } else { made });
                break;
            }
            at = properties.entry(name).or_insert_with(|| json!({"type": "object", "properties": {}}));
        }
    }
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("bartizan.toml");
    root
}

fn table(section: &Section) -> Value {
    let keys: Map<String, Value> = section.keys.iter().map(|key| (key.name.to_owned(), of_key(key))).collect();
    json!({"type": "object", "description": section.doc, "additionalProperties": false, "properties": keys})
}

fn of_key(key: &Key) -> Value {
    let mut made = of_kind(&key.kind);
    let end = match key.taken_up {
        TakenUp::Reload => "Taken up by a reload.",
        TakenUp::Restart => "Taken up by a restart.",
    };
    made["description"] = json!(format!("{} {} {end}", key.doc, expected(key)));
    made
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Switch => json!({"type": "boolean"}),
        Kind::Count { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Duration { .. } => json!({"type": "string", "pattern": "^[0-9]+(s|m|h|d)$"}),
        Kind::Size { .. } => json!({"type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB|TiB)$"}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
        Kind::Upstream => json!({"type": "string", "pattern": "^https?://"}),
        Kind::Secret => json!({
            "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
            "properties": {"file": {"type": "string"}, "env": {"type": "string"}},
        }),
        Kind::TextOrSecret => json!({"anyOf": [{"type": "string"}, of_kind(&Kind::Secret)]}),
        Kind::Many(kind) => json!({"type": "array", "items": of_kind(kind)}),
        Kind::Listen | Kind::Network | Kind::Path | Kind::Text => json!({"type": "string"}),
    }
}

fn expected(key: &Key) -> String {
    let expected = key.kind.expected();
    let mut letters = expected.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase()).into_iter();
    format!("{}.", first.chain(letters).collect::<String>())
}

fn heading(section: &Section) -> String {
    match (section.name, section.many) {
        ("", _) => "the top of the file".into(),
        (name, true) => format!("[[{name}]]"),
        (name, false) => format!("[{name}]"),
    }
}

/// The reference page, in Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Configuration, key by key\n\n\
         Made by `bartizan config schema --markdown`; a test fails when it is behind. How to use it: [operations.md](operations.md).\n\n\
         A value marked *reload* is taken up by `bartizan config reload` or SIGHUP, one marked *restart* by `bartizan restart`, which drops no connection.\n",
    );
    for section in ALL {
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n| key | what stands there | default | taken up by |\n| --- | --- | --- | --- |\n",
            heading(section),
            section.doc
        );
        for key in section.keys {
            let default = if key.default.is_empty() { "none".to_owned() } else { format!("`{}`", key.default) };
            let word = if key.taken_up == TakenUp::Reload { "reload" } else { "restart" };
            let text = format!("{} {}", key.doc, expected(key)).replace('|', "\\|");
            let _ = writeln!(page, "| `{}` | {text} | {default} | *{word}* |", key.name);
        }
    }
    page.push_str(
        "\n## Environment\n\nEvery key of a table that stands once is also a variable; lists are separated by commas. A secret itself never stands in one of these: \
         `{ env = \"NAME\" }` in the file names the variable that holds it.\n\n",
    );
    for section in ALL.iter().filter(|section| !section.many) {
        let names = section.keys.iter().filter(|key| !matches!(key.kind, Kind::Secret));
        let names: Vec<String> = names.map(|key| format!("`{}`", variable(section, key))).collect();
        let _ = writeln!(page, "- {}: {}", heading(section), names.join(", "));
    }
    page
}

/// A file that holds every key, commented out, with its default or an example.
pub fn example() -> String {
    let mut file = String::from(
        "# Bartizan. Every line is commented out: an empty file works. `bartizan config check` names every fault at once,\n\
         # `bartizan config show --origin` says what is in force and where it was written. Files of conf.d beside this one win over it.\n",
    );
    for section in ALL {
        let _ = write!(file, "\n# {}\n", section.doc);
        if !section.name.is_empty() {
            let _ = writeln!(file, "#{}", heading(section));
        }
        for key in section.keys {
            // What goes with another kind of channel would not go together with the rest.
            let mark = if section.name != "notify" || super::section::notify::goes_with_the_default(key.name) { "#" } else { "# " };
            let sample = if section.name == "notify" { sample_of_channel(key) } else { sample(key) };
            let _ = write!(file, "# {} {}\n{mark}{} = {sample}\n", key.doc, expected(key), key.name);
        }
    }
    file
}

fn sample_of_channel(key: &Key) -> &'static str {
    match key.name {
        "name" => "\"ops\"",
        "url" => "\"https://hooks.example/bartizan\"",
        "secret" => "{ file = \"/etc/bartizan/notify.secret\" }",
        "topic" => "\"soc\"",
        "path" => "\"told.ndjson\"",
        "server" => "\"mail.example:587\"",
        "from" => "\"bartizan@mail.example\"",
        "to" => "[\"soc@mail.example\"]",
        "user" => "\"bartizan\"",
        "ca" => "\"/etc/bartizan/ca.pem\"",
        _ => key.default,
    }
}

/// The default, or something that could stand there.
fn sample(key: &Key) -> &'static str {
    if !key.default.is_empty() && key.default != "[]" {
        return key.default;
    }
    match key.name {
        "data_dir" => "\"/var/lib/bartizan\"",
        "content" => "\"/etc/bartizan/content\"",
        "upstream" => "\"http://127.0.0.1:3000\"",
        "site" => "\"shop\"",
        "link" => "\"https://soc.example\"",
        "cert" => "\"/etc/bartizan/tls.pem\"",
        "key" => "\"/etc/bartizan/tls.key.pem\"",
        "request_log" => "\"/var/lib/bartizan/requests.ndjson\"",
        "workers" => "2",
        "path" => "\"/login\"",
        "user" => "\"email\"",
        "success" => "[302]",
        "cookie" => "\"sid\"",
        "bytes_max" => "\"200GiB\"",
        "token" => "{ file = \"/etc/bartizan/metrics.token\" }",
        _ if matches!(key.kind, Kind::Listen) => "\"127.0.0.1:9464\"",
        _ => "[]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for key in ALL.iter().flat_map(|section| section.keys) {
            assert_eq!(key.default_value().is_some(), !key.default.is_empty(), "{}", key.name);
            assert!(key.doc.ends_with('.'), "{}", key.name);
        }
    }

    #[test]
    fn the_schema_has_every_key() {
        let text = json_schema().to_string();
        for section in ALL {
            for key in section.keys {
                assert!(text.contains(&format!("\"{}\":{{", key.name)), "{}.{}", section.name, key.name);
            }
        }
    }

    #[test]
    fn the_example_is_read_whole_and_its_comments_alone_are_an_empty_file() {
        let example = example();
        assert_eq!(
            super::super::parse(example.as_bytes(), "example".as_ref()).map_err(|f| f.len()),
            super::super::parse(b"", "empty".as_ref()).map_err(|f| f.len())
        );
        let open: String =
            example.lines().map(|line| line.strip_prefix('#').filter(|l| !l.starts_with(' ')).unwrap_or("")).collect::<Vec<_>>().join("\n");
        // block_private needs nftables and a gateway on loopback needs no token: the samples go together.
        let read = super::super::parse(open.as_bytes(), "example".as_ref());
        assert!(read.is_ok(), "{:#?}\n{open}", read.err());
    }
}
