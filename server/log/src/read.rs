//! What a reader is told: how its position stands to the log, and the entries from there.
//!
//! A position is held against the log as it is now, since a log may lose entries that were read (a failover), everything (a
//! data set lost), or its oldest ones (retention). "After the same `n`" is therefore never enough.

use std::sync::Arc;

use crate::{Entry, Position};

/// A page of entries in the order of the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How the page follows on the position that was asked for.
    pub start: Start,
    /// The entries after `start`, without gaps; at most as many as were asked for. Empty does not mean that there are no more: compare with
    /// `tail`, and read again from the position that `start` names.
    pub entries: Vec<Arc<Entry>>,
    /// The position just before the entry that will be appended next.
    pub tail: Position,
}

impl Page {
    /// The position to read on from, for a reader that asked from `asked`.
    pub fn end(&self, asked: Position) -> Position {
        let start = match self.start {
            Start::Follows | Start::Ahead => asked,
            Start::Gap { to, .. } => to,
            Start::Void { after } => after,
        };
        self.entries.last().map_or(start, |entry| entry.position)
    }

    /// There is no more to read now for a reader that asked from `asked`. (At the tail the epochs may differ: the number tells.)
    pub fn is_last(&self, asked: Position) -> bool {
        self.start == Start::Ahead || self.end(asked).n == self.tail.n
    }
}

/// How a page follows on the position that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Its first entry is the next one.
    Follows,
    /// What lies between cannot be had any more. The entries follow on `to`.
    Gap {
        /// The position just before the first entry that can be had.
        to: Position,
        /// Why.
        reason: GapReason,
    },
    /// The reader has seen entries that the log lost: those after this position are to be withdrawn. The entries follow on `after`.
    Void {
        /// The last position that the reader and the log share, in the epoch of what follows it: so it is above every position that is void.
        after: Position,
    },
    /// The position's epoch is above the log's: this view of the log is old. No entries; ask again later, or elsewhere.
    Ahead,
}

/// Why entries cannot be had any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// Retention took the oldest entries of the room.
    Trimmed,
    /// The log started anew, or lost so much that it cannot tell what the reader shares with it: forget all, read from `to`.
    Reset,
}

/// How far a reader of a position agrees with the log as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Up to this `n`, at most the position's own. Lower than that: a read from it starts with [`Start::Void`].
    To(u64),
    /// The position's epoch is above the log's: this view of the log is old. A read from it says [`Start::Ahead`].
    Ahead,
    /// It shares nothing with the log, or nobody knows what. A read from it starts with a gap for [`GapReason::Reset`].
    Reset,
}

/// A page of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// In the order of the room.
    pub entries: Vec<Arc<Entry>>,
    /// There are older entries that can be had.
    pub more: bool,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The log cannot be reached.
    #[error("the log cannot be reached")]
    Unavailable,
}
