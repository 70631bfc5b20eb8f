//! Before the login. Says nothing about data, version, or whether an object exists.

use maud::{DOCTYPE, Markup, html};

use super::{mark, shell};
use crate::about::About;
use crate::asset;
use crate::session::Theme;

pub(crate) fn page(about: &About) -> Markup {
    shell(
        about.demo,
        Theme::System,
        "Log in",
        None,
        &html! {
            main.alone {
                (mark()) h1 { "Log in" }
                @if about.demo { p { span.demo { "DEMO DATA" } } }
                p { "Open the one-time link that Bartizan printed when it started. It works once, for 15 minutes." }
                p { "For another one, on the machine where it runs:" }
                pre.bytes tabindex="0" role="region" aria-label="Command" { "bartizan console link" }
            }
        },
    )
}

pub(crate) fn dead(about: &About) -> Markup {
    shell(
        about.demo,
        Theme::System,
        "This link is used up",
        None,
        &html! {
            main.alone {
                (mark()) h1 { "This link is used up" }
                @if about.demo { p { span.demo { "DEMO DATA" } } }
                p { "A login link works once, for 15 minutes. If it was not you who used it, end all logins under Settings." }
                p { "For a new one, on the machine where Bartizan runs:" }
                pre.bytes tabindex="0" role="region" aria-label="Command" { "bartizan console link" }
            }
        },
    )
}

/// A link from another site brings no cookie that is `SameSite=Strict`; the reload that this page asks for is our own and does.
pub(crate) fn again() -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content="0";
                title { "Bartizan" }
                link rel="stylesheet" href=(asset::style());
            }
            body { main.alone { h1 { "Opening" } p { "One moment." } } }
        }
    }
}
