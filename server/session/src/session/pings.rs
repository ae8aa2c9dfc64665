//! Pings in flight, and what each of them will prove.

use super::{Dirty, RoomRef, Session};
use crate::{Checkpoint, Checkpointed, Failed, JoinNumber, Rule, holds};
use chat_log::Position;
use std::collections::VecDeque;

/// A copy of dirty, without claims that are not resolved.
type Copy = Box<[(JoinNumber, Position)]>;

/// The pings that have not been answered, oldest first. Most carry nothing and are only counted.
#[derive(Debug, Default)]
pub(super) struct Pings {
    /// Pings before the first one with a copy.
    plain: u16,
    /// From the first one with a copy on. Its memory is given back when it is empty.
    copies: VecDeque<Copy>,
}

impl Pings {
    pub(super) fn carry_a_copy(&self) -> bool {
        !self.copies.is_empty()
    }

    /// What each ping in flight carries, oldest first.
    pub(super) fn copies(&self) -> impl Iterator<Item = &[(JoinNumber, Position)]> {
        let plain = (0..self.plain).map(|_| [].as_slice());
        plain.chain(self.copies.iter().map(|copy| &**copy))
    }

    /// The pings in flight that carry these.
    pub(super) fn in_flight(copies: Vec<Vec<(JoinNumber, Position)>>) -> Self {
        let mut pings = Self::default();
        for copy in copies {
            pings.push(copy.into());
        }
        pings
    }

    fn push(&mut self, copy: Copy) {
        if copy.is_empty() && self.copies.is_empty() {
            self.plain = self.plain.saturating_add(1);
        } else {
            self.copies.push_back(copy);
        }
    }

    /// What the oldest ping carried; `None` if no ping is in flight.
    fn pop(&mut self) -> Option<Copy> {
        if self.plain > 0 {
            self.plain -= 1;
            return Some(Copy::default());
        }
        let copy = self.copies.pop_front()?;
        if self.copies.is_empty() {
            self.copies = VecDeque::new();
        }
        Some(copy)
    }
}

impl<R: RoomRef> Session<R> {
    /// A ping takes its place in the outbox, in this step: its pong will prove what was enqueued before it.
    ///
    /// The caller bounds how many pings are in flight, by the heartbeat's timeout.
    pub fn ping(&mut self) {
        let copy = self.snapshot();
        self.pings.push(copy);
    }

    /// Tells a session at its begin of the pings that were placed in this connection's outbox before it and have no pong
    /// yet: theirs come first, and prove nothing to it. (The client was slow to connect, or had another session here.)
    pub fn expect_pongs(&mut self, pings: u16) {
        if holds(Rule::ForeignPong) {
            self.pings.plain = self.pings.plain.saturating_add(pings);
        }
    }

    /// A pong came. What it returns is to be written, and brought back to [`checkpointed`](Self::checkpointed). A pong
    /// without a ping proves nothing.
    pub fn pong(&mut self) -> Option<Checkpoint> {
        let copy = self.pings.pop()?;
        let places = if holds(Rule::SnapAtPing) { copy } else { self.snapshot() };
        if places.is_empty() {
            return None;
        }
        if !holds(Rule::PersistFirst) {
            self.forget(&places);
        }
        self.checkpoints = self.checkpoints.saturating_add(1);
        Some(Checkpoint { fence: self.fence, places })
    }

    /// The store has answered a checkpoint: only now may rooms leave dirty.
    pub fn checkpointed(&mut self, written: Checkpoint, outcome: Result<(), Failed>) -> Checkpointed {
        let Checkpoint { fence: _, places } = written;
        self.checkpoints = self.checkpoints.saturating_sub(1);
        match outcome {
            Ok(()) => {
                if self.forget(&places) {
                    Checkpointed::Freed
                } else {
                    Checkpointed::Same
                }
            }
            // The rooms stay dirty, and the next pong tries again.
            Err(Failed::Refused | Failed::Unknown) => Checkpointed::Same,
            Err(failed @ (Failed::Fenced | Failed::Gone)) => Checkpointed::Close(failed),
        }
    }

    /// Nothing is copied while one room is dirty: every frame can be shared, and the offset says it all.
    fn snapshot(&self) -> Copy {
        if self.dirty.len() <= 1 {
            return Copy::default();
        }
        self.dirty.iter().filter(|dirty| !dirty.claim).map(|dirty| (dirty.join, dirty.at)).collect()
    }

    /// What is in the record is no longer dirty; `true` if that changed anything.
    fn forget(&mut self, places: &[(JoinNumber, Position)]) -> bool {
        let before = self.dirty.len();
        let written = |dirty: &Dirty| places.iter().any(|(join, at)| *join == dirty.join && dirty.at <= *at);
        self.dirty.retain(|dirty| dirty.claim || !written(dirty));
        if self.dirty.len() <= 1 {
            self.dirty.shrink_to_fit();
        }
        self.dirty.len() < before
    }
}
