//! What the caller is to do, in the given order, in one step with the call that returned it.

use crate::{CatchUp, Failed, JoinNumber, Pid, Stay};
use chat_log::Position;

/// One thing to do. Events are placed in the outbox with the offset that stands here; none is there in sessions without
/// recovery, where the event then has one argument less.
#[derive(Debug)]
pub enum Effect<R> {
    /// The CONNECT reply, with the pid if the session can be recovered.
    Reply {
        /// The session's secret.
        pid: Option<Pid>,
    },
    /// The event `ready`.
    Ready {
        /// The rooms of the session with the client's position in each, as the server takes it.
        rooms: Vec<(R, Position)>,
        /// Its offset.
        offset: Option<String>,
    },
    /// The event `joined`.
    Joined {
        /// The room.
        room: R,
        /// Entries after this one follow.
        from: Position,
        /// Its offset.
        offset: Option<String>,
    },
    /// The request is done: its answer goes into the outbox now.
    Ack,
    /// The request was not carried out and nothing has changed: answer `unavailable`.
    Nack,
    /// Deliver a room to this session from here on.
    Follow(Follow<R>),
    /// Stop delivering this stay, before anything else is done.
    Unfollow(Stay<R>),
    /// The session is over here: close the transport, so that the client comes back.
    Close(Failed),
}

/// Where delivery of a stay begins. Tell the session where it is kept with [`Session::set_place`](crate::Session::set_place).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow<R> {
    /// The room.
    pub room: R,
    /// The stay.
    pub join: JoinNumber,
    /// What is in the record. Catch up from here, unless there is a claim.
    pub at: Position,
    /// What the client says to have seen, above the record. Nothing may be delivered before it was held against the
    /// log: [`Session::resolve_claim`](crate::Session::resolve_claim).
    pub claim: Option<Position>,
}

impl<R> Follow<R> {
    /// Where to catch up from when there is no claim.
    pub fn catch_up(&self) -> Option<CatchUp> {
        self.claim.is_none().then_some(CatchUp { at: self.at })
    }
}
