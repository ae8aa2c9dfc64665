//! The session on its owner: which rooms it is in, and in which of them it is ahead of its record.
//!
//! It is kept under the same lock as the connection's outbox, and each call that changes what was sent is made in one
//! step with placing the frames there. Ten thousand of them are asked at every broadcast, and ten thousand idle ones are
//! kept, so it is small: a live member has no state here but a slot in `dirty`, and its position is its room's head.

mod claims;
mod connect;
mod moves;
mod pings;
mod requests;

pub use requests::{JoinAsked, LeaveAsked};

use crate::offset::{write_join, write_own_start, write_position};
use crate::{Fence, JoinNumber, Pid, Rule, Tag, holds};
use chat_log::Position;
use pings::Pings;
use smallvec::SmallVec;
use std::sync::Arc;

/// A room, as the caller keeps it.
pub trait Named {
    /// The room's name, which records share.
    fn name(&self) -> &Arc<str>;
}

/// The caller's handle of a room, usually an [`Arc`] of it. Two handles of one name are of the same room.
pub trait RoomRef: Clone {
    /// The room's name, which records share.
    fn name(&self) -> &Arc<str>;
}

impl<T: Named> RoomRef for Arc<T> {
    fn name(&self) -> &Arc<str> {
        T::name(self)
    }
}

/// A session, for as long as this server owns it.
#[derive(Debug)]
pub struct Session<R> {
    /// Absent in sessions without recovery, which have no record and no offsets.
    identity: Option<Identity>,
    fence: Fence,
    /// The last join number, where there is no record to count them.
    joins: u32,
    stays: Vec<Stay<R>>,
    /// Rooms ahead of the record, in no order, each once, at most [`DIRTY_MAX`](crate::bounds::DIRTY_MAX).
    dirty: SmallVec<[Dirty; 1]>,
    pings: Pings,
    /// Checkpoints that the store has not answered.
    checkpoints: u16,
    /// A join or leave is with the store: requests about rooms are handled one at a time.
    busy: bool,
    bounds: Bounds,
}

/// How many rooms may be dirty. The same everywhere but in tests.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    soft: u8,
    max: u8,
}

#[derive(Clone, Copy, Debug)]
struct Identity {
    pid: Pid,
    tag: Tag,
}

/// A room that the session is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay<R> {
    /// The room.
    pub room: R,
    /// Which stay it is.
    pub join: JoinNumber,
    /// Where the caller keeps this member; the session never looks at it.
    pub place: u32,
}

/// A room in which the session is ahead of its record.
#[derive(Clone, Copy, Debug)]
struct Dirty {
    join: JoinNumber,
    /// `at` is a claim that was not yet held against the log.
    claim: bool,
    /// What was enqueued last.
    at: Position,
}

/// Which frame a member gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Placement {
    /// The frame with the shared offset.
    Shared,
    /// A frame of its own: [`Session::own_prefix`] has what to write.
    Own,
    /// The frame without an offset: the session has no recovery.
    Bare,
    /// None: nothing has changed, and nothing may be enqueued. Catch up later, after [`Checkpointed::Freed`]
    /// or when a room was left (or, for a claim, when it is resolved).
    ///
    /// [`Checkpointed::Freed`]: crate::Checkpointed::Freed
    Wait,
}

impl<R: RoomRef> Session<R> {
    /// Takes note that everything of a stay up to `at` is enqueued, and says with which offset. For a batch of entries of
    /// one room, `at` is that of the last.
    #[inline]
    pub fn deliver(&mut self, join: JoinNumber, at: Position) -> Placement {
        match self.dirty.as_mut_slice() {
            [only] if only.join == join && !only.claim => {
                only.at = at;
                Placement::Shared
            }
            [] if self.identity.is_none() => Placement::Bare,
            [] => {
                self.dirty.push(Dirty { join, claim: false, at });
                Placement::Shared
            }
            _ => self.deliver_own(join, at),
        }
    }

    fn deliver_own(&mut self, join: JoinNumber, at: Position) -> Placement {
        let full = self.dirty.len() >= usize::from(self.bounds.max) && holds(Rule::HardBound);
        match self.dirty.iter_mut().find(|dirty| dirty.join == join) {
            Some(dirty) if dirty.claim => return Placement::Wait,
            Some(dirty) => {
                dirty.at = at;
            }
            None if full => {
                return Placement::Wait;
            }
            None => self.dirty.push(Dirty { join, claim: false, at }),
        }
        if holds(Rule::OwnFrames) { Placement::Own } else { Placement::Shared }
    }

    /// Whether a checkpoint is due before the next heartbeat: place a ping in the outbox now.
    #[inline]
    pub fn wants_ping(&self) -> bool {
        self.dirty.len() >= usize::from(self.bounds.soft)
            && self.checkpoints == 0
            && !self.pings.carry_a_copy()
            && self.dirty.iter().any(|dirty| !dirty.claim)
    }

    /// Appends the part that the own offsets of all entries of a batch begin with: `s:<tag>:`, the other rooms, and this
    /// stay up to `=`. Each entry's position then follows, as [`write_position`](crate::write_position) writes it.
    ///
    /// Call it after [`deliver`](Self::deliver) said [`Placement::Own`].
    pub fn own_prefix(&self, join: JoinNumber, out: &mut Vec<u8>) {
        let Some(identity) = &self.identity else {
            return;
        };
        write_own_start(identity.tag, out);
        for dirty in self.dirty.iter().filter(|dirty| dirty.join != join) {
            write_join(dirty.join, out);
            write_position(dirty.at, out);
            out.push(b',');
        }
        write_join(join, out);
    }

    /// Appends the own offset as things are: the end of an event that belongs to no room. Nothing without recovery.
    pub fn own_offset(&self, out: &mut Vec<u8>) {
        let Some(identity) = &self.identity else {
            return;
        };
        write_own_start(identity.tag, out);
        for (place, dirty) in self.dirty.iter().enumerate() {
            if dirty.claim && !holds(Rule::ClaimCarried) {
                continue;
            }
            if place > 0 {
                out.push(b',');
            }
            write_join(dirty.join, out);
            write_position(dirty.at, out);
        }
    }

    /// The session's secret, if it can be recovered.
    pub fn pid(&self) -> Option<Pid> {
        self.identity.map(|identity| identity.pid)
    }

    /// The fence under which this owner writes.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// The rooms that it is in.
    pub fn stays(&self) -> &[Stay<R>] {
        &self.stays
    }

    /// The stay in a room.
    pub fn stay_in(&self, room: &str) -> Option<&Stay<R>> {
        self.stays.iter().find(|stay| **stay.room.name() == *room)
    }

    /// The stay of a join number.
    pub fn stay(&self, join: JoinNumber) -> Option<&Stay<R>> {
        self.stays.iter().find(|stay| stay.join == join)
    }

    /// Notes where the caller keeps the member of a stay.
    pub fn set_place(&mut self, join: JoinNumber, place: u32) {
        if let Some(stay) = self.stays.iter_mut().find(|stay| stay.join == join) {
            stay.place = place;
        }
    }

    /// Lowers the bounds of dirty, for tests that are to reach them with few rooms.
    pub fn narrow(&mut self, soft: u8, max: u8) {
        self.bounds = Bounds { soft: soft.min(self.bounds.soft), max: max.min(self.bounds.max) };
    }

    /// How many rooms are ahead of the record.
    pub fn dirty_len(&self) -> usize {
        self.dirty.len()
    }

    /// The own offset as text; `None` without recovery.
    fn own_text(&self) -> Option<String> {
        self.identity?;
        let mut bytes = Vec::new();
        self.own_offset(&mut bytes);
        Some(ascii(&bytes))
    }
}

/// Own offsets are ASCII: a tag, digits and punctuation.
fn ascii(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
