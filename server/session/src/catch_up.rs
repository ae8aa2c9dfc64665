//! A member that is behind its room: what becomes of each page of the log that it reads.
//!
//! Joining, recovering and being slow are all this: read a page after `at`, take a [`turn`](CatchUp::turn) with how the
//! page begins, enqueue what it says, deliver its entries; at the room's head the member is live again.

use crate::{JoinNumber, Placement, RoomRef, Rule, Session, holds, write_position, write_shared};
use chat_log::Position;

/// Where a member stands that is not at its room's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatchUp {
    /// What it was sent last.
    pub at: Position,
}

/// How the log goes on after a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// By the next entry, or not at all yet.
    Follows,
    /// After a range that cannot be had any more.
    Gap {
        /// The last entry that is missing.
        to: Position,
    },
    /// Not at all: the position is beyond what its epoch reaches. Entries were lost after it was handed out.
    Void {
        /// The last entry that still stands.
        after: Position,
        /// The epoch of the entry that comes next, or the log's if there is none yet.
        next_epoch: u64,
    },
    /// The position's epoch is above the log's: this view of the log is old.
    Ahead,
}

/// As the page of a log begins. The log names what stands in the epoch of what comes next.
impl From<chat_log::Start> for Start {
    fn from(start: chat_log::Start) -> Self {
        match start {
            chat_log::Start::Follows => Self::Follows,
            chat_log::Start::Gap { to, reason: _ } => Self::Gap { to },
            chat_log::Start::Void { after } => Self::Void { after, next_epoch: after.epoch },
            chat_log::Start::Ahead => Self::Ahead,
        }
    }
}

/// What a member gets before the entries of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Turn {
    /// Nothing: deliver the entries.
    Entries,
    /// Enqueue `gap`; the page's entries may follow.
    Gap {
        /// What the member was sent last.
        from: Position,
        /// The last entry that is missing.
        to: Position,
        /// The event's offset.
        offset: Option<String>,
    },
    /// Enqueue `void`; then read again from the new position.
    Void {
        /// The last entry that still stands.
        after: Position,
        /// The event's offset.
        offset: Option<String>,
    },
    /// Nothing yet: a checkpoint, a claim or a newer view of the log is missing.
    Wait,
}

impl CatchUp {
    /// Takes a page's beginning. On [`Turn::Gap`] and [`Turn::Void`] position and offset have changed: enqueue the event in
    /// this step.
    pub fn turn<R: RoomRef>(&mut self, session: &mut Session<R>, join: JoinNumber, start: Start) -> Turn {
        let from = self.at;
        match start {
            Start::Follows => Turn::Entries,
            Start::Gap { .. } if !holds(Rule::TrimCheck) => Turn::Entries,
            Start::Gap { to } => match self.place(session, join, to) {
                Some(offset) => Turn::Gap { from, to, offset },
                None => Turn::Wait,
            },
            Start::Void { .. } if !holds(Rule::Void) => Turn::Entries,
            Start::Void { after, next_epoch } => {
                // Above what is void, so that neither record nor offset falls back to it.
                let epoch = if holds(Rule::VoidForward) { next_epoch } else { after.epoch };
                match self.place(session, join, Position::new(epoch, after.n)) {
                    Some(offset) => Turn::Void { after, offset },
                    None => Turn::Wait,
                }
            }
            Start::Ahead => Turn::Wait,
        }
    }

    /// Takes entries of the page up to and with `last`, which follow on this position: enqueue them as told, in this step.
    pub fn deliver<R: RoomRef>(&mut self, session: &mut Session<R>, join: JoinNumber, last: Position) -> Placement {
        let placement = session.deliver(join, last);
        match placement {
            Placement::Shared | Placement::Own | Placement::Bare => self.at = last,
            Placement::Wait => {}
        }
        placement
    }

    /// Goes to `at` and writes the offset of an event there; the inner `None` has no recovery, the outer one has to wait.
    #[allow(clippy::option_option, reason = "the two are different answers, and both are used at once")]
    fn place<R: RoomRef>(
        &mut self,
        session: &mut Session<R>,
        join: JoinNumber,
        at: Position,
    ) -> Option<Option<String>> {
        let mut offset = Vec::new();
        match self.deliver(session, join, at) {
            Placement::Shared => write_shared(session.stay(join)?.room.name(), at, &mut offset),
            Placement::Own => {
                session.own_prefix(join, &mut offset);
                write_position(at, &mut offset);
            }
            Placement::Bare => return Some(None),
            Placement::Wait => return None,
        }
        Some(String::from_utf8(offset).ok().filter(|_| holds(Rule::GapOffset)))
    }
}
