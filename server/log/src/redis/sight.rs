//! From what Redis showed of a room to the page that a reader gets. Pure.
//!
//! What is under a room's keys may be none of ours: a foreign value, an entry that somebody took out. Readers must neither stumble over it nor read
//! it for ever. So entries that are missing or cannot be read are what trimmed ones are: a gap, up to the next one that can be had.

use std::sync::Arc;

use chat_redis::Value;

use super::call;
use crate::branches::Branches;
use crate::outline::Outline;
use crate::{Entry, GapReason, Page, Position, Reach, Start};

/// What was seen of a room, reading after a number.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) epoch: u64,
    pub(super) tail: u64,
    pub(super) branches: Branches,
    /// The number before the first entry after the asked one that can be had.
    pub(super) floor: u64,
    pub(super) entries: Vec<Value>,
}

/// A page, and how many entries had to be passed over.
#[derive(Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) page: Page,
    pub(super) corrupt: usize,
}

impl Sight {
    fn outline(&self) -> Outline<'_> {
        Outline { epoch: self.epoch, tail: self.tail, branches: &self.branches }
    }

    /// See [`RoomLog::reach`](crate::RoomLog::reach).
    pub(super) fn reach(&self, position: Position) -> Reach {
        self.outline().reach(position)
    }

    /// The page after a position, if this was seen reading after `read`; else the number to read after.
    pub(super) fn page(&self, asked: Position, read: u64) -> Result<Shown, u64> {
        let outline = self.outline();
        let base = outline.base(asked);
        if base != read && outline.reach(asked) != Reach::Ahead {
            return Err(base);
        }
        let (mut start, from) = outline.start(asked, self.floor.clamp(base, self.tail.max(base)));
        let (mut entries, mut corrupt) = (Vec::with_capacity(self.entries.len()), 0);
        if let Some(from) = from {
            let mut last = from;
            for value in &self.entries {
                match self.own(value) {
                    Ok(entry) if entry.position.n == last + 1 || entries.is_empty() && entry.position.n > last => {
                        if entries.is_empty() {
                            last = entry.position.n - 1;
                        }
                        last += 1;
                        entries.push(Arc::new(entry));
                    }
                    // The next page begins with it.
                    _ if !entries.is_empty() => break,
                    Ok(_) => corrupt += 1,
                    Err(passed) => {
                        corrupt += 1;
                        last = passed.filter(|n| *n <= self.tail).map_or(last, |n| last.max(n));
                    }
                }
            }
            let first = last - entries.len() as u64;
            if first > from {
                start = match start {
                    // What is known of the loss is said first; the next read says the rest.
                    Start::Void { .. } => {
                        entries.clear();
                        start
                    }
                    Start::Gap { reason, .. } => Start::Gap { to: outline.place(first), reason },
                    Start::Follows | Start::Ahead => {
                        Start::Gap { to: outline.place(first), reason: GapReason::Trimmed }
                    }
                };
            }
        }
        Ok(Shown { page: Page { start, entries, tail: outline.tail() }, corrupt })
    }

    /// The entry, if it is one of ours; else its number, if it has one.
    fn own(&self, value: &Value) -> Result<Entry, Option<u64>> {
        own(&self.branches, value)
            .filter(|entry| entry.position.n <= self.tail)
            .ok_or_else(|| call::entry(value).map(|(position, _)| position.n))
    }
}

/// The entry, if it stands where the room's numbers and epochs say.
pub(super) fn own(branches: &Branches, value: &Value) -> Option<Entry> {
    let (Position { epoch, n }, entry) = call::entry(value)?;
    entry.filter(|_| branches.epoch_of(n) == Some(epoch))
}
