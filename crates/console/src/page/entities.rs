//! Who and what: risk ranking, and one entity with everything that is known about it.

use event::{Entity, EntityKind};
use maud::{Markup, html};
use store::Query;

use super::{Ctx, Gone, Here, ROWS_MAX, layout, search};
use crate::href::Href;
use crate::part::{confirm, counted, empty, entity, form, incident_href, lately, response, severity, text};
use crate::read;

pub(crate) fn list(ctx: &Ctx) -> Result<Markup, Gone> {
    let kind = ctx.asked("kind").and_then(EntityKind::parse);
    let mut actors = read::actors(ctx.log(), 10_000);
    let kinds: Vec<(EntityKind, usize)> =
        EntityKind::ALL.into_iter().map(|k| (k, actors.iter().filter(|a| a.entity.kind == k).count())).filter(|(_, n)| *n > 0).collect();
    actors.retain(|a| kind.is_none_or(|k| a.entity.kind == k));
    Ok(layout(
        ctx,
        Here::Entities,
        "Entities",
        &html! {
            div.head { h1 { "Entities" } p.sub { "in incidents, riskiest first" } }
            div.with-facets {
                nav.facets aria-label="Filters" {
                    h2 { "Kind" }
                    a href=(Href::to("/entities")) aria-current=[kind.is_none().then_some("true")] { "any" }
                    @for (k, n) in kinds { a href=(Href::to("/entities").query("kind", k.word())) aria-current=[(kind == Some(k)).then_some("true")] { (k.word()) span.n { (n) } } }
                    h2 { "Views" }
                    a href=(Href::to("/identity")) { "identity" }
                    a href=(Href::to("/network")) { "network" }
                }
                section.panel aria-label="Entities" {
                    @if actors.is_empty() { (empty("No entity is in an incident.", &html! { p.muted { "Look for one in " a href=(Href::to("/search")) { "Search" } ": " code { "entity:user:ada" } } })) } @else {
                        table.rows.list {
                            thead { tr { th scope="col" { "Entity" } th scope="col" { "Kind" } th.n scope="col" { "Risk" } th.n scope="col" { "Open" } th.n scope="col" { "Incidents" } th scope="col" { "Latest" } th scope="col" { "Last seen" } } }
                            tbody { @for a in actors.iter().take(ROWS_MAX) { tr data-row=(crate::part::entity_href(&a.entity)) {
                                td.what { (entity(&a.entity)) }
                                td { (a.entity.kind.word()) }
                                td.n data-label="risk" { @if a.risk > 0 { (a.risk) } @else { span.muted { "–" } } }
                                td.n data-label="open" { (a.open) }
                                td.n data-label="incidents" { (a.incidents.len()) }
                                td.why { @if let Some(i) = a.incidents.first() { a href=(incident_href(&i.uid)) { (text(&i.uid)) } " " (text(&i.title)) } }
                                td.when { @if let Some(i) = a.incidents.first() { (lately(i.last_seen, ctx.now)) } }
                            } } }
                        }
                    }
                }
            }
        },
    ))
}

pub(crate) fn page(ctx: &Ctx, kind: &str, name: &str) -> Result<Markup, Gone> {
    let kind = EntityKind::parse(kind).ok_or_else(|| Gone::new("There is no such kind of entity."))?;
    let about = match kind {
        EntityKind::Address => Entity::address(name.parse().map_err(|_| Gone::new("That is not an address."))?),
        _ => Entity::new(kind, name),
    };
    let mut incidents = read::incidents(ctx.log());
    incidents.retain(|i| i.entities.contains(&about));
    let responses: Vec<_> = read::responses(ctx.log()).into_iter().filter(|r| r.target == about).collect();
    let active: Vec<_> = responses.iter().filter(|r| r.is_active(ctx.now)).collect();
    let query = Query {
        entity: Some(about.clone()),
        limit: 25,
        rows_max: 200_000,
        time_max: std::time::Duration::from_millis(300),
        ..Query::default()
    };
    let found = ctx.log().query(&query)?;
    let risk = incidents.iter().filter(|i| i.actor() == Some(&about)).map(|i| i.risk).max();
    Ok(layout(
        ctx,
        Here::Entities,
        &about.to_string(),
        &html! {
            div.crumbs { nav aria-label="Breadcrumb" { a href=(Href::to("/entities")) { "Entities" } " / " (kind.word()) } }
            section.what id="entity" data-live="incident response order" {
                div.line {
                    h1 { (text(&about.name)) } span.chip { (kind.word()) }
                    @if let Some(top) = incidents.iter().filter(|i| i.is_open()).map(|i| i.severity).max() { (severity(top)) }
                }
                p.facts { @if let Some(risk) = risk { "Risk " b { (risk) } " of 100 · " } (counted(incidents.len() as u64, "incident", "incidents")) " · " (counted(active.len() as u64, "response", "responses")) " in force" }
                div.can {
                    @if let Some(r) = active.first() { (response::undo(ctx, "act-undo", &r.uid, &[r.as_ref()], Some("u"), "primary")) }
                    @else if kind == EntityKind::Address { (block(ctx, &about)) }
                    a.button href=(Href::to("/search").query("q", &format!("entity:{about}"))) { "Search the log" }
                }
            }
            section.panel aria-labelledby="in" {
                h2 id="in" { "Incidents" }
                @if incidents.is_empty() { p.muted { "None." } } @else { (super::incidents::table(ctx, &incidents[..incidents.len().min(20)])) }
            }
            section.panel aria-labelledby="resp" {
                h2 id="resp" { "Responses" }
                @if responses.is_empty() { p.muted { "None." } } @else { ul.dids { @for r in responses.iter().take(10) { (response::entry(ctx, r)) } } }
            }
            section.panel aria-labelledby="events" {
                h2 id="events" { "Latest events" }
                (search::rows(ctx, &found))
            }
        },
    ))
}

fn block(ctx: &Ctx, about: &Entity) -> Markup {
    let sheet = form(
        ctx,
        "block",
        &[("entity", &about.to_string()), ("reason", "by hand")],
        &html! {
            p { b { "This blocks " (text(&about.name)) } " at the gateway." }
            label for="hours" { "For " } select id="hours" name="hours" { option value="1" { "1 hour" } option value="24" selected { "24 hours" } option value="168" { "7 days" } }
            " " button.primary type="submit" { "Block" }
        },
    );
    confirm("act-block", "", &html! { "Block…" }, Some("b"), &sheet)
}
