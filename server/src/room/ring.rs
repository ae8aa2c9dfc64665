//! The newest entries of a room, encoded, without a gap: what live members are served from.

use super::entry::Encoded;
use chat_log::Position;
use std::collections::VecDeque;
use std::sync::Arc;

/// What a ring keeps at the most. Members that are farther behind read pages of the log.
const RING_ENTRIES: usize = 256;

/// The same in bytes of encoded frames.
const RING_BYTES: usize = 256 * 1024;

/// A run of a room's entries.
#[derive(Debug)]
pub(super) struct Ring {
    /// The position before the first entry here.
    base: Position,
    /// The position of the last one, or the base.
    head: Position,
    entries: VecDeque<Arc<Encoded>>,
    bytes: usize,
}

impl Ring {
    pub(super) fn new(at: Position) -> Self {
        Self { base: at, head: at, entries: VecDeque::new(), bytes: 0 }
    }

    pub(super) fn head(&self) -> Position {
        self.head
    }

    /// Appends the entry that follows on the head.
    pub(super) fn push(&mut self, entry: Arc<Encoded>) {
        self.head = entry.position;
        self.bytes += entry.len();
        self.entries.push_back(entry);
        while self.entries.len() > RING_ENTRIES || (self.bytes > RING_BYTES && self.entries.len() > 1) {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.len();
            self.base = oldest.position;
        }
    }

    /// An entry of the log that nobody can be sent is passed over.
    pub(super) fn skip(&mut self, position: Position) {
        self.entries.clear();
        (self.bytes, self.base, self.head) = (0, position, position);
    }

    /// The log is at the same entry in a later epoch.
    pub(super) fn raise(&mut self, epoch: u64) {
        self.head.epoch = epoch;
        if self.entries.is_empty() {
            self.base = self.head;
        }
    }

    /// The entries after a position; `None` if it is not a position of this run.
    pub(super) fn after(&self, at: Position) -> Option<Vec<Arc<Encoded>>> {
        if at == self.head {
            return Some(Vec::new());
        }
        let first = if at == self.base {
            0
        } else {
            // Numbers have no gaps, so that the place follows from them.
            let place = usize::try_from(at.n.checked_sub(self.base.n + 1)?).ok()?;
            (self.entries.get(place)?.position == at).then_some(place + 1)?
        };
        Some(self.entries.range(first..).cloned().collect())
    }
}
