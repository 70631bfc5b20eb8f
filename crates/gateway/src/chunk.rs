//! Where a chunked body ends (RFC 9112 section 7.1), read strictly: what this accepts, hyper reads the same way.

/// Extensions and trailers together, per body.
const EXTRA_BYTES_MAX: u32 = 8 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Digits read so far.
    Size(u8),
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the begin of a trailer line.
    Trailer,
    TrailerText,
    TrailerLf,
    EndLf,
    Done,
}

#[derive(Clone, Debug)]
pub(crate) struct Chunks {
    state: State,
    left: u64,
    extra: u32,
}

/// Not a chunked body.
#[derive(Clone, Copy, Debug)]
struct Bad;

impl Chunks {
    pub(crate) fn new() -> Chunks {
        Chunks { state: State::Size(0), left: 0, extra: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Number of `bytes` that belong to this body; as an error, how many of them were good.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<usize, usize> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            if self.state == State::Data {
                let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += n;
                self.left -= n as u64;
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                continue;
            }
            self.byte(bytes[at]).map_err(|Bad| at)?;
            at += 1;
        }
        Ok(at)
    }

    fn byte(&mut self, b: u8) -> Result<(), Bad> {
        self.state = match (self.state, b) {
            (State::Size(digits), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                // 15 digits are 2^60: beyond is no body, it is an overflow that somebody tries.
                if digits >= 15 {
                    return Err(Bad);
                }
                let value = (b as char).to_digit(16).unwrap_or(0);
                self.left = self.left << 4 | u64::from(value);
                State::Size(digits + 1)
            }
            (State::Size(1..), b';') => State::Extension,
            (State::Size(1..), b'\r') => State::SizeLf,
            (State::Extension, b'\r') => State::SizeLf,
            (State::Extension, b'\t' | 0x20..=0x7e) => {
                self.count_extra()?;
                State::Extension
            }
            (State::SizeLf, b'\n') if self.left == 0 => State::Trailer,
            (State::SizeLf, b'\n') => State::Data,
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size(0),
            (State::Trailer, b'\r') => State::EndLf,
            (State::Trailer, 0x21..=0x7e) | (State::TrailerText, b'\t' | 0x20..=0x7e | 0x80..) => {
                self.count_extra()?;
                State::TrailerText
            }
            (State::TrailerText, b'\r') => State::TrailerLf,
            (State::TrailerLf, b'\n') => State::Trailer,
            (State::EndLf, b'\n') => State::Done,
            _ => return Err(Bad),
        };
        Ok(())
    }

    fn count_extra(&mut self) -> Result<(), Bad> {
        self.extra += 1;
        if self.extra > EXTRA_BYTES_MAX { Err(Bad) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Some(n)`: the body is the first n bytes. Every split must say the same.
    fn check(text: &str, expected: Option<usize>) {
        let bytes = text.as_bytes();
        for step in [1, 3, bytes.len()] {
            let mut chunks = Chunks::new();
            let mut at = 0;
            let mut bad = false;
            for part in bytes.chunks(step) {
                match chunks.advance(part) {
                    Ok(n) => at += n,
                    Err(_) => bad = true,
                }
                if bad || chunks.is_done() {
                    break;
                }
            }
            let found = (!bad && chunks.is_done()).then_some(at);
            assert_eq!(found, expected, "{text:?} by {step}");
        }
    }

    #[test]
    fn chunked_bodies_end_where_they_end() {
        check("0\r\n\r\nGET", Some(5));
        check("3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1", Some(13));
        check("A;name=\"v\"\r\n0123456789\r\n00\r\nx: y\r\n\r\n", Some(36));
        check("3\nabc\r\n0\r\n\r\n", None);
        check("3\r\nabc0\r\n\r\n", None);
        check("3 \r\nabc\r\n0\r\n\r\n", None);
        check("\r\nabc", None);
        check("-1\r\n", None);
        check("0x3\r\nabc\r\n", None);
        check("g\r\n", None);
        check(";a\r\n", None);
        check("3;\n\r\nabc\r\n0\r\n\r\n", None);
        check("fffffffffffffffff\r\n", None);
        check("0\r\n x: folded\r\n\r\n", None);
        check("0\r\nx: y\n\r\n", None);
    }
}
