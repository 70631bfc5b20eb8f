//! Keys of URLs of our own: made-up phishing addresses on one side; sign-in, help and account pages, long tokens and documents on the other.

use super::Random;

const WORDS: [&str; 48] = [
    "river", "garden", "market", "bridge", "forest", "harbour", "library", "engine", "travel", "music", "coffee", "history", "north",
    "silver", "cloud", "paper", "stone", "bright", "maple", "union", "summit", "pixel", "orbit", "lumen", "delta", "craft", "field",
    "nova", "atlas", "cedar", "metro", "vista", "prime", "pilot", "logic", "haven", "quartz", "ember", "falcon", "meadow", "anchor",
    "beacon", "copper", "dawn", "echo", "flint", "grove", "ivory",
];
const SERVICE: [&str; 40] = [
    "login",
    "signin",
    "secure",
    "security",
    "account",
    "accounts",
    "verify",
    "verification",
    "update",
    "support",
    "service",
    "confirm",
    "billing",
    "webmail",
    "mail",
    "portal",
    "client",
    "customer",
    "auth",
    "unlock",
    "alert",
    "recovery",
    "payment",
    "refund",
    "delivery",
    "tracking",
    "parcel",
    "wallet",
    "bonus",
    "konto",
    "anmeldung",
    "sicherheit",
    "kunden",
    "compte",
    "connexion",
    "espace-client",
    "cuenta",
    "acceso",
    "cliente",
    "seguro",
];
const ENDINGS_BAD: [&str; 20] = [
    "com", "net", "org", "info", "online", "site", "top", "xyz", "shop", "club", "live", "icu", "cc", "app", "me", "co", "ru", "cn",
    "buzz", "store",
];
const ENDINGS: [&str; 16] = ["com", "org", "net", "io", "de", "fr", "es", "co.uk", "eu", "edu", "gov", "ch", "nl", "it", "jp", "info"];
const PLATFORMS: [&str; 14] = [
    "web.app",
    "pages.dev",
    "github.io",
    "netlify.app",
    "vercel.app",
    "weebly.com",
    "wixsite.com",
    "blogspot.com",
    "herokuapp.com",
    "firebaseapp.com",
    "workers.dev",
    "glitch.me",
    "000webhostapp.com",
    "r2.dev",
];
const KIT: [&str; 16] = [
    "login.php",
    "signin.php",
    "verify.php",
    "index.php",
    "update.html",
    "secure/login.html",
    "wp-content/plugins/x/login",
    "auth/",
    "step1.php",
    "verification/index.html",
    "webmail/index.htm",
    "account/update/",
    "card.php",
    "otp.php",
    "wp-includes/js/signin/",
    ".well-known/verify/",
];
const PAGES: [&str; 24] = [
    "login",
    "signin",
    "account",
    "account/settings",
    "users/sign_in",
    "help/password-reset",
    "support/articles/change-your-password",
    "docs/authentication",
    "security",
    "en/help/two-step-verification",
    "oauth2/authorize",
    "customer/orders",
    "my-account/",
    "faq/billing",
    "blog/2021/04/how-to-stay-secure",
    "products/list",
    "news/2020/11/update",
    "about",
    "download",
    "wiki/Security",
    "en-us/article/reset",
    "service/contact",
    "pricing",
    "portal/home",
];

/// Patterns of each kind.
const PATTERNS: usize = 8;

/// A key; `half` leaves every second pattern out, so that the others can be measured.
pub fn key(bad: bool, half: bool, random: &mut Random) -> String {
    let pattern = if half { random.below(PATTERNS / 2) * 2 } else { random.below(PATTERNS) };
    if bad { lure(pattern, random) } else { honest(pattern, random) }
}

fn lure(pattern: usize, random: &mut Random) -> String {
    let (a, b) = (random.pick(&SERVICE), random.pick(&SERVICE));
    let (word, other) = (random.pick(&WORDS), random.pick(&WORDS));
    let ending = random.pick(&ENDINGS_BAD);
    let platform = random.pick(&PLATFORMS);
    let kit = random.pick(&KIT);
    match pattern {
        0 => format!("{word}-{a}-{b}.{ending}"),
        1 => format!("{a}.{word}.{ending}/{kit}"),
        2 => format!("{word}-{a}.{platform}{}", tail(random)),
        3 => format!("{}.{ending}/{word}/{a}/{kit}", noise(random, 5, 12)),
        4 => format!("{word}.com-{a}.{}.{ending}", noise(random, 4, 9)),
        5 => format!("{}.{}.{ending}", noise(random, 6, 14), noise(random, 4, 8)),
        6 => format!("{word}{other}.{ending}/{kit}?email=user@{word}.example&id={}", noise(random, 8, 20)),
        _ => format!("{a}{b}-{word}{}.{ending}{}", random.below(999), tail(random)),
    }
}

fn tail(random: &mut Random) -> String {
    if random.one_in(2) { String::new() } else { format!("/{}", random.pick(&KIT)) }
}

fn honest(pattern: usize, random: &mut Random) -> String {
    let (word, other) = (random.pick(&WORDS), random.pick(&WORDS));
    let ending = random.pick(&ENDINGS);
    let page = random.pick(&PAGES);
    match pattern {
        0 => format!("{word}{other}.{ending}/{page}"),
        1 => format!("login.{word}{other}.{ending}/{page}?continue=https://{word}{other}.{ending}/"),
        2 => format!("accounts.{word}.{ending}/{page}?client_id={}&state={}", noise(random, 16, 40), noise(random, 16, 40)),
        3 => format!("{word}-{other}.{ending}"),
        4 => format!("{word}.{}/{page}", random.pick(&PLATFORMS)),
        5 => format!("docs.{word}.{ending}/d/{}/edit", noise(random, 20, 44)),
        6 => format!("{word}{other}.{ending}/track?u={}&id={}", noise(random, 10, 30), noise(random, 8, 20)),
        _ => format!("support.{word}.{ending}/{page}"),
    }
}

fn noise(random: &mut Random, low: usize, high: usize) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    (0..random.between(low, high)).map(|_| LETTERS[random.below(LETTERS.len())] as char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_keys() {
        let all = |seed| {
            let mut random = Random::new(seed);
            (0..200).map(|at| key(at % 2 == 0, at % 3 == 0, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(all(4), all(4));
        assert!(all(4).iter().all(|key| key.contains('.')));
    }
}
