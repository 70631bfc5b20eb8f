//! Where addresses are: a location file of the operator (MaxMind DB form), read whole, looked up without waiting.
//!
//! A sign-in whose record names no country or network gets them from here before anything is detected; what the record says itself wins.
//! Without a file the place stays empty and decisions say that the location is unknown. The pure crates never see the file.

use std::collections::HashSet;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::{Body, Event, Text, Time};
use maxminddb::{PathElement, Reader, WithinOptions};

use crate::cli::fail::Fail;
use crate::paths;

/// Country files have 3 to 15 MB, city files 130; the whole file is held in memory.
const FILE_BYTES_MAX: u64 = 512 << 20;
/// Networks that are looked at for a first country or number: the beginning of the address space may be reserved.
const LOOKED_AT_MAX: usize = 1_000_000;
const GET_ONE: &str = "give a country or network file in MaxMind DB form (.mmdb), unpacked and whole; the npm package \
                       @ip-location-db/geo-whois-asn-country-mmdb holds one";

/// A location file.
pub struct Places {
    reader: Reader<Vec<u8>>,
}

/// What the file says about one address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// ISO 3166 alpha-2; empty when unknown.
    pub country: Text,
    /// Autonomous system.
    pub asn: Option<u32>,
}

impl Place {
    pub fn is_known(&self) -> bool {
        !self.country.is_empty() || self.asn.is_some()
    }
}

/// What a location file says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    pub kind: String,
    pub built: Time,
    pub nodes: u32,
    pub ip_version: u16,
    pub countries: bool,
    pub networks: bool,
}

impl Places {
    /// Takes the file as it is; a damaged place is met when it is looked up, and is then unknown.
    fn new(bytes: Vec<u8>) -> Result<Places, String> {
        Reader::from_source(bytes).map(|reader| Places { reader }).map_err(|e| e.to_string())
    }

    /// Reads a file that nobody has checked yet, every node and row of it.
    pub fn check(path: &Path) -> Result<Places, Fail> {
        let bytes = read(path)?;
        let refused = |why: String| Fail::new("E0114", format!("{} is no whole location file: {why}", path.display())).fix(GET_ONE);
        let places = Places::new(bytes).map_err(refused)?;
        places.whole().map_err(refused)?;
        let about = places.about();
        if !about.countries && !about.networks {
            return Err(refused("it names neither countries nor networks".into()));
        }
        Ok(places)
    }

    /// Every node of the tree and every row can be read. The reader's own check also asks for a description, which country files lack.
    fn whole(&self) -> Result<(), String> {
        let nodes = self.reader.metadata().node_count as usize;
        let mut rows = HashSet::new();
        let all = self.reader.networks(WithinOptions::default().include_networks_without_data()).map_err(|e| e.to_string())?;
        for (n, row) in all.enumerate() {
            let row = row.map_err(|e| e.to_string())?;
            if n > nodes.saturating_mul(3) {
                return Err("its search tree goes in circles".into());
            }
            if row.offset().is_some_and(|offset| rows.insert(offset)) {
                row.decode::<serde::de::IgnoredAny>().map_err(|e| e.to_string())?;
            }
        }
        Ok(())
    }

    /// The file of the data directory, which was checked when it came in. `None` without one, or with a damaged one, which is said.
    pub fn kept(data_dir: &Path) -> (Option<Arc<Places>>, Option<String>) {
        let path = paths::locations(data_dir);
        if !path.exists() {
            return (None, None);
        }
        let opened = read(&path).and_then(|bytes| {
            Places::new(bytes).map_err(|why| {
                Fail::new("E0114", format!("{} is damaged: {why}; locations are unknown", path.display())).fix("bartizan geo import FILE")
            })
        });
        match opened {
            Ok(places) => (Some(Arc::new(places)), None),
            Err(fail) => (None, Some(fail.to_string())),
        }
    }

    /// Puts the checked bytes into the data directory, whole or not at all.
    pub fn keep(&self, from: &Path, data_dir: &Path) -> Result<PathBuf, Fail> {
        let to = paths::locations(data_dir);
        let failed = |e: std::io::Error| {
            Fail::new("E0203", format!("cannot write {}: {e}", to.display())).fix("choose a folder that you may write with --data-dir")
        };
        let bytes = read(from)?;
        std::fs::create_dir_all(data_dir).map_err(failed)?;
        // The bytes on disk may have changed since they were checked.
        let unchanged = Places::new(bytes.clone()).is_ok_and(|again| again.reader.metadata() == self.reader.metadata());
        if !unchanged {
            return Err(Fail::new("E0114", format!("{} changed while it was read", from.display())).fix("import it again"));
        }
        let new = to.with_extension("mmdb.new");
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&new, &to)
        };
        write().map_err(|e| {
            let _ = std::fs::remove_file(&new);
            failed(e)
        })?;
        Ok(to)
    }

    pub fn about(&self) -> About {
        let metadata = self.reader.metadata();
        let (mut countries, mut networks) = (false, false);
        let all = self.reader.networks(WithinOptions::default().include_networks_without_data());
        for row in all.into_iter().flatten().take(LOOKED_AT_MAX).flatten() {
            let place = place(&row);
            countries |= !place.country.is_empty();
            networks |= place.asn.is_some();
            if countries && networks {
                break;
            }
        }
        About {
            kind: metadata.database_type.clone(),
            built: Time::from_s(i64::try_from(metadata.build_epoch).unwrap_or(0)),
            nodes: metadata.node_count,
            ip_version: metadata.ip_version,
            countries,
            networks,
        }
    }

    /// Empty where the file says nothing.
    pub fn look(&self, address: IpAddr) -> Place {
        self.reader.lookup(address.to_canonical()).map(|row| place(&row)).unwrap_or_default()
    }

    /// Gives sign-ins the country and network that their records do not name.
    pub fn fill(&self, events: &mut [Event]) {
        for event in events {
            let Body::Authentication(auth) = &mut event.body else { continue };
            let Some(client) = auth.client.filter(|_| auth.country.is_empty() || auth.asn.is_none()) else { continue };
            let place = self.look(client);
            if auth.country.is_empty() {
                auth.country = place.country;
            }
            auth.asn = auth.asn.or(place.asn);
        }
    }
}

/// The names that country and network files use.
fn place(row: &maxminddb::LookupResult<'_, Vec<u8>>) -> Place {
    use PathElement::Key;
    let text = |path: &[PathElement<'_>]| row.decode_path::<&str>(path).ok().flatten();
    let number = |key: &str| row.decode_path::<u32>(&[Key(key)]).ok().flatten();
    let country = text(&[Key("country_code")])
        .or_else(|| text(&[Key("country"), Key("iso_code")]))
        .or_else(|| text(&[Key("country")]))
        .unwrap_or_default();
    // ZZ stands for no country.
    let is_code = country.len() == 2 && country.bytes().all(|b| b.is_ascii_alphabetic()) && !country.eq_ignore_ascii_case("ZZ");
    let written = || text(&[Key("asn")]).and_then(|asn| asn.trim_start_matches("AS").parse().ok());
    let asn = number("autonomous_system_number").or_else(|| number("asn")).or_else(written).filter(|asn| *asn > 0);
    Place { country: if is_code { country.to_ascii_uppercase().into() } else { Text::default() }, asn }
}

fn read(path: &Path) -> Result<Vec<u8>, Fail> {
    let size = std::fs::metadata(path).map_err(|e| Fail::unreadable(path, &e))?.len();
    if size > FILE_BYTES_MAX {
        return Err(Fail::new("E0114", format!("{} is larger than {} MiB", path.display(), FILE_BYTES_MAX >> 20)).fix(GET_ONE));
    }
    std::fs::read(path).map_err(|e| Fail::unreadable(path, &e))
}
