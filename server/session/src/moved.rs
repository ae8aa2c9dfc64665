//! A session on its way from one owner to the next, as bytes: what a server gives away when a WebSocket of the session has
//! landed on another one.
//!
//! The record does not change by a move, and neither does the fence: there is one owner before and one after, or none if the
//! bytes get lost, and then the client comes back by its pid. What comes in is another server's word, maybe of another build:
//! it is bounded, read strictly, and refused as a whole if there is anything odd about it.

mod bytes;

use crate::bounds::{DIRTY_MAX, MOVED_BYTES_MAX, MOVED_PINGS_MAX};
use crate::{Fence, JoinNumber, Pid};
use bytes::{Reader, Writer};
use chat_log::Position;
use std::collections::HashSet;

/// The version of the format. A server refuses what it does not know, and the client then recovers by its pid.
const VERSION: u8 = 1;

/// A session on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The session's secret; none without recovery.
    pub(crate) pid: Option<Pid>,
    pub(crate) fence: Fence,
    /// The last join number, where there is no record to count them.
    pub(crate) joins: u32,
    pub(crate) stays: Vec<MovedStay>,
    /// Rooms ahead of the record: what was enqueued last, or is claimed, of each such stay.
    pub(crate) dirty: Vec<(JoinNumber, Position)>,
    /// Pings in flight, oldest first, with what each of them will prove.
    pub(crate) pings: Vec<Vec<(JoinNumber, Position)>>,
}

/// A stay of such a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedStay {
    /// The room's name.
    pub room: String,
    /// The stay.
    pub join: JoinNumber,
    /// Everything up to here was enqueued; with a claim, what is in the record.
    pub at: Position,
    /// Whether the stay has a claim (its position is in dirty) that was not yet held against the log.
    pub claimed: bool,
}

/// The bytes are no session that this build knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no session of this version")]
pub struct BadMoved;

impl Moved {
    /// The session's secret; none without recovery.
    pub fn pid(&self) -> Option<Pid> {
        self.pid
    }

    /// The fence under which its owner writes.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// The rooms that it is in.
    pub fn stays(&self) -> &[MovedStay] {
        &self.stays
    }

    /// Appends it as bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let Self { pid, fence, joins, stays, dirty, pings } = self;
        let mut out = Writer(out);
        out.byte(VERSION);
        out.byte(u8::from(pid.is_some()));
        if let Some(pid) = pid {
            out.bytes(pid.expose());
        }
        out.number(fence.0.into());
        out.number((*joins).into());
        out.number(stays.len() as u64);
        for MovedStay { room, join, at, claimed } in stays {
            out.text(room);
            out.number(join.0.into());
            out.position(*at);
            out.byte(u8::from(*claimed));
        }
        out.places(dirty);
        out.number(pings.len() as u64);
        for copy in pings {
            out.places(copy);
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadMoved> {
        if bytes.len() > MOVED_BYTES_MAX {
            return Err(BadMoved);
        }
        let mut from = Reader(bytes);
        if from.byte()? != VERSION {
            return Err(BadMoved);
        }
        let pid = if from.flag()? { Some(Pid::concealed(from.array()?)) } else { None };
        let (fence, joins) = (Fence(from.number_u32()?), from.number_u32()?);
        let stays = from.list(usize::MAX, |from| {
            Ok(MovedStay {
                room: from.text()?,
                join: JoinNumber(from.number_u32()?),
                at: from.position()?,
                claimed: from.flag()?,
            })
        })?;
        let dirty = from.places()?;
        let pings = from.list(MOVED_PINGS_MAX, Reader::places)?;
        let moved = Self { pid, fence, joins, stays, dirty, pings };
        if from.0.is_empty() && moved.holds_together() { Ok(moved) } else { Err(BadMoved) }
    }

    /// Each room once, each join number once, and nothing dirty or claimed but what one is in.
    fn holds_together(&self) -> bool {
        let (mut rooms, mut joins) = (HashSet::new(), HashSet::new());
        let apart = self.stays.iter().all(|stay| rooms.insert(&*stay.room) && joins.insert(stay.join));
        let mut dirty = HashSet::new();
        let known = self.dirty.iter().all(|(join, _)| joins.contains(join) && dirty.insert(*join));
        let claims = self.stays.iter().all(|stay| !stay.claimed || dirty.contains(&stay.join));
        apart && known && claims && self.dirty.len() <= DIRTY_MAX && (self.pid.is_some() || self.dirty.is_empty())
    }
}
