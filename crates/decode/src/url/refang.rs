//! Undoes the ways in which people make a URL harmless to click, and says whether there were any.

/// The URL as it was before it was defanged.
pub fn refang(text: &str) -> (String, bool) {
    let mut out = text.to_owned();
    for (from, to) in [
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("[:]", ":"),
        ("[://]", "://"),
        ("[/]", "/"),
        ("[@]", "@"),
    ] {
        if out.contains(from) {
            out = out.replace(from, to);
        }
    }
    let lower = out.get(..8).unwrap_or(&out).to_ascii_lowercase();
    for (from, to) in
        [("hxxps:", "https:"), ("hxxp:", "http:"), ("hxtp:", "http:"), ("h**ps:", "https:"), ("h**p:", "http:"), ("fxp:", "ftp:")]
    {
        if lower.starts_with(from) {
            out.replace_range(..from.len(), to);
            break;
        }
    }
    let changed = out != text;
    (out, changed)
}
