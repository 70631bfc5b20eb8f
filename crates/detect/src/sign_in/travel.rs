//! Odd place: two sign-ins of one account that are further apart than anybody travels in the time between.
//!
//! Reads:      the country and network of a sign-in and of the one before it; a layer of `identity.risk`, never a finding alone.
//! Evidence:   speed from the edge of one country to the edge of the other: countries are large, and the claim is the least that holds.
//! Score:      adds [`PUSH`] to the log odds.   ATT&CK: T1078.
//! State:      none of its own; the last sign-in is in the memory of the account.   Cost: two look-ups.
//! Mistaken by: a tunnel. Silent: countries and networks that the account uses (known pairs, roaming through the home carrier), rented
//!             machines and tunnels on either side unless the program is odd too, countries that are not in the table, neighbours.
//! Method:     least great-circle speed with the uncertainty of both places.

use learn::login::features::Last;
use learn::login::{Features, Look, place};

mod country;

/// Log odds that it adds: about what a new country adds for somebody who is never abroad. Assumed: generated journeys have no geography to
/// measure it on.
pub(crate) const PUSH: f32 = 1.0;
/// An airliner with the wind behind it; faster than this nobody travels.
const AIRLINER_KMH: f32 = 1_000.0;
/// Edges this close are a shared border or a wrong row.
const APART_MIN_KM: f32 = 300.0;

/// What is said about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Travel {
    pub(crate) from: String,
    pub(crate) minutes: i32,
    /// Middle to middle.
    pub(crate) about_km: f32,
    /// Edge to edge.
    pub(crate) least_km: f32,
}

impl Travel {
    pub(crate) fn text(&self) -> String {
        let before = if self.minutes < 120 { format!("{} min", self.minutes) } else { format!("{:.1} h", self.minutes as f32 / 60.0) };
        let round = |km: f32| (km / 100.0).round() * 100.0;
        format!(
            "signed in from {} {before} before, about {:.0} km away and at least {:.0} km: nobody travels that fast",
            self.from,
            round(self.about_km),
            round(self.least_km)
        )
    }
}

/// The journey from the sign-in before to this one, when it cannot have been made.
pub(crate) fn impossible(look: &Look, features: &Features) -> Option<Travel> {
    let Last { country, network, minute } = features.last?;
    // A country or network that the account uses: a known pair, or the home carrier's exit abroad.
    if features.place.is_none_or(|depth| depth < 5) || country == look.country || network != 0 && network == look.network {
        return None;
    }
    let tunnel = place::is_hosting(look.network) || place::is_hosting(network);
    if tunnel && features.agent.is_none_or(|depth| depth < 2) && features.device_new != Some(true) {
        return None;
    }
    let (about_km, least_km) = country::apart(country, look.country)?;
    let minutes = look.minute.checked_sub(minute).filter(|minutes| *minutes >= 0)?;
    let hours = (minutes as f32 / 60.0).max(1.0 / 60.0);
    let from = String::from_utf8_lossy(&country).into_owned();
    (least_km >= APART_MIN_KM && least_km / hours > AIRLINER_KMH).then_some(Travel { from, minutes, about_km, least_km })
}
