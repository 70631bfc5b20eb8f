//! HTML character references of ASCII characters that matter to parsers, lower case (the decoder lowers case first).

/// Longest name below, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 7;

/// The byte that `&name;` stands for.
pub(super) fn by_name(name: &[u8]) -> Option<u8> {
    Some(match name {
        b"lt" => b'<',
        b"gt" => b'>',
        b"amp" => b'&',
        b"quot" => b'"',
        b"apos" => b'\'',
        b"nbsp" | b"tab" => b' ',
        b"newline" => b'\n',
        b"colon" => b':',
        b"semi" => b';',
        b"comma" => b',',
        b"period" => b'.',
        b"excl" => b'!',
        b"dollar" => b'$',
        b"percnt" => b'%',
        b"lpar" => b'(',
        b"rpar" => b')',
        b"lsqb" | b"lbrack" => b'[',
        b"rsqb" | b"rbrack" => b']',
        b"lcub" | b"lbrace" => b'{',
        b"rcub" | b"rbrace" => b'}',
        b"sol" => b'/',
        b"bsol" => b'\\',
        b"equals" => b'=',
        b"num" => b'#',
        b"grave" => b'`',
        b"verbar" => b'|',
        b"ast" => b'*',
        _ => return None,
    })
}
