//! Who brought a batch may wait to hear that it is on disk: a shipper that gets its answer, a journal whose cursor moves on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Called once: with true when the records are on disk. One that is dropped on the way says false.
pub struct Receipt(Option<Box<dyn FnOnce(bool) + Send + Sync>>);

impl Receipt {
    pub fn new(told: impl FnOnce(bool) + Send + Sync + 'static) -> Receipt {
        Receipt(Some(Box::new(told)))
    }

    pub fn answer(mut self, kept: bool) {
        self.tell(kept);
    }

    /// For records that go on in `parts` batches: true when all of them are on disk. None at all are.
    pub(crate) fn split(self, parts: usize) -> Vec<Receipt> {
        if parts == 0 {
            self.answer(true);
            return Vec::new();
        }
        let left = Arc::new(AtomicUsize::new(parts));
        let all = Arc::new(AtomicBool::new(true));
        let whole = Arc::new(Mutex::new(Some(self)));
        let part = |_| {
            let (left, all, whole) = (Arc::clone(&left), Arc::clone(&all), Arc::clone(&whole));
            Receipt::new(move |kept| {
                all.fetch_and(kept, Ordering::AcqRel);
                if left.fetch_sub(1, Ordering::AcqRel) == 1
                    && let Some(whole) = whole.lock().unwrap_or_else(PoisonError::into_inner).take()
                {
                    whole.answer(all.load(Ordering::Acquire));
                }
            })
        };
        (0..parts).map(part).collect()
    }

    fn tell(&mut self, kept: bool) {
        if let Some(told) = self.0.take() {
            told(kept);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.tell(false);
    }
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receipt")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn check(answers: &[Option<bool>], expected: bool) {
        let (send, told) = channel();
        let parts = Receipt::new(move |kept| send.send(kept).expect("the test listens")).split(answers.len());
        for (part, answer) in parts.into_iter().zip(answers) {
            match answer {
                Some(kept) => part.answer(*kept),
                None => drop(part),
            }
        }
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [expected], "{answers:?}");
    }

    #[test]
    fn a_whole_is_kept_when_every_part_is() {
        check(&[], true);
        check(&[Some(true)], true);
        check(&[Some(true), Some(true), Some(true)], true);
        check(&[Some(true), Some(false), Some(true)], false);
        check(&[Some(true), None], false);
    }
}
