//! Cutting very long values: the head and the tail are read, the middle is not, and the explanation says so.
//!
//! The worst window needs no search of its own: the score is that of the worst segment of what is read.

use super::VALUE_BYTES_MAX;

const HALF: usize = VALUE_BYTES_MAX / 2;

/// The value itself when it is short enough, else head and tail in `buffer`.
pub(crate) fn cut<'a>(value: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    if value.len() <= VALUE_BYTES_MAX {
        return value;
    }
    buffer.clear();
    buffer.extend_from_slice(&value[..HALF]);
    buffer.extend_from_slice(&value[value.len() - HALF..]);
    buffer
}

/// Position in the value of a position in the cut text. `end` marks positions one past the last byte.
pub(crate) fn raw_position(cut_position: usize, value_bytes: usize, end: bool) -> usize {
    let in_head = cut_position < HALF || (end && cut_position == HALF);
    if value_bytes <= VALUE_BYTES_MAX || in_head { cut_position } else { value_bytes - VALUE_BYTES_MAX + cut_position }
}
