//! One request: the bytes as they came with what matched marked in them, and what every rule and model said.

use event::finding::Match;
use event::{Body, Finding, Http};
use maud::{Markup, html};

use super::{Ctx, Gone, Here, layout};
use crate::href::Href;
use crate::part::proof::{self, View};
use crate::part::{bytes, entity, incident_href, moment, reasons, text, verdict};
use crate::read;

pub(crate) fn page(ctx: &Ctx, id: &str) -> Result<Markup, Gone> {
    let request = read::request(ctx.log(), id)?
        .ok_or_else(|| Gone::new("There is no request of that name. Requests are kept as long as the log is."))?;
    let view = View::parse(ctx.asked("view"));
    let best = request.findings.first();
    let (raw, matches, rebuilt) = proof_of(&request);
    let http = request.http();
    let link = |v: View| Href::to("/requests").part(id).query("view", v.word());
    let incident = best.and_then(|f| read::incidents(ctx.log()).into_iter().find(|i| i.findings.contains(&f.uid)));
    Ok(layout(
        ctx,
        Here::Web,
        &format!("Request {id}"),
        &html! {
            div.crumbs {
                nav aria-label="Breadcrumb" { a href=(Href::to("/web")) { "Web" } " / " b { (text(id)) } }
                @if let Some(i) = &incident { span { "part of " a href=(incident_href(&i.uid)) { (text(&i.uid)) " " (text(&i.title)) } } }
            }
            section.what {
                div.line {
                    @if let Some(v) = http.and_then(|h| h.verdict) { (verdict(v)) }
                    h1.mono { @if let Some(h) = http { (text(&h.method)) " " (text(&h.target)) } @else { (text(id)) } }
                }
                @if let Some(finding) = best { p.story { (text(&finding.title)) ". " (text(&finding.text)) } }
                @else { p.story { "No detector said anything about this request." } }
                @if let Some(h) = http { (facts(h, &request)) }
            }
            div.two {
                section.panel aria-labelledby="bytes" {
                    h2 id="bytes" { "Request"
                        span.toggle { @for v in [View::Raw, View::Decoded] { a href=(link(v)) aria-current=[(v == view).then_some("true")] { (v.word()) } } }
                    }
                    (proof::pre(&raw, &matches, view, "Request as it came"))
                    p.muted {
                        @if rebuilt { "Rebuilt from the parsed fields: the bytes themselves were not kept. " }
                        "Secrets were masked before it was stored; bytes that cannot be printed are shown as " code { "\\x00" } "."
                    }
                    @if !matches.is_empty() { h3 { "What was looked at" } (proof::matches(&matches)) }
                }
                div {
                    @if let Some(finding) = best {
                        section.panel aria-labelledby="why" { h2 id="why" { "Why" } (reasons::table(&finding.reasons, finding.score, &finding.would_change)) }
                    }
                    (rules(&request.findings))
                    (models(&request.findings))
                }
            }
        },
    ))
}

/// The bytes that marks point into: those kept with the finding, or the whole record when these are its beginning.
fn proof_of(request: &read::Request) -> (Vec<u8>, Vec<Match>, bool) {
    let mut matches: Vec<Match> = Vec::new();
    let mut raw: &[u8] = &request.event.raw;
    for finding in &request.findings {
        let Some(evidence) = finding.evidence.iter().find(|e| e.event_uid == request.event.meta.uid).or(finding.evidence.first()) else {
            continue;
        };
        if raw.is_empty() {
            raw = &evidence.raw;
        }
        // Marks are places in what was kept with the finding; the whole record is shown only where it says the same there.
        let same = |raw: &[u8]| {
            let mut places = evidence.matches.iter().map(|m| m.start as usize..m.end as usize);
            places.all(|place| raw.get(place.clone()).is_some_and(|bytes| Some(bytes) == evidence.raw.get(place)))
        };
        if matches.is_empty() && !same(raw) {
            raw = &evidence.raw;
        }
        if same(raw) {
            matches.extend(evidence.matches.iter().filter(|m| !matches.contains(m)).cloned().collect::<Vec<_>>());
        }
    }
    if !raw.is_empty() {
        return (raw.to_vec(), matches, false);
    }
    let Body::Http(http) = &request.event.body else { return (Vec::new(), Vec::new(), false) };
    let mut text = format!("{} {} {}\n", http.method, http.target, http.version);
    for (name, value) in &http.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    let mut raw = text.into_bytes();
    if let Some(body) = &http.body {
        raw.push(b'\n');
        raw.extend_from_slice(body);
    }
    (raw, Vec::new(), true)
}

fn facts(http: &Http, request: &read::Request) -> Markup {
    html! {
        p.facts {
            (moment(request.event.meta.time))
            @if let Some(client) = http.client { " · from " (entity(&event::Entity::address(client))) }
            @if !http.host.is_empty() { " · to " (entity(&event::Entity::service(&http.host))) }
            @if let Some(status) = http.status { " · answered " b { (status) } }
            @if let Some(size) = http.response_bytes { ", " (bytes(size)) }
            @if let Some(us) = http.duration_us { ", " (us / 1_000) " ms" }
            " · score " b { (format!("{:.2}", http.score)) }
            @if !http.user.is_empty() { " · user " (entity(&event::Entity::user(&http.user))) }
            " · offset " (request.offset)
        }
    }
}

fn rules(findings: &[Finding]) -> Markup {
    let hits: Vec<_> = findings.iter().flat_map(|f| &f.rules).take(40).collect();
    html! {
        section.panel aria-labelledby="rules" {
            h2 id="rules" { "Rules" span.sub { (hits.len()) } }
            @if hits.is_empty() { p.muted { "No rule matched." } } @else {
                ul.plain.hits { @for hit in hits {
                    li { code { (hit.id) } " " b { (text(&hit.message)) } p.muted { "in " code { (text(&hit.target)) } @if !hit.matched.is_empty() { ": " code { (text(&hit.matched)) } } } }
                } }
            }
        }
    }
}

fn models(findings: &[Finding]) -> Markup {
    let scores: Vec<_> = findings.iter().flat_map(|f| &f.models).take(10).collect();
    html! {
        section.panel aria-labelledby="models" {
            h2 id="models" { "Models" span.sub { (scores.len()) } }
            @if scores.is_empty() { p.muted { "No model was asked, or none had anything to say." } } @else {
                table.bars { thead.hidden { tr { th scope="col" { "Model" } th scope="col" { "Bar" } th scope="col" { "Score" } } } tbody { @for m in scores { tr {
                    th scope="row" { a href=(Href::to("/models").part(&m.name)) { (text(&m.name)) " " (text(&m.version)) } }
                    td { svg.meter viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false" { rect.rail width="100" height="8" {} rect.fill.data width=((m.score.clamp(0.0, 1.0) * 100.0).round() as u32) height="8" {} } }
                    td.n { (format!("{:.2}", m.score)) }
                } } } }
            }
        }
    }
}
