//! Named features of a URL with their weights, in log-odds. Set by hand; no weight was fitted.

use decode::url::Url;

use super::super::{Fact, list};

const SIGN_IN: [&str; 44] = [
    "login",
    "logon",
    "signin",
    "sign-in",
    "secure",
    "security",
    "account",
    "accounts",
    "verify",
    "verification",
    "update",
    "support",
    "confirm",
    "billing",
    "webmail",
    "auth",
    "authentication",
    "unlock",
    "recover",
    "recovery",
    "payment",
    "refund",
    "password",
    "wallet",
    "webscr",
    "otp",
    "mfa",
    "anmelden",
    "anmeldung",
    "sicherheit",
    "konto",
    "kunden",
    "bestaetigung",
    "compte",
    "connexion",
    "identifiant",
    "verifier",
    "cuenta",
    "acceso",
    "seguridad",
    "verificacion",
    "cliente",
    "delivery",
    "parcel",
];
/// Endings that cost next to nothing; a small hint.
const CHEAP: [&str; 18] =
    ["top", "xyz", "icu", "buzz", "cfd", "sbs", "club", "live", "online", "site", "cyou", "rest", "tk", "ml", "ga", "cf", "gq", "shop"];

pub(super) fn all(url: &Url, kinds: &[&'static str], own: &[String]) -> Vec<Fact> {
    let mut facts = look_alike(url, own);
    let mut add = |code, text: String, push| facts.push(Fact::new(code, text, push));
    if url.address.is_some() {
        add("url.address", format!("the host is an address, {}", url.host), 0.9);
        if url.odd_address {
            add("url.odd_address", format!("the address is written so that people do not see it: {}", url.shown_host), 0.8);
        }
    }
    if url.user.as_deref().is_some_and(|user| user.contains('.') || user.len() > 2) {
        add("url.user_part", format!("what looks like the host is a user name; the host is {}", url.host), 1.5);
    }
    for kind in kinds {
        let (push, what) = match *kind {
            "free_hosting" => (0.4, "a platform that gives names away"),
            "user_documents" => (0.4, "a place where anybody puts documents and forms"),
            "dynamic_dns" => (0.7, "a name for changing addresses"),
            "shortener" => (0.4, "a shortener that hides the target"),
            "content_gateway" => (0.9, "a gateway to content that nobody can take down"),
            "translation_proxy" => (0.9, "a translation service in front of another page"),
            "open_redirect" if !url.nested.is_empty() => (0.8, "a redirect of a well-known site"),
            _ => continue,
        };
        add("url.host_kind", format!("{} is {what}", url.host), push);
    }
    let placed = kinds
        .iter()
        .any(|kind| matches!(*kind, "free_hosting" | "user_documents" | "dynamic_dns" | "content_gateway" | "translation_proxy"));
    let host = url.host.strip_prefix("www.").unwrap_or(&url.host);
    let named = host.strip_suffix(&url.suffix).unwrap_or(host);
    let in_host = words(named).filter(|word| SIGN_IN.contains(word)).count()
        + SIGN_IN.iter().filter(|word| word.len() >= 6 && !words(named).any(|w| w == **word) && named.contains(**word)).count().min(1);
    match in_host {
        0 => {}
        1 if named.contains('-') || placed => add("url.sign_in_host", "a sign-in word is part of the host".into(), 0.6),
        1 => add("url.sign_in_host", "a sign-in word is part of the host".into(), 0.25),
        _ => add("url.sign_in_host", "several sign-in words are part of the host".into(), 1.0),
    }
    let rest = format!("{}?{}#{}", url.path, url.query, url.fragment).to_ascii_lowercase();
    let in_path = words(&rest).any(|word| SIGN_IN.contains(&word));
    if in_path && placed {
        add("url.sign_in_path", "a sign-in page in a place where anybody can put one".into(), 0.7);
    }
    let kit = rest.contains("wp-content/") || rest.contains("wp-includes/") || rest.contains("/.well-known/") || rest.contains("wp-admin/");
    if kit && (in_path || rest.contains(".php") || rest.contains(".htm")) {
        add("url.kit_path", "a page inside the folders of a publishing system, where kits are put".into(), 0.9);
    } else if in_path && [".php", ".html", ".htm", ".asp"].iter().any(|ending| url.path.to_ascii_lowercase().ends_with(ending)) {
        add("url.sign_in_file", "a sign-in page as a single file".into(), 0.4);
    }
    if words_with_at(&rest) {
        add("url.email_inside", "an e-mail address is part of the link".into(), 0.6);
    }
    if is_random(url.label()) || url.subdomain().split('.').any(is_random) {
        add("url.random", "a name that nobody would choose".into(), if placed { 0.8 } else { 0.6 });
    }
    let labels = url.host.split('.').count();
    if labels >= 5 && url.address.is_none() {
        add("url.many_labels", format!("{labels} labels"), 0.4);
    }
    if url.host.matches('-').count() >= 3 {
        add("url.hyphens", "many hyphens in the host".into(), 0.5);
    }
    if url.layers >= 2 {
        add("url.encoded", format!("percent signs in {} layers", url.layers), 0.4);
    }
    if let Some(port) = url.port
        && !matches!(port, 8080 | 8443)
    {
        add("url.port", format!("port {port}"), 0.3);
    }
    if CHEAP.contains(&url.suffix.as_str()) {
        add("url.cheap_ending", format!("the ending .{} costs next to nothing", url.suffix), 0.35);
    }
    if url.host.contains("xn--") && mixed(&url.shown_host) {
        add("url.mixed_script", format!("letters of several scripts in one name: {}", url.shown_host), 1.2);
    }
    facts
}

/// Whether a host resembles an own domain or a known name: the same to the eye, a letter apart, with added words, or in front of another
/// domain.
pub(crate) fn look_alike(url: &Url, own: &[String]) -> Vec<Fact> {
    if url.address.is_some() || own.contains(&url.registered) || list::is_brand_domain(&url.registered) {
        return Vec::new();
    }
    let label = skeleton(
        url.shown_host.strip_suffix(&url.suffix).unwrap_or(&url.shown_host).trim_end_matches('.').rsplit('.').next().unwrap_or(""),
    );
    let sub = url.subdomain().to_ascii_lowercase();
    let raw = url.label();
    let own_labels = own.iter().filter_map(|domain| domain.split('.').next().map(|label| (label, label.to_owned())));
    let mut facts = Vec::new();
    for (name, squeezed) in list::brands().iter().map(|brand| (brand.name, brand.squeezed.clone())).chain(own_labels) {
        if squeezed.len() < 4 {
            if words(raw).any(|word| word == squeezed) && raw != squeezed || words(&sub).any(|word| word == squeezed) {
                facts.push(Fact::new("url.brand_word", format!("{name} in a host that is not of {name}: {}", url.host), 0.9));
            }
            continue;
        }
        let flat: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
        let limit = match squeezed.len() {
            0..=5 => 0,
            6..=9 => 1,
            _ => 2,
        };
        if flat == squeezed && raw.chars().filter(char::is_ascii_alphanumeric).collect::<String>() != squeezed {
            facts.push(Fact::new("url.look_alike", format!("{} looks like {name}", url.shown_host), 1.8));
        } else if flat == squeezed {
            facts.push(Fact::new("url.brand_word", format!("{name} under another ending: {}", url.host), 0.8));
        } else if limit > 0 && flat.len().abs_diff(squeezed.len()) <= limit && distance(&flat, &squeezed) <= limit {
            facts.push(Fact::new("url.look_alike", format!("{} is a letter away from {name}", url.shown_host), 1.4));
        } else if squeezed.len() >= 5 && flat.contains(&squeezed) {
            let apart = words(raw).any(|word| word == squeezed);
            facts.push(Fact::new("url.brand_word", format!("{name} with added words: {}", url.host), if apart { 1.2 } else { 1.0 }));
        } else if squeezed.len() >= 5 && sub.chars().filter(char::is_ascii_alphanumeric).collect::<String>().contains(&squeezed) {
            facts.push(Fact::new("url.brand_word", format!("{name} in front of another domain: {}", url.host), 1.2));
        } else {
            continue;
        }
        break;
    }
    facts
}

/// The shape that a quick reader sees.
fn skeleton(text: &str) -> String {
    let plain: String = unicode_security::skeleton(text).collect::<String>().to_ascii_lowercase();
    plain.replace("rn", "m").replace("vv", "w").replace('0', "o").replace('1', "l").replace('3', "e").replace('5', "s")
}

/// Damerau-Levenshtein distance (neighbouring letters may swap), of short names.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for (at, row) in rows.iter_mut().enumerate() {
        row[0] = at;
    }
    for (at, cell) in rows[0].iter_mut().enumerate() {
        *cell = at;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

fn words_with_at(text: &str) -> bool {
    text.split(['?', '&', '=', '/', '#']).any(|part| part.split_once('@').is_some_and(|(user, host)| user.len() >= 2 && host.contains('.')))
}

/// Long runs of consonants, or letters and digits in turns.
fn is_random(label: &str) -> bool {
    if label.len() < 8 || label.contains('-') || label.starts_with("xn--") {
        return false;
    }
    let (mut run, mut longest, mut turns, mut last) = (0, 0, 0, None);
    for byte in label.bytes() {
        run = if byte.is_ascii_alphabetic() && !b"aeiouy".contains(&byte) { run + 1 } else { 0 };
        longest = longest.max(run);
        turns += usize::from(last.is_some_and(|last: bool| last != byte.is_ascii_digit()));
        last = Some(byte.is_ascii_digit());
    }
    longest >= 5 || turns >= 4
}

fn mixed(text: &str) -> bool {
    text.split('.').any(|label| label.chars().any(|c| c.is_ascii_alphabetic()) && label.chars().any(|c| c as u32 > 0x24F))
}
