//! From what an event is to the rules it may meet: a table by product, channel and event id, and one by class, so that an event costs a few
//! look-ups however many log sources are loaded.

use std::collections::HashMap;

use event::native::Native;

use super::source::When;

/// One way to meet the rules of one group.
pub(super) type Place = (usize, usize);

#[derive(Default)]
pub(super) struct Routes {
    native: HashMap<u64, Vec<Place>>,
    body: HashMap<String, Vec<Place>>,
}

impl Routes {
    pub(super) fn add(&mut self, group: usize, when: &[When]) {
        for (at, when) in when.iter().enumerate() {
            if !when.body.is_empty() {
                self.body.entry(when.body.clone()).or_default().push((group, at));
            } else if when.event_id.is_empty() {
                self.native.entry(key(&when.product, &when.channel, None)).or_default().push((group, at));
            } else {
                for id in &when.event_id {
                    self.native.entry(key(&when.product, &when.channel, Some(*id))).or_default().push((group, at));
                }
            }
        }
    }

    /// For a record in its source's own words. Keys are hashes: the caller still asks [`When::holds`].
    pub(super) fn native(&self, native: &Native, id: Option<i64>) -> impl Iterator<Item = Place> {
        let with_id = id.map(|id| [key(&native.product, &native.service, Some(id)), key(&native.product, "", Some(id))]);
        let keys = [key(&native.product, &native.service, None), key(&native.product, "", None)];
        with_id.into_iter().flatten().chain(keys).filter_map(|key| self.native.get(&key)).flatten().copied()
    }

    /// For an event of that class.
    pub(super) fn body(&self, word: &str) -> &[Place] {
        self.body.get(word).map_or(&[], Vec::as_slice)
    }
}

/// FNV-1a over the parts; channels have no case.
fn key(product: &str, channel: &str, id: Option<i64>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    product.bytes().for_each(&mut add);
    add(0xff);
    channel.bytes().map(|b| b.to_ascii_lowercase()).for_each(&mut add);
    if let Some(id) = id {
        add(0xff);
        id.to_le_bytes().into_iter().for_each(&mut add);
    }
    hash
}
