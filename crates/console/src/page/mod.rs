//! Pages: one file each. A page is a function of [`Ctx`] that reads the log and gives markup.

pub(crate) mod area;
pub(crate) mod check;
pub(crate) mod entities;
pub(crate) mod go;
pub(crate) mod incident;
pub(crate) mod incidents;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod model;
pub(crate) mod overview;
pub(crate) mod posture;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod web;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use event::Time;
use maud::{DOCTYPE, Markup, html};

use crate::about::About;
use crate::asset;
use crate::href::Href;
use crate::part::{count, empty};
use crate::read;
use crate::router::App;
use crate::session::{Notice, Theme, Who};
use crate::svg;

/// Rows of a page.
pub(crate) const ROWS_MAX: usize = 200;

/// What a page is made from.
pub(crate) struct Ctx {
    pub(crate) app: Arc<App>,
    pub(crate) who: Who,
    pub(crate) about: About,
    pub(crate) now: Time,
    /// Address of this page without what was only said once.
    pub(crate) path: String,
    query: BTreeMap<String, String>,
    notice: Option<Notice>,
    /// Where the log ended when the page was made: the live stream goes on from there.
    end: u64,
}

impl Ctx {
    pub(crate) fn new(app: &Arc<App>, who: Who, path: &str, mut query: BTreeMap<String, String>) -> Ctx {
        let number = query.remove("notice").and_then(|n| n.parse().ok());
        let notice = number.and_then(|n| app.sessions.notice(&who, n));
        let path = without_notice(path);
        let (about, now, end) = ((app.links.about)(), (app.links.now)(), app.links.log.end());
        Ctx { app: app.clone(), who, about, now, path, query, notice, end }
    }

    pub(crate) fn log(&self) -> &store::Log {
        &self.app.links.log
    }

    /// A value of the query string that is not empty.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).map(str::trim).filter(|v| !v.is_empty())
    }
}

fn without_notice(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("notice=")).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) struct Gone {
    why: String,
    pub(crate) status: StatusCode,
    /// Seconds after which asking again helps.
    pub(crate) after_s: Option<u32>,
}

impl Gone {
    pub(crate) fn new(why: impl Into<String>) -> Gone {
        Gone { why: why.into(), status: StatusCode::NOT_FOUND, after_s: None }
    }

    pub(crate) fn too_many(after_s: u32) -> Gone {
        let why = format!("Asked too often: 200 questions a minute and 5,000 a day. The next one is answered in {after_s} s.");
        Gone { why, status: StatusCode::TOO_MANY_REQUESTS, after_s: Some(after_s) }
    }

    pub(crate) fn answer(&self, ctx: &Ctx) -> Response {
        let mut answer = (self.status, self.page(ctx)).into_response();
        if let Some(after_s) = self.after_s {
            answer.headers_mut().insert(header::RETRY_AFTER, after_s.into());
        }
        answer
    }

    fn page(&self, ctx: &Ctx) -> Markup {
        let title = match self.status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::TOO_MANY_REQUESTS => "Too often",
            _ => "This could not be read",
        };
        let next = html! { p { a href=(Href::to("/")) { "Go to Overview" } ", or search for what you have: an id, an address, a user." } };
        layout(
            ctx,
            Here::None,
            title,
            &html! {
                h1 { (title) }
                section.panel { (empty(&self.why, &next)) }
            },
        )
    }
}

impl From<store::Error> for Gone {
    fn from(error: store::Error) -> Gone {
        Gone { why: error.to_string(), status: StatusCode::INTERNAL_SERVER_ERROR, after_s: None }
    }
}

/// Where we are in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Here {
    Overview,
    Incidents,
    Web,
    Entities,
    Search,
    Posture,
    Response,
    Models,
    Settings,
    None,
}

/// One word each, always in this order; the key goes with `g`.
pub(crate) const MENU: [(Here, &str, &str, &str); 9] = [
    (Here::Overview, "Overview", "/", "o"),
    (Here::Incidents, "Incidents", "/incidents", "i"),
    (Here::Web, "Web", "/web", "w"),
    (Here::Entities, "Entities", "/entities", "e"),
    (Here::Search, "Search", "/search", "s"),
    (Here::Posture, "Posture", "/posture", "p"),
    (Here::Response, "Response", "/response", "r"),
    (Here::Models, "Models", "/models", "m"),
    (Here::Settings, "Settings", "/settings", ","),
];

pub(crate) fn layout(ctx: &Ctx, here: Here, title: &str, body: &Markup) -> Markup {
    let open = read::needs_you(ctx.log(), 1_000).len();
    shell(
        ctx.about.demo,
        ctx.who.theme,
        title,
        Some(ctx.end),
        &html! {
            a.skip href="#main" { "Skip to content" }
            header.top {
                a.brand href=(Href::to("/")) { (mark()) span { "Bartizan" } }
                @if ctx.about.demo { span.demo title="Nothing here is real, nothing leaves this machine" { "DEMO DATA" } }
                @if ctx.about.enforces() {
                    span.mode.enforce title="Attacks are refused at the gateway" { (svg::shield::whole()) "enforcing" }
                } @else {
                    span.mode.monitor title="Attacks are recorded, nothing is blocked" { (svg::shield::dashed()) span { "monitor" span.long { ": nothing is blocked" } } }
                }
                form.go role="search" action=(Href::to("/go")) method="get" {
                    label.hidden for="go" { "Search, or go to an id" }
                    input id="go" name="q" type="search" placeholder="search, or an id, address, user" autocomplete="off" spellcheck="false" maxlength="500" aria-keyshortcuts="/";
                    kbd aria-hidden="true" { "/" }
                }
                span.live id="live" role="status" { span.dot aria-hidden="true" { "○" } " " span id="live-word" { "as of " time datetime=(Time::from_s(ctx.now.s())) data-as="clock" { (ctx.now.clock()) } span.utc { " UTC" } } }
                details.user id="user" {
                    summary { "operator" }
                    div.sheet {
                        form method="post" action=(Href::to("/settings/theme")) {
                            (hidden(ctx))
                            fieldset { legend { "Look" }
                                @for (theme, word) in Theme::ALL {
                                    button type="submit" name="theme" value=(word) aria-pressed=(if theme == ctx.who.theme { "true" } else { "false" }) { (word) }
                                }
                            }
                        }
                        p { a href=(Href::to("/keys")) { "Keys" } }
                        form method="post" action=(Href::to("/logout")) { (hidden(ctx)) button type="submit" { "Log out" } }
                    }
                }
            }
            nav.menu aria-label="Pages" {
                @for (item, word, path, key) in MENU {
                    a href=(Href::to(path)) data-go=(key) aria-current=[(item == here).then_some("page")] {
                        (word) @if item == Here::Incidents && open > 0 { " " span.need id="need" { (count(open as u64)) span.hidden { " need you" } } }
                    }
                }
                a.help href=(Href::to("/check")) data-key="c" { kbd { "c" } " check" }
                a.help href=(Href::to("/keys")) { kbd { "?" } " keys" }
            }
            main id="main" tabindex="-1" {
                @if let Some(notice) = &ctx.notice {
                    div class={ "notice " (if notice.good { "good" } else { "bad" }) } id="notice" role="status" {
                        span.glyph aria-hidden="true" { (if notice.good { "✓" } else { "!" }) }
                        b { (crate::part::text(&notice.text)) }
                        @if !notice.detail.is_empty() { span { (crate::part::text(&notice.detail)) } }
                    }
                }
                (body)
            }
            dialog id="keys" aria-label="Keys" { (keys::list()) form method="dialog" { button type="submit" { "Close" } } }
        },
    )
}

fn hidden(ctx: &Ctx) -> Markup {
    html! {
        input type="hidden" name="csrf" value=(ctx.who.csrf);
        input type="hidden" name="back" value=(ctx.path);
    }
}

/// The document around everything. Names nothing that is not ours.
pub(crate) fn shell(demo: bool, theme: Theme, title: &str, end: Option<u64>, body: &Markup) -> Markup {
    let theme = (theme != Theme::System).then(|| theme.word());
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (crate::shown::shown(title, 120)) " · Bartizan" @if demo { " · DEMO DATA" } }
                link rel="icon" type="image/svg+xml" href=(asset::icon());
                link rel="stylesheet" href=(asset::style());
                @if end.is_some() { script src=(asset::script()) defer {} }
            }
            body data-end=[end] { (body) }
        }
    }
}

/// A turret over a wall.
pub(crate) fn mark() -> Markup {
    html! {
        svg.logo viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false" {
            path d="M5 3h3v2.6h2.5V3h3v2.6H16V3h3v7.5h-2v8L13.5 22h-3L7 18.500V10.500H5z" {}
            path.slit d="M11.100 10.500h1.800v5.500h-1.800z" {}
        }
    }
}

/// An answer without a page: says what is wrong and nothing about data.
pub(crate) fn problem(status: StatusCode, text: &str, api: bool) -> Response {
    if api {
        let body = serde_json::json!({"type": "about:blank", "title": status.canonical_reason().unwrap_or("error"), "status": status.as_u16(), "detail": text});
        return (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
    }
    let title = status.canonical_reason().unwrap_or("Error");
    let page = shell(
        false,
        Theme::System,
        title,
        None,
        &html! {
            main.alone { (mark()) h1 { (title) } p { (text) } p { a href=(Href::to("/")) { "Go to Overview" } } }
        },
    );
    (status, page).into_response()
}
