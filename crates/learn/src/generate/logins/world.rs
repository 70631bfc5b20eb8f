//! Countries, networks and the addresses in them.

use super::{Data, Mix};
use crate::generate::Random;

/// What a network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Home,
    Mobile,
    Hosting,
    Vpn,
    Office,
}

/// One network: a number and /16 blocks of 240.0.0.0/4.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) number: u32,
    pub(super) country: usize,
    pub(super) kind: Use,
    pub(super) blocks: Vec<u32>,
    pub(super) weight: f64,
}

pub(super) struct World {
    pub(super) countries: Vec<([u8; 2], f64)>,
    pub(super) networks: Vec<Network>,
    /// Offices: network and one address.
    pub(super) offices: Vec<(usize, u32)>,
}

/// Numbers of known hosting networks, so that the list of them has something to match; the rest is of the private range.
const HOSTING: [u32; 8] = [14061, 16509, 24940, 51167, 63949, 20473, 12876, 396_982];
const VPN: [u32; 5] = [9009, 212_238, 60068, 136_787, 147_049];

impl World {
    pub(super) fn new(data: &Data, mix: &Mix, users: usize, random: &mut Random) -> World {
        let countries: Vec<([u8; 2], f64)> =
            data.countries.iter().map(|(name, weight)| (name.as_bytes().try_into().unwrap_or(*b"ZZ"), *weight)).collect();
        let mut world = World { countries, networks: Vec::new(), offices: Vec::new() };
        let mut next_block = 0xF000_0000_u32;
        let mut number = 4_200_000_000_u32;
        let mut add =
            |world: &mut World, country: usize, kind: Use, blocks: usize, weight: f64, known: Option<u32>, next_number: &mut u32| {
                let blocks = (0..blocks)
                    .map(|_| {
                        let block = next_block;
                        next_block = (next_block + 0x1_0000) | 0xF000_0000;
                        block
                    })
                    .collect();
                *next_number += 1;
                world.networks.push(Network { number: known.unwrap_or(*next_number), country, kind, blocks, weight });
            };
        for country in 0..world.countries.len() {
            for n in 0..random.between(3, 6) {
                let blocks = random.between(4, 14);
                add(&mut world, country, Use::Home, blocks, 1.0 / (1.0 + n as f64), None, &mut number);
            }
            for n in 0..random.between(2, 3) {
                let blocks = random.between(2, 5);
                add(&mut world, country, Use::Mobile, blocks, 1.0 / (1.0 + n as f64), None, &mut number);
            }
            add(&mut world, country, Use::Office, 3, 1.0, None, &mut number);
        }
        for known in HOSTING {
            let country = random.below(12);
            add(&mut world, country, Use::Hosting, 6, 1.0, Some(known), &mut number);
        }
        // Every VPN has exits in most countries.
        for known in VPN {
            for country in 0..world.countries.len() {
                if random.chance(0.7) {
                    add(&mut world, country, Use::Vpn, 1, 1.0, Some(known), &mut number);
                }
            }
        }
        for _ in 0..(users / mix.office_users.max(1)).max(1) {
            let country = if random.chance(mix.foreign) { world.country(random) } else { 0 };
            let network = world.network(country, Use::Office, random);
            let address = world.address(network, random);
            world.offices.push((network, address));
        }
        world
    }

    pub(super) fn country(&self, random: &mut Random) -> usize {
        random.weighted(self.countries.iter().map(|c| c.1))
    }

    /// A country in which everybody is as likely: where attackers are.
    pub(super) fn anywhere(&self, random: &mut Random) -> usize {
        random.below(self.countries.len())
    }

    pub(super) fn network(&self, country: usize, kind: Use, random: &mut Random) -> usize {
        let fits = |n: &Network| if n.country == country && n.kind == kind { n.weight } else { 0.0 };
        if self.networks.iter().all(|n| fits(n) == 0.0) {
            return self.network(country, Use::Home, random);
        }
        random.weighted(self.networks.iter().map(fits))
    }

    pub(super) fn of_kind(&self, kind: Use, random: &mut Random) -> usize {
        random.weighted(self.networks.iter().map(|n| if n.kind == kind { 1.0 } else { 0.0 }))
    }

    pub(super) fn address(&self, network: usize, random: &mut Random) -> u32 {
        let blocks = &self.networks[network].blocks;
        blocks[random.below(blocks.len())] | random.between(1, 0xFFFE) as u32
    }

    /// Round trip to a network, about.
    pub(super) fn trip_ms(&self, network: usize, random: &mut Random) -> f32 {
        let network = &self.networks[network];
        let far = if network.country == 0 { 8.0 } else { 20.0 + 8.0 * (network.country % 23) as f64 };
        let access = [6.0, 35.0, 4.0, 22.0, 5.0][network.kind as usize];
        ((far + access) * (1.0 + 0.15 * random.normal()).max(0.5)).max(1.0) as f32
    }
}
