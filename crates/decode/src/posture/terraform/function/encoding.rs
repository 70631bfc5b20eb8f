//! Functions that encode.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest as _;

use crate::posture::value::{Node, Value};

pub(super) fn call(name: &str, args: &[Node]) -> Option<Value> {
    let text = args.first()?.scalar()?;
    match name {
        "base64encode" => Some(Value::Text(STANDARD.encode(text))),
        "base64decode" => Some(Value::Text(String::from_utf8(STANDARD.decode(text).ok()?).ok()?)),
        "sha256" => Some(Value::Text(sha2::Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect())),
        "urlencode" => {
            let mut out = String::new();
            for byte in text.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
                    b' ' => out.push('+'),
                    _ => out.push_str(&format!("%{byte:02X}")),
                }
            }
            Some(Value::Text(out))
        }
        "abspath" | "pathexpand" => Some(Value::Text(text)),
        "basename" => Some(Value::Text(text.rsplit('/').next().unwrap_or_default().to_owned())),
        "dirname" => Some(Value::Text(text.rsplit_once('/').map_or(".", |(d, _)| d).to_owned())),
        _ => None,
    }
}
