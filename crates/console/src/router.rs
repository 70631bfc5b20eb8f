//! Every route of the console, and the layers around them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Form, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use event::Entity;
use event::incident::Outcome;
use event::order::What;
use maud::Markup;
use tokio::sync::{Semaphore, watch};

use crate::ask;
use crate::check::{Matter, MatterKind};
use crate::guard::{self, Origin, see_other};
use crate::href::Href;
use crate::page::{self, Ctx, Gone};
use crate::session::{Notice, Sessions, Theme, Who};
use crate::{Links, api, asset, headers, live};

const FORM_BYTES_MAX: usize = 64 * 1024;
/// A file that is handed in.
const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
const NOTE_CHARS_MAX: usize = 2_000;

/// What every handler may use.
pub(crate) struct App {
    pub(crate) links: Links,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) names: Vec<String>,
    /// Name of the session cookie. It contains the port: a cookie does not know ports, and two consoles on one machine must not log each
    /// other out.
    pub(crate) cookie: String,
    pub(crate) streams: Arc<Semaphore>,
    /// Becomes true when the program ends, so that live streams let it.
    pub(crate) ended: watch::Receiver<bool>,
}

impl App {
    pub(crate) fn new(links: Links, sessions: Arc<Sessions>, port: u16, names: Vec<String>, ended: watch::Receiver<bool>) -> App {
        let streams = Arc::new(Semaphore::new(live::STREAMS_MAX));
        App { links, sessions, names, cookie: format!("bartizan_{port}"), streams, ended }
    }
}

/// Pages: address, and whether the answer needs a login. The tests walk this list.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(|c: Call| c.page(page::overview::page)))
        .route("/incidents", get(|c: Call| c.page(page::incidents::page)))
        .route("/incidents/{id}", get(|c: Call, Path(id): Path<String>| c.page(move |ctx| page::incident::page(ctx, &id))))
        .route("/web", get(|c: Call| c.page(page::web::page)))
        .route("/requests/{id}", get(|c: Call, Path(id): Path<String>| c.page(move |ctx| page::request::page(ctx, &id))))
        .route("/entities", get(|c: Call| c.page(page::entities::list)))
        .route(
            "/entities/{kind}/{name}",
            get(|c: Call, Path((kind, name)): Path<(String, String)>| c.page(move |ctx| page::entities::page(ctx, &kind, &name))),
        )
        .route("/search", get(|c: Call| c.page(page::search::page)))
        .route("/identity", get(|c: Call| c.page(|ctx| page::area::page(ctx, &page::area::IDENTITY))))
        .route("/network", get(|c: Call| c.page(|ctx| page::area::page(ctx, &page::area::NETWORK))))
        .route("/posture", get(|c: Call| c.page(page::posture::page)))
        .route("/response", get(|c: Call| c.page(page::response::page)))
        .route("/check", get(|c: Call| c.page(|ctx| page::check::page(ctx, None))).post(check_text))
        .route("/check/file", post(check_file).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
        .route("/models", get(|c: Call| c.page(page::model::list)))
        .route("/models/{name}", get(|c: Call, Path(name): Path<String>| c.page(move |ctx| page::model::page(ctx, &name))))
        .route("/settings", get(|c: Call| c.page(page::settings::page)))
        .route("/keys", get(|c: Call| c.page(page::keys::page)))
        .route("/go", get(page::go::get))
        .route("/live", get(live::get))
        .route("/login", get(login))
        .route("/logout", post(logout))
        .route("/once/{token}", get(once).head(once_head))
        .route("/do/{what}", post(act))
        .route("/settings/theme", post(theme))
        .route("/settings/sessions", post(end_others))
        .route("/asset/{name}", get(asset::get))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .merge(api::router())
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn_with_state(app.clone(), guard::check))
        .layer(middleware::from_fn(headers::set))
        .with_state(app)
}

/// One request for a page: who asks, and with which query.
pub(crate) struct Call {
    app: Arc<App>,
    who: Who,
    path: String,
    query: BTreeMap<String, String>,
}

impl axum::extract::FromRequestParts<Arc<App>> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &Arc<App>) -> Result<Call, Response> {
        let who = parts.extensions.get::<Who>().cloned().unwrap_or_default();
        let query = Query::<BTreeMap<String, String>>::try_from_uri(&parts.uri)
            .map_err(|_| page::problem(StatusCode::BAD_REQUEST, "the address cannot be understood", false))?;
        let path = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        Ok(Call { app: app.clone(), who, path, query: query.0 })
    }
}

impl Call {
    /// Pages read the log, which blocks: they are made on a thread that may.
    pub(crate) async fn page<F>(self, make: F) -> Response
    where
        F: FnOnce(&Ctx) -> Result<Markup, Gone> + Send + 'static,
    {
        let made = tokio::task::spawn_blocking(move || {
            let ctx = Ctx::new(&self.app, self.who, &self.path, self.query);
            make(&ctx).map_or_else(|gone| gone.answer(&ctx), IntoResponse::into_response)
        });
        // A page that fails takes nothing with it.
        made.await
            .unwrap_or_else(|_| page::problem(StatusCode::INTERNAL_SERVER_ERROR, "this page could not be made; the rest works", false))
    }
}

async fn not_found(call: Call) -> Response {
    if guard::is_api(&call.path) {
        return page::problem(StatusCode::NOT_FOUND, "no such address", true);
    }
    call.page(|_| Err(Gone::new("There is no such page."))).await
}

async fn wrong_method(uri: axum::http::Uri) -> Response {
    page::problem(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method", guard::is_api(uri.path()))
}

/// For who asks whether requests may be sent here: no detail, the pages and metrics have it.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    match (app.links.about)().failed {
        true => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        false => (StatusCode::OK, "ready\n"),
    }
}

async fn login(State(app): State<Arc<App>>) -> Response {
    page::login::page(&(app.links.about)()).into_response()
}

/// The only change that a GET makes: it uses the link up, so that a token in a history or a log is worth nothing.
async fn once(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    let now = std::time::Instant::now();
    match app.sessions.redeem(&token, now) {
        Some(secret) => {
            ask::tell(&app, What::SignIn { granted: true, unsaid: 0 });
            let cookie = format!("{}={secret}; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200", app.cookie);
            (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/".to_owned())]).into_response()
        }
        None => {
            if let Some(unsaid) = app.sessions.refused(now) {
                ask::tell(&app, What::SignIn { granted: false, unsaid });
            }
            (StatusCode::GONE, page::login::dead(&(app.links.about)())).into_response()
        }
    }
}

/// Mail scanners and chat previews ask with HEAD: that may not use the link up.
async fn once_head() -> StatusCode {
    StatusCode::OK
}

type Fields = BTreeMap<String, String>;

/// A form of our own page: its token is right, or nothing happens.
fn trusted(who: &Who, fields: &Fields) -> bool {
    who.csrf_is(fields.get("csrf").map_or("", String::as_str))
}

fn untrusted() -> Response {
    page::problem(StatusCode::FORBIDDEN, "this form is not of your present login: go back, load the page again and repeat", false)
}

async fn logout(State(app): State<Arc<App>>, Extension(who): Extension<Who>, Form(fields): Form<Fields>) -> Response {
    if !trusted(&who, &fields) {
        return untrusted();
    }
    app.sessions.end(&who);
    let cookie = format!("{}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0", app.cookie);
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/login".to_owned())]).into_response()
}

async fn theme(State(app): State<Arc<App>>, Extension(who): Extension<Who>, Form(fields): Form<Fields>) -> Response {
    if !trusted(&who, &fields) {
        return untrusted();
    }
    app.sessions.set_theme(&who, Theme::parse(fields.get("theme").map_or("", String::as_str)));
    see_other(&back(&fields))
}

async fn end_others(State(app): State<Arc<App>>, Extension(who): Extension<Who>, Form(fields): Form<Fields>) -> Response {
    if !trusted(&who, &fields) {
        return untrusted();
    }
    let ended = app.sessions.end_others(&who);
    let notice = Notice { good: true, text: format!("{ended} other logins ended"), detail: String::new() };
    with_notice(&app, &who, &fields, notice)
}

/// A text that was pasted into the check page.
async fn check_text(call: Call, Form(fields): Form<Fields>) -> Response {
    if !trusted(&call.who, &fields) {
        return untrusted();
    }
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let Some(kind) = MatterKind::parse(field("kind")).filter(|_| !field("text").trim().is_empty()) else {
        return call.page(|ctx| page::check::page(ctx, None)).await;
    };
    let text = if kind == MatterKind::Url { field("text").trim() } else { field("text") };
    let matter = Matter { name: format!("pasted {}", field("kind")), bytes: text.as_bytes().to_vec(), kind, asker: call.who.number() };
    call.page(move |ctx| page::check::page(ctx, Some(&matter))).await
}

/// A file that was dropped: answers with the result alone.
async fn check_file(call: Call, headers: axum::http::HeaderMap, bytes: axum::body::Bytes) -> Response {
    if !call.who.csrf_is(headers.get("x-csrf-token").and_then(|v| v.to_str().ok()).unwrap_or_default()) {
        return untrusted();
    }
    let name: String = call.query.get("name").map_or("file", String::as_str).chars().take(255).collect();
    let matter = Matter { name, bytes: bytes.to_vec(), kind: MatterKind::File, asker: call.who.number() };
    call.page(move |ctx| {
        let said = page::check::ask(ctx, &matter)?;
        Ok(page::check::result(&page::check::Answer { name: matter.name, said }))
    })
    .await
}

/// Whatever a person does: form in, order out, answer on the next page.
async fn act(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    Path(what): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    if !trusted(&who, &fields) {
        return untrusted();
    }
    let answer = match order(&what, &fields) {
        Ok(what) => ask::notice(ask::ask(&app, what).await.as_ref()),
        Err(why) => Notice { good: false, text: "Not done".into(), detail: why },
    };
    with_notice(&app, &who, &fields, answer)
}

fn order(what: &str, fields: &Fields) -> Result<What, String> {
    let field = |name: &str| fields.get(name).map(|v| v.trim()).filter(|v| !v.is_empty()).ok_or_else(|| format!("{name} is missing"));
    let text = |name: &str| -> String { fields.get(name).map_or("", |v| v.trim()).chars().take(NOTE_CHARS_MAX).collect() };
    Ok(match what {
        "undo" => What::Undo { target: field("target")?.into() },
        "approve" => What::Approve { target: field("target")?.into() },
        "reject" => What::Reject { target: field("target")?.into() },
        "redo" => What::Redo { receipt: field("receipt")?.into() },
        "block" => {
            let entity: Entity = field("entity")?.parse()?;
            let hours: u32 = field("hours")?.parse().map_err(|_| "hours is not a number".to_owned())?;
            if !(1..=24 * 30).contains(&hours) {
                return Err("a block lasts between 1 hour and 30 days".to_owned());
            }
            What::Block { entity, for_s: hours * 3600, reason: text("reason"), disposition: event::decision::Disposition::Block }
        }
        "close" => {
            let outcome = Outcome::parse(field("outcome")?).ok_or("say how it ended: true, false or benign but odd")?;
            What::Close { incident: field("incident")?.into(), outcome, note: text("note") }
        }
        "reopen" => What::Reopen { incident: field("incident")?.into() },
        "note" => {
            field("text")?;
            What::Note { incident: field("incident")?.into(), text: text("text") }
        }
        "enforce" => What::Enforce { on: field("on")? == "yes" },
        _ => return Err("there is no such order".to_owned()),
    })
}

fn back(fields: &Fields) -> Href {
    fields.get("back").and_then(|b| Href::local(b)).unwrap_or_else(|| Href::to("/"))
}

fn with_notice(app: &App, who: &Who, fields: &Fields, notice: Notice) -> Response {
    let number = app.sessions.leave(who, notice);
    see_other(&back(fields).query("notice", &number.to_string()))
}

/// For changes over the API: our own page by its headers, or the session's token.
pub(crate) fn may_change(who: &Who, origin: Origin, token: Option<&str>) -> bool {
    match token {
        Some(token) => who.csrf_is(token),
        None => origin == Origin::Ours,
    }
}
