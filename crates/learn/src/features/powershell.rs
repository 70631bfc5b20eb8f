//! `powershell`: shares of kinds of tokens in a window of about 40 tokens of a script. Length of the script is not among them.

use super::{Feature, Forge, feature};

/// Tokens of a window.
pub const WINDOW: usize = 40;
/// Most windows of one script; longer scripts are read at their head and their tail.
pub const WINDOWS_MAX: usize = 64;

macro_rules! features {
    ($(($name:literal, $unit:literal)),* $(,)?) => { &[$(feature($name, $unit, Forge::Some)),*] };
}

/// The features in order.
pub const FEATURES: &[Feature] = features![
    ("strings", "share of tokens"),
    ("long_strings", "share of tokens"),
    ("longest_string", "characters, log2"),
    ("string_entropy", "bits, greatest"),
    ("base64_strings", "share of tokens"),
    ("hex_strings", "share of tokens"),
    ("url_strings", "share of tokens"),
    ("long_runs", "share of tokens"),
    ("longest_run", "characters, log2"),
    ("numbers", "share of tokens"),
    ("variables", "share of tokens"),
    ("short_variables", "share of variables"),
    ("types", "share of tokens"),
    ("comments", "share of tokens"),
    ("pluses", "share of tokens"),
    ("backticks", "share of tokens"),
    ("braces", "share of tokens"),
    ("commas", "share of tokens"),
    ("pipes", "share of tokens"),
    ("cmdlets", "share of tokens"),
    ("distinct", "share of tokens"),
    ("mixed_case", "share of words"),
    ("word_length", "characters, mean"),
    ("run", "marks"),
    ("encoded", "marks"),
    ("download", "marks"),
    ("hidden", "marks"),
    ("reflection", "marks"),
    ("native", "marks"),
    ("memory", "marks"),
    ("persistence", "marks"),
    ("decode", "marks"),
    ("obfuscation", "marks"),
    ("documentation", "marks"),
    ("declaration", "marks"),
];

/// Words of one kind, lower case, matched anywhere in a token.
const MARKS: [(&str, &[&str]); 12] = [
    ("run", &["iex", "invoke-expression", "invokecommand", "scriptblock", "start-process", "createprocess", "shellexecute", "&("]),
    ("encoded", &["-enc", "encodedcommand", "frombase64", "-ec"]),
    (
        "download",
        &[
            "downloadstring",
            "downloadfile",
            "downloaddata",
            "webclient",
            "webrequest",
            "start-bitstransfer",
            "http://",
            "httpwebrequest",
            "tcpclient",
            "sockets",
        ],
    ),
    ("hidden", &["hidden", "-nop", "noprofile", "noninteractive", "-noni", "bypass", "windowstyle", "-w", "executionpolicy"]),
    ("reflection", &["reflection", "assembly", "getmethod", "definedynamic", "invoke(", "gettype", "getfield", "nonpublic"]),
    (
        "native",
        &[
            "dllimport",
            "kernel32",
            "user32",
            "msvcrt",
            "ntdll",
            "getprocaddress",
            "getmodulehandle",
            "win32functions",
            "unsafenativemethods",
            "marshal",
        ],
    ),
    (
        "memory",
        &[
            "virtualalloc",
            "createthread",
            "memset",
            "writeprocessmemory",
            "virtualprotect",
            "openprocess",
            "createremotethread",
            "intptr",
            "shellcode",
        ],
    ),
    ("persistence", &["schtasks", "currentversion", "run\\", "new-service", "register-scheduledtask", "startup", "wmi", "eventfilter"]),
    ("decode", &["convert", "gzip", "deflate", "compression", "memorystream", "bxor", "char", "join", "reverse", "encoding"]),
    ("obfuscation", &["replace", "split", "-f", "-join", "[char", "tostring", "substring", "invoke"]),
    ("documentation", &[".synopsis", ".parameter", ".example", ".description", "#", "write-verbose", "write-host", "license", "copyright"]),
    ("declaration", &["function", "param", "cmdletbinding", "mandatory", "parameter", "export-modulemember", "process", "begin"]),
];

/// Appends the features of each window of the token stream: half overlapping.
pub fn windows(tokens: &[&str], out: &mut Vec<f32>) {
    if tokens.is_empty() {
        return;
    }
    let step = WINDOW / 2;
    let count = tokens.len().saturating_sub(WINDOW).div_ceil(step) + 1;
    for at in 0..count {
        if count > WINDOWS_MAX && (WINDOWS_MAX / 2..count - WINDOWS_MAX / 2).contains(&at) {
            continue;
        }
        let to = (at * step + WINDOW).min(tokens.len());
        window(&tokens[to.saturating_sub(WINDOW)..to], out);
    }
}

fn window(tokens: &[&str], out: &mut Vec<f32>) {
    let n = tokens.len() as f32;
    let mut counts = [0f32; FEATURES.len()];
    let mut words = (0f32, 0f32, 0f32);
    let mut distinct: Vec<&str> = tokens.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let mut variables = 0f32;
    for token in tokens {
        let mut add = |name: &str, value: f32| counts[place(name)] += value;
        if let Some(rest) = token.strip_prefix("<STR:") {
            let mut fields = rest.trim_end_matches('>').split(':');
            let length: f32 = fields.next().and_then(|f| f.parse().ok()).unwrap_or(0.0);
            let entropy: f32 = fields.next().and_then(|f| f.parse().ok()).unwrap_or(0.0);
            add("strings", 1.0);
            add("long_strings", f32::from(u8::from(length > 100.0)));
            match fields.next() {
                Some("B64") => add("base64_strings", 1.0),
                Some("HEX") => add("hex_strings", 1.0),
                Some("URL") => add("url_strings", 1.0),
                _ => {}
            }
            let (longest, bits) = (place("longest_string"), place("string_entropy"));
            counts[longest] = counts[longest].max((length + 1.0).log2());
            counts[bits] = counts[bits].max(entropy);
            continue;
        }
        if let Some(rest) = token.strip_prefix("<LONG:") {
            let length: f32 = rest.trim_end_matches('>').split(':').next().and_then(|f| f.parse().ok()).unwrap_or(0.0);
            add("long_runs", 1.0);
            let longest = place("longest_run");
            counts[longest] = counts[longest].max((length + 1.0).log2());
            continue;
        }
        if token.starts_with("<NUM:") {
            add("numbers", 1.0);
            continue;
        }
        let lower = token.to_ascii_lowercase();
        match lower.as_bytes()[0] {
            b'"' | b'\'' => add("strings", 1.0),
            b'$' => {
                add("variables", 1.0);
                variables += 1.0;
                add("short_variables", f32::from(u8::from(lower.len() <= 3)));
            }
            b'[' if lower.len() > 1 => add("types", 1.0),
            b'#' | b'<' if lower.len() > 1 => add("comments", 1.0),
            b'#' => add("comments", 1.0),
            b'+' => add("pluses", 1.0),
            b'`' => add("backticks", 1.0),
            b'{' | b'}' => add("braces", 1.0),
            b',' => add("commas", 1.0),
            b'|' => add("pipes", 1.0),
            first if first.is_ascii_alphabetic() => {
                words.0 += 1.0;
                words.1 += lower.len() as f32;
                words.2 += f32::from(u8::from(is_mixed(token)));
                add("cmdlets", f32::from(u8::from(lower.contains('-'))));
            }
            _ => {}
        }
        for (name, marks) in &MARKS {
            if marks.iter().any(|mark| lower.contains(mark)) {
                counts[place(name)] += 1.0;
            }
        }
    }
    for (feature, value) in FEATURES.iter().zip(&mut counts) {
        if feature.unit == "share of tokens" {
            *value /= n;
        }
    }
    counts[place("distinct")] = distinct.len() as f32 / n;
    counts[place("short_variables")] /= variables.max(1.0);
    counts[place("mixed_case")] = words.2 / words.0.max(1.0);
    counts[place("word_length")] = words.1 / words.0.max(1.0);
    out.extend_from_slice(&counts);
}

/// Case that changes more than a name in camel case would: `iNvOKe`.
fn is_mixed(word: &str) -> bool {
    let letters: Vec<bool> = word.chars().filter(|c| c.is_alphabetic()).map(char::is_uppercase).collect();
    letters.len() >= 4 && letters.windows(2).filter(|pair| pair[0] != pair[1]).count() * 2 >= letters.len()
}

fn place(name: &str) -> usize {
    FEATURES.iter().position(|feature| feature.name == name).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_every_token_and_every_mark_has_a_place() {
        let mut out = Vec::new();
        windows(&["iex"; 41], &mut out);
        assert_eq!(out.len(), 2 * FEATURES.len());
        assert_eq!(out[place("run")], 40.0);
        for (name, _) in MARKS {
            assert!(FEATURES.iter().any(|feature| feature.name == name), "{name}");
        }
        let mut long = Vec::new();
        windows(&vec!["a"; 100_000], &mut long);
        assert_eq!(long.len(), WINDOWS_MAX * FEATURES.len());
        windows(&[], &mut long);
        assert!(is_mixed("iNvOKe") && !is_mixed("Invoke"));
    }
}
