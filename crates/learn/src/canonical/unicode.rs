//! Folding one character beyond ASCII: compatibility decomposition, case, look-alikes, and what has no width.

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};

/// What a character folds to.
pub(super) enum Folded {
    /// Removed: no width.
    Nothing,
    /// Removed and replaced by an invisible twin's ASCII character.
    Tag(u8),
    /// One or more characters, written into the buffer handed over.
    Text {
        /// A look-alike of ASCII that ordinary typing does not produce.
        confusable: bool,
    },
}

/// Folds `c` (not ASCII). Stable: each character of the result folds to itself (test below).
pub(super) fn fold(c: char, out: &mut Vec<char>) -> Folded {
    out.clear();
    let code = c as u32;
    match code {
        0xAD
        | 0x34F
        | 0x61C
        | 0x180E
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x206F
        | 0xFE00..=0xFE0F
        | 0xFEFF
        | 0xE0100..=0xE01EF => {
            return Folded::Nothing;
        }
        0xE0020..=0xE007E => return Folded::Tag((code - 0xE0000) as u8),
        0xE0000..=0xE00FF => return Folded::Nothing,
        0x80..=0x9F => {
            out.push(' ');
            return Folded::Text { confusable: false };
        }
        _ => {}
    }
    if let Some(ascii) = typography(c) {
        out.push(ascii);
        return Folded::Text { confusable: false };
    }
    if let Some(ascii) = best_fit(c) {
        out.push(ascii);
        return Folded::Text { confusable: true };
    }
    decompose_compatible(c, |part| {
        for lower in part.to_lowercase() {
            // Lower case can hold a character that decomposes again or a mark; marks go, the rest is stable (test).
            if let Some(ascii) = typography(lower).or_else(|| best_fit(lower)) {
                out.push(ascii);
            } else if lower.is_whitespace() {
                out.push(' ');
            } else if canonical_combining_class(lower) == 0 {
                out.push(lower);
            }
        }
    });
    if out.is_empty() {
        return Folded::Nothing;
    }
    let letterlike = matches!(code, 0xC0..=0x24F | 0x1E00..=0x1EFF);
    let look_alike = matches!(code, 0xFF01..=0xFF5E | 0x1D400..=0x1D7FF | 0x2460..=0x24FF | 0xFE50..=0xFE6F);
    Folded::Text { confusable: look_alike && !letterlike && out[0].is_ascii() }
}

/// Signs that ordinary writing uses.
fn typography(c: char) -> Option<char> {
    Some(match c {
        '‘' | '’' | '‚' | '‛' | '′' | 'ʼ' | 'ʹ' | '´' => '\'',
        '“' | '”' | '„' | '‟' | '″' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => '-',
        '\u{A0}' | '\u{2028}' | '\u{2029}' | '\u{3000}' => ' ',
        _ => return None,
    })
}

/// Characters that some runtimes turn into ASCII punctuation ("best fit" conversion), used to slip past filters.
fn best_fit(c: char) -> Option<char> {
    Some(match c {
        '‹' | '\u{2329}' | '\u{3008}' => '<',
        '›' | '\u{232A}' | '\u{3009}' => '>',
        '⁄' | '∕' => '/',
        '∖' | '⧵' => '\\',
        'ˈ' => '\'',
        'ˋ' => '`',
        '∗' => '*',
        '∶' => ':',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_folds_to_a_stable_text() {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for c in ('\u{80}'..=char::MAX).filter(|c| !c.is_ascii()) {
            if !matches!(fold(c, &mut first), Folded::Text { .. }) {
                continue;
            }
            assert!(first.iter().map(|c| c.len_utf8()).sum::<usize>() <= 64, "{c:?} grows too far");
            for &part in &first {
                if part.is_ascii() {
                    assert!(!part.is_ascii_uppercase(), "{c:?}");
                    continue;
                }
                assert!(matches!(fold(part, &mut second), Folded::Text { .. }), "{c:?} -> {part:?}");
                assert_eq!(second, [part], "{c:?} ({:x})", c as u32);
            }
        }
    }
}
