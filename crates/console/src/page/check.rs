//! Drop or paste a mail, a link, a file or a text: one word about it, with reasons and with what was not checked.

use event::Score;
use maud::{Markup, html};

use super::{Ctx, Gone, Here, layout};
use crate::check::{Checked, Matter, MatterKind};
use crate::href::Href;
use crate::part::{reasons, severity, text};

/// What was handed in, and what was said about it.
pub(crate) struct Answer {
    pub(crate) name: String,
    pub(crate) said: Checked,
}

/// One question, within the limits of who asks.
pub(crate) fn ask(ctx: &Ctx, matter: &Matter) -> Result<Checked, Gone> {
    (ctx.app.links.check)(matter).map_err(|many| Gone::too_many(many.after_s))
}

pub(crate) fn page(ctx: &Ctx, matter: Option<&Matter>) -> Result<Markup, Gone> {
    let answer = match matter {
        Some(matter) => Some(Answer { name: matter.name.clone(), said: ask(ctx, matter)? }),
        None => None,
    };
    Ok(layout(
        ctx,
        Here::None,
        "Check",
        &html! {
            div.head { h1 { "Check" } p.sub { "one word about a mail, a link, a file or a text; nothing is opened, run or fetched" } }
            section.panel aria-labelledby="hand" {
                h2 id="hand" { "Hand it in" }
                p { label for="file" { "A file (drop it anywhere on this page) " } input type="file" id="file" data-check=(Href::to("/check/file")) data-csrf=(ctx.who.csrf); }
                form method="post" action=(Href::to("/check")) {
                    input type="hidden" name="csrf" value=(ctx.who.csrf);
                    p { label for="kind" { "or paste " } select id="kind" name="kind" { @for (_, word, about) in MatterKind::ALL { option value=(word) { (about) } } } }
                    p { label.hidden for="text" { "What to check" } textarea id="text" name="text" rows="6" maxlength="60000" {} }
                    button.primary type="submit" { "Check" }
                }
            }
            div id="checked" role="status" { @if let Some(answer) = &answer { (result(answer)) } }
        },
    ))
}

pub(crate) fn result(answer: &Answer) -> Markup {
    let said = &answer.said;
    html! {
        section.panel aria-labelledby="word" {
            div.line {
                (severity(said.severity))
                h2 id="word" { (text(&said.verdict)) @if let Some(score) = said.score { " " (format!("{score:.2}")) } }
                span.chip { (text(&said.kind)) }
            }
            p.facts { (text(&answer.name)) @if said.abstained { " · nothing dared to say more" } @for m in &said.models { " · " (text(&m.name)) " " (text(&m.version)) } }
            @match said.score {
                Some(score) => { (reasons::table(&said.reasons, Score::new(score), &said.would_change)) },
                None => { ul.plain { @for reason in &said.reasons { li { (text(&reason.text)) } } } @if !said.would_change.is_empty() { p.muted { (text(&said.would_change)) } } },
            }
            @if !said.members.is_empty() {
                h2 { "Inside" }
                ul.plain { @for (name, verdict) in said.members.iter().take(100) { li { b { (text(verdict)) } " " (text(name)) } } }
            }
            @if !said.not_checked.is_empty() { p.muted { "Not checked: " @for (at, what) in said.not_checked.iter().enumerate() { @if at > 0 { "; " } (text(what)) } } }
            @if let Some(finding) = &said.finding { p { a href=(Href::to("/go").query("q", finding)) { "Its incident" } } }
        }
    }
}
