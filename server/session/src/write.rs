//! What a session asks of the store of records, and what may become of it.
//!
//! Each of these is made by the machine, carried out by the store, and handed back to the machine with the answer. They
//! cannot be copied, so that no answer comes twice.

use crate::{Fence, JoinNumber};
use chat_log::Position;

/// Why a write was not answered with success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failed {
    /// It was certainly not made. Nothing changes: what went on before goes on.
    #[error("the session store did not take the write")]
    Refused,
    /// Nobody knows whether it was made.
    #[error("the session store did not say whether the write was made")]
    Unknown,
    /// Somebody else has taken the session over.
    #[error("the session was taken over")]
    Fenced,
    /// The record has expired or was deleted. It is never made anew.
    #[error("the session's record is gone")]
    Gone,
}

/// Write this stay to the record: [`Record::join`](crate::Record::join).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the store is to write it"]
pub struct Join<R> {
    /// Under this fence.
    pub fence: Fence,
    /// The room.
    pub room: R,
    /// The stay begins after this entry.
    pub start: Position,
}

/// Take this stay out of the record: [`Record::leave`](crate::Record::leave).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the store is to write it"]
pub struct Leave {
    /// Under this fence.
    pub fence: Fence,
    /// The stay.
    pub join: JoinNumber,
}

/// Raise these positions in the record: [`Record::checkpoint`](crate::Record::checkpoint).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the store is to write it"]
pub struct Checkpoint {
    /// Under this fence.
    pub fence: Fence,
    /// What the client has received, a stay each.
    pub places: Box<[(JoinNumber, Position)]>,
}

/// What the answer to a [`Checkpoint`] means for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Checkpointed {
    /// The number of dirty rooms is as it was.
    Same,
    /// Fewer rooms are dirty: members that were told to [`Wait`](crate::Placement::Wait) may go on.
    Freed,
    /// The session is over here: close the transport.
    Close(Failed),
}
