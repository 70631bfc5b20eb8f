//! Extraction: one client asks a model so, that its answers would make a copy of it, or map the way around it.
//!
//! Reads:      the texts that one client had judged, with their scores, in order.
//! Near:       questions that are nearly an earlier one and score neither low nor high: a walk along the border (in the manner of PRADA,
//!             Juuti et al. 2019, which looks at the distance of each question to those before it).
//! Hostile:    a large share of hostile questions that are not one another's copies; or many of them in a day, however thinly spread.
//! Alike:      few runs of letters differ, however long the text is: two mails of one form letter share half of their runs and are still two
//!             mails, one edit in a short value changes half of its runs.
//! State:      [`KEPT`] sketches of 16 numbers and three counters a client.
//! Mistaken by: a scanner of one's own, a fuzzer in a test environment, a person who hands in a folder of collected attacks.

use std::collections::VecDeque;

/// Questions remembered.
const KEPT: usize = 128;
/// Questions that shares are taken over.
const WINDOW: usize = 200;
/// Questions before shares count.
const SEEN_MIN: usize = 100;
/// Near questions of middling score in a window.
const NEAR_MAX: usize = 30;
/// Share of hostile questions in a window.
const HOSTILE_SHARE_MAX: f64 = 0.25;
/// Hostile questions, each unlike those before, until [`Watch::new_day`].
const HOSTILE_MAX: u64 = 40;
/// Runs that two texts which are nearly the same may each have for themselves: a few edits.
const OWN_RUNS: usize = 32;
/// Equal numbers of two sketches below which no texts are nearly the same, however short.
const ALIKE_MIN: usize = 5;
const SKETCH: usize = 16;
/// Bytes of a text that are sketched.
const TEXT_MAX: usize = 4_096;

/// Equal numbers of two sketches from which texts of that many runs are nearly the same: what the share of common runs lets expect.
fn alike_from(runs: usize) -> usize {
    (SKETCH * runs.saturating_sub(OWN_RUNS) / (runs + OWN_RUNS)).max(ALIKE_MIN)
}

/// What one client has asked.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Hash of the text, and its sketch.
    kept: VecDeque<(u64, [u16; SKETCH])>,
    /// (near the border, hostile) of the last questions.
    window: VecDeque<(bool, bool)>,
    hostile: u64,
    asked: u64,
}

/// Why a client's questions look like copying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// A walk along the border.
    Near,
    /// Mostly hostile questions, all different.
    HostileShare,
    /// Many hostile questions, thinly spread.
    HostileCount,
}

impl Watch {
    /// Takes up a question; the answer scored `score`, and `alert` is worth an alert.
    pub fn see(&mut self, text: &[u8], score: f32, alert: f32) -> Option<Alarm> {
        self.asked += 1;
        let (hash, sketch) = (crate::train::cluster::hash(text, 0xE7), sketch(text));
        let alike = self.kept.iter().map(|(_, known)| known.iter().zip(&sketch).filter(|(a, b)| a == b).count()).max().unwrap_or(0);
        // The very same question again tells nobody anything.
        let again = self.kept.iter().any(|(known, _)| *known == hash);
        let from = alike_from(text.len().min(TEXT_MAX).saturating_sub(3));
        let (near, new) = (alike >= from && !again, alike < from);
        let hostile = score >= alert;
        // Middling: between a tenth of what is worth an alert and just short of certain.
        let entry = (near && score >= 0.1 * alert && score < 0.999, hostile && !again);
        if !again {
            self.kept.push_back((hash, sketch));
        }
        self.window.push_back(entry);
        self.hostile += u64::from(hostile && new);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        let count = |test: fn(&(bool, bool)) -> bool| self.window.iter().filter(|one| test(one)).count();
        if count(|one| one.0) > NEAR_MAX {
            Some(Alarm::Near)
        } else if self.window.len() >= SEEN_MIN && count(|one| one.1) as f64 > HOSTILE_SHARE_MAX * self.window.len() as f64 {
            Some(Alarm::HostileShare)
        } else if self.hostile > HOSTILE_MAX {
            Some(Alarm::HostileCount)
        } else {
            None
        }
    }

    /// The day's count begins anew.
    pub fn new_day(&mut self) {
        self.hostile = 0;
    }

    /// Questions so far.
    pub fn asked(&self) -> u64 {
        self.asked
    }
}

/// Least hashes of all runs of four bytes, letters small and digits one.
fn sketch(text: &[u8]) -> [u16; SKETCH] {
    let mut least = [u64::MAX; SKETCH];
    let folded: Vec<u8> = text.iter().take(TEXT_MAX).map(|b| if b.is_ascii_digit() { b'0' } else { b.to_ascii_lowercase() }).collect();
    let runs = folded.windows(4.min(folded.len().max(1)));
    for run in runs {
        let base = run.iter().fold(0xCBF2_9CE4_8422_2325_u64, |state, &b| (state ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3));
        for (at, slot) in least.iter_mut().enumerate() {
            *slot = (*slot)
                .min((base ^ (at as u64 + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23));
        }
    }
    least.map(|hash| (hash >> 7) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_along_the_border_is_seen_and_asking_again_is_not() {
        let mut watch = Watch::default();
        let alarm =
            (0..200).find_map(|at| watch.see(format!("name' or {at}=1 -- list of {} all", "ab".repeat(at % 7)).as_bytes(), 0.4, 0.5));
        assert_eq!(alarm, Some(Alarm::Near));
        let mut watch = Watch::default();
        assert!((0..2_000).all(|_| watch.see(b"blue shirts for men", 0.4, 0.5).is_none()));
        let mut watch = Watch::default();
        assert!((0..2_000_u64).all(|at| watch.see(format!("{:x}", at.wrapping_mul(0x9E37_79B9_7F4A_7C15)).as_bytes(), 0.0, 0.5).is_none()));
    }

    #[test]
    fn hostile_form_letters_thinly_spread_are_counted() {
        let letter = |at: u64| {
            let words = (0..60_u64).map(|word| format!("{:x}", (at * 977 + word).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40));
            let own: Vec<String> = words.collect();
            format!(
                "Dear customer, your mailbox will be closed today. {} Please confirm your account on our page. Your support team",
                own.join(" ")
            )
        };
        let mut watch = Watch::default();
        let alarm = (0..1_000_u64).find_map(|at| {
            let hostile = at % 20 == 0;
            watch.see(
                if hostile { letter(at) } else { format!("{at} minutes of the meeting") }.as_bytes(),
                if hostile { 0.9 } else { 0.0 },
                0.5,
            )
        });
        assert_eq!(alarm, Some(Alarm::HostileCount));
        // One letter sent again with another number in it is one letter.
        let mut watch = Watch::default();
        let again = |at: u64| letter(1).replace("today", &format!("day {at}"));
        assert!((0..1_000_u64).all(|at| {
            let hostile = at % 20 == 0;
            watch
                .see(
                    if hostile { again(at) } else { format!("{at} minutes of the meeting") }.as_bytes(),
                    if hostile { 0.9995 } else { 0.0 },
                    0.5,
                )
                .is_none()
        }));
    }
}
