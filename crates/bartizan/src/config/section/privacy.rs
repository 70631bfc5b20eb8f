//! `[privacy]`: what of people is replaced before it is written.

use crate::config::key::TakenUp::Restart;
use crate::config::key::{Key, Kind, Section};
use crate::config::layer::Values;
use crate::privacy;

pub const SECTION: Section = Section {
    name: "privacy",
    many: false,
    doc: "What of people is replaced by pseudonyms before it is detected and written. Passwords, tokens, keys and card numbers are never written (docs/privacy.md).",
    keys: &[
        Key {
            name: "pseudonyms",
            kind: Kind::Many(&Kind::Word(&["user", "email"])),
            default: "[]",
            doc: "user: names of accounts; email: mailboxes, wherever they stand. Addresses of machines are needed to block them and stay.",
            taken_up: Restart,
        },
        Key {
            name: "except",
            kind: Kind::Many(&Kind::Text),
            default: "[\"root\", \"admin\", \"administrator\", \"system\", \"nobody\", \"www-data\"]",
            doc: "Accounts that are no person: rules know them by name.",
            taken_up: Restart,
        },
        Key {
            name: "key",
            kind: Kind::Path,
            default: "",
            doc: "The file of the key, made at the first start. Without it: secrets/pseudonym.key in the data directory; keep it out of copies of that.",
            taken_up: Restart,
        },
    ],
};

pub fn read(values: &Values) -> privacy::Choice {
    let part = values.one("privacy");
    let pseudonyms: Vec<_> = part.texts("pseudonyms").iter().filter_map(|word| privacy::Kind::parse(word)).collect();
    privacy::Choice { pseudonyms, except: part.texts("except"), key: part.path("key") }
}
