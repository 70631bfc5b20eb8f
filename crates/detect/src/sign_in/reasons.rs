//! Why, in words; and which independent signs agree.

use event::Authentication;
use event::login::LoginReason;
use learn::login::{Agent, Features, place};

/// One independent sign that the owner is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sign {
    /// A place that is far from home for this user.
    Place,
    /// A program, device or fingerprint that is not the user's.
    Program,
    /// Others were tried from the same address.
    Company,
    /// The session was somewhere else a moment ago.
    Jump,
}

/// Share of the user's own sign-ins below which something is odd.
const ODD: f32 = 0.12;
/// Other accounts that failed at an address before it is bad company.
const COMPANY_MIN: f32 = 2.5;

/// Said with weight nothing when neither the record nor a location file names the place.
pub(crate) const UNPLACED: &str = "place.location_unknown";

/// The signs that agree.
pub(crate) fn signs(_auth: &Authentication, features: &Features) -> Vec<Sign> {
    let drift = features.drift;
    let far = |depth: u8| features.place.is_some_and(|place| place >= depth) && features.place_tail < ODD;
    let place = far(3) || drift.is_some_and(|d| d.place >= 4);
    let program = (features.agent.is_some_and(|agent| agent >= 2) && features.agent_tail < ODD)
        || features.device_new == Some(true) && features.ratio.device > 1.0
        || drift.is_some_and(|d| d.agent.is_some_and(|a| a >= 2) || d.device == Some(true) || d.ja4 == Some(true));
    let company = features.failed_there >= COMPANY_MIN && features.others_there < features.failed_there;
    let jump = drift.is_some_and(|d| d.jumps >= 2.5 || d.other_user);
    let all = [(place, Sign::Place), (program, Sign::Program), (company, Sign::Company), (jump, Sign::Jump)];
    all.into_iter().filter(|(holds, _)| *holds).map(|(_, sign)| sign).collect()
}

fn reason(code: &'static str, text: String, push: f32) -> LoginReason {
    LoginReason { code: code.into(), text, push }
}

/// Every reason with something to say, for and against.
pub(crate) fn of(auth: &Authentication, features: &Features) -> Vec<LoginReason> {
    let mut out = Vec::new();
    if features.confirmed == 0 {
        out.push(reason("login.no_history", format!("{} earlier sign-ins, none confirmed yet", features.prior), 0.0));
    }
    let client = auth.client.map(|ip| ip.to_canonical().to_string()).unwrap_or_default();
    if let Some(place) = features.place {
        let (code, text) = match place {
            0 => ("place.known_address", format!("{client} is an address of this account")),
            1 => {
                ("place.known_near", format!("new address in {}, which the account uses", auth.client.map(place::near).unwrap_or_default()))
            }
            2 => ("place.known_wide", format!("{client} is new, the network around it is known")),
            3 => ("place.known_network", format!("{client} is new, in a network that the account uses{}", named_network(auth))),
            4 => ("place.new_network", format!("{client} is in a network that the account never used{}", named_network(auth))),
            _ if auth.country.is_empty() && auth.asn.is_none() => ("place.unknown", format!("{client} is new and its location unknown")),
            _ => ("place.new_country", format!("{client} is where the account never was{}", named_place(auth))),
        };
        let often = format!("; {:.0} % of its sign-ins were this far from home", features.place_tail * 100.0);
        out.push(reason(code, text + &often, features.ratio.place));
        if auth.country.is_empty() && auth.asn.is_none() && place > 0 && place < 5 {
            out.push(reason(UNPLACED, "location unknown: neither the record nor a location file gives one".into(), 0.0));
        }
    }
    if let Some(agent) = features.agent {
        let words = Agent::parse(&auth.user_agent).map_or_else(|| "no program".to_owned(), |a| a.words());
        let (code, text) = match agent {
            0 => ("agent.known", format!("{words}, as before")),
            1 => ("agent.newer", format!("{words}, a newer version than before")),
            2 => ("agent.older", format!("{words}, an older version than before")),
            3 => ("agent.new", format!("{words} is new on a system that the account uses")),
            _ => ("agent.new_system", format!("{words}: neither program nor system were used before")),
        };
        out.push(reason(code, text, features.ratio.agent));
    }
    if features.ratio.hour.is_finite() && features.ratio.hour.abs() > 0.4 {
        let (code, text) = if features.ratio.hour > 0.0 { ("hour.unusual", "an unusual hour") } else { ("hour.usual", "a usual hour") };
        out.push(reason(code, format!("{text} for the account"), features.ratio.hour));
    }
    match features.device_new {
        Some(true) => out.push(reason("device.new", "the device cookie was never seen with this account".into(), features.ratio.device)),
        Some(false) => out.push(reason("device.known", "a device of the account".into(), features.ratio.device)),
        None if features.ratio.device.is_finite() => {
            out.push(reason("device.absent", "no device cookie, though the account has devices".into(), features.ratio.device));
        }
        None => {}
    }
    if features.ratio.trip.is_finite() && features.ratio.trip.abs() > 0.5 {
        let text = format!("round trip of {:.0} ms", auth.rtt_ms.unwrap_or(0.0));
        out.push(reason("trip", text, features.ratio.trip));
    }
    if features.failed_there >= 0.5 {
        let text = format!("{:.0} other accounts failed from {client} lately", features.failed_there.ceil());
        out.push(reason("company.failed", text, features.failed_there.ln_1p()));
    }
    if features.others_there >= 2.0 {
        let text = format!("{:.0} or more other accounts are at home at {client}", features.others_there);
        out.push(reason("company.shared", text, -features.others_there.ln_1p()));
    }
    if let Some(drift) = features.drift {
        session(auth, drift.place, drift.agent, &mut out);
        if drift.device == Some(true) {
            out.push(reason("session.device", "the session began on another device".into(), 3.0));
        }
        if drift.ja4 == Some(true) {
            out.push(reason("session.ja4", "the session began with another TLS fingerprint".into(), 3.0));
        }
        if drift.jumps >= 2.0 {
            out.push(reason("session.jumps", format!("{:.0} jumps between networks within minutes", drift.jumps), drift.jumps));
        }
        if drift.other_user {
            out.push(reason("session.other_user", "the session belongs to another account".into(), 6.0));
        }
    }
    out
}

/// Two sign-ins that nobody can have made both.
pub(crate) fn travel(travel: &super::travel::Travel) -> LoginReason {
    reason("travel.impossible", travel.text(), super::travel::PUSH)
}

fn session(auth: &Authentication, place: u8, agent: Option<u8>, out: &mut Vec<LoginReason>) {
    match place {
        0 => out.push(reason("session.place", "where the session was before".into(), -1.5)),
        5 => out.push(reason("session.country", format!("the session was elsewhere before{}", named_place(auth)), 3.5)),
        4 => out.push(reason("session.network", format!("the session was in another network before{}", named_network(auth)), 1.0)),
        _ => {}
    }
    if let Some(agent) = agent.filter(|agent| *agent >= 2) {
        let text = ["", "", "another version of the browser", "another program", "another system"][usize::from(agent).min(4)];
        out.push(reason("session.agent", format!("the session began with {text}"), [0.0, 0.0, 2.5, 4.0, 5.0][usize::from(agent).min(4)]));
    }
}

fn named_network(auth: &Authentication) -> String {
    auth.asn.map(|n| format!(" (AS{n})")).unwrap_or_default()
}

fn named_place(auth: &Authentication) -> String {
    match (auth.country.is_empty(), auth.asn) {
        (false, Some(n)) => format!(" ({}, AS{n})", auth.country),
        (false, None) => format!(" ({})", auth.country),
        (true, _) => named_network(auth),
    }
}
