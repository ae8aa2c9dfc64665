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
    /// The last raise, from and to: two positions of one place.
    raised: Option<(Position, Position)>,
    entries: VecDeque<Arc<Encoded>>,
    bytes: usize,
}

impl Ring {
    pub(super) fn new(at: Position) -> Self {
        Self { base: at, head: at, raised: None, entries: VecDeque::new(), bytes: 0 }
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
        let from = self.raised.filter(|(_, to)| *to == self.head).map_or(self.head, |(from, _)| from);
        self.head.epoch = epoch;
        self.raised = Some((from, self.head));
    }

    /// The entries after a position; `None` if it is not a position of this run.
    pub(super) fn after(&self, at: Position) -> Option<Vec<Arc<Encoded>>> {
        if at == self.head {
            return Some(Vec::new());
        }
        let at = self.raised.filter(|(_, to)| *to == at).map_or(at, |(from, _)| from);
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

#[cfg(test)]
mod tests {
    use super::*;
    use chat_log::Entry;

    fn entry(epoch: u64, n: u64) -> Arc<Encoded> {
        let body = br#"{"id":"1"}"#.as_slice().into();
        let entry = Entry { position: Position::new(epoch, n), at_ms: 0, author: "a".into(), id: "1".into(), body };
        Arc::new(Encoded::new(&"room".into(), &entry).expect("a good body"))
    }

    fn after(ring: &Ring, epoch: u64, n: u64) -> Option<Vec<u64>> {
        let entries = ring.after(Position::new(epoch, n))?;
        Some(entries.iter().map(|entry| entry.position.n).collect())
    }

    #[test]
    fn a_position_of_the_run_finds_what_follows() {
        let mut ring = Ring::new(Position::new(1, 5));
        (6..=8).for_each(|n| ring.push(entry(1, n)));
        assert_eq!(after(&ring, 1, 5), Some(vec![6, 7, 8]));
        assert_eq!(after(&ring, 1, 7), Some(vec![8]));
        assert_eq!(after(&ring, 1, 8), Some(vec![]));
        assert_eq!((after(&ring, 1, 4), after(&ring, 2, 7), after(&ring, 1, 9)), (None, None, None));
    }

    #[test]
    fn a_raise_keeps_both_positions_of_the_place() {
        let mut ring = Ring::new(Position::new(1, 5));
        ring.raise(2);
        ring.raise(3);
        ring.push(entry(3, 6));
        assert_eq!(after(&ring, 1, 5), Some(vec![6]), "served before the raise");
        assert_eq!(after(&ring, 3, 5), Some(vec![6]), "served after it");
        ring.raise(4);
        ring.push(entry(4, 7));
        assert_eq!((after(&ring, 3, 6), after(&ring, 4, 6)), (Some(vec![7]), Some(vec![7])));
    }

    #[test]
    fn the_oldest_make_room() {
        let mut ring = Ring::new(Position::START);
        (1..=RING_ENTRIES as u64 + 10).for_each(|n| ring.push(entry(1, n)));
        assert_eq!(after(&ring, 1, 9), None);
        assert_eq!(after(&ring, 1, 10).map(|entries| entries.len()), Some(RING_ENTRIES));
    }
}
