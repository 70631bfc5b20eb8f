//! An address whose owner chooses every part of it: other words, endings, paths.

use super::Family::Url;
use super::Operator;
use crate::generate::Random;

const WORDS: [&str; 20] = [
    "garden", "notes", "kitchen", "studio", "atelier", "family", "village", "harvest", "letters", "journal", "orchard", "workshop",
    "school", "choir", "gallery", "bakery", "cycling", "museum", "theatre", "weather",
];

/// Host, and what follows it.
fn parts(text: &str) -> (&str, &str) {
    text.find('/').map_or((text, ""), |at| text.split_at(at))
}

fn with_host(text: &str, change: impl FnOnce(&str) -> String) -> String {
    let (host, rest) = parts(text);
    format!("{}{rest}", change(host))
}

/// Another word as a label of the host.
pub(super) static WORD: Operator = Operator {
    name: "url.word",
    families: &[Url],
    apply: |text, random| {
        with_host(text, |host| {
            let mut labels: Vec<String> = host.split('.').map(str::to_owned).collect();
            let last = labels.len().saturating_sub(1);
            if last > 0 {
                let at = random.below(last);
                labels[at] = format!("{}{}", random.pick(&WORDS), if random.one_in(2) { random.pick(&WORDS) } else { "" });
            }
            labels.join(".")
        })
    },
};

/// Another ending.
pub(super) static ENDING: Operator = Operator {
    name: "url.ending",
    families: &[Url],
    apply: |text, random| {
        with_host(text, |host| {
            let name = host.rsplit_once('.').map_or(host, |(name, _)| name);
            format!("{name}.{}", random.pick(&["com", "org", "net", "de", "io"]))
        })
    },
};

/// Another path.
pub(super) static PATH: Operator = Operator {
    name: "url.path",
    families: &[Url],
    apply: |text, random| {
        format!("{}{}", parts(text).0, random.pick(&["/", "/about", "/news/2024", "/blog/spring", "/page", "/en/help", ""]))
    },
};

/// Without hyphens.
pub(super) static HYPHENS: Operator =
    Operator { name: "url.hyphens", families: &[Url], apply: |text, _: &mut Random| with_host(text, |host| host.replace('-', "")) };

/// One label more.
pub(super) static BELOW: Operator = Operator {
    name: "url.below",
    families: &[Url],
    apply: |text, random| with_host(text, |host| format!("{}.{host}", random.pick(&["docs", "blog", "www", "wiki", "static", "help"]))),
};
