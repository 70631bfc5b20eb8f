//! Encodings of the wire, which servers undo.

use super::Family::{Html, Path, Shell, Sql};
use super::Operator;

/// Some bytes as `%XX`.
pub(super) static PARTLY: Operator = Operator {
    name: "encoding.partly",
    families: &[Sql, Html, Shell, Path],
    apply: |text, random| {
        if text.contains('%') {
            return text.to_owned();
        }
        let share = random.between(2, 8);
        text.bytes()
            .map(
                |byte| {
                    if byte >= 0x80 || byte == b' ' || random.one_in(share) { format!("%{byte:02x}") } else { (byte as char).to_string() }
                },
            )
            .collect()
    },
};
