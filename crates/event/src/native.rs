//! The record in its source's own words: what rules written for that source are matched against.
//!
//! Flat: a nested object gives dotted names (`userIdentity.type`), an array gives the same name several times, one for each element. It is not
//! stored: the raw record is, and the decoder makes it again.

use crate::Text;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Native {
    /// `windows`, `linux`, `aws`, `zeek`, ..
    pub product: Text,
    /// Log of the product: a Windows channel (`Security`), `auditd`, `cloudtrail`, `conn`, ..
    pub service: Text,
    /// In the order of the record.
    pub fields: Vec<(Text, Value)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Int(i64),
    Real(f64),
    Bool(bool),
    Null,
}

/// At most this many fields are read from one record.
pub const FIELDS_MAX: usize = 2_048;

impl Native {
    /// The first value of that name; names are as the source spells them.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(held, _)| held == name).map(|(_, value)| value)
    }

    /// The first value of that name if it is a text, otherwise `""`.
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// The first value of that name as a whole number, also when the source wrote it as text.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Int(number) => Some(*number),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Every value of that name.
    pub fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Value> {
        self.fields.iter().filter(move |(held, _)| held == name).map(|(_, value)| value)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Int(number) => write!(f, "{number}"),
            Value::Real(number) => write!(f, "{number}"),
            Value::Bool(yes) => write!(f, "{yes}"),
            Value::Null => Ok(()),
        }
    }
}
