//! Who brought a batch may wait to hear that it is on disk: a shipper that gets its answer, a journal whose cursor moves on.

/// Called once: with true when the records are on disk. One that is dropped on the way says false.
pub struct Receipt(Option<Box<dyn FnOnce(bool) + Send + Sync>>);

impl Receipt {
    pub fn new(told: impl FnOnce(bool) + Send + Sync + 'static) -> Receipt {
        Receipt(Some(Box::new(told)))
    }

    pub fn answer(mut self, kept: bool) {
        self.tell(kept);
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
