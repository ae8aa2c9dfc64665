//! What chat keeps for each connection, under one lock with its outbox.

use crate::room::Room;
use crate::user::User;
use chat_log::Position;
use chat_session::{CatchUp, Follow, JoinNumber, Session};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Notify;

/// The state of a connection.
#[derive(Default)]
pub struct Connection {
    /// Who it is; none before CONNECT.
    pub user: Option<Arc<User>>,
    /// Its session, from the connect reply to the end.
    pub session: Option<Session<Arc<Room>>>,
    /// Which of the sessions that this connection had it is: a join number means something only within one.
    pub life: u32,
    /// Stays that are behind their room.
    pub behind: Vec<Behind>,
    /// Rung for the feeder, while there is one.
    pub feeder: Option<Arc<Notify>>,
    /// It goes to another server: no stay becomes live any more.
    pub leaving: bool,
    /// Counted against the connections of this address, where that is limited.
    pub address: Option<Box<IpAddr>>,
}

/// A stay that is behind its room.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The room.
    pub room: Arc<Room>,
    /// The stay.
    pub join: JoinNumber,
    /// The [`life`](Connection::life) in which it is.
    life: u32,
    /// How far it is.
    pub at: Place,
}

/// Where delivery goes on.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// After this.
    Known(CatchUp),
    /// The client's word has to be held against the log first.
    Claimed {
        /// What is in the record.
        record: Position,
        /// What the client says to have seen.
        claim: Position,
    },
}

impl Behind {
    /// A stay that was sent everything up to `at`.
    pub fn at(room: Arc<Room>, join: JoinNumber, at: Position) -> Self {
        Self { room, join, life: 0, at: Place::Known(CatchUp { at }) }
    }

    /// A stay that begins or goes on.
    pub fn following(follow: Follow<Arc<Room>>) -> Self {
        let at = match (follow.catch_up(), follow.claim) {
            (None, Some(claim)) => Place::Claimed { record: follow.at, claim },
            (known, _) => Place::Known(known.unwrap_or(CatchUp { at: follow.at })),
        };
        Self { room: follow.room, join: follow.join, life: 0, at }
    }
}

impl Behind {
    /// Whether this is the same stay.
    pub fn is(&self, other: &Self) -> bool {
        (self.life, self.join) == (other.life, other.join)
    }
}

/// The `place` of a stay that is behind.
const BEHIND: u32 = 0;

impl Connection {
    /// A stay is not live any more, or not yet. One that is over by now is nothing to go on with.
    pub fn fall_behind(&mut self, behind: Behind) {
        let Some(session) = &mut self.session else { return };
        if session.stay(behind.join).is_some() {
            session.set_place(behind.join, BEHIND);
            self.behind.push(Behind { life: self.life, ..behind });
        }
    }

    /// A stay is live, in this chunk of its room's group.
    pub fn go_live(&mut self, join: JoinNumber, chunk: u32) {
        if let Some(session) = &mut self.session {
            session.set_place(join, chunk + 1);
        }
        self.not_behind(join);
    }

    /// A stay is live, or over.
    pub fn not_behind(&mut self, join: JoinNumber) {
        self.behind.retain(|behind| behind.join != join);
        if self.behind.is_empty() {
            self.behind = Vec::new();
        }
    }

    /// The stay that is behind, as it is now.
    pub fn find_behind(&mut self, stay: &Behind) -> Option<&mut Behind> {
        self.behind.iter_mut().find(|behind| behind.is(stay))
    }

    /// The session is over: what is under way for it finds nothing of it any more.
    pub fn end(&mut self) -> Option<(Session<Arc<Room>>, Arc<User>)> {
        self.life = self.life.wrapping_add(1);
        self.behind = Vec::new();
        Some((self.session.take()?, self.user.take()?))
    }
}

/// The chunk in which a live stay is; `None` if it is behind.
pub fn chunk_of(place: u32) -> Option<u32> {
    place.checked_sub(BEHIND + 1)
}
