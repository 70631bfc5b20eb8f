//! Rewriting: the same value in another spelling. Ordinary encodings for both sides; tricks of filter evasion for attacks only.
//!
//! In the manner of WAF-A-MoLE (Demetrio et al., SAC 2020): each step keeps what the attack means.

use crate::generate::Random;

/// Benign values come raw, form-encoded or percent-encoded, as applications send them.
pub(super) fn ordinary_encoding(text: &str, family: &str, random: &mut Random) -> String {
    if matches!(family, "query" | "cookie" | "url" | "token") {
        return text.to_owned();
    }
    match random.below(10) {
        0 | 1 => encode(text, true, |b| !b.is_ascii_alphanumeric() && !b"-_.~".contains(&b)),
        2 => encode(text, false, |b| !b.is_ascii_alphanumeric() && !b"-_.~".contains(&b)),
        3 => text.to_lowercase(),
        _ => text.to_owned(),
    }
}

/// Attacks: sometimes evasion, then sometimes an encoding, sometimes inside ordinary text.
pub(super) fn attack(text: &str, family: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    if family == "sqli" {
        for _ in 0..random.below(3) {
            text = sql_step(&text, random);
        }
    }
    if family == "xss" && random.one_in(5) {
        text = mixed_case(&text, random);
    }
    if random.one_in(12) {
        let around = ["hello ", "search for ", "my name is anna and ", "see the list ", "Product 12, ", "please check this: ", "id="];
        text = format!("{}{text}", random.pick(&around));
    }
    match random.below(12) {
        0 | 1 => encode(&text, true, |b| !b.is_ascii_alphanumeric() && !b"-_.~*".contains(&b)),
        2 => encode(&text, false, |b| !b.is_ascii_alphanumeric()),
        3 => encode(&encode(&text, false, |b| !b.is_ascii_alphanumeric()), false, |b| b == b'%'),
        4 if random.one_in(3) => encode(&text, false, |_| true),
        5 if random.one_in(3) => {
            text.chars().map(|c| if "<>'\"()=".contains(c) { format!("&#{};", c as u32) } else { c.to_string() }).collect()
        }
        _ => text,
    }
}

fn encode(text: &str, plus: bool, chosen: impl Fn(u8) -> bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if plus && byte == b' ' {
            out.push('+');
        } else if chosen(byte) || byte >= 0x80 {
            out.push('%');
            out.push(HEX[usize::from(byte >> 4)] as char);
            out.push(HEX[usize::from(byte & 15)] as char);
        } else {
            out.push(byte as char);
        }
    }
    out
}

pub(super) fn mixed_case(text: &str, random: &mut Random) -> String {
    text.chars().map(|c| if random.one_in(2) { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
}

pub(super) fn sql_step(text: &str, random: &mut Random) -> String {
    match random.below(9) {
        0 => mixed_case(text, random),
        1 => text.replace(' ', random.pick(&["/**/", "\t", "\n", "%0a", "  ", "+", "/*a*/", "%09", "\u{b}", "%20"])),
        2 => text.replace(" or ", " || ").replace(" and ", " && "),
        3 => text.replace('=', random.pick(&[" like ", " = ", "<=>", " rlike "])),
        4 => text.replace("1=1", random.pick(&["2=2", "0x1=0x1", "'a'='a'", "2<3", "(1)=(1)", "1 like 1", "not 1=2", "8 between 1 and 9"])),
        5 => text.replace("union", "/*!union*/").replace("select", "/*!50000select*/"),
        6 => text.to_uppercase(),
        7 => text.replace("'admin'", "0x61646d696e").replace("'x'", "char(120)"),
        _ => format!("{text}{}", random.pick(&["-- ", "#", "-- -", "/*", ";", " --a", "--+-"])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::canonicalise;

    #[test]
    fn encodings_keep_the_canonical_form() {
        let text = "1' or 1=1 -- <b> ü";
        let expected = canonicalise(text.as_bytes()).bytes().to_vec();
        for plus in [true, false] {
            let encoded = encode(text, plus, |b| !b.is_ascii_alphanumeric());
            assert_eq!(canonicalise(encoded.as_bytes()).bytes(), expected, "{encoded}");
        }
    }
}
