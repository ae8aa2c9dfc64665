//! The session's change of server while it is connected: out of one machine, into another.

use super::pings::Pings;
use super::{Bounds, Dirty, Identity, RoomRef, Session, Stay};
use crate::bounds::{DIRTY_MAX, DIRTY_SOFT};
use crate::{Follow, Moved, MovedStay, Rule, holds};
use chat_log::Position;

impl<R: RoomRef> Session<R> {
    /// The session as its next owner gets it; nothing changes here. `at` says up to where a stay was enqueued, and for one with
    /// a claim what is in the record. `None` while a join or leave is with the store: its answer comes here, and nowhere else.
    ///
    /// In one step with this, take what is unsent out of the outbox: it counts as enqueued. Deliver nothing after it. Checkpoints
    /// that are with the store may still be made: they say what is true, and the next owner will say it again.
    pub fn depart(&self, at: impl Fn(&Stay<R>) -> Option<Position>) -> Option<Moved> {
        if self.busy && holds(Rule::MoveIdle) {
            return None;
        }
        let stays = self.stays.iter().map(|stay| {
            let claimed = self.unresolved(stay.join).is_some();
            Some(MovedStay { room: stay.room.name().to_string(), join: stay.join, at: at(stay)?, claimed })
        });
        Some(Moved {
            pid: self.pid(),
            fence: self.fence,
            joins: self.joins,
            stays: stays.collect::<Option<_>>()?,
            dirty: self.dirty.iter().map(|dirty| (dirty.join, dirty.at)).collect(),
            pings: self.pings.copies().map(<[_]>::to_vec).collect(),
        })
    }

    /// The session on its next owner, and from where each stay is to be followed: through the catch-up path. `room` finds a room;
    /// `None` if one of them is not found.
    ///
    /// What was unsent goes into the outbox before anything else. The pings in flight are known: nothing is to be told of them.
    pub fn arrive(moved: Moved, mut room: impl FnMut(&str) -> Option<R>) -> Option<(Self, Vec<Follow<R>>)> {
        let Moved { pid, fence, joins, stays: moved_stays, dirty: moved_dirty, pings } = moved;
        let (mut stays, mut follows) = (Vec::new(), Vec::new());
        stays.reserve_exact(moved_stays.len());
        for MovedStay { room: name, join, at, claimed } in moved_stays {
            let room = room(&name)?;
            let claim = moved_dirty.iter().find(|(of, _)| claimed && *of == join).map(|(_, at)| *at);
            stays.push(Stay { room: room.clone(), join, place: 0 });
            follows.push(Follow { room, join, at, claim });
        }
        let is_claim = |join| follows.iter().any(|follow| follow.join == join && follow.claim.is_some());
        let dirty = moved_dirty.into_iter().map(|(join, at)| Dirty { join, claim: is_claim(join), at });
        let dirty = dirty.filter(|dirty| dirty.claim || holds(Rule::MoveDirty)).collect();
        let pings = if holds(Rule::MovePings) { Pings::in_flight(pings) } else { Pings::default() };
        let session = Self {
            identity: pid.map(|pid| Identity { pid, tag: pid.tag() }),
            fence,
            joins,
            stays,
            dirty,
            pings,
            checkpoints: 0,
            busy: false,
            bounds: Bounds { soft: DIRTY_SOFT as u8, max: DIRTY_MAX as u8 },
        };
        Some((session, follows))
    }
}
