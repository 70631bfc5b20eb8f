//! People by right: where they live, what they use, when they come.

use event::authentication::{Action, Outcome};

use super::world::{Use, World};
use super::{Config, DAY_S, Data, Kind, Mix, Row, START_S};
use crate::generate::Random;

/// One program on one machine.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) family: String,
    pub(super) system: String,
    pub(super) phone: bool,
    /// Days behind the newest release.
    lag_d: i64,
    model: usize,
    cookie: String,
}

#[derive(Clone, Debug)]
enum Lease {
    Static,
    /// A new address every so many days.
    Days(f64),
    Always,
}

#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) country: usize,
    pub(super) home: usize,
    pub(super) devices: Vec<Device>,
    home_address: u32,
    /// /24 blocks in which the home address changes.
    pool: Vec<u32>,
    lease: Lease,
    office: Option<(usize, u32)>,
    mobile: Option<usize>,
    vpn: Option<(Vec<usize>, f64)>,
    per_day: f64,
    hours: [f64; 2],
    weekend: f64,
    machine: bool,
    joined_d: i64,
}

pub(super) fn rows(world: &World, data: &Data, mix: &Mix, config: &Config, random: &mut Random) -> (Vec<Row>, Vec<Person>) {
    let (mut rows, mut people) = (Vec::new(), Vec::new());
    for n in 0..config.users {
        let mut person = person(n, world, data, mix, config, random);
        life(&mut person, world, data, mix, config, random, &mut rows);
        people.push(person);
    }
    (rows, people)
}

fn person(n: usize, world: &World, data: &Data, mix: &Mix, config: &Config, random: &mut Random) -> Person {
    let machine = random.chance(mix.machines);
    let country = if random.chance(mix.foreign) { world.country(random) } else { 0 };
    let home = if machine { world.of_kind(Use::Hosting, random) } else { world.network(country, Use::Home, random) };
    let kind = random.unit();
    let lease = if machine || kind < mix.static_home {
        Lease::Static
    } else if kind < mix.static_home + mix.dynamic_home {
        Lease::Days(2.0 + random.wait(20.0))
    } else {
        Lease::Always
    };
    let mut devices = vec![device(data, random.chance(0.25), n, 0, random)];
    while random.chance(1.0 - 1.0 / mix.devices) && devices.len() < 4 {
        devices.push(device(data, random.chance(0.7), n, devices.len(), random));
    }
    if random.chance(mix.second_browser) {
        devices.push(device(data, devices[0].phone, n, devices.len(), random));
    }
    let vpn = random.chance(mix.vpn_users).then(|| {
        let favourites = (0..random.between(1, 3)).map(|_| world.of_kind(Use::Vpn, random)).collect();
        (favourites, 0.15 + 0.8 * random.unit())
    });
    let morning = 7.0 + 3.0 * random.unit();
    let pool = (0..random.between(1, 12)).map(|_| world.address(home, random) & 0xFFFF_FF00).collect::<Vec<u32>>();
    Person {
        name: if machine { format!("svc-{n}@example.org") } else { format!("user{n}@example.org") },
        country,
        home,
        home_address: pool[0] | random.between(1, 254) as u32,
        pool,
        lease,
        office: (!machine && random.chance(mix.office)).then(|| world.offices[random.below(world.offices.len())]),
        mobile: (!machine && random.chance(mix.mobile)).then(|| world.network(country, Use::Mobile, random)),
        vpn,
        devices,
        per_day: if machine { 4.0 } else { (0.06 + random.wait(0.7)).min(4.0) },
        hours: [morning, 17.0 + 5.0 * random.unit()],
        weekend: 0.1 + 0.7 * random.unit(),
        machine,
        joined_d: if random.chance(0.25) { random.below((config.days as usize * 6 / 10).max(1)) as i64 } else { 0 },
    }
}

pub(super) fn device(data: &Data, phone: bool, user: usize, number: usize, random: &mut Random) -> Device {
    let table = if phone { &data.phone } else { &data.desktop };
    let (family, system, _) = &table[random.weighted(table.iter().map(|row| row.2))];
    let lag_d = if random.chance(0.12) { random.between(60, 500) } else { random.below(25) } as i64;
    let cookie = format!("d{user}-{number}-{:08x}", random.bits() as u32);
    Device { family: family.clone(), system: system.clone(), phone, lag_d, model: random.below(40), cookie }
}

impl Device {
    /// The string as sent on a day.
    pub(super) fn agent(&self, day: i64) -> String {
        let release = 139 + (day - self.lag_d).div_euclid(28);
        let ios = 17 + (day - self.lag_d + 60).div_euclid(365);
        let minor = (day - self.lag_d).rem_euclid(365) / 60;
        let head = match self.system.as_str() {
            "Windows" => "Windows NT 10.0; Win64; x64".to_owned(),
            "macOS" => "Macintosh; Intel Mac OS X 10_15_7".to_owned(),
            "Linux" => "X11; Linux x86_64".to_owned(),
            "iOS" => format!("iPhone; CPU iPhone OS {ios}_{minor} like Mac OS X"),
            // Newer Chrome says K for every telephone.
            _ if self.family == "Chrome" && !self.model.is_multiple_of(4) => "Linux; Android 10; K".to_owned(),
            _ => format!("Linux; Android {}; SM-{}", 12 + self.model % 4, 900 + self.model * 7),
        };
        let mobile = if self.phone { " Mobile" } else { "" };
        match self.family.as_str() {
            "Firefox" => format!("Mozilla/5.0 ({head}; rv:{release}.0) Gecko/20100101 Firefox/{release}.0"),
            "Safari" if self.phone => {
                format!("Mozilla/5.0 ({head}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{ios}.{minor} Mobile/15E148 Safari/604.1")
            }
            "Safari" => format!("Mozilla/5.0 ({head}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{ios}.{minor} Safari/605.1.15"),
            "Chrome" if self.system == "iOS" => {
                format!("Mozilla/5.0 ({head}) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/{release}.0.0.0 Mobile/15E148 Safari/604.1")
            }
            other => {
                let more = match other {
                    "Edge" => format!(" Edg/{release}.0.0.0"),
                    "Opera" => format!(" OPR/{}.0.0.0", release - 14),
                    "Samsung Internet" => format!(" SamsungBrowser/{}.0", 24 + (release - 130) / 4),
                    _ => String::new(),
                };
                format!("Mozilla/5.0 ({head}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{release}.0.0.0{mobile} Safari/537.36{more}")
            }
        }
    }
}

/// Where somebody is for one sign-in.
#[derive(Clone, Copy)]
struct Spot {
    network: usize,
    address: u32,
}

#[allow(clippy::too_many_arguments)]
fn life(person: &mut Person, world: &World, data: &Data, mix: &Mix, config: &Config, random: &mut Random, rows: &mut Vec<Row>) {
    let days = i64::from(config.days);
    let mut lease_until = 0.0;
    let mut trip: Option<(usize, i64)> = None;
    let mut sessions = 0_u32;
    let mut forgot = None::<i64>;
    for day in person.joined_d..days {
        let weekday = day % 7 < 5;
        // What changes.
        if random.chance(mix.new_device_per_year / 365.0) && !person.machine {
            let number = person.devices.len() + 10;
            let new = device(data, random.chance(0.6), number, number, random);
            if random.chance(0.5) && !person.devices.is_empty() {
                let at = random.below(person.devices.len());
                person.devices[at] = new;
            } else {
                person.devices.push(new);
            }
        }
        if random.chance(mix.move_per_year / 365.0) && !person.machine {
            person.home = world.network(person.country, Use::Home, random);
            person.pool = (0..random.between(1, 12)).map(|_| world.address(person.home, random) & 0xFFFF_FF00).collect();
            person.home_address = person.pool[0] | random.between(1, 254) as u32;
        }
        if let Lease::Days(every) = person.lease
            && day as f64 >= lease_until
        {
            person.home_address = person.pool[random.below(person.pool.len())] | random.between(1, 254) as u32;
            lease_until = day as f64 + random.wait(every).max(0.5);
        }
        for device in &mut person.devices {
            if random.chance((1.0 - mix.cookie_kept) / 14.0) {
                device.cookie = format!("d{:012x}", random.bits() & 0xFFFF_FFFF_FFFF);
            }
        }
        if trip.is_some_and(|(_, until)| day > until) {
            trip = None;
        }
        if trip.is_none() && !person.machine && random.chance(mix.trips_per_year / 365.0) {
            let to = if random.chance(0.4) { person.country } else { world.country(random) };
            trip = Some((to, day + random.between(1, 9) as i64));
        }
        let rate = person.per_day * if weekday || person.machine { 1.0 } else { person.weekend };
        let mut n = rate.floor() as u32 + u32::from(random.chance(rate.fract()));
        n = n.min(8);
        for nth in 0..n {
            let hour = if person.machine {
                f64::from(nth) * 24.0 / f64::from(n.max(1)) + 0.2
            } else {
                let centre = if weekday && random.chance(0.55) { person.hours[0] } else { person.hours[1] };
                (centre + 1.6 * random.normal()).rem_euclid(24.0)
            };
            let at = START_S + day * DAY_S + (hour * 3600.0) as i64 + random.below(60) as i64;
            if forgot.is_some_and(|until| at < until) {
                continue;
            }
            let at_work = weekday && (8.0..18.0).contains(&hour) && person.office.is_some() && trip.is_none();
            let device_at = if person.devices.len() == 1 || random.chance(0.6) { 0 } else { random.below(person.devices.len()) };
            let spot = spot(person, world, mix, trip.map(|t| t.0), at_work, person.devices[device_at].phone, random);
            sessions += 1;
            visit(person, device_at, spot, at, day, world, mix, sessions, random, rows);
            // Somebody who forgot the new password: quiet for a while.
            forgot = random.chance(0.0005).then_some(at + 2 * DAY_S);
        }
    }
}

fn spot(person: &Person, world: &World, mix: &Mix, trip: Option<usize>, at_work: bool, phone: bool, random: &mut Random) -> Spot {
    let of = |network: usize, random: &mut Random| Spot { network, address: world.address(network, random) };
    if let Some((favourites, share)) = &person.vpn
        && random.chance(*share)
    {
        let network = if random.chance(0.85) { favourites[random.below(favourites.len())] } else { world.of_kind(Use::Vpn, random) };
        // A provider's exits in one place are few.
        let block = world.networks[network].blocks[0];
        return Spot { network, address: block | (random.below(6) as u32) << 8 | random.between(1, 60) as u32 };
    }
    match (trip, person.mobile) {
        // Roaming leaves at the home carrier.
        (Some(_), Some(mobile)) if phone && random.chance(0.5) => of(mobile, random),
        (Some(country), _) => {
            let kind = if phone && random.chance(0.4) { Use::Mobile } else { Use::Home };
            let network = world.network(country, kind, random);
            of(network, random)
        }
        (None, Some(mobile)) if random.chance(if phone { mix.mobile_share * 1.4 } else { mix.mobile_share * 0.15 }) => {
            // A carrier lets a few addresses of each block out.
            let block = world.networks[mobile].blocks[random.below(world.networks[mobile].blocks.len())];
            Spot { network: mobile, address: block | (random.below(24) as u32) << 8 | random.between(1, 254) as u32 }
        }
        _ if at_work && random.chance(0.85) => {
            let (network, address) = person.office.unwrap_or((person.home, person.home_address));
            Spot { network, address }
        }
        // A friend, a café, a library.
        _ if !person.machine && random.chance(0.03) => {
            let network = world.network(person.country, Use::Home, random);
            of(network, random)
        }
        _ => {
            let address = match person.lease {
                Lease::Always => person.pool[random.below(person.pool.len())] | random.between(1, 254) as u32,
                _ => person.home_address,
            };
            Spot { network: person.home, address }
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn visit(
    person: &Person,
    device_at: usize,
    spot: Spot,
    at: i64,
    day: i64,
    world: &World,
    mix: &Mix,
    session: u32,
    random: &mut Random,
    rows: &mut Vec<Row>,
) {
    let device = &person.devices[device_at];
    let network = &world.networks[spot.network];
    let cookie = if random.chance(mix.cookie_kept) { device.cookie.clone() } else { String::new() };
    let row = Row {
        id: String::new(),
        time_s: at,
        user: person.name.clone(),
        address: spot.address,
        country: world.countries[network.country].0,
        network: network.number,
        city: format!("Town {}", network.country * 10 + spot.address as usize % 7),
        agent: if person.machine { "aws-cli/2.15.0 Python/3.11".to_owned() } else { device.agent(day) },
        device_type: if person.machine {
            "tool"
        } else if device.phone {
            "mobile"
        } else {
            "desktop"
        },
        device: if person.machine { String::new() } else { cookie },
        trip_ms: world.trip_ms(spot.network, random),
        session: format!("s{}-{session}", person.name),
        action: Action::Login,
        outcome: Outcome::Success,
        kind: Kind::Owner,
        campaign: 0,
    };
    let fail = |time_s: i64| Row { time_s, session: String::new(), outcome: Outcome::Failure, ..row.clone() };
    if !person.machine && random.chance(mix.mistype) {
        (1..=random.between(1, 3)).for_each(|n| rows.push(fail(at - 15 * n as i64)));
    }
    if !person.machine && random.chance(mix.reset) {
        (1..=random.between(2, 4)).for_each(|n| rows.push(fail(at - 300 - 20 * n as i64)));
        rows.push(Row { time_s: at - 120, session: String::new(), action: Action::PasswordReset, ..row.clone() });
    }
    // A program with an old password, hour after hour.
    if person.machine && random.chance(0.01) {
        (0..40).for_each(|n| rows.push(fail(at + 600 * n)));
    }
    rows.push(row.clone());
    let mut time_s = at;
    let mut place = spot;
    for _ in 0..random.below(4) {
        time_s += random.wait(2_400.0) as i64 + 20;
        if let Some(mobile) = person.mobile.filter(|_| device.phone) {
            // Out of the door and back.
            if random.chance(0.35) {
                place = if place.network == mobile {
                    spot
                } else {
                    Spot { network: mobile, address: world.address(mobile, random) & 0xFFFF_17FF }
                };
            }
        }
        let network = &world.networks[place.network];
        rows.push(Row {
            time_s,
            address: place.address,
            country: world.countries[network.country].0,
            network: network.number,
            trip_ms: world.trip_ms(place.network, random),
            action: Action::Session,
            ..row.clone()
        });
    }
}
