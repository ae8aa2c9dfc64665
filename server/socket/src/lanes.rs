//! The requests of one connection that are under way, and which of them wait for which.
//!
//! What must hold:
//! 1. **In a lane, one after the other.** A request begins when all that came before it and share a lane with it have ended. So the effects of
//!    requests about the same thing stand in the order in which they were asked for.
//! 2. **Elsewhere, side by side.** It waits for nothing else: what takes long in one lane holds up no other.
//! 3. **Alone means alone.** A request in [every](Lanes::Every) lane begins when nothing else is under way, and nothing is read behind it
//!    before it has ended. What ends a connection is such a request, too, so that all that was asked for before it is done.
//! 4. **Bounded.** Past [`REQUESTS_MAX`] requests or [`BYTES_MAX`] bytes of them nothing more is read.
//! 5. **Nothing at rest.** A connection without a request keeps a null pointer.

use smallvec::SmallVec;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::task::Context;

/// How many requests of one connection may be under way, those that wait for others of them among them.
pub(crate) const REQUESTS_MAX: usize = 32;

/// From how many bytes of requests under way on no more are read. One may be as long as a message may be.
pub(crate) const BYTES_MAX: usize = 64 * 1024;

/// What is left to do of a request.
pub type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something that requests of one connection may be about: those about the same are handled one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane(u64);

impl Lane {
    /// The lane of a key. Two keys may have one lane by chance: their requests then wait for each other, which is only slower.
    pub fn of(key: &(impl Hash + ?Sized)) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The lanes that a request is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// All there are: it is handled alone.
    Every,
    /// One.
    One(Lane),
    /// Two.
    Two(Lane, Lane),
}

impl Lanes {
    /// Whether the later of two requests in these lanes waits for the earlier one.
    fn meet(self, other: Self) -> bool {
        match (self, other) {
            (Self::Every, _) | (_, Self::Every) => true,
            (Self::One(one), other) | (other, Self::One(one)) => other.hold(one),
            (Self::Two(one, two), other) => other.hold(one) || other.hold(two),
        }
    }

    fn hold(self, lane: Lane) -> bool {
        match self {
            Self::Every => true,
            Self::One(one) => one == lane,
            Self::Two(one, two) => one == lane || two == lane,
        }
    }
}

/// A request under way.
struct Request {
    lanes: Lanes,
    bytes: usize,
    rest: Rest,
}

/// The requests under way, in the order in which they came.
#[derive(Default)]
pub(crate) struct Requests(Option<Box<SmallVec<[Request; 2]>>>);

impl Requests {
    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there are as many as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.0.as_ref().is_some_and(|requests| {
            requests.len() >= REQUESTS_MAX || requests.iter().map(|request| request.bytes).sum::<usize>() >= BYTES_MAX
        })
    }

    /// Whether what comes next may be looked at: there is a place for it, and nothing that is handled alone.
    pub(crate) fn take_more(&self) -> bool {
        let alone = self.0.as_ref().and_then(|requests| requests.last()).is_some_and(|last| last.lanes == Lanes::Every);
        !alone && !self.is_full()
    }

    /// One more, which was asked for by so many bytes. It begins at the next [`poll`](Self::poll).
    pub(crate) fn push(&mut self, lanes: Lanes, bytes: usize, rest: Rest) {
        debug_assert!(self.take_more(), "the caller looks at nothing that it may not hand over");
        self.0.get_or_insert_default().push(Request { lanes, bytes, rest });
    }

    /// Goes on with all that wait for none before them.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) {
        let Some(requests) = &mut self.0 else { return };
        let mut at = 0;
        while let Some((request, before)) = requests.get_mut(..=at).and_then(<[Request]>::split_last_mut) {
            let waits = before.iter().any(|earlier| earlier.lanes.meet(request.lanes));
            if !waits && request.rest.as_mut().poll(context).is_ready() {
                // Those behind it keep their order, and may begin in this same round.
                drop(requests.remove(at));
            } else {
                at += 1;
            }
        }
        if requests.is_empty() {
            self.0 = None;
        }
    }
}

#[cfg(test)]
mod tests;
