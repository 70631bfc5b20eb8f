//! Script injection: separators, other calls, schemes with blanks, attributes in between.

use super::Family::Html;
use super::{Operator, replace_one};
use crate::generate::web::mixed_case;

/// Letters large and small; training rows have it.
pub(super) static CASE: Operator = Operator { name: "html.case", families: &[Html], apply: mixed_case };

/// What stands between a tag's name and its attributes.
pub(super) static SEPARATOR: Operator = Operator {
    name: "html.separator",
    families: &[Html],
    apply: |text, random| {
        let Some(open) = text.find('<') else { return text.to_owned() };
        let end = text[open..].find('>').map_or(text.len(), |at| open + at);
        match text[open..end].find(' ') {
            Some(at) => {
                format!("{}{}{}", &text[..open + at], random.pick(&["/", "\n", "\t", "\u{c}", "/ /", "\r\n"]), &text[open + at + 1..])
            }
            None => text.to_owned(),
        }
    },
};

/// The call in another way.
pub(super) static CALL: Operator = Operator {
    name: "html.call",
    families: &[Html],
    apply: |text, random| {
        let to = random.pick(&[
            "confirm(",
            "prompt(",
            "(alert)(",
            "window.alert(",
            "top['al'+'ert'](",
            "self[`alert`](",
            "alert?.(",
            "[1].find(alert)||(",
        ]);
        replace_one(text, "alert(", to, random)
    },
};

/// `javascript:` as browsers also read it.
pub(super) static SCHEME: Operator = Operator {
    name: "html.scheme",
    families: &[Html],
    apply: |text, random| {
        replace_one(
            text,
            "javascript:",
            random.pick(&["java\tscript:", "javascript&colon;", "\u{1}javascript:", "java\nscript:", "javascript:/* ok */"]),
            random,
        )
    },
};

/// Attributes that do nothing, before the one that does.
pub(super) static ATTRIBUTES: Operator = Operator {
    name: "html.attributes",
    families: &[Html],
    apply: |text, random| {
        let Some(open) = text.find('<') else { return text.to_owned() };
        let end = text[open..].find('>').map_or(text.len(), |at| open + at);
        let Some(at) = text[open..end].find(' ') else { return text.to_owned() };
        let more =
            random.pick(&["title=\"a nice picture of our garden\"", "class=wide", "data-page=2", "lang=en", "alt='blue shirt'", "id=news"]);
        format!("{} {more}{}", &text[..open + at], &text[open + at..])
    },
};
