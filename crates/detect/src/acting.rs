//! Who acts in the record of a host. The machine comes first: its users, programs and connections change, and what happens on it belongs together.

use event::{Body, Entity, Event, Native};

/// Acting entity first; never empty.
pub(crate) fn acting(event: &Event) -> Vec<Entity> {
    let mut all = event.entities();
    if let Some(native) = event.native.as_deref().filter(|native| native.product == "windows") {
        let host = native.text("Computer");
        let remote = matches!(&event.body, Body::Authentication(auth) if auth.client.is_some());
        // Who signs in from elsewhere acts from there.
        if !host.is_empty() && !remote {
            let host = Entity::host(host);
            all.retain(|entity| *entity != host);
            all.insert(0, host);
        }
        if let Some(user) = user(native).map(|name| Entity::user(&name)).filter(|user| !all.contains(user)) {
            all.push(user);
        }
    }
    if all.is_empty() {
        all.push(Entity::service(&event.meta.source));
    }
    all
}

/// The account that acts in a Windows record, without its domain; none for the machine's own.
pub(crate) fn user(native: &Native) -> Option<String> {
    let name = ["SubjectUserName", "User", "AccountName", "TargetUserName"]
        .iter()
        .map(|field| native.text(field).trim())
        .find(|n| !n.is_empty())?;
    let bare = name.rsplit('\\').next().unwrap_or(name).to_lowercase();
    let own = ["-", "", "system", "local service", "network service", "anonymous logon", "n/a"].contains(&bare.as_str());
    (!own && !bare.ends_with('$')).then_some(bare)
}
