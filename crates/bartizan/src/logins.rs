//! Who is asked about sign-ins that pass the gateway: one door, shared by the gateway's threads and the engine that teaches it.
//!
//! A request holds the lock for one question (under 100 us); the engine takes it anew for each record.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use detect::Knowledge;
use detect::door::{Door, Said};
use event::{Body, EntityKind, Event, Response, Time};

use crate::geo::Places;
use crate::privacy::Privacy;

/// An address that a person let in is asked again at most, for this long.
const LET_IN_S: i64 = 86_400;

pub struct Logins {
    door: Mutex<Door>,
    places: Option<Arc<Places>>,
    privacy: Arc<Privacy>,
}

impl Logins {
    pub fn new(knowledge: &Knowledge, places: Option<Arc<Places>>, privacy: Arc<Privacy>) -> Logins {
        Logins { door: Mutex::new(Door::new(knowledge)), places, privacy }
    }

    /// About a sign-in that has no outcome yet; where it comes from is filled in, and who it is is replaced, as in the records that taught it.
    pub fn ask(&self, event: &mut Event) -> Option<Said> {
        self.privacy.replace(std::slice::from_mut(event));
        if let Some(places) = &self.places {
            places.fill(std::slice::from_mut(event));
        }
        self.door().ask(event)
    }

    /// What the records of a batch teach.
    pub fn learn(&self, events: &[Event]) {
        for event in events.iter().filter(|e| matches!(e.body, Body::Authentication(_))) {
            self.door().learn(event);
        }
    }

    /// A person undid a response: its address is not turned away again for a day.
    pub fn let_in(&self, undone: &Response, now: Time) {
        if undone.target.kind == EntityKind::Address {
            self.door().let_in(&undone.target, now.plus_s(LET_IN_S), now);
        }
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
