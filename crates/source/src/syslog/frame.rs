//! A stream of bytes to syslog messages (RFC 6587; RFC 5425 uses the same octet counting).
//!
//! Which of the two framings a connection uses is decided by its first bytes: `123 <34>..` counts octets, everything else ends its messages
//! with a line end. Any split of the bytes gives the same messages.
//!
//! Hostile: a message above [`MESSAGE_BYTES_MAX`] keeps its beginning; a count above [`FRAME_BYTES_MAX`], or one that is no count, ends the
//! connection, because where the next message begins cannot be known.

/// A longer message is cut to this.
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// A longer frame is no syslog.
const FRAME_BYTES_MAX: u64 = 16 << 20;
/// Digits of [`FRAME_BYTES_MAX`].
const DIGITS_MAX: usize = 8;

/// The message, and its length when it was cut.
pub(crate) type Message<'m> = &'m mut dyn FnMut(&[u8], Option<u64>);

/// The connection cannot be understood any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The framing is not known yet.
    First,
    /// In a line.
    Line,
    /// In the digits of a count.
    Count,
    /// In a message with this many bytes to come.
    Counted { left: u64 },
}

#[derive(Debug)]
pub(crate) struct Frames {
    state: State,
    /// Beginning of the message, or the digits of a count.
    held: Vec<u8>,
    /// Whole length of the message so far, or as it was announced.
    bytes: u64,
}

impl Frames {
    pub(crate) fn new() -> Frames {
        Frames { state: State::First, held: Vec::new(), bytes: 0 }
    }

    pub(crate) fn push(&mut self, mut bytes: &[u8], message: Message<'_>) -> Result<(), Broken> {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::First => self.first(bytes)?,
                State::Line => self.line(bytes, message),
                State::Count => self.count(bytes)?,
                State::Counted { left } => self.counted(bytes, left, message),
            };
        }
        Ok(())
    }

    /// The connection has ended: what was begun is a message, cut where its rest was announced.
    pub(crate) fn end(&mut self, message: Message<'_>) {
        match self.state {
            State::First | State::Line if self.held.is_empty() => {}
            State::First | State::Line => {
                self.bytes = self.bytes.max(self.held.len() as u64);
                self.line(b"\n", message);
            }
            State::Counted { .. } if !self.held.is_empty() => message(trimmed(&self.held), Some(self.bytes)),
            State::Count | State::Counted { .. } => {}
        }
        self.held.clear();
    }

    /// Holds bytes until they say what they are: `123 <` is a count.
    fn first<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Broken> {
        let digits = self.held.len();
        match bytes[0] {
            b'<' if self.held.last() == Some(&b' ') => {
                self.held.truncate(digits - 1);
                self.announce()?;
                return Ok(bytes);
            }
            _ if self.held.last() == Some(&b' ') => {}
            b'1'..=b'9' if digits < DIGITS_MAX => return Ok(self.take_first(bytes)),
            b'0' if (1..DIGITS_MAX).contains(&digits) => return Ok(self.take_first(bytes)),
            b' ' if digits > 0 => return Ok(self.take_first(bytes)),
            _ => {}
        }
        self.state = State::Line;
        self.bytes = digits as u64;
        Ok(bytes)
    }

    fn take_first<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        self.held.push(bytes[0]);
        &bytes[1..]
    }

    /// The digits that are held are the length of the next message.
    fn announce(&mut self) -> Result<(), Broken> {
        let left = self.held.drain(..).fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        if left > FRAME_BYTES_MAX {
            return Err(Broken);
        }
        self.bytes = left;
        self.state = State::Counted { left };
        Ok(())
    }

    fn line<'b>(&mut self, bytes: &'b [u8], message: Message<'_>) -> &'b [u8] {
        let end = memchr::memchr(b'\n', bytes);
        let part = &bytes[..end.unwrap_or(bytes.len())];
        self.bytes += part.len() as u64;
        let Some(end) = end else {
            self.hold(part);
            return &[];
        };
        let whole = if self.held.is_empty() {
            part
        } else {
            self.hold(part);
            &self.held
        };
        let kept = &whole[..whole.len().min(MESSAGE_BYTES_MAX)];
        let cut = (self.bytes > MESSAGE_BYTES_MAX as u64).then_some(self.bytes);
        message(trimmed(kept), cut);
        self.held.clear();
        self.bytes = 0;
        &bytes[end + 1..]
    }

    fn count<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Broken> {
        match bytes[0] {
            // Some senders end a counted message with a line end as well.
            b'\n' | b'\r' | 0 if self.held.is_empty() => {}
            b'1'..=b'9' if self.held.len() < DIGITS_MAX => self.held.push(bytes[0]),
            b'0' if (1..DIGITS_MAX).contains(&self.held.len()) => self.held.push(b'0'),
            b' ' if !self.held.is_empty() => self.announce()?,
            _ => return Err(Broken),
        }
        Ok(&bytes[1..])
    }

    fn counted<'b>(&mut self, bytes: &'b [u8], left: u64, message: Message<'_>) -> &'b [u8] {
        let part = &bytes[..bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        self.hold(part);
        let left = left - part.len() as u64;
        self.state = State::Counted { left };
        if left == 0 {
            message(trimmed(&self.held), (self.bytes > MESSAGE_BYTES_MAX as u64).then_some(self.bytes));
            self.held.clear();
            self.state = State::Count;
        }
        &bytes[part.len()..]
    }

    fn hold(&mut self, part: &[u8]) {
        let room = MESSAGE_BYTES_MAX - self.held.len().min(MESSAGE_BYTES_MAX);
        self.held.extend_from_slice(&part[..part.len().min(room)]);
    }
}

/// Without the line end or the zero byte that some senders add.
pub(crate) fn trimmed(message: &[u8]) -> &[u8] {
    let end = message.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0)).map_or(0, |last| last + 1);
    &message[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Said = (String, Option<u64>);

    fn read(parts: &[&[u8]]) -> (Vec<Said>, bool) {
        let mut said = Vec::new();
        let mut frames = Frames::new();
        let mut take = |message: &[u8], cut: Option<u64>| said.push((String::from_utf8_lossy(message).into_owned(), cut));
        let broken = parts.iter().any(|part| frames.push(part, &mut take).is_err());
        if !broken {
            frames.end(&mut take);
        }
        (said, broken)
    }

    fn check(stream: &str, expected: &[&str]) {
        let (said, broken) = read(&[stream.as_bytes()]);
        assert_eq!(said.iter().map(|(message, _)| message.as_str()).collect::<Vec<_>>(), expected, "{stream:?}");
        assert!(!broken, "{stream:?}");
    }

    fn check_broken(stream: &str, expected: &[&str]) {
        let (said, broken) = read(&[stream.as_bytes()]);
        assert_eq!(said.iter().map(|(message, _)| message.as_str()).collect::<Vec<_>>(), expected, "{stream:?}");
        assert!(broken, "{stream:?}");
    }

    #[test]
    fn lines() {
        check("<13>a\n<13>b\r\n", &["<13>a", "<13>b"]);
        check("<13>no line end", &["<13>no line end"]);
        check("<13>zero\0\n", &["<13>zero"]);
        check("", &[]);
        check("2026-11-23T10:00:00Z web-1 sshd: hello\n", &["2026-11-23T10:00:00Z web-1 sshd: hello"]);
        check("12 monkeys\n", &["12 monkeys"]);
        check("12", &["12"]);
        check("1700000000 <13>epoch\n", &["1700000000 <13>epoch"]);
    }

    #[test]
    fn counted() {
        check("5 <13>a6 <13>bb", &["<13>a", "<13>bb"]);
        check("6 <1>\na\n5 <13>a", &["<1>\na", "<13>a"]);
        check("5 <13>a\n5 <13>b\n", &["<13>a", "<13>b"]);
        check("10 <13>a b 1", &["<13>a b 1"]);
    }

    #[test]
    fn what_was_announced_and_did_not_come_is_cut() {
        assert_eq!(read(&[b"50 <13>half"]).0, [("<13>half".to_owned(), Some(50))]);
    }

    #[test]
    fn a_count_that_is_none_ends_the_connection() {
        check_broken("5 <13>ax <13>b", &["<13>a"]);
        check_broken("5 <13>a05 <13>b", &["<13>a"]);
        check_broken("5 <13>a123456789 <13>b", &["<13>a"]);
        check_broken("99999999 <13>endless", &[]);
    }

    #[test]
    fn long_messages_keep_their_beginning() {
        let long = "x".repeat(MESSAGE_BYTES_MAX + 9);
        let bytes = long.len() as u64 + 4;
        for stream in [format!("<13>{long}\n<13>next\n"), format!("{bytes} <13>{long}8 <13>next")] {
            let (said, _) = read(&[stream.as_bytes()]);
            assert_eq!(said[0].1, Some(bytes));
            assert_eq!(said[0].0.len(), MESSAGE_BYTES_MAX);
            assert_eq!(said[1], ("<13>next".to_owned(), None));
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_messages(
            messages in proptest::collection::vec("<1[0-9]{1,2}>[ -~]{0,40}", 0..12),
            is_counted: bool,
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let stream: String = messages
                .iter()
                .map(|m| if is_counted { format!("{} {m}", m.len()) } else { format!("{m}\n") })
                .collect();
            let bytes = stream.as_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
            at.sort_unstable();
            let parts: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            let (said, broken) = read(&parts);
            prop_assert!(!broken);
            prop_assert_eq!(said, messages.into_iter().map(|m| (m, None)).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_in_any_split_end_alike(bytes in proptest::collection::vec(prop::sample::select(b"0123456789 <>\nax\0".to_vec()), 0..80), cut: prop::sample::Index) {
            let at = cut.index(bytes.len() + 1);
            prop_assert_eq!(read(&[&bytes]), read(&[&bytes[..at], &bytes[at..]]));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(read(&[&bytes]), read(&single));
        }
    }
}
