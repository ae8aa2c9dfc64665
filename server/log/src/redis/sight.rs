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

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Value {
        Value::Bytes(text.to_owned().into())
    }

    /// An entry as Redis shows it; one that is none of ours where `packed` is not.
    fn entry(id: &str, packed: &str) -> Value {
        Value::Array(vec![bytes(id), Value::Array(["t", "7", "e", packed].map(bytes).into())])
    }

    const OURS: &str = "\u{1}\u{1}a\u{1}ibody";

    fn sight(branches: &str, tail: u64, floor: u64, entries: &[(&str, &str)]) -> Sight {
        let entries = entries.iter().map(|(id, packed)| entry(id, packed)).collect();
        Sight { epoch: 9, tail, branches: Branches::parse(branches).expect("a table"), floor, entries }
    }

    fn shown(sight: &Sight, asked: Position, read: u64) -> (Start, Vec<u64>, usize) {
        let Shown { page, corrupt } = sight.page(asked, read).expect("a page");
        (page.start, page.entries.iter().map(|entry| entry.position.n).collect(), corrupt)
    }

    fn gap(epoch: u64, n: u64) -> Start {
        Start::Gap { to: Position::new(epoch, n), reason: GapReason::Trimmed }
    }

    #[test]
    fn what_is_unreadable_is_a_gap_and_then_the_end_of_a_page() {
        let all = [("5-1", OURS), ("5-2", "?"), ("5-3", OURS), ("6-4", OURS)];
        let room = |from: usize| sight("5:1 6:4", 4, from as u64, &all[from..]);
        assert_eq!(shown(&room(0), Position::START, 0), (Start::Follows, vec![1], 0));
        assert_eq!(shown(&room(1), Position::new(5, 1), 1), (gap(5, 2), vec![3, 4], 1));
        assert_eq!(shown(&room(3), Position::new(5, 3), 3), (Start::Follows, vec![4], 0));
    }

    #[test]
    fn readers_pass_what_is_unreadable_to_the_end() {
        let room = sight("5:1", 3, 1, &[("5-2", "?"), ("5-3", "?")]);
        assert_eq!(shown(&room, Position::new(5, 1), 1), (gap(9, 3), vec![], 2));
        let foreign = sight("5:1", 3, 3, &[("5-999", OURS)]);
        assert_eq!(shown(&foreign, Position::new(5, 2), 2), (gap(9, 3), vec![], 1));
        let elsewhere = sight("5:1", 3, 1, &[("8-2", OURS), ("5-3", OURS)]);
        assert_eq!(shown(&elsewhere, Position::new(5, 1), 1), (gap(5, 2), vec![3], 1), "not of that epoch");
    }

    #[test]
    fn a_hole_ends_a_page() {
        let room = sight("5:1", 4, 0, &[("5-1", OURS), ("5-3", OURS)]);
        assert_eq!(shown(&room, Position::START, 0), (Start::Follows, vec![1], 0));
        let room = sight("5:1", 4, 2, &[("5-3", OURS), ("5-4", OURS)]);
        assert_eq!(shown(&room, Position::new(5, 1), 1), (gap(5, 2), vec![3, 4], 0));
    }

    #[test]
    fn a_void_is_read_from_where_it_ends() {
        let room = sight("5:1 9:3", 4, 4, &[]);
        let lost = Position::new(5, 7);
        assert_eq!(room.page(lost, 7), Err(2));
        let room = sight("5:1 9:3", 4, 2, &[("9-3", OURS), ("9-4", OURS)]);
        let void = Start::Void { after: Position::new(9, 2) };
        assert_eq!(shown(&room, lost, 2), (void, vec![3, 4], 0));
        let trimmed = sight("5:1 9:3", 4, 3, &[("9-4", OURS)]);
        assert_eq!(shown(&trimmed, lost, 2), (void, vec![], 0), "the next read says the rest");
    }

    #[test]
    fn tables_that_are_none_are_refused() {
        assert!(Branches::parse("").is_some());
        for text in ["what", "5", "5:", "5:1 5:2", "6:1 5:2", "5:1 6:1", "5:2", "5:1  6:2", "-5:1"] {
            assert!(Branches::parse(text).is_none(), "{text:?}");
        }
        let long = |count: u64| (1..=count).map(|i| format!("{i}:{i}")).collect::<Vec<_>>().join(" ");
        assert!(Branches::parse(&long(64)).is_some() && Branches::parse(&long(65)).is_none());
    }
}
