//! Records of many senders to batches, one for each sender, in the order in which the senders were first heard.
//!
//! Many small deliveries become few batches: what waits is joined before it goes on. Records are numbered here, and the numbers begin at the
//! microsecond in which the source began, so that no two runs give two records of one sender the same number (and thereby one name).

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::{Batch, Out};

/// What waits is joined up to this.
pub(crate) const JOINED_BYTES_MAX: usize = 1 << 20;

pub(crate) struct Gather {
    batches: Vec<Batch>,
    by_name: HashMap<Arc<str>, usize>,
    bytes: usize,
}

impl Gather {
    pub(crate) fn new() -> Gather {
        Gather { batches: Vec::new(), by_name: HashMap::new(), bytes: 0 }
    }

    /// The batch of a sender.
    pub(crate) fn of(&mut self, name: &Arc<str>) -> &mut Batch {
        let at = *self.by_name.entry(Arc::clone(name)).or_insert_with(|| {
            self.batches.push(Batch::of(Arc::clone(name)));
            self.batches.len() - 1
        });
        &mut self.batches[at]
    }

    pub(crate) fn add(&mut self, chunk: &Batch) {
        self.bytes += chunk.bytes();
        self.of(&chunk.source).join(chunk);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= JOINED_BYTES_MAX
    }

    pub(crate) fn into_batches(self) -> Vec<Batch> {
        self.batches
    }
}

/// The number of the next record of a source.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new() -> Numbers {
        Numbers(Numbers::start())
    }

    pub(crate) fn start() -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_micros()).unwrap_or(1)
    }

    /// Numbers and hands over.
    pub(crate) fn hand(&mut self, mut batch: Batch, out: &mut Out<'_>) -> ControlFlow<()> {
        batch.first_number = self.0;
        self.0 += batch.line_count() as u64;
        out(batch)
    }
}
