//! SPF, DKIM and DMARC as a trusted receiver recorded them.
//!
//! Reads:      `Authentication-Results` whose authserv-id is in `[mail] trusted_authserv`, and nothing else: anybody can write the header.
//! Evidence:   fails and missing alignment. A pass proves a domain, not honesty: it lowers nothing.

use decode::mail::Message;

use super::{Config, Fact};

pub(crate) fn facts(message: &Message, config: &Config) -> Vec<Fact> {
    let mut facts = Vec::new();
    for value in message.all("authentication-results") {
        let server = value.split([';', ' ']).next().unwrap_or("").trim().to_ascii_lowercase();
        if !config.trusted_authserv.iter().any(|trusted| trusted.eq_ignore_ascii_case(&server)) {
            continue;
        }
        for (method, push) in [("dmarc", 1.2), ("spf", 0.5), ("dkim", 0.5)] {
            let result = result(value, method);
            if matches!(result.as_deref(), Some("fail" | "softfail" | "permerror")) {
                facts.push(Fact::new("auth.fail", format!("{method} failed, says {server}"), push));
            }
        }
    }
    facts
}

fn result(value: &str, method: &str) -> Option<String> {
    value.split(';').map(str::trim).find_map(|part| {
        let rest = part.to_ascii_lowercase();
        let rest = rest.strip_prefix(method)?.trim_start().strip_prefix('=')?.trim_start().to_owned();
        Some(rest.chars().take_while(char::is_ascii_alphabetic).collect())
    })
}
