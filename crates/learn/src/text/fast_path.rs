//! Values that cannot carry an attack by their alphabet: they skip the model.
//!
//! Accepted: up to 8 word characters; a decimal number; a UUID; a date or a time stamp. No attack text can come through, because every
//! accepted byte is a letter, a digit, `_`, or one of `- . : T Z +` at a fixed place between digits.

/// Longest plain word, in bytes.
const WORD_BYTES_MAX: usize = 8;
/// Longest plain number, in bytes.
const NUMBER_BYTES_MAX: usize = 20;

/// Whether the value is plain and gets the lowest score without being read further.
pub fn is_plain(value: &[u8]) -> bool {
    match value.len() {
        0 => true,
        1..=WORD_BYTES_MAX if value.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_') => true,
        1..=NUMBER_BYTES_MAX if is_number(value) => true,
        10 | 19 | 20 | 24 | 25 => is_date(value),
        36 => fits(value, b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
        _ => false,
    }
}

fn is_number(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let mut parts = digits.split(|&b| b == b'.');
    let digits_only = |part: Option<&[u8]>| part.is_none_or(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    !digits.is_empty() && digits_only(parts.next()) && digits_only(parts.next()) && parts.next().is_none()
}

fn is_date(value: &[u8]) -> bool {
    const FORMS: [&[u8]; 7] = [
        b"0000-00-00",
        b"00.00.0000",
        b"00/00/0000",
        b"0000-00-00T00:00:00",
        b"0000-00-00 00:00:00",
        b"0000-00-00T00:00:00Z",
        b"0000-00-00T00:00:00.000Z",
    ];
    FORMS.iter().any(|form| form.len() == value.len() && fits(value, form)) || fits(value, b"0000-00-00T00:00:00+00:00")
}

/// `0` stands for a digit, `x` for a hexadecimal digit, everything else for itself.
fn fits(value: &[u8], form: &[u8]) -> bool {
    value.len() == form.len()
        && value.iter().zip(form).all(|(&byte, &want)| match want {
            b'0' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            _ => byte == want,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_values() {
        for plain in ["", "42", "-3.5", "shirt", "user_7", "2024-02-29", "2024-02-29T10:00:00Z", "1b4e28ba-2fa1-11d2-883f-0016d3cca427"] {
            assert!(is_plain(plain.as_bytes()), "{plain}");
        }
        for not in ["1.2.3", "-", ".", "a b", "o'neil", "../", "1-1", "ninechars", "12345678901234567890123"] {
            assert!(!is_plain(not.as_bytes()), "{not}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn attack_text_leaves_the_fast_path(before in "[a-z0-9-]{0,20}", sign in "[<>'\"(){};|&$`\\\\%]|\\.\\.", after in "[a-z0-9-]{0,20}") {
            let value = format!("{before}{sign}{after}");
            prop_assert!(!is_plain(value.as_bytes()), "{}", value);
        }

        #[test]
        fn a_slash_only_between_digits(value in "\\PC{0,12}/\\PC{0,12}") {
            let bytes = value.as_bytes();
            prop_assert!(!is_plain(bytes) || bytes.iter().all(|b| b.is_ascii_digit() || *b == b'/'));
        }
    }
}
