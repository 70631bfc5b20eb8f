//! Named features of a URL with their weights, in log-odds. Set by hand; no weight was fitted.

use decode::url::Url;

use super::super::{Fact, list};
use super::brand::{self, How};
use super::word;

/// Sites of developers: names of projects, also of those that write about a known service.
const PROJECTS: [&str; 10] = [
    "github.io",
    "gitlab.io",
    "readthedocs.io",
    "readthedocs.org",
    "codeberg.page",
    "sourceforge.io",
    "sourceforge.net",
    "js.org",
    "rtfd.io",
    "pages.debian.net",
];
/// Endings of files that hold a page.
const PAGES: [&str; 6] = [".php", ".html", ".htm", ".asp", ".aspx", ".jsp"];
/// From this logit of the model of names on, a registered name looks made by a program.
const MADE_UP: f32 = 0.0;

/// Every push is positive and what hangs on the host does not look at the path: what is added to a path never lowers the sum.
pub(super) fn all(url: &Url, kinds: &[&'static str], own: &[String], names: Option<&learn::names::NameModel>) -> Vec<Fact> {
    let mut facts: Vec<Fact> = own_look_alike(url, own).into_iter().collect();
    let mut add = |code, text: String, push| facts.push(Fact::new(code, text, push));
    let host = url.host.strip_prefix("www.").unwrap_or(&url.host);
    let named = host.strip_suffix(&url.suffix).unwrap_or(host).trim_end_matches('.');
    let label = url.label();
    let sub = url.subdomain();
    let cheap = word::tables().cheap.contains(url.suffix.as_str());
    let project = PROJECTS.iter().any(|site| *site == url.suffix || *site == url.registered);
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
            "free_hosting" if project => (0.1, "a site for projects of developers"),
            "free_hosting" => (0.4, "a platform that gives names away"),
            "user_documents" => (0.4, "a place where anybody puts documents and forms"),
            "dynamic_dns" => (0.8, "a name for changing addresses"),
            "tunnel" => (1.1, "a tunnel to somebody's own machine"),
            "shortener" => (0.4, "a shortener that hides the target"),
            "file_sharing" => (0.4, "a place where anybody puts files"),
            "content_gateway" => (0.9, "a gateway to content that nobody can take down"),
            "translation_proxy" => (1.0, "a translation service in front of another page"),
            "open_redirect" if !url.nested.is_empty() => (0.8, "a redirect of a well-known site"),
            _ => continue,
        };
        add("url.host_kind", format!("{} is {what}", url.host), push);
    }
    let placed = !project
        && kinds.iter().any(|kind| {
            matches!(*kind, "free_hosting" | "user_documents" | "dynamic_dns" | "tunnel" | "content_gateway" | "translation_proxy")
        });
    let rest = format!("{}?{}#{}", url.path, url.query, url.fragment).to_ascii_lowercase();
    let in_path = word::services(&rest).min(3);
    let file = rest.split(['/', '?', '#', '&', '=']).any(|part| PAGES.iter().any(|ending| part.ends_with(ending)));
    let mut host_odd = false;
    // Whose name the host carries.
    let text = url.shown_host.strip_prefix("www.").unwrap_or(&url.shown_host);
    let text = text.strip_suffix(&url.suffix).unwrap_or(text).trim_end_matches('.').to_ascii_lowercase();
    let brand = if url.address.is_some() { None } else { brand::find(&text, label, &url.registered) };
    if let Some((name, how)) = brand {
        host_odd = true;
        let short = name.len() <= 4;
        match how {
            How::Eye => add("url.look_alike", format!("{} looks like {name}", url.shown_host), 1.8),
            How::Near => {
                add("url.look_alike", format!("{} is a letter away from {name}", url.shown_host), if cheap || placed { 1.5 } else { 1.2 });
            }
            How::Word if project => add("url.brand_word", format!("{name} in a host that is not of {name}: {}", url.host), 0.4),
            How::Word => add(
                "url.brand_word",
                format!("{name} in a host that is not of {name}: {}", url.host),
                if short && !cheap && !placed { 0.7 } else { 1.1 },
            ),
            How::Glued => add("url.brand_word", format!("{name} with added words: {}", url.host), if project { 0.3 } else { 1.0 }),
            How::Ending => {
                add("url.brand_word", format!("{name} under another ending: {}", url.host), if cheap || placed { 1.1 } else { 0.5 });
            }
        }
        if in_path > 0 && !project {
            add("url.brand_sign_in", "a sign-in word in the path behind that name".into(), 0.4);
        }
    } else if (placed || cheap || word::is_random(label)) && !project {
        let path = &rest[..rest.floor_char_boundary(200)];
        if let Some((name, How::Word | How::Ending | How::Eye | How::Near)) = brand::find(path, "", &url.registered) {
            add("url.brand_path", format!("{name} in the path of a page that is not of {name}"), 0.6);
        }
    }
    // Sign-in words of the host.
    let (in_label, in_sub) =
        if url.address.is_some() { (0, 0) } else { (word::services(label), sub.split('.').map(word::services).max().unwrap_or(0)) };
    let joined = sub.split('.').any(|one| one.contains('-') && word::services(one) > 0);
    let weak = if placed { word::weak(label) + word::weak(sub) } else { 0 };
    host_odd |= in_label > 0;
    match in_label {
        0 => {}
        1 if placed => add("url.sign_in_host", "a sign-in word in a name that anybody could take".into(), 0.8),
        1 if cheap => add("url.sign_in_host", "a sign-in word is part of the name".into(), 0.7),
        1 if label.contains('-') => add("url.sign_in_host", "a sign-in word is part of the name".into(), 0.6),
        1 => add("url.sign_in_host", "a sign-in word is part of the name".into(), 0.35),
        _ => add("url.sign_in_host", "several sign-in words are part of the name".into(), 1.3),
    }
    match in_sub {
        0 => {}
        1 if joined => add("url.sign_in_sub", "a sign-in word is joined to another in front of the domain".into(), 0.5),
        1 => add("url.sign_in_sub", "a sign-in word in front of the domain".into(), 0.15),
        _ => add("url.sign_in_sub", "several sign-in words in front of the domain".into(), 0.8),
    }
    if weak > 0 {
        add("url.service_word", "a service word in a name that anybody could take".into(), 0.35 * weak.min(3) as f32);
    }
    // `example.com-account.top`, `shop.co.jp.example.icu`, `www-example.cn`.
    let inner = inner_ending(named, sub);
    if inner {
        host_odd = true;
        add("url.inner_ending", format!("an ending inside the name makes it look like another: {}", url.host), 0.9);
    }
    if named.split('.').any(|one| (one.starts_with("www") && one.len() > 4) || one.contains("https") || one.contains("-www")) {
        host_odd = true;
        add("url.inner_www", "the beginning of an address is part of the name".into(), 0.9);
    }
    // Names that nobody would choose.
    let odd = word::is_random(label);
    let made =
        !odd && (cheap || placed || label.len() >= 10) && names.is_some_and(|names| label.len() >= 6 && names.logit(label) > MADE_UP);
    if url.address.is_none() {
        if odd || made {
            let push = if project {
                0.2
            } else if placed {
                0.7
            } else if cheap {
                0.8
            } else {
                0.6
            };
            add("url.random", "a name that nobody would choose".into(), push);
        } else if cheap && word::is_unspoken(label) {
            add("url.random", "a name that nobody says aloud".into(), 0.6);
        }
        let odd_sub = sub.split('.').any(|one| word::is_random(one) || (cheap && one.len() >= 4 && word::is_unspoken(one)));
        if odd_sub && !project {
            add("url.random_sub", "a label in front of the domain that nobody would choose".into(), if cheap || odd { 0.5 } else { 0.3 });
        }
        host_odd |= odd || made || odd_sub;
        if placed && label.bytes().rev().take_while(u8::is_ascii_digit).count() >= 3 {
            add("url.numbered", "a numbered name that anybody could take".into(), 0.4);
        }
    }
    // The path.
    if in_path > 0 && placed {
        add("url.sign_in_path", "a sign-in page in a place where anybody can put one".into(), 0.6);
    } else if in_path > 0 && url.address.is_some() {
        add("url.sign_in_path", "a sign-in page on a bare address".into(), 0.6);
    } else if in_path > 0 && cheap {
        add("url.sign_in_path", "a sign-in page under an ending that costs next to nothing".into(), if host_odd { 0.5 } else { 0.3 });
    }
    let system = ["wp-content/", "wp-includes/", "wp-admin/", "/.well-known/", "/cgi-bin/", "/components/com_", "/modules/mod_"];
    if system.iter().any(|folder| rest.contains(folder)) && (in_path > 0 || file) {
        add(
            "url.kit_path",
            "a page inside the folders of a publishing system, where kits are put".into(),
            if in_path > 0 { 1.4 } else { 0.9 },
        );
    } else if file && in_path > 0 {
        add("url.sign_in_file", "a sign-in page as a single file".into(), 0.35);
    } else if file && (placed || url.address.is_some()) {
        add("url.page_file", "a single page in a place where anybody can put one".into(), 0.4);
    }
    if words_with_at(&rest) {
        add("url.email_inside", "an e-mail address is part of the link".into(), if placed || cheap || host_odd { 0.8 } else { 0.5 });
    }
    if kinds.contains(&"content_gateway") && (rest.contains("/qm") || rest.contains("baf") || sub.contains("baf")) {
        add("url.content_hash", "content that is named by its hash".into(), 0.5);
    }
    // Shape.
    let labels = url.host.split('.').count();
    if labels >= 5 && url.address.is_none() {
        add("url.many_labels", format!("{labels} labels"), 0.4);
    }
    match named.matches('-').count() {
        0..=2 => {}
        3 => add("url.hyphens", "many hyphens in the host".into(), 0.4),
        _ => add("url.hyphens", "very many hyphens in the host".into(), 0.7),
    }
    if url.layers >= 2 {
        add("url.encoded", format!("percent signs in {} layers", url.layers), 0.4);
    }
    if rest.contains("<script") || rest.contains("javascript:") || rest.contains("data:text/html") {
        add("url.script", "a script is part of the link".into(), 0.9);
    }
    if let Some(port) = url.port
        && !matches!(port, 8080 | 8443)
    {
        add("url.port", format!("port {port}"), 0.3);
    }
    if cheap {
        add("url.cheap_ending", format!("the ending .{} costs next to nothing", url.suffix), 0.3);
    }
    if url.host.contains("xn--") && mixed(&url.shown_host) {
        add("url.mixed_script", format!("letters of several scripts in one name: {}", url.shown_host), 1.2);
    }
    facts
}

/// A known ending in front of the real one.
fn inner_ending(named: &str, sub: &str) -> bool {
    const ENDINGS: [&str; 9] = ["com", "net", "org", "jp", "uk", "gov", "de", "fr", "co"];
    let sub_has = sub.split('.').collect::<Vec<_>>().windows(2).any(|pair| ENDINGS.contains(&pair[1]) && pair[0].len() >= 2)
        || (sub.split('.').next_back().is_some_and(|last| ["com", "net", "org", "jp"].contains(&last)) && sub.contains('.'));
    let label_has = named.split('.').any(|one| {
        let parts: Vec<&str> = one.split('-').collect();
        parts.len() >= 2
            && (["com", "net", "org"].contains(&parts[0]) || parts.windows(2).any(|pair| pair == ["co", "jp"] || pair == ["co", "uk"]))
            || parts.len() >= 3 && parts[1..].iter().any(|part| ["com", "jp"].contains(part))
            || parts.len() == 2 && parts[1] == "com"
    });
    sub_has || label_has
}

/// Whether a host resembles an own domain: the same to the eye, a letter apart, with added words, or in front of another domain.
fn own_look_alike(url: &Url, own: &[String]) -> Option<Fact> {
    if own.is_empty() || url.address.is_some() || own.contains(&url.registered) || list::is_brand_domain(&url.registered) {
        return None;
    }
    let label = skeleton(
        url.shown_host.strip_suffix(&url.suffix).unwrap_or(&url.shown_host).trim_end_matches('.').rsplit('.').next().unwrap_or(""),
    );
    let sub = url.subdomain().to_ascii_lowercase();
    let raw = url.label();
    let own_labels = own.iter().filter_map(|domain| domain.split('.').next());
    own_labels.into_iter().find_map(|name| {
        let flat: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
        let squeezed: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        if squeezed.len() < 4 {
            let placed = word::split(raw).any(|word| word == squeezed) && raw != squeezed || word::split(&sub).any(|word| word == squeezed);
            return placed.then(|| Fact::new("url.brand_word", format!("{name} in a host that is not of {name}: {}", url.host), 0.9));
        }
        let limit = match squeezed.len() {
            0..=5 => 0,
            6..=9 => 1,
            _ => 2,
        };
        let (code, text, push) = if flat == squeezed && raw.chars().filter(char::is_ascii_alphanumeric).collect::<String>() != squeezed {
            ("url.look_alike", format!("{} looks like {name}", url.shown_host), 1.8)
        } else if flat == squeezed {
            ("url.brand_word", format!("{name} under another ending: {}", url.host), 0.8)
        } else if limit > 0 && flat.len().abs_diff(squeezed.len()) <= limit && distance(&flat, &squeezed) <= limit {
            ("url.look_alike", format!("{} is a letter away from {name}", url.shown_host), 1.4)
        } else if squeezed.len() >= 5 && flat.contains(&squeezed) {
            let apart = word::split(raw).any(|word| word == squeezed);
            ("url.brand_word", format!("{name} with added words: {}", url.host), if apart { 1.2 } else { 1.0 })
        } else if squeezed.len() >= 5 && sub.chars().filter(char::is_ascii_alphanumeric).collect::<String>().contains(&squeezed) {
            ("url.brand_word", format!("{name} in front of another domain: {}", url.host), 1.2)
        } else {
            return None;
        };
        Some(Fact::new(code, text, push))
    })
}

/// The shape that a quick reader sees.
pub(super) fn skeleton(text: &str) -> String {
    let plain: String = unicode_security::skeleton(text).collect::<String>().to_ascii_lowercase();
    plain.replace("rn", "m").replace("vv", "w").replace('0', "o").replace('1', "l").replace('3', "e").replace('5', "s")
}

/// Damerau-Levenshtein distance (neighbouring letters may swap), of short names.
pub(super) fn distance(a: &str, b: &str) -> usize {
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

fn words_with_at(text: &str) -> bool {
    text.split(['?', '&', '=', '/', '#']).any(|part| part.split_once('@').is_some_and(|(user, host)| user.len() >= 2 && host.contains('.')))
}

fn mixed(text: &str) -> bool {
    text.split('.').any(|label| label.chars().any(|c| c.is_ascii_alphabetic()) && label.chars().any(|c| c as u32 > 0x24F))
}
