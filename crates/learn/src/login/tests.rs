//! What the memory knows, what it forgets, and what cannot be pushed into it.

use event::authentication::{Action, Outcome};
use event::{Authentication, Time};
use proptest::prelude::*;

use super::*;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0";

fn login(address: &str, country: &str, network: u32, agent: &str) -> Authentication {
    Authentication {
        user: "ada".into(),
        client: address.parse().ok(),
        outcome: Outcome::Success,
        country: country.into(),
        asn: Some(network),
        user_agent: agent.into(),
        repeats: 1,
        ..Authentication::default()
    }
}

fn at(day: i64, hour: i64) -> Time {
    Time::from_s(1_750_000_000 + day * 86_400 + hour * 3_600)
}

fn see(memory: &mut Memory, auth: &Authentication, time: Time) -> Features {
    let look = Look::of(auth, time).expect("a look");
    let features = memory.features(&look, auth.action == Action::Session);
    memory.observe(auth, time, &features, 0.1);
    features
}

fn ada() -> Memory {
    let mut memory = Memory::new(Config::default());
    for day in 0..30 {
        see(&mut memory, &login("198.51.100.7", "NO", 64500, CHROME), at(day, 9));
    }
    memory
}

#[test]
fn agents_are_read_without_versions() {
    let read = |text: &str| Agent::parse(text).map(|a| (a.family, a.major, a.system));
    for (text, expected) in [
        (CHROME, ("Chrome", 120, "Windows")),
        (FIREFOX, ("Firefox", 121, "Linux")),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/119.0.1", ("Edge", 119, "Windows")),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605 Version/17.1 Mobile/15E148 Safari/604.1",
            ("Safari", 17, "iOS"),
        ),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/119.0.0.0 Mobile Safari/537.36", ("Chrome", 119, "Android")),
        ("curl/8.4.0", ("curl", 8, "other")),
    ] {
        assert_eq!(read(text), Some(expected), "{text}");
    }
    let unknown = |text: &str| Agent::parse(text).map(|a| a.browser_key());
    assert_eq!(unknown("Acme Client 1.2"), unknown("Acme Client 1.3"));
    assert_ne!(unknown("Acme Client 1.2"), unknown("Other Client 1.2"));
    assert_eq!(Agent::parse("  "), None);
}

#[test]
fn home_speaks_for_the_owner_and_each_step_away_against() {
    let mut memory = ada();
    let ratio =
        |memory: &mut Memory, auth: &Authentication| memory.features(&Look::of(auth, at(31, 9)).expect("a look"), false).ratio.sum();
    let steps = [
        login("198.51.100.7", "NO", 64500, CHROME),
        login("198.51.100.9", "NO", 64500, CHROME),
        login("203.0.113.9", "NO", 64500, CHROME),
        login("203.0.113.9", "NO", 64501, CHROME),
        login("203.0.113.9", "BR", 64502, CHROME),
        login("203.0.113.9", "BR", 64502, FIREFOX),
    ];
    let ratios: Vec<f32> = steps.iter().map(|auth| ratio(&mut memory, auth)).collect();
    assert!(ratios[0] < -3.0, "{ratios:?}");
    assert!(ratios.windows(2).all(|pair| pair[0] <= pair[1]) && ratios[4] + 4.0 < ratios[5], "{ratios:?}");
}

#[test]
fn people_who_change_addresses_are_not_suspected_for_it() {
    let mut steady = ada();
    let mut moving = Memory::new(Config::default());
    for day in 0..30 {
        let address = format!("198.51.{}.7", 10 + day);
        see(&mut moving, &login(&address, "NO", 64500, CHROME), at(day, 9));
    }
    let next = login("198.51.200.7", "NO", 64500, CHROME);
    let of = |memory: &mut Memory| memory.features(&Look::of(&next, at(31, 9)).expect("a look"), false);
    let (steady, moving) = (of(&mut steady), of(&mut moving));
    assert!(moving.ratio.place + 1.5 < steady.ratio.place, "{} {}", moving.ratio.place, steady.ratio.place);
    assert!(moving.place_tail > 0.5 && steady.place_tail < 0.3);
}

#[test]
fn a_newer_browser_is_harmless_and_an_older_one_is_odd() {
    let mut memory = ada();
    let of = |memory: &mut Memory, agent: &str| {
        memory.features(&Look::of(&login("198.51.100.7", "NO", 64500, agent), at(31, 9)).expect("a look"), false).agent
    };
    assert_eq!(of(&mut memory, CHROME), Some(0));
    assert_eq!(of(&mut memory, &CHROME.replace("120", "121")), Some(1));
    assert_eq!(of(&mut memory, &CHROME.replace("120", "87")), Some(2));
    assert_eq!(of(&mut memory, FIREFOX), Some(4));
}

#[test]
fn failures_never_teach_and_a_reset_speaks_against_what_was_odd() {
    let mut memory = ada();
    let mut wrong = login("203.0.113.9", "BR", 64502, FIREFOX);
    wrong.outcome = Outcome::Failure;
    for hour in 0..200 {
        see(&mut memory, &wrong, at(31 + hour / 24, hour % 24));
    }
    wrong.outcome = Outcome::Success;
    let look = Look::of(&wrong, at(40, 9)).expect("a look");
    let features = memory.features(&look, false);
    assert_eq!((features.place, features.agent), (Some(5), Some(4)));
    // A risky success, then a reset: nothing was learned two days later.
    memory.observe(&wrong, at(40, 9), &features, 0.95);
    let mut reset = login("198.51.100.7", "NO", 64500, CHROME);
    reset.action = Action::PasswordReset;
    see(&mut memory, &reset, at(40, 12));
    let features = memory.features(&Look::of(&wrong, at(43, 9)).expect("a look"), false);
    assert_eq!((features.place, features.agent), (Some(5), Some(4)));
}

#[test]
fn what_is_not_objected_to_is_learned_after_a_day() {
    let mut memory = ada();
    let new = login("203.0.113.9", "NO", 64501, FIREFOX);
    let before = see(&mut memory, &new, at(31, 9));
    assert_eq!(before.place, Some(4));
    let after = memory.features(&Look::of(&new, at(33, 9)).expect("a look"), false);
    assert_eq!((after.place, after.agent), (Some(0), Some(0)));
}

#[test]
fn a_half_done_sign_in_teaches_only_with_its_second_factor() {
    let thief = Authentication { outcome: Outcome::Pending, ..login("203.0.113.9", "BR", 64502, FIREFOX) };
    let answer = |outcome| Authentication { action: Action::StepUp, outcome, ..thief.clone() };
    for (answers, place) in [(vec![], 5), (vec![Outcome::Failure], 5), (vec![Outcome::Success], 0), (vec![Outcome::Success; 3], 0)] {
        let mut memory = ada();
        see(&mut memory, &thief, at(30, 9));
        for outcome in &answers {
            see(&mut memory, &answer(*outcome), at(30, 9));
        }
        let later = see(&mut memory, &login("203.0.113.9", "BR", 64502, FIREFOX), at(40, 9));
        assert_eq!((later.place, later.prior), (Some(place), 30 + u32::from(place == 0)), "{answers:?}");
    }
}

#[test]
fn a_session_is_compared_with_its_birth() {
    let mut memory = ada();
    let mut own = login("198.51.100.7", "NO", 64500, CHROME);
    own.session = "s1".into();
    see(&mut memory, &own, at(31, 9));
    own.action = Action::Session;
    assert_eq!(see(&mut memory, &own, at(31, 10)).drift.map(|d| (d.place, d.agent)), Some((0, Some(0))));
    let mut thief = login("203.0.113.9", "BR", 64502, FIREFOX);
    (thief.session, thief.action) = ("s1".into(), Action::Session);
    let stolen = see(&mut memory, &thief, at(31, 11));
    assert_eq!(stolen.drift.map(|d| (d.place, d.agent)), Some((5, Some(4))));
    assert!(stolen.layer1() > 5.0);
}

#[test]
fn hosting_networks_are_sorted() {
    for network in [16509, 24940, 399_629, 7203] {
        assert!(place::is_hosting(network));
    }
    assert!(!place::is_hosting(64500));
}

proptest! {
    #[test]
    fn bounded_whatever_comes(seeds in proptest::collection::vec(any::<u32>(), 1..400)) {
        let mut memory = Memory::new(Config { places_max: 64, users_max: 4, ..Config::default() });
        for (n, seed) in seeds.iter().enumerate() {
            let address = std::net::Ipv4Addr::from(*seed).to_string();
            let mut auth = login(&address, "NO", seed % 99, &format!("agent {}", seed % 1000));
            auth.user = format!("u{}", seed % 7).into();
            let time = at(n as i64 / 3, i64::from(seed % 24));
            let look = Look::of(&auth, time).expect("a look");
            let features = memory.features(&look, false);
            prop_assert!(features.layer1().is_finite());
            memory.observe(&auth, time, &features, 0.0);
            prop_assert!(memory.users() <= 4);
            prop_assert!(memory.values_of(look.user) <= LEVELS * history::VALUES_MAX);
        }
    }

    /// A day of sign-ins from elsewhere is a small part of what is known, however many they are.
    #[test]
    fn one_day_cannot_take_a_profile_over(tries in 1usize..300) {
        let mut memory = ada();
        let thief = login("203.0.113.9", "BR", 64502, FIREFOX);
        let look = |auth: &Authentication, time| Look::of(auth, time).expect("a look");
        for n in 0..tries {
            let time = Time::from_s(at(31, 0).s() + n as i64 * 60);
            let features = memory.features(&look(&thief, time), false);
            memory.observe(&thief, time, &features, 0.95);
        }
        let own = memory.features(&look(&login("198.51.100.7", "NO", 64500, CHROME), at(34, 9)), false);
        prop_assert!(own.place == Some(0) && own.ratio.sum() < 0.0, "{}", own.ratio.sum());
        let share = memory.share_of(&look(&thief, at(34, 9)), Level::Address);
        prop_assert!(share < 0.3, "{share}");
    }
}
