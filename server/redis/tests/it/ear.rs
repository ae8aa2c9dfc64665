//! A subscriber that keeps the books.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use chat_redis::{Partition, Subscriber, Subscription};
use parking_lot::Mutex;

use crate::bed::{Bed, Books};

#[derive(Default)]
pub(crate) struct Ear {
    pub(crate) heard: Mutex<BTreeSet<u64>>,
    pub(crate) disturbed: Mutex<Vec<Instant>>,
}

impl Ear {
    /// At the channel that `put` publishes on.
    pub(crate) fn at(bed: &Bed, partition: Partition) -> (Arc<Self>, Subscription) {
        let ear = Arc::new(Self::default());
        let channel = bed.cluster.channel(partition, "x");
        (ear.clone(), bed.cluster.subscribe(channel, partition, ear))
    }

    pub(crate) fn disturbances(&self) -> usize {
        self.disturbed.lock().len()
    }

    /// Whatever was acknowledged was heard, or a disturbance came after it was written.
    pub(crate) fn missed_nothing_unsaid(&self, books: &Books) -> usize {
        let (heard, disturbed) = (self.heard.lock(), self.disturbed.lock());
        let last = disturbed.last().copied();
        let missed: Vec<_> = books.acked.iter().filter(|(id, _)| !heard.contains(*id)).collect();
        for (id, began) in &missed {
            assert!(last.is_some_and(|last| last > **began), "{id} was missed, and no disturbance came after it");
        }
        missed.len()
    }
}

impl Subscriber for Ear {
    fn message(&self, payload: Bytes) {
        let id = std::str::from_utf8(&payload).expect("text").parse().expect("a number");
        self.heard.lock().insert(id);
    }

    fn disturbed(&self) {
        self.disturbed.lock().push(Instant::now());
    }
}
