//! The glyph of a block: drawn, because few fonts have one.

use maud::{Markup, html};

const OUTLINE: &str = "M7 1 12.500 3v3.500C12.500 10 10 12 7 13.500 4 12 1.500 10 1.500 6.500V3z";

/// Blocked.
pub(crate) fn whole() -> Markup {
    html! { svg.shield viewBox="0 0 14 14" width="14" height="14" aria-hidden="true" focusable="false" { path d=(OUTLINE) {} } }
}

/// Would have been blocked.
pub(crate) fn dashed() -> Markup {
    html! { svg.shield.dashed viewBox="0 0 14 14" width="14" height="14" aria-hidden="true" focusable="false" { path d=(OUTLINE) {} } }
}
