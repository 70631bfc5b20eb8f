//! Inline style, as far as it decides whether text can be seen.

use std::collections::HashSet;

/// Most classes remembered from `<style>` blocks.
const CLASSES_MAX: usize = 256;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    pub(super) none: bool,
    invisible: bool,
    transparent: bool,
    no_size: bool,
    off_page: bool,
    colour: Option<u32>,
    ground: Option<u32>,
    /// This element set its own text colour or ground.
    coloured: bool,
}

impl Style {
    /// The style of an element inside this one.
    pub(super) fn child(self, inline: &str, bgcolor: Option<&str>, color: Option<&str>, text: Option<&str>) -> Style {
        let mut style = Style { none: false, coloured: false, ..self };
        if let Some(ground) = bgcolor.and_then(colour) {
            style.ground = Some(ground);
        }
        if let Some(value) = color.or(text).and_then(colour) {
            style.colour = Some(value);
            style.coloured = true;
        }
        let (mut clipped, mut zero_box) = (false, false);
        for declaration in inline.split(';').take(64) {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_end_matches("!important").trim().to_ascii_lowercase());
            let zero = || number(&value) == Some(0.0);
            match name.as_str() {
                "display" => style.none = value == "none",
                "visibility" => style.invisible = value == "hidden" || value == "collapse",
                "opacity" => style.transparent = number(&value).is_some_and(|n| n < 0.1),
                "font-size" => {
                    style.no_size = number(&value).is_some_and(|n| {
                        if value.ends_with("em") {
                            n < 0.1
                        } else if value.ends_with('%') {
                            n < 10.0
                        } else {
                            n < 2.0
                        }
                    });
                }
                "height" | "max-height" | "width" | "max-width" if zero() => zero_box = true,
                "overflow" => clipped = value == "hidden",
                "text-indent" | "left" | "top" | "margin-left" | "margin-top" => {
                    style.off_page |= number(&value).is_some_and(|n| n <= -900.0);
                }
                "color" => {
                    style.coloured = true;
                    style.transparent |= value == "transparent";
                    style.colour = colour(&value).or(style.colour);
                }
                "background" | "background-color" => {
                    if let Some(ground) = value.split_ascii_whitespace().find_map(colour) {
                        style.ground = Some(ground);
                    }
                }
                _ => {}
            }
        }
        style.no_size |= clipped && zero_box;
        style
    }

    pub(super) fn size_attribute(&mut self, name: &str, size: Option<&str>) {
        if name == "font" && size.is_some_and(|size| size.trim() == "0") {
            self.no_size = true;
        }
    }

    /// Text is there but cannot be seen, by other means than `display:none`.
    pub(super) fn is_trick(&self) -> bool {
        let same = self.colour.is_some_and(|colour| near(colour, self.ground.unwrap_or(0x00FF_FFFF)));
        self.invisible || self.transparent || self.no_size || self.off_page || same
    }
}

/// Colours that a reader cannot tell apart.
fn near(a: u32, b: u32) -> bool {
    (0..3).all(|at| ((a >> (8 * at) & 0xFF) as i32 - (b >> (8 * at) & 0xFF) as i32).abs() <= 4)
}

fn number(value: &str) -> Option<f32> {
    let end = value.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(value.len());
    value[..end].parse().ok()
}

/// `#fff`, `#ffffff`, `rgb(1,2,3)` and a few names.
fn colour(value: &str) -> Option<u32> {
    let value = value.trim().to_ascii_lowercase();
    if let Some(hex) = value.strip_prefix('#') {
        let parsed = u32::from_str_radix(hex.get(..6).or(hex.get(..3))?, 16).ok()?;
        return Some(if hex.len() < 6 { (0..3).map(|at| ((parsed >> (4 * at) & 0xF) * 0x11) << (8 * at)).sum() } else { parsed });
    }
    if let Some(list) = value.strip_prefix("rgb(").or_else(|| value.strip_prefix("rgba(")) {
        let mut parts =
            list.trim_end_matches(')').split([',', ' ', '/']).filter(|part| !part.is_empty()).map(|part| part.parse::<u32>().ok());
        let mut next = || parts.next().flatten().map(|n| n.min(255));
        return Some(next()? << 16 | next()? << 8 | next()?);
    }
    Some(match value.as_str() {
        "white" => 0x00FF_FFFF,
        "black" => 0,
        "red" => 0x00FF_0000,
        "blue" => 0x0000_00FF,
        "gray" | "grey" => 0x0080_8080,
        _ => return None,
    })
}

/// Classes whose rule, outside media queries, is `display:none`.
pub(super) fn hidden_classes(html: &str) -> HashSet<String> {
    let mut classes = HashSet::new();
    let mut rest = html;
    while let Some(at) = find_ascii(rest, "<style") {
        let block = &rest[at..];
        let end = find_ascii(block, "</style").unwrap_or(block.len());
        let (mut depth, mut start) = (0_u32, 0_usize);
        let block_text = &block[..end];
        for (at, byte) in block_text.bytes().enumerate() {
            match byte {
                b'{' => {
                    depth += 1;
                    if depth == 1 {
                        let selector = block_text[start..at].rsplit(['>', '}', ';', '/']).next().unwrap_or("").trim();
                        let body_end = block_text[at..].find('}').map_or(block_text.len(), |end| at + end);
                        let body: String = block_text[at + 1..body_end].chars().filter(|c| !c.is_whitespace()).collect();
                        if body.to_ascii_lowercase().contains("display:none") && !selector.starts_with('@') && classes.len() < CLASSES_MAX {
                            let simple = selector.split(',').filter_map(|one| one.trim().strip_prefix('.'));
                            classes.extend(
                                simple
                                    .filter(|one| one.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
                                    .map(str::to_owned),
                            );
                        }
                    }
                }
                b'}' => {
                    depth = depth.saturating_sub(1);
                    start = at + 1;
                }
                _ => {}
            }
        }
        rest = &block[end.max(6).min(block.len())..];
    }
    classes
}

fn find_ascii(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}
