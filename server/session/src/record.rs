//! What a session leaves behind: enough to go on anywhere.

use crate::{Fence, JoinNumber, Rule, holds};
use chat_log::Position;
use std::sync::Arc;

/// A session's record: pure operations, which a store executes one at a time. `U` is the user.
///
/// No operation makes a record anew, and only [`take`](Self::take) works without knowing the fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<U> {
    user: U,
    fence: Fence,
    joins: u32,
    rooms: Vec<Held>,
}

/// A room in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its name, shared with the room.
    pub room: Arc<str>,
    /// Whether the room was one of members alone: whoever takes the session over lets it go on in such a room and in no other.
    pub private: bool,
    /// The stay.
    pub join: JoinNumber,
    /// Up to here everything is known to have been received.
    pub at: Position,
}

/// What the new owner of a session gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The fence for all writes of the new owner.
    pub fence: Fence,
    /// The session's rooms.
    pub rooms: Vec<Held>,
}

/// The write names an older fence: the session has another owner by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session was taken over")]
pub struct Fenced;

impl<U: Eq> Record<U> {
    /// The record of a new session, under [`Fence::FIRST`].
    pub fn new(user: U) -> Self {
        Self { user, fence: Fence::FIRST, joins: 0, rooms: Vec::new() }
    }

    /// Whose session it is.
    pub fn user(&self) -> &U {
        &self.user
    }

    /// The fence of the present owner.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// The rooms, in no order.
    pub fn rooms(&self) -> &[Held] {
        &self.rooms
    }

    /// Gives the session to a new owner, if this is its user. The old owner's writes are refused from now on.
    pub fn take(&mut self, user: &U) -> Option<Taken> {
        if self.user != *user && holds(Rule::SameUser) {
            return None;
        }
        self.fence.0 += 1;
        Some(Taken { fence: self.fence, rooms: self.rooms.clone() })
    }

    /// Begins a stay after `start`. An earlier stay in this room is over.
    pub fn join(&mut self, fence: Fence, room: Arc<str>, private: bool, start: Position) -> Result<JoinNumber, Fenced> {
        self.owned(fence)?;
        self.joins += 1;
        let held = Held { room, private, join: JoinNumber(self.joins), at: start };
        if let Some(old) = self.rooms.iter_mut().find(|old| old.room == held.room) {
            *old = held;
        } else {
            // Most sessions join a few rooms once: no spare places.
            self.rooms.reserve_exact(1);
            self.rooms.push(held);
        }
        Ok(JoinNumber(self.joins))
    }

    /// Ends a stay; nothing happens if it is over already.
    pub fn leave(&mut self, fence: Fence, join: JoinNumber) -> Result<(), Fenced> {
        self.owned(fence)?;
        self.rooms.retain(|held| held.join != join);
        self.rooms.shrink_to_fit();
        Ok(())
    }

    /// Raises positions. Stays that are over are left out, and no position goes down.
    pub fn checkpoint(&mut self, fence: Fence, places: &[(JoinNumber, Position)]) -> Result<(), Fenced> {
        self.owned(fence)?;
        for (join, at) in places {
            if let Some(held) = self.rooms.iter_mut().find(|held| held.join == *join) {
                held.at = if holds(Rule::MaxMerge) { held.at.max(*at) } else { *at };
            }
        }
        Ok(())
    }

    fn owned(&self, fence: Fence) -> Result<(), Fenced> {
        if self.fence == fence || !holds(Rule::Fence) { Ok(()) } else { Err(Fenced) }
    }
}
