//! What somebody probably meant.

/// Longer names are no slip of a finger.
const CHARS_MAX: usize = 64;

/// The known name that is nearest to the written one, when it is near: one slip in three letters, at least two.
pub fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = written.chars().count();
    if length > CHARS_MAX {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let written = plain(written);
    let distance = |name: &str| strsim::damerau_levenshtein(&written, &plain(name));
    let (slips, best) = known.map(|name| (distance(name), name)).min()?;
    (slips <= (length / 3).max(2) && slips < best.chars().count()).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        let known = ["listen", "upstream", "trusted_proxies", "site"];
        let check = |written: &str, expected: Option<&str>| assert_eq!(nearest(written, known.into_iter()), expected, "{written}");
        check("lisen", Some("listen"));
        check("Listen", Some("listen"));
        check("up-stream", Some("upstream"));
        check("trusted-proxy", Some("trusted_proxies"));
        check("colour", None);
        check("", None);
        check(&"listen".repeat(1_000), None);
    }
}
