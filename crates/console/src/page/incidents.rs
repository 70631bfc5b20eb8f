//! The queue: what first?

use event::response::Mode;
use event::{Incident, Severity};
use maud::{Markup, html};
use store::IncidentFilter;

use super::{Ctx, Gone, Here, ROWS_MAX, layout};
use crate::href::Href;
use crate::part::{count, empty, entity, incident_href, lately, moment, severity, status, text};
use crate::{read, svg};

pub(crate) fn page(ctx: &Ctx) -> Result<Markup, Gone> {
    let level = ctx.asked("severity").and_then(Severity::parse);
    let all_states = ctx.asked("state") == Some("all");
    let words = ctx.asked("q").unwrap_or_default();
    let page_of = ctx.asked("before").and_then(before);
    let filter = IncidentFilter { text: words.chars().take(200).collect(), ..IncidentFilter::default() };
    let mut all = ctx.log().incidents(&filter);
    all.retain(|i| i.merged_into.is_none());
    all.sort_by(|a, b| (b.last_seen, &b.uid).cmp(&(a.last_seen, &a.uid)));
    let in_state = |i: &Incident| all_states || i.is_open();
    let fits = |i: &Incident| in_state(i) && level.is_none_or(|l| i.severity == l);
    let total = all.iter().filter(|i| fits(i)).count();
    let mut rest = all
        .iter()
        .filter(|i| fits(i))
        .filter(|i| page_of.as_ref().is_none_or(|(at, uid)| (i.last_seen, i.uid.as_str()) < (*at, uid.as_str())));
    let rows: Vec<_> = rest.by_ref().take(ROWS_MAX).cloned().collect();
    let more = rest.next().is_some();
    let facet = |l: Option<Severity>, state: bool| {
        let mut href = Href::to("/incidents");
        if let Some(l) = l {
            href = href.query("severity", l.word());
        }
        if state {
            href = href.query("state", "all");
        }
        if words.is_empty() { href } else { href.query("q", words) }
    };
    Ok(layout(
        ctx,
        Here::Incidents,
        "Incidents",
        &html! {
            div.head {
                h1 { "Incidents" }
                form.filter method="get" action=(Href::to("/incidents")) role="search" {
                    @if let Some(l) = level { input type="hidden" name="severity" value=(l.word()); }
                    @if all_states { input type="hidden" name="state" value="all"; }
                    label.hidden for="q" { "Filter by words, name or actor" }
                    input id="q" name="q" type="search" value=(words) placeholder="filter: words, INC-42, an actor" maxlength="200";
                    button type="submit" { "Filter" }
                }
                p.sub { (count(total as u64)) " of " (count(all.len() as u64)) }
            }
            div.with-facets {
                nav.facets aria-label="Filters" {
                    h2 { "State" }
                    a href=(facet(level, false)) aria-current=[(!all_states).then_some("true")] { "open" span.n { (count(all.iter().filter(|i| i.is_open()).count() as u64)) } }
                    a href=(facet(level, true)) aria-current=[all_states.then_some("true")] { "all" span.n { (count(all.len() as u64)) } }
                    h2 { "Severity" }
                    a href=(facet(None, all_states)) aria-current=[level.is_none().then_some("true")] { "any" }
                    @for l in Severity::ALL.into_iter().rev() {
                        a href=(facet(Some(l), all_states)) aria-current=[(level == Some(l)).then_some("true")] { (severity(l)) span.n { (count(all.iter().filter(|i| in_state(i) && i.severity == l).count() as u64)) } }
                    }
                }
                section.panel id="queue" data-live="incident order" data-hold="" aria-label="Incident queue" {
                    @if rows.is_empty() {
                        (nothing(ctx, all.is_empty()))
                    } @else {
                        (table(ctx, &rows))
                        @if more && let Some(last) = rows.last() {
                            p.more { a href=(facet(level, all_states).query("before", &format!("{}~{}", last.last_seen.us(), last.uid))) { "Older" } }
                        }
                    }
                }
            }
        },
    ))
}

fn before(text: &str) -> Option<(event::Time, String)> {
    let (us, uid) = text.split_once('~')?;
    Some((event::Time::from_us(us.parse().ok()?), uid.to_owned()))
}

fn nothing(ctx: &Ctx, at_all: bool) -> Markup {
    let next = html! { p { a href=(Href::to("/incidents").query("state", "all")) { "Show all incidents" } } };
    if at_all {
        let why = format!("No incidents yet: {} events read.", count(ctx.about.events()));
        empty(&why, &html! { p.muted { "What the detectors find appears here by itself." } })
    } else {
        empty("No incident fits these filters.", &next)
    }
}

pub(crate) fn table(ctx: &Ctx, rows: &[std::sync::Arc<Incident>]) -> Markup {
    html! {
        table.rows.list {
            thead { tr {
                th scope="col" { "Severity" } th scope="col" { "What happened" } th scope="col" { "Actor" } th.n scope="col" { "Score" }
                th.n scope="col" { "Events" } th scope="col" { "What we did" } th scope="col" { "State" } th scope="col" { "Last seen" }
            } }
            tbody {
                @for incident in rows {
                    tr data-row=(incident.uid) {
                        td.s { (severity(incident.severity)) }
                        td.what { a.title href=(incident_href(&incident.uid)) { span.id { (text(&incident.uid)) } " " (text(&incident.title)) } }
                        td.who { @if let Some(actor) = incident.actor() { (entity(actor)) } }
                        td.n data-label="score" { (format!("{:.2}", incident.score.value())) }
                        td.n data-label="events" { (count(incident.event_count)) }
                        td.did { (did(ctx, incident)) }
                        td.state { (status(incident)) }
                        td.when title=(incident.last_seen) { (lately(incident.last_seen, ctx.now)) }
                    }
                }
            }
        }
    }
}

/// In a few words: blocked, would have been, only watched.
pub(crate) fn did(ctx: &Ctx, incident: &Incident) -> Markup {
    // By name: asking for all responses of an incident looks at every response, once a row.
    let responses: Vec<_> = incident.responses.iter().rev().take(8).filter_map(|uid| ctx.log().response(uid)).collect();
    let active = responses.iter().filter(|r| r.is_active(ctx.now)).max_by_key(|r| r.mode == Mode::Enforce);
    let answered = incident.blocked_count + incident.passed_count;
    html! {
        @match active {
            Some(r) if r.mode == Mode::Enforce => span.verdict.blocked { (svg::shield::whole()) " blocked" },
            Some(_) => span.verdict.would { (svg::shield::dashed()) " would block" },
            None if responses.iter().any(|r| r.phase.word() == "undone") => span.verdict.good { "undone" },
            None if incident.blocked_count > 0 => span.verdict.blocked { (svg::shield::whole()) " refused" },
            None => span.muted { "watched" },
        }
        @if incident.blocked_count > 0 && answered > 0 { " " span.muted { (count(incident.blocked_count)) "/" (count(answered)) } }
    }
}

/// Earlier incidents of the same actor or of the same kind, and how they ended.
pub(crate) fn similar(ctx: &Ctx, incident: &Incident) -> Markup {
    let kinds: Vec<&str> = incident.stages.iter().map(|s| s.analytic.as_str()).collect();
    let like = |other: &Incident| other.actor() == incident.actor() || other.stages.iter().any(|s| kinds.contains(&s.analytic.as_str()));
    let all = read::incidents(ctx.log());
    let earlier: Vec<_> = all.iter().filter(|o| o.uid != incident.uid && like(o)).take(5).collect();
    html! {
        @if earlier.is_empty() {
            p.muted { "None: this actor and this kind of trouble are new here." }
        } @else {
            ul.plain { @for other in earlier {
                li { (severity(other.severity)) " " a href=(incident_href(&other.uid)) { (text(&other.uid)) " " (text(&other.title)) } " " (status(other)) " " span.muted { (moment(other.last_seen)) } }
            } }
        }
    }
}
