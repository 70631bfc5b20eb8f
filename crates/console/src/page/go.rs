//! `/go?q=ANYTHING`: an id that the product ever printed, an address or an entity goes to its page, everything else to Search.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use event::{Body, Entity};
use store::{Found, Log};

use crate::guard::see_other;
use crate::href::Href;
use crate::part::{entity_href, incident_href};
use crate::read;
use crate::router::App;

pub(crate) async fn get(State(app): State<Arc<App>>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let asked = query.get("q").map(|q| q.trim().chars().take(500).collect::<String>()).unwrap_or_default();
    let search = Href::to("/search").query("q", &asked);
    let found = tokio::task::spawn_blocking(move || place(&app.links.log, &asked));
    see_other(&found.await.ok().flatten().unwrap_or(search))
}

fn place(log: &Log, asked: &str) -> Option<Href> {
    if asked.is_empty() {
        return Some(Href::to("/search"));
    }
    if asked.parse::<std::net::IpAddr>().is_ok() || asked.contains(':') {
        if let Ok(entity) = asked.parse::<Entity>() {
            return Some(entity_href(&entity));
        }
        return None;
    }
    let number = asked.strip_prefix('#').unwrap_or(asked);
    if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        let uid = format!("INC-{number}");
        return log.incident(&uid).map(|i| incident_href(&i.uid));
    }
    let upper = asked.to_ascii_uppercase();
    if upper.starts_with("INC-")
        && let Some(incident) = log.incident(&upper)
    {
        return Some(incident_href(&incident.uid));
    }
    match log.find(asked).ok()?.into_iter().next()? {
        Found::Incident(incident) => Some(incident_href(&incident.uid)),
        Found::Response(response) if response.incident.is_empty() => Some(Href::to("/response")),
        Found::Response(response) => Some(incident_href(&response.incident)),
        Found::Event(_, event) => match event.body {
            Body::Http(http) => http.request_id.map(|id| Href::to("/requests").part(&id)),
            Body::Finding(finding) => {
                let incident = read::incidents(log).into_iter().find(|i| i.findings.contains(&finding.uid));
                let request = || finding.request_id.as_ref().map(|id| Href::to("/requests").part(id));
                incident.map(|i| incident_href(&i.uid)).or_else(request)
            }
            _ => None,
        },
    }
}
