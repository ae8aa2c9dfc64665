//! What goes into a log, what is in it, and why it may be refused.

use std::sync::Arc;

use bytes::Bytes;

use crate::Position;

/// A wish: this is to become the next entry of `room`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The room. It begins to exist with its first entry.
    pub room: Arc<str>,
    /// Who appends: the scope in which `id` is unique.
    pub author: Arc<str>,
    /// Chosen by the author. A second append to the room with the same author and id is answered with the first one's position.
    pub id: Box<str>,
    /// Opaque to the log.
    pub body: Bytes,
}

/// An entry of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place. No other entry of the room ever had or will have it.
    pub position: Position,
    /// When it was appended, in milliseconds since 1970 by the log's clock. Never lower than that of the entry before it.
    pub at_ms: u64,
    /// Who appended it.
    pub author: Arc<str>,
    /// The author's own id for it.
    pub id: Box<str>,
    /// As it was given.
    pub body: Bytes,
}

/// Where an append has its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The place of the entry; for a duplicate, of the first one.
    pub position: Position,
    /// The time of the entry; for a duplicate, of the first one.
    pub at_ms: u64,
    /// An entry with this author and id was there already; nothing was appended.
    pub duplicate: bool,
    /// Another process holds the entry too, so that the end of one loses nothing.
    pub replicated: bool,
}

/// Why an append has no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The log cannot be reached. Nothing was appended.
    #[error("the log cannot be reached")]
    Unavailable,
    /// It may have been appended or not. The same append again, within the dedup window, finds out.
    #[error("the outcome of the append is unknown")]
    UnknownOutcome,
    /// The entry is larger than the log takes. Nothing was appended.
    #[error("the entry is larger than {max} bytes")]
    TooLarge {
        /// The most bytes of author, id and body together.
        max: usize,
    },
    /// A bound of the log is reached. Nothing was appended; later there may be place again.
    #[error("the log is full: {0}")]
    Full(Bound),
}

/// What a log may have no more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Bound {
    /// Rooms that have or had an entry.
    #[error("no more rooms")]
    Rooms,
    /// Bytes of entries and remembered ids.
    #[error("no more bytes")]
    Bytes,
    /// Ids that are remembered for one room; forgetting one early would break the promise of the dedup window.
    #[error("no more ids in the room's dedup window")]
    Ids,
    /// Numbers: a room holds at most [`NUMBER_MAX`](crate::NUMBER_MAX) entries in its life.
    #[error("no more numbers in the room")]
    Numbers,
}
