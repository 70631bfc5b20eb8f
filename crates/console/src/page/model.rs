//! Can I trust it? What each model is, who signed it, and its card.

use maud::{Markup, html};

use super::{Ctx, Gone, Here, layout};
use crate::about::ModelState;
use crate::href::Href;
use crate::part::{empty, long, text};

pub(crate) fn list(ctx: &Ctx) -> Result<Markup, Gone> {
    Ok(layout(
        ctx,
        Here::Models,
        "Models",
        &html! {
            div.head { h1 { "Models" } p.sub { "what judges, and on whose word" } }
            section.panel aria-label="Models" {
                @if ctx.about.models.is_empty() { (empty("No model is loaded: rules and statistics judge alone.", &html! {})) } @else {
                    table.rows.list {
                        thead { tr { th scope="col" { "Model" } th scope="col" { "Version" } th scope="col" { "Signature" } th scope="col" { "Thresholds" } th scope="col" { span.hidden { "Card" } } } }
                        tbody { @for m in &ctx.about.models { tr data-row=(Href::to("/models").part(&m.name)) {
                            td.what { a.title href=(Href::to("/models").part(&m.name)) { (text(&m.name)) } }
                            td data-label="version" { (text(&m.version)) }
                            td.state { (signed(m)) }
                            td.why { (text(&m.thresholds)) }
                            td { a href=(Href::to("/models").part(&m.name)) { "card" span.hidden { " of " (text(&m.name)) } } }
                        } } }
                    }
                }
            }
        },
    ))
}

fn signed(m: &ModelState) -> Markup {
    html! {
        @if m.signed { span.chip.good { "✓ signed" } " " span.muted { "key " code { (text(&m.key_id)) } } }
        @else { span.chip.warn { "! not signed" } }
    }
}

pub(crate) fn page(ctx: &Ctx, name: &str) -> Result<Markup, Gone> {
    let model = ctx.about.models.iter().find(|m| m.name == name).ok_or_else(|| Gone::new("No model of that name is loaded."))?;
    Ok(layout(
        ctx,
        Here::Models,
        &format!("Model {name}"),
        &html! {
            div.crumbs { nav aria-label="Breadcrumb" { a href=(Href::to("/models")) { "Models" } " / " b { (text(name)) } } }
            section.what {
                div.line { h1 { (text(&model.name)) } span.chip { (text(&model.version)) } (signed(model)) }
                p.facts { (text(&model.thresholds)) }
            }
            section.panel.card aria-label="Card" { (card(&model.card_markdown)) }
        },
    ))
}

/// The little Markdown that cards use: headings, lists, tables, code blocks, paragraphs, `code` and **bold**. Anything else stays as it is written.
fn card(markdown: &str) -> Markup {
    let blocks = blocks(markdown);
    html! {
        @if blocks.is_empty() { p.muted { "This model came without a card." } }
        @for block in blocks { @match block {
            Block::Heading(1, words) => h2.big { (inline(words)) },
            Block::Heading(2, words) => h2 { (inline(words)) },
            Block::Heading(_, words) => h3 { (inline(words)) },
            Block::List(items) => ul { @for item in items { li { (inline(&item)) } } },
            Block::Table(rows) => div.wide tabindex="0" role="region" aria-label="Table" { table.rows {
                @for (place, cells) in rows.iter().enumerate() {
                    @if place == 0 { thead { tr { @for c in cells { th scope="col" { (inline(c)) } } } } } @else { tr { @for c in cells { td { (inline(c)) } } } }
                }
            } },
            Block::Code(lines) => pre.bytes tabindex="0" role="region" aria-label="Code" { @for line in lines { (crate::shown::shown(line, 500)) "\n" } },
            Block::Words(words) => p { (inline(&words)) },
        } }
    }
}

enum Block<'a> {
    Heading(usize, &'a str),
    List(Vec<String>),
    Table(Vec<Vec<&'a str>>),
    Code(Vec<&'a str>),
    Words(String),
}

/// Lines of a card that are read.
const LINES_MAX: usize = 2_000;

fn blocks(markdown: &str) -> Vec<Block<'_>> {
    let mut all = Vec::new();
    let mut lines = markdown.lines().take(LINES_MAX).peekable();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        let hashes = trimmed.bytes().take_while(|b| *b == b'#').count();
        if trimmed.is_empty() {
        } else if trimmed.starts_with("```") {
            all.push(Block::Code(lines.by_ref().take_while(|l| !l.trim().starts_with("```")).collect()));
        } else if (1..=6).contains(&hashes) && trimmed[hashes..].starts_with(' ') {
            all.push(Block::Heading(hashes, trimmed[hashes..].trim()));
        } else if item(trimmed).is_some() {
            let mut items = vec![item(trimmed).unwrap_or_default().to_owned()];
            while let Some(next) = lines.next_if(|l| !l.trim().is_empty() && (item(l.trim()).is_some() || l.starts_with(' '))) {
                match (item(next.trim()), items.last_mut()) {
                    (None, Some(last)) => *last = format!("{last} {}", next.trim()),
                    (text, _) => items.push(text.unwrap_or_default().to_owned()),
                }
            }
            all.push(Block::List(items));
        } else if trimmed.starts_with('|') {
            let mut rows = vec![cells(trimmed)];
            while let Some(next) = lines.next_if(|l| l.trim().starts_with('|')) {
                if !next.bytes().all(|b| b"|-: ".contains(&b)) {
                    rows.push(cells(next.trim()));
                }
            }
            all.push(Block::Table(rows));
        } else {
            let mut words = trimmed.to_owned();
            while let Some(next) =
                lines.next_if(|l| !l.trim().is_empty() && item(l.trim()).is_none() && !l.trim().starts_with(['#', '|', '`']))
            {
                words = format!("{words} {}", next.trim());
            }
            all.push(Block::Words(words));
        }
    }
    all
}

fn item(line: &str) -> Option<&str> {
    line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).take(20).collect()
}

fn inline(words: &str) -> Markup {
    html! { @for (place, part) in words.split('`').enumerate() {
        @if place % 2 == 1 { code { (text(part)) } } @else {
            @for (place, part) in part.split("**").enumerate() { @if place % 2 == 1 { b { (long(part)) } } @else { (long(part)) } }
        }
    } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_read() {
        let check = |markdown: &str, expected: &str| assert_eq!(card(markdown).into_string(), expected);
        check(
            "# web-payload\n\nJudges **values** of\nrequests.",
            "<h2 class=\"big\">web-payload</h2><p>Judges <b>values</b> of requests.</p>",
        );
        check("- a\n- `b`\n  more", "<ul><li>a</li><li><code>b</code> more</li></ul>");
        check("<img src=x onerror=alert(1)> [x](javascript:1)", "<p><bdi>&lt;img src=x onerror=alert(1)&gt; [x](javascript[:]1)</bdi></p>");
        check(
            "```\nbartizan model eval\n",
            "<pre class=\"bytes\" tabindex=\"0\" role=\"region\" aria-label=\"Code\">bartizan model eval\n</pre>",
        );
    }
}
