//! `geo import|show`: the location file that names country and network of an address.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::geo::{About, Places};
use crate::paths;

/// Where addresses are: a local file, nothing is asked over the network
#[derive(Args)]
#[command(
    after_help = "Examples:\n  npm pack @ip-location-db/geo-whois-asn-country-mmdb && tar xzf ip-location-db-geo-*.tgz\n  bartizan geo import package/geo-whois-asn-country.mmdb\n  bartizan geo show 203.0.113.9\n\nNo location file is shipped, GeoLite2 neither: its licence is between you and its maker. Sign-ins whose records name a country keep it.\n\nExit codes: 0 done; 3 the file is no whole location file, or there is none."
)]
pub(super) struct Geo {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Check a file in MaxMind DB form and copy it into the data directory; taken up at the next start
    Import { file: PathBuf },
    /// What the file says about an address
    Show { address: IpAddr },
}

pub(super) fn run(args: &Geo, global: &Global) -> Result<Exit, Fail> {
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    match &args.what {
        What::Import { file } => {
            let places = Places::check(file)?;
            let about = places.about();
            let to = places.keep(file, &data_dir)?;
            if global.json {
                let mut said = self::json(&about);
                said["imported"] = to.display().to_string().into();
                out::json(&said);
            } else {
                out::line(format!(" imported  {}", to.display()));
                tell(&about);
                out::line(" a running bartizan takes it up at its next start");
            }
        }
        What::Show { address } => {
            let (places, said) = Places::kept(&data_dir);
            said.iter().for_each(out::note);
            let Some(places) = places else {
                return Err(Fail::new("E0115", format!("location unknown: no location file in {}", data_dir.display()))
                    .fix("bartizan geo import FILE; bartizan geo --help says where to get one"));
            };
            let place = places.look(*address);
            if global.json {
                let mut said = self::json(&places.about());
                said["address"] = address.to_string().into();
                said["known"] = place.is_known().into();
                said["country"] = (!place.country.is_empty()).then(|| place.country.to_string()).into();
                said["asn"] = place.asn.into();
                out::json(&said);
            } else if place.is_known() {
                let network = place.asn.map(|n| format!("  AS{n}")).unwrap_or_default();
                let country = if place.country.is_empty() { "country unknown" } else { place.country.as_str() };
                out::line(format!(" {address}  {country}{network}"));
            } else {
                out::line(format!(" {address}  location unknown: not in the file"));
            }
        }
    }
    Ok(Exit::Fine)
}

fn json(about: &About) -> serde_json::Value {
    json!({
        "schema": "bartizan.geo/1", "type": about.kind, "built": about.built.to_string(), "nodes": about.nodes, "ip_version": about.ip_version,
        "countries": about.countries, "networks": about.networks, "licence": licence(about),
    })
}

fn tell(about: &About) {
    let has = match (about.countries, about.networks) {
        (true, true) => "countries and network numbers",
        (true, false) => "countries, no network numbers",
        _ => "network numbers, no countries",
    };
    out::line(format!(" type      {}, IPv{}, {} nodes, {has}", out::shown(&about.kind), about.ip_version, about.nodes));
    out::line(format!(" built     {}", about.built));
    out::line(format!(" licence   {}", licence(about)));
}

/// The form has no field for it.
fn licence(about: &About) -> &'static str {
    if about.kind.starts_with("GeoLite2") || about.kind.starts_with("GeoIP2") {
        "GeoLite2 and GeoIP2: its maker's terms hold, for updates and passing on too"
    } else {
        "the file does not name one: see what came with it, some ask to name their source"
    }
}
