//! Join and leave: asked, written, answered, one at a time.

use super::{RoomRef, Session, Stay};
use crate::{Effect, Failed, Follow, Join, JoinNumber, Leave, Rule, holds};
use chat_log::Position;

/// What becomes of a request to join.
#[derive(Debug)]
pub enum JoinAsked<R> {
    /// Write this, and bring it back to [`Session::joined`].
    Write(Join<R>),
    /// There is no record to write: these are the effects.
    Done(Vec<Effect<R>>),
    /// The session is in the room already and asked for no other place: answer with its present position, which is the
    /// claim while it is not resolved, and else what the caller delivered last.
    Present {
        /// The stay.
        join: JoinNumber,
        /// An unresolved claim.
        claim: Option<Position>,
    },
    /// Another request is with the store. The caller handles one at a time.
    Busy,
}

/// What becomes of a request to leave.
#[derive(Debug)]
pub enum LeaveAsked<R> {
    /// Write this, and bring it back to [`Session::left`].
    Write(Leave),
    /// There is no record to write: these are the effects.
    Done(Vec<Effect<R>>),
    /// The session is not in the room.
    NotMember,
    /// Another request is with the store. The caller handles one at a time.
    Busy,
}

impl<R: RoomRef> Session<R> {
    /// Asks to join a room. `start` is the entry after which the stay begins, as the log has it: the one at the
    /// client's cursor, or the tail. `cursor` says which: a member that gives one begins a new stay.
    pub fn join(&mut self, room: R, start: Position, cursor: bool) -> JoinAsked<R> {
        if self.busy {
            return JoinAsked::Busy;
        }
        if let Some(stay) = self.stay_in(room.name())
            && !(cursor && holds(Rule::Restart))
        {
            return JoinAsked::Present { join: stay.join, claim: self.unresolved(stay.join) };
        }
        let join = Join { fence: self.fence, room, start };
        if self.identity.is_some() {
            self.busy = true;
            return JoinAsked::Write(join);
        }
        self.joins += 1;
        let number = JoinNumber(self.joins);
        JoinAsked::Done(self.joined(join, Ok(number)))
    }

    /// The store has answered a join.
    pub fn joined(&mut self, written: Join<R>, outcome: Result<JoinNumber, Failed>) -> Vec<Effect<R>> {
        self.busy = false;
        let join = match outcome {
            Ok(join) => join,
            Err(failed) => return refused(failed),
        };
        let Join { fence: _, room, start } = written;
        let mut effects = Vec::with_capacity(4);
        if let Some(old) = self.end(|stay| stay.room.name() == room.name()) {
            effects.push(Effect::Unfollow(old));
        }
        // Most sessions are in a few rooms: no spare places.
        self.stays.reserve_exact(1);
        self.stays.push(Stay { room: room.clone(), join, place: 0 });
        if holds(Rule::JoinedEvent) {
            effects.push(Effect::Joined { room: room.clone(), from: start, offset: self.own_text() });
        }
        effects.push(Effect::Ack);
        effects.push(Effect::Follow(Follow { room, join, at: start, claim: None }));
        effects
    }

    /// Asks to leave a room.
    pub fn leave(&mut self, room: &str) -> LeaveAsked<R> {
        if self.busy {
            return LeaveAsked::Busy;
        }
        let Some(stay) = self.stay_in(room) else {
            return LeaveAsked::NotMember;
        };
        let leave = Leave { fence: self.fence, join: stay.join };
        if self.identity.is_some() {
            self.busy = true;
            LeaveAsked::Write(leave)
        } else {
            LeaveAsked::Done(self.left(leave, Ok(())))
        }
    }

    /// The store has answered a leave. Until now the room was delivered as before.
    #[allow(clippy::needless_pass_by_value, reason = "an answer is used up")]
    pub fn left(&mut self, written: Leave, outcome: Result<(), Failed>) -> Vec<Effect<R>> {
        self.busy = false;
        let Leave { fence: _, join } = written;
        match outcome {
            Ok(()) => {
                self.end(|stay| stay.join == join).map(Effect::Unfollow).into_iter().chain([Effect::Ack]).collect()
            }
            Err(failed) => refused(failed),
        }
    }

    /// Ends a stay here: nothing of it is dirty any more.
    fn end(&mut self, which: impl Fn(&Stay<R>) -> bool) -> Option<Stay<R>> {
        let place = self.stays.iter().position(which)?;
        let stay = self.stays.swap_remove(place);
        self.stays.shrink_to_fit();
        self.dirty.retain(|dirty| dirty.join != stay.join);
        Some(stay)
    }
}

/// A write that may have been made ends the ownership: the client comes back, and asks again for what has no answer.
fn refused<R>(failed: Failed) -> Vec<Effect<R>> {
    match failed {
        Failed::Refused => vec![Effect::Nack],
        Failed::Unknown | Failed::Fenced | Failed::Gone => vec![Effect::Close(failed)],
    }
}
