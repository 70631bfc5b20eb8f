//! Keys, for people who have no mouse in their hand.

use maud::{Markup, html};

use super::{Ctx, Gone, Here, MENU, layout};

const KEYS: [(&str, &str); 12] = [
    ("/", "search, or go to an id"),
    ("j", "next row"),
    ("k", "previous row"),
    ("Enter", "open the row"),
    ("u", "undo: shows the plan, Enter confirms"),
    ("e", "close the incident"),
    ("n", "note"),
    ("b", "block"),
    ("c", "check a mail, link, file or text"),
    ("[", "previous incident"),
    ("]", "next incident"),
    ("?", "this list"),
];

pub(crate) fn list() -> Markup {
    html! {
        h2 { "Keys" }
        table.keys {
            tbody {
                @for (key, does) in KEYS { tr { th scope="row" { kbd { (key) } } td { (does) } } }
                @for (_, word, _, key) in MENU { tr { th scope="row" { kbd { "g" } " " kbd { (key) } } td { "go to " (word) } } }
            }
        }
        p.muted { "Keys do nothing while you type, or together with Ctrl, Alt or Cmd." }
    }
}

pub(crate) fn page(ctx: &Ctx) -> Result<Markup, Gone> {
    Ok(layout(ctx, Here::None, "Keys", &html! { h1 { "Keys" } section.panel { (list()) } }))
}
