//! The small API: OCSF 1.8 objects out, one order in.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use event::order::{Fault, What};
use event::{Body, Event, Incident, Severity, Uid, ocsf};
use serde::Deserialize;
use serde_json::{Value, json};
use store::IncidentFilter;

use crate::guard::Origin;
use crate::page;
use crate::router::{App, may_change};
use crate::session::Who;
use crate::{ask, read};

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/incidents", get(incidents))
        .route("/api/v1/incidents/{id}", get(incident))
        .route("/api/v1/undo", post(undo))
}

const LIMIT_MAX: usize = 200;

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    open: bool,
    severity: Option<String>,
    limit: Option<usize>,
}

/// The state of an incident as an event: named by the incident and its revision, so that the same state has the same name.
fn object(incident: &Incident, demo: bool) -> Value {
    let uid = Uid::of_record(&incident.uid, u64::from(incident.revision));
    let mut object = ocsf::json(&Event::own(uid, incident.last_seen, Body::Incident(Box::new(incident.clone()))));
    if demo && let Some(object) = object.as_object_mut() {
        object.insert("demo".into(), true.into());
    }
    object
}

async fn incidents(State(app): State<Arc<App>>, Query(filter): Query<Filter>) -> Response {
    let severity = match filter.severity.as_deref().map(Severity::parse) {
        Some(None) => return page::problem(StatusCode::BAD_REQUEST, "severity is one of info, low, medium, high, critical", true),
        other => other.flatten(),
    };
    let limit = filter.limit.unwrap_or(LIMIT_MAX).min(LIMIT_MAX);
    let made = tokio::task::spawn_blocking(move || {
        let filter = IncidentFilter { open: filter.open, severity, ..IncidentFilter::default() };
        let demo = (app.links.about)().demo;
        let mut all = app.links.log.incidents(&filter);
        all.sort_by(|a, b| (b.last_seen, &b.uid).cmp(&(a.last_seen, &a.uid)));
        let items: Vec<Value> = all.iter().take(limit).map(|i| object(i, demo)).collect();
        Json(json!({"demo": demo, "total": all.len(), "items": items}))
    });
    made.await.map_or_else(|_| broken(), IntoResponse::into_response)
}

async fn incident(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let made = tokio::task::spawn_blocking(move || {
        let demo = (app.links.about)().demo;
        Some(Json(object(&*app.links.log.incident(&id)?, demo)))
    });
    match made.await {
        Ok(Some(found)) => found.into_response(),
        Ok(None) => page::problem(StatusCode::NOT_FOUND, "there is no incident of that name", true),
        Err(_) => broken(),
    }
}

#[derive(Deserialize)]
struct Undo {
    id: String,
}

async fn undo(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Json(undo): Json<Undo>,
) -> Response {
    if !may_change(&who, origin, headers.get("x-csrf-token").and_then(|v| v.to_str().ok())) {
        return page::problem(StatusCode::FORBIDDEN, "send the token of your login in X-Csrf-Token", true);
    }
    let what = What::Undo { target: undo.id.as_str().into() };
    let text = read::order_text(&what);
    match ask::ask(&app, what).await {
        None => page::problem(StatusCode::GATEWAY_TIMEOUT, "no answer within 10 s", true),
        Some(answer) => {
            let status = match &answer.fault {
                None => StatusCode::OK,
                Some(Fault::Refused(_)) => StatusCode::CONFLICT,
                Some(Fault::Unknown(_)) => StatusCode::NOT_FOUND,
                Some(Fault::Failed(_)) => StatusCode::BAD_GATEWAY,
            };
            (status, Json(json!({"order": text, "answer": answer}))).into_response()
        }
    }
}

fn broken() -> Response {
    page::problem(StatusCode::INTERNAL_SERVER_ERROR, "this could not be answered; the rest works", true)
}
