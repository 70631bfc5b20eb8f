//! `[[gateway.login]]`: how a sign-in of the application looks.

use detect::web::login::form::Form;

use crate::config::fault::Code;
use crate::config::key::TakenUp::Restart;
use crate::config::key::{Key, Kind, Section};
use crate::config::layer::Values;

pub const SECTION: Section = Section {
    name: "gateway.login",
    many: true,
    doc: "How a sign-in of the application looks. Without one, POSTs to paths named like a login are recognised.",
    keys: &[
        Key { name: "path", kind: Kind::Text, default: "", doc: "Path that the password is sent to.", taken_up: Restart },
        Key {
            name: "method",
            kind: Kind::Word(&["POST", "PUT", "PATCH", "GET"]),
            default: "\"POST\"",
            doc: "Its method.",
            taken_up: Restart,
        },
        Key { name: "user", kind: Kind::Text, default: "", doc: "Field of the account, in form or JSON.", taken_up: Restart },
        Key {
            name: "success",
            kind: Kind::Many(&Kind::Count { min: 200, max: 499 }),
            default: "[]",
            doc: "Statuses of an answer that lets in.",
            taken_up: Restart,
        },
        Key { name: "cookie", kind: Kind::Text, default: "", doc: "Cookie that only such an answer sets.", taken_up: Restart },
    ],
};

pub fn read(values: &mut Values) -> Vec<Form> {
    let parts: Vec<_> = values.many("gateway.login").cloned().collect();
    let mut forms = Vec::new();
    for part in parts {
        let path = part.text("path").unwrap_or_default();
        if !path.starts_with('/') {
            let (text, instead) = ("a sign-in without a path that begins with /".to_owned(), "path = \"/login\"".to_owned());
            values.fault(Code::Together, &part.at("path"), text, instead);
            continue;
        }
        forms.push(Form {
            path,
            method: part.text("method").filter(|m| m != "POST").unwrap_or_default(),
            user_field: part.text("user").unwrap_or_default(),
            success: part.numbers("success").into_iter().filter_map(|n| u16::try_from(n).ok()).collect(),
            session_cookie: part.text("cookie").unwrap_or_default(),
        });
    }
    forms
}
