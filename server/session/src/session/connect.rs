//! The begin of an ownership: a new session, one that is taken over, or one without recovery.

use super::{Bounds, Dirty, Identity, Pings, RoomRef, Session, Stay};
use crate::bounds::{DIRTY_MAX, DIRTY_SOFT};
use crate::{Effect, Fence, Follow, JoinNumber, Offset, Pid, Rule, holds};
use chat_log::Position;
use smallvec::SmallVec;

impl<R: RoomRef> Session<R> {
    /// A new session, whose record is written.
    pub fn start(pid: Pid) -> (Self, Vec<Effect<R>>) {
        Self::new(Some(pid), Fence::FIRST).open(Vec::new())
    }

    /// A session without recovery: no pid, no record, no offsets. Its rooms are joined and left without writes.
    pub fn without_recovery() -> (Self, Vec<Effect<R>>) {
        Self::new(None, Fence::FIRST).open(Vec::new())
    }

    /// A session that was taken over: under the fence and in the rooms of its record, but for those that its user may no
    /// longer read: the caller leaves those out, and has them taken out of the record by a [`Leave`](crate::Leave). `offset` is what the client presented.
    pub fn resume(
        pid: Pid,
        fence: Fence,
        rooms: Vec<(R, JoinNumber, Position)>,
        offset: Option<&str>,
    ) -> (Self, Vec<Effect<R>>) {
        let mut session = Self::new(Some(pid), fence);
        let offset = offset.and_then(Offset::parse);
        session.stays.reserve_exact(rooms.len());
        let mut follows = Vec::with_capacity(rooms.len());
        for (room, join, at) in rooms {
            let claim = offset.as_ref().and_then(|offset| session.claim(offset, &room, join));
            // What the record knows already is not looked at again.
            let claim = claim.filter(|claim| *claim > at || !holds(Rule::ClaimFloor));
            if let Some(at) = claim {
                session.dirty.push(Dirty { join, claim: true, at });
            }
            session.stays.push(Stay { room: room.clone(), join, place: 0 });
            follows.push(Follow { room, join, at, claim });
        }
        session.open(follows)
    }

    fn new(pid: Option<Pid>, fence: Fence) -> Self {
        Self {
            identity: pid.map(|pid| Identity { pid, tag: pid.tag() }),
            fence,
            joins: 0,
            stays: Vec::new(),
            dirty: SmallVec::new(),
            pings: Pings::default(),
            checkpoints: 0,
            busy: false,
            bounds: Bounds { soft: DIRTY_SOFT as u8, max: DIRTY_MAX as u8 },
        }
    }

    /// What the offset says of a room that is in the record.
    fn claim(&self, offset: &Offset<'_>, room: &R, join: JoinNumber) -> Option<Position> {
        match offset {
            Offset::Shared { room: name, at } => (**room.name() == **name).then_some(*at),
            Offset::Own { tag, places } => {
                let own = self.identity.is_some_and(|identity| identity.tag == *tag) || !holds(Rule::SessionTag);
                let place = places.iter().find(|(number, _)| own && *number == join);
                place.map(|(_, at)| *at)
            }
        }
    }

    /// The reply first: what a client gets before it outlives a cut in its buffer, and would come twice. Then `ready`,
    /// whose offset still carries the claims, then the rooms.
    fn open(self, follows: Vec<Follow<R>>) -> (Self, Vec<Effect<R>>) {
        let seen = |follow: &Follow<R>| (follow.room.clone(), follow.claim.unwrap_or(follow.at));
        let ready = Effect::Ready { rooms: follows.iter().map(seen).collect(), offset: self.own_text() };
        let reply = Effect::Reply { pid: self.pid() };
        let follows = follows.into_iter().map(Effect::Follow);
        let effects = if holds(Rule::ConnectFirst) {
            [reply, ready].into_iter().chain(follows).collect()
        } else {
            follows.chain([reply, ready]).collect()
        };
        (self, effects)
    }
}
