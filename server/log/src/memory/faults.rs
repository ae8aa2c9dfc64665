//! Ways to hurt a memory log on purpose, for tests: what a log on other machines does to its users by itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{MemoryLog, Shared};

/// Faults that last.
#[derive(Debug, Default)]
pub(super) struct Faults {
    out: AtomicBool,
    answers_to_lose: AtomicUsize,
}

impl MemoryLog {
    /// What a failover does that lost entries: in this room those after number `n` vanish, with their ids; the epoch rises.
    pub fn roll_back(&self, room: &str, n: u64) {
        self.shared.rooms.look(room, |room| {
            self.shared.raise_epoch();
            room.roll_back(n, &self.shared.ledger);
        });
    }

    /// The data set is lost, counters and ids too; the epoch rises.
    pub fn restart(&self) {
        self.shared.rooms.at_once(|rooms| {
            self.shared.raise_epoch();
            rooms.for_each(|room| room.roll_back(0, &self.shared.ledger));
        });
    }

    /// From now on the log cannot be reached: appends and reads say so.
    pub fn pause(&self) {
        self.shared.faults.out.store(true, Ordering::SeqCst);
    }

    /// The log can be reached again; all followers are told to read.
    pub fn resume(&self) {
        self.shared.faults.out.store(false, Ordering::SeqCst);
        self.shared.rooms.for_each(|room| room.disturb());
    }

    /// The next `count` appends that succeed are answered as if nobody knew
    /// ([`AppendError::UnknownOutcome`](crate::AppendError::UnknownOutcome)).
    pub fn lose_answers(&self, count: usize) {
        self.shared.faults.answers_to_lose.store(count, Ordering::SeqCst);
    }
}

impl Shared {
    pub(super) fn is_out(&self) -> bool {
        self.faults.out.load(Ordering::SeqCst)
    }

    pub(super) fn loses_answer(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        let left = &self.faults.answers_to_lose;
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }

    fn raise_epoch(&self) {
        let now = (self.clock)() / 1000;
        let risen = |old: u64| Some((old + 1).max(now));
        let _ = self.epoch.fetch_update(Ordering::SeqCst, Ordering::SeqCst, risen);
    }
}
