//! Mails of our own: for each lure an honest twin of the same topic, tone and language; small talk; and notices of honest machines.
//!
//! Grammars in `content/generators/mail/`, one file a language. A document is a list of sentences, each with the intents it carries; labels
//! are those of the sentences. Same seed, same bytes. Alternatives of a rule can be split in halves, so that a model is judged on phrasings
//! it never saw.

use std::collections::BTreeMap;

use super::Random;

/// Languages that have a grammar, and its text.
pub const LANGUAGES: [(&str, &str); 4] = [
    ("en", include_str!("../../../../content/generators/mail/en.txt")),
    ("de", include_str!("../../../../content/generators/mail/de.txt")),
    ("fr", include_str!("../../../../content/generators/mail/fr.txt")),
    ("es", include_str!("../../../../content/generators/mail/es.txt")),
];
const NAMES: &str = include_str!("../../../../content/generators/mail/names.txt");
/// Deepest nesting of rules.
const DEPTH_MAX: u32 = 8;

/// Asks, the topics they go with, and the head that each teaches.
const ASKS: [(&str, &[&str]); 9] = [
    ("credentials", &["about_account", "about_work", "about_payment", "about_parcel"]),
    ("payment_change", &["about_payment", "about_parcel", "about_work"]),
    ("gift_card", &["about_gift"]),
    ("payroll_change", &["about_payroll"]),
    ("code", &["about_account", "about_payment"]),
    ("download", &["about_payment", "about_work", "about_parcel", "about_account"]),
    ("call", &["about_payment", "about_account"]),
    ("channel", &["about_gift", "about_prize", "about_payment"]),
    ("reward", &["about_prize", "about_account"]),
];
const PRESSURES: [&str; 5] = ["secrecy", "urgency", "threat", "authority", "reward"];

/// Which alternatives of the rules may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    All,
    Even,
    Odd,
}

/// One sentence and the intents (names of heads) that it carries.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sentence {
    pub text: String,
    pub intents: Vec<&'static str>,
}

/// One document.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Document {
    pub lure: bool,
    pub language: &'static str,
    pub subject: String,
    pub sentences: Vec<Sentence>,
}

impl Document {
    /// The body.
    pub fn text(&self) -> String {
        self.sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The grammars of every language, parsed.
pub struct Generator {
    rules: Vec<BTreeMap<&'static str, Vec<&'static str>>>,
}

impl Generator {
    pub fn new(half: Half) -> Generator {
        let names = parse(NAMES, Half::All);
        let rules = LANGUAGES
            .iter()
            .map(|(_, text)| {
                let mut rules = parse(text, half);
                rules.extend(names.iter().map(|(name, list)| (*name, list.clone())));
                rules
            })
            .collect();
        Generator { rules }
    }

    /// A lure and its honest twin.
    pub fn pair(&self, random: &mut Random) -> (Document, Document) {
        let language = if random.one_in(2) { 0 } else { random.below(LANGUAGES.len()) };
        let (ask, topics) = ASKS[random.below(ASKS.len())];
        let topic = topics[random.below(topics.len())];
        let shape = random.bits();
        let twin_seed = random.bits();
        let lure = self.document(language, ask, topic, true, &mut Random::new(shape));
        // The twin draws its slots anew: a name must not tell the two apart.
        let twin = self.document(language, ask, topic, false, &mut Random::new(twin_seed));
        (lure, twin)
    }

    /// Ordinary text without any topic of a lure.
    pub fn small_talk(&self, random: &mut Random) -> Document {
        let language = if random.one_in(2) { 0 } else { random.below(LANGUAGES.len()) };
        let mut sentences = Vec::new();
        for _ in 0..random.between(2, 9) {
            sentences.push(self.sentence(language, "small", &[], random));
        }
        Document { lure: false, language: LANGUAGES[language].0, subject: self.text(language, "subject_safe", random), sentences }
    }

    /// What an honest machine or colleague writes: orders, receipts, codes, statements, appointments, newsletters, reminders.
    pub fn notice(&self, random: &mut Random) -> Document {
        let language = if random.one_in(2) { 0 } else { random.below(LANGUAGES.len()) };
        let mut sentences = Vec::new();
        if !random.one_in(3) {
            sentences.push(self.sentence(language, "greet", &[], random));
        }
        for _ in 0..random.between(2, 8) {
            sentences.push(self.sentence(language, "notice", &[], random));
        }
        if !random.one_in(3) {
            sentences.push(self.sentence(language, "close", &[], random));
        }
        Document { lure: false, language: LANGUAGES[language].0, subject: self.text(language, "subject_safe", random), sentences }
    }

    fn document(&self, language: usize, ask: &'static str, topic: &str, lure: bool, random: &mut Random) -> Document {
        let mut sentences = Vec::new();
        let mut add =
            |rule: &str, intents: &[&'static str], random: &mut Random| sentences.push(self.sentence(language, rule, intents, random));
        if !random.one_in(4) {
            add("greet", &[], random);
        }
        for _ in 0..random.below(2) {
            add("small", &[], random);
        }
        for _ in 0..random.between(1, 2) {
            add(topic, &["pretext"], random);
        }
        let head = head_of(ask);
        if lure {
            let rule = if ask == "reward" { "reward".to_owned() } else { format!("ask_{}", rule_of(ask)) };
            for _ in 0..random.between(1, 2) {
                add(&rule, &[head, "lure"], random);
            }
            for _ in 0..random.below(3) {
                let pressure = PRESSURES[random.below(PRESSURES.len())];
                let intents: &[&'static str] = if matches!(pressure, "threat" | "reward" | "secrecy") { &["lure"] } else { &[] };
                let both: Vec<&'static str> = intents.iter().copied().chain([pressure]).collect();
                add(pressure, &both, random);
            }
        } else {
            add(&format!("safe_{}", rule_of(ask)), &[], random);
            for _ in 0..random.below(3) {
                let pressure = PRESSURES[random.below(PRESSURES.len())];
                add(&format!("safe_{pressure}"), &[], random);
            }
            if random.one_in(2) {
                add("safe_credentials", &[], random);
            }
        }
        for _ in 0..random.below(3) {
            add("small", &[], random);
        }
        if !random.one_in(4) {
            add("close", &[], random);
        }
        let subject = if lure && !random.one_in(3) { "subject_lure" } else { "subject_safe" };
        let subject = self.text(language, subject, random);
        Document { lure, language: LANGUAGES[language].0, subject, sentences }
    }

    fn sentence(&self, language: usize, rule: &str, intents: &[&'static str], random: &mut Random) -> Sentence {
        Sentence { text: self.text(language, rule, random), intents: intents.to_vec() }
    }

    fn text(&self, language: usize, rule: &str, random: &mut Random) -> String {
        let mut out = String::new();
        self.expand(language, rule, random, &mut out, 0);
        out
    }

    fn expand(&self, language: usize, rule: &str, random: &mut Random, out: &mut String, depth: u32) {
        let Some(list) = self.rules[language].get(rule).filter(|_| depth < DEPTH_MAX) else { return draw(rule, random, out) };
        let mut rest = random.pick(list);
        while let Some((before, after)) = rest.split_once('«') {
            out.push_str(before);
            let (name, after) = after.split_once('»').unwrap_or((after, ""));
            self.expand(language, name.trim_end_matches('^'), random, out, depth + 1);
            rest = after;
        }
        out.push_str(rest);
    }
}

/// A row of a generated table: a whole message as RFC 5322 text.
pub fn rows(seed: u64, pairs: usize) -> impl Iterator<Item = (String, Document)> {
    let generator = Generator::new(Half::All);
    let mut random = Random::new(seed);
    (0..pairs).flat_map(move |at| {
        let (lure, twin) = generator.pair(&mut random);
        [lure, twin].map(|document| (message(at, &document, &generator, &mut random), document))
    })
}

fn message(at: usize, document: &Document, generator: &Generator, random: &mut Random) -> String {
    let word = |rule: &str, random: &mut Random| generator.text(0, rule, random).to_lowercase().replace([' ', '&'], "");
    let (first, last, domain) = (word("first", random), word("last", random), word("noun", random));
    let kind = if document.lure { "l" } else { "t" };
    format!(
        "From: {first}.{last}@{domain}.example\r\nTo: reader@example.org\r\nSubject: {}\r\nMessage-ID: <{kind}{at}@{domain}.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
        document.subject,
        document.text()
    )
}

fn rule_of(ask: &str) -> &str {
    match ask {
        "call" | "channel" | "credentials" | "payment_change" | "gift_card" | "payroll_change" | "code" | "download" | "reward" => ask,
        _ => "credentials",
    }
}

fn head_of(ask: &str) -> &'static str {
    match ask {
        "call" => "call_number",
        "channel" => "move_channel",
        other => crate::lure::INTENTS.iter().copied().find(|name| *name == other).unwrap_or("lure"),
    }
}

/// Rules of a grammar file; a half keeps every second alternative of the rules that have at least two.
pub(super) fn parse(text: &'static str, half: Half) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut rules: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
    let mut name = "";
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(rule) => name = rule,
            None => rules.entry(name).or_default().push(line),
        }
    }
    let skip = match half {
        Half::All => return rules,
        Half::Even => 0,
        Half::Odd => 1,
    };
    for list in rules.values_mut().filter(|list| list.len() >= 2) {
        *list = list.iter().copied().skip(skip).step_by(2).collect();
    }
    rules
}

fn draw(name: &str, random: &mut Random, out: &mut String) {
    let count = match name {
        "n1" => 1,
        "n2" => 2,
        "n4" => 4,
        _ => return,
    };
    out.push((b'1' + random.below(9) as u8) as char);
    (1..count).for_each(|_| out.push((b'0' + random.below(10) as u8) as char));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammars_are_whole() {
        let generator = Generator::new(Half::All);
        for (rules, (language, _)) in generator.rules.iter().zip(LANGUAGES) {
            for (ask, topics) in ASKS {
                for topic in topics {
                    assert!(rules.contains_key(topic), "{language} {topic}");
                }
                let ask = if ask == "reward" { "reward".into() } else { format!("ask_{ask}") };
                assert!(rules.contains_key(ask.as_str()), "{language} {ask}");
                assert!(rules.contains_key(ask.replace("ask_", "safe_").as_str()) || ask == "reward", "{language} {ask}");
            }
            assert!(rules.get("notice").is_some_and(|list| list.len() >= 20), "{language} notice");
            for pressure in PRESSURES {
                assert!(rules.contains_key(pressure) && rules.contains_key(format!("safe_{pressure}").as_str()), "{language} {pressure}");
            }
            for text in rules.values().flatten() {
                for slot in text.split('«').skip(1) {
                    let name = slot.split('»').next().unwrap_or("").trim_end_matches('^');
                    assert!(rules.contains_key(name) || ["n1", "n2", "n4"].contains(&name), "{language}: «{name}»");
                }
            }
        }
    }

    #[test]
    fn same_seed_same_pairs_and_a_twin_each() {
        let texts = |seed| rows(seed, 50).map(|(raw, _)| raw).collect::<Vec<_>>();
        assert_eq!(texts(1), texts(1));
        assert_ne!(texts(1), texts(2));
        assert_eq!(rows(1, 50).filter(|(_, document)| document.lure).count(), 50);
    }

    #[test]
    fn halves_share_no_ask() {
        let (even, odd) = (Generator::new(Half::Even), Generator::new(Half::Odd));
        assert!(even.rules[0]["ask_credentials"].iter().all(|one| !odd.rules[0]["ask_credentials"].contains(one)));
    }
}
