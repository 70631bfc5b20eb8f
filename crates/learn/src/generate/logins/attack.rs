//! Those who are after accounts: after the attacker models of Wiefling et al. (TOPS 2022), campaigns, and stolen sessions.

use event::authentication::{Action, Outcome};

use super::people::{Person, device};
use super::world::{Use, World};
use super::{Config, DAY_S, Data, Row, START_S};
use crate::generate::Random;

/// Who a row is by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The account's owner.
    Owner,
    /// Right password, any place and program.
    Naive,
    /// The victim's country, a common program.
    Vpn,
    /// The victim's country, network or town, and program.
    Targeted,
    /// One try an account with leaked pairs.
    Stuffing,
    /// Few passwords on many accounts.
    Spraying,
    /// A session used elsewhere.
    Session,
}

impl Kind {
    /// All of them.
    pub const ALL: &'static [Kind] = &[Kind::Owner, Kind::Naive, Kind::Vpn, Kind::Targeted, Kind::Stuffing, Kind::Spraying, Kind::Session];

    /// `targeted`
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Owner => "owner",
            Kind::Naive => "naive",
            Kind::Vpn => "vpn",
            Kind::Targeted => "targeted",
            Kind::Stuffing => "stuffing",
            Kind::Spraying => "spraying",
            Kind::Session => "session",
        }
    }
}

pub(super) fn rows(world: &World, data: &Data, people: &[Person], honest: &[Row], config: &Config, random: &mut Random) -> Vec<Row> {
    let mut rows = Vec::new();
    let days = i64::from(config.days);
    let wanted = (config.users as f64 * config.attacks_per_100 / 100.0).ceil() as usize;
    // A third of the attackers come back with the same machine.
    let lairs: Vec<(usize, u32)> = (0..wanted / 6 + 1).map(|_| lair(world, random)).collect();
    for kind in [Kind::Naive, Kind::Vpn, Kind::Targeted] {
        for _ in 0..wanted {
            let person = &people[random.below(people.len())];
            let at = START_S + (days * DAY_S * 3 / 10) + (random.unit() * (days * DAY_S) as f64 * 0.68) as i64;
            rows.extend(takeover(world, data, person, kind, at, &lairs, random));
        }
    }
    let used: Vec<&Row> = honest.iter().filter(|r| r.action == Action::Session && r.time_s > START_S + days * DAY_S * 3 / 10).collect();
    for _ in 0..if used.is_empty() { 0 } else { wanted } {
        rows.extend(theft(world, data, used[random.below(used.len())], random));
    }
    for number in 0..config.campaigns {
        let kind = if number % 2 == 0 { Kind::Stuffing } else { Kind::Spraying };
        let slow = number % 4 >= 2;
        let from = START_S + days * DAY_S * 4 / 10 + (days * DAY_S / 2) * number as i64 / config.campaigns.max(1) as i64;
        rows.extend(campaign(world, data, people, kind, slow, from, number as u32 + 1, random));
    }
    rows.retain(|row| row.time_s < START_S + days * DAY_S);
    rows
}

fn lair(world: &World, random: &mut Random) -> (usize, u32) {
    let network = if random.chance(0.45) {
        world.of_kind(if random.chance(0.5) { Use::Hosting } else { Use::Vpn }, random)
    } else {
        let country = world.anywhere(random);
        world.network(country, if random.chance(0.2) { Use::Mobile } else { Use::Home }, random)
    };
    (network, world.address(network, random))
}

#[allow(clippy::too_many_arguments)]
fn row(
    world: &World,
    person: &str,
    (network, address): (usize, u32),
    agent: String,
    phone: bool,
    at: i64,
    kind: Kind,
    random: &mut Random,
) -> Row {
    let of = &world.networks[network];
    Row {
        id: String::new(),
        time_s: at,
        user: person.to_owned(),
        address,
        country: world.countries[of.country].0,
        network: of.number,
        city: format!("Town {}", of.country * 10 + address as usize % 7),
        agent,
        device_type: if phone { "mobile" } else { "desktop" },
        device: if random.chance(0.5) { String::new() } else { format!("x{:012x}", random.bits() & 0xFFFF_FFFF_FFFF) },
        trip_ms: world.trip_ms(network, random),
        session: String::new(),
        action: Action::Login,
        outcome: Outcome::Success,
        kind,
        campaign: 0,
    }
}

fn takeover(world: &World, data: &Data, person: &Person, kind: Kind, at: i64, lairs: &[(usize, u32)], random: &mut Random) -> Vec<Row> {
    let day = (at - START_S) / DAY_S;
    let place = match kind {
        Kind::Naive if random.chance(0.35) => lairs[random.below(lairs.len())],
        Kind::Naive => lair(world, random),
        Kind::Vpn => {
            let used = [Use::Vpn, Use::Vpn, Use::Hosting, Use::Home, Use::Home, Use::Mobile][random.below(6)];
            let network = world.network(person.country, used, random);
            (network, world.address(network, random))
        }
        // The victim's network, or another one of its town.
        _ if random.chance(0.6) => (person.home, world.address(person.home, random)),
        _ => {
            let network = world.network(person.country, Use::Home, random);
            (network, world.address(network, random))
        }
    };
    let own = &person.devices[random.below(person.devices.len())];
    let program = match kind {
        Kind::Naive | Kind::Vpn => device(data, random.chance(0.35), 0, 0, random),
        _ => own.clone(),
    };
    let behind = if kind == Kind::Targeted && random.chance(0.6) { 0 } else { random.below(90) as i64 };
    let agent = if kind == Kind::Naive && random.chance(0.12) { "python-requests/2.31.0".to_owned() } else { program.agent(day - behind) };
    let mut good = row(world, &person.name, place, agent, program.phone, at, kind, random);
    good.session = format!("x{:010x}", random.bits() & 0xFF_FFFF_FFFF);
    let mut rows = Vec::new();
    for n in 0..if random.chance(0.3) { random.between(1, 3) } else { 0 } {
        rows.push(Row { time_s: at - 20 * (n as i64 + 1), outcome: Outcome::Failure, session: String::new(), ..good.clone() });
    }
    rows.push(good.clone());
    if random.chance(0.15) {
        rows.push(Row { time_s: at + 90, action: Action::PasswordReset, session: String::new(), ..good.clone() });
    }
    if random.chance(0.3) {
        rows.push(Row { time_s: at + 3_600 * random.between(1, 20) as i64, session: format!("{}b", good.session), ..good });
    }
    rows
}

fn theft(world: &World, data: &Data, used: &Row, random: &mut Random) -> Vec<Row> {
    let (network, address) = if random.chance(0.3) {
        let country = world.countries.iter().position(|c| c.0 == used.country).unwrap_or(0);
        let network = world.network(country, [Use::Vpn, Use::Hosting, Use::Home][random.below(3)], random);
        (network, world.address(network, random))
    } else {
        lair(world, random)
    };
    let day = (used.time_s - START_S) / DAY_S;
    let program = device(data, random.chance(0.2), 0, 0, random);
    // A good thief sends the victim's string.
    let agent = if random.chance(0.25) { used.agent.clone() } else { program.agent(day) };
    let cookie = if random.chance(0.4) { used.device.clone() } else { String::new() };
    (0..random.between(1, 3))
        .map(|n| {
            let at = used.time_s + 120 + 400 * n as i64 + random.below(300) as i64;
            let thief = row(world, &used.user, (network, address), agent.clone(), program.phone, at, Kind::Session, random);
            Row { session: used.session.clone(), action: Action::Session, device: cookie.clone(), ..thief }
        })
        .collect()
}

#[allow(clippy::too_many_arguments)]
fn campaign(
    world: &World,
    data: &Data,
    people: &[Person],
    kind: Kind,
    slow: bool,
    from: i64,
    number: u32,
    random: &mut Random,
) -> Vec<Row> {
    let proxies: Vec<(usize, u32)> = (0..random.between(20, 150)).map(|_| lair(world, random)).collect();
    let programs: Vec<String> = (0..3).map(|_| device(data, false, 0, 0, random).agent((from - START_S) / DAY_S - 40)).collect();
    let (tries, gap_s) = match (kind, slow) {
        (Kind::Stuffing, false) => (random.between(600, 1_500), 6.0),
        (Kind::Stuffing, true) => (random.between(250, 500), 500.0),
        (_, false) => (people.len().min(800), 12.0),
        (_, true) => (random.between(150, 300), 900.0),
    };
    let mut at = from;
    let mut rows = Vec::new();
    for n in 0..tries {
        at += random.wait(gap_s) as i64 + 1;
        let known = kind == Kind::Spraying || random.chance(0.3);
        let name = if known {
            people[(n * 7 + random.below(5)) % people.len()].name.clone()
        } else {
            format!("leak{}@example.org", random.below(1 << 24))
        };
        let place = proxies[random.below(proxies.len())];
        let agent = programs[random.below(programs.len())].clone();
        let mut try_ = row(world, &name, place, agent, false, at, kind, random);
        (try_.device, try_.campaign) = (String::new(), number);
        let hit = known && random.chance(if kind == Kind::Stuffing { 0.012 } else { 0.004 });
        if hit {
            try_.session = format!("c{:010x}", random.bits() & 0xFF_FFFF_FFFF);
        } else {
            try_.outcome = Outcome::Failure;
        }
        rows.push(try_);
    }
    rows
}
