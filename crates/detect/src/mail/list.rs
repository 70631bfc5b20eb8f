//! The lists of `content/frameworks`: kinds of hosts and impersonated names, parsed once.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

const HOST_KINDS: &str = include_str!("../../../../content/frameworks/host_kinds.toml");
const BRANDS: &str = include_str!("../../../../content/frameworks/brands.toml");

/// A name and the domains that are its own.
pub(crate) struct Brand {
    pub(crate) name: &'static str,
    /// Without spaces and signs, as it stands in hosts.
    pub(crate) squeezed: String,
    pub(crate) domains: Vec<&'static str>,
}

/// Quoted strings of a line.
fn quoted(line: &'static str) -> impl Iterator<Item = &'static str> {
    line.split('"').skip(1).step_by(2)
}

fn hosts() -> &'static HashMap<&'static str, Vec<&'static str>> {
    static HOSTS: OnceLock<HashMap<&'static str, Vec<&'static str>>> = OnceLock::new();
    HOSTS.get_or_init(|| {
        let mut all: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
        let mut section = "";
        for line in HOST_KINDS.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')).filter(|name| !name.contains('"')) {
                Some(name) => section = name,
                None => quoted(line).for_each(|host| all.entry(host).or_default().push(section)),
            }
        }
        all
    })
}

/// Kinds of a host, by registered domain, host, and host with the beginning of the path.
pub(crate) fn kinds(url: &decode::url::Url) -> Vec<&'static str> {
    let host = url.host.strip_prefix("www.").unwrap_or(&url.host);
    let first = url.path.trim_start_matches('/').split('/').next().unwrap_or("");
    let mut found: Vec<&'static str> = Vec::new();
    for key in
        [url.registered.clone(), host.to_owned(), url.suffix.clone(), format!("{host}/{first}"), format!("{}/{first}", url.registered)]
    {
        if let Some(kinds) = hosts().get(key.as_str()) {
            found.extend(kinds.iter().filter(|kind| !found.contains(kind)).copied().collect::<Vec<_>>());
        }
    }
    // A state gives names below its own suffix to its own offices.
    let office = url.suffix.split('.').any(|label| label == "gov" || label == "gouv");
    if url.private_suffix
        && !office
        && !found.iter().any(|kind| matches!(*kind, "dynamic_dns" | "user_documents" | "tunnel" | "content_gateway"))
    {
        found.push("free_hosting");
    }
    found
}

pub(crate) fn is(kind: &str, domain: &str) -> bool {
    hosts().get(domain).is_some_and(|kinds| kinds.contains(&kind))
}

pub(crate) fn brands() -> &'static [Brand] {
    static ALL: OnceLock<Vec<Brand>> = OnceLock::new();
    ALL.get_or_init(|| {
        BRANDS
            .lines()
            .filter(|line| line.starts_with('"'))
            .filter_map(|line| {
                let mut parts = quoted(line);
                let name = parts.next()?;
                let squeezed = name.chars().filter(char::is_ascii_alphanumeric).collect();
                Some(Brand { name, squeezed, domains: parts.collect() })
            })
            .collect()
    })
}

/// Every domain of a brand, for telling a real one.
pub(crate) fn is_brand_domain(domain: &str) -> bool {
    static ALL: OnceLock<HashSet<&'static str>> = OnceLock::new();
    ALL.get_or_init(|| brands().iter().flat_map(|brand| brand.domains.iter().copied()).collect()).contains(domain)
}

/// The registered domain of a host.
pub(crate) fn registered(host: &str) -> String {
    psl::domain_str(host).unwrap_or(host).to_owned()
}
