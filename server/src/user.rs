//! Who is connected. A user may have several connections, which share one allowance and one presence.

use crate::allowance::Allowance;
use crate::chat::Chat;
use crate::room::Room;
use chat_log::Position;
use chat_socket::Socket;
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// A user: the same by id, whatever the name that is shown.
#[derive(Debug)]
pub struct User {
    /// The id, from the token; for guests a random one.
    pub id: Arc<str>,
    /// The name that is shown.
    name: RwLock<Arc<str>>,
    /// Whether the id was made here and only the token proves it.
    pub guest: bool,
    /// What may be sent: entries.
    pub sends: Allowance,
    /// What may be signalled: typing, receipts.
    pub signs: Allowance,
    /// What may be asked: everything else.
    pub requests: Allowance,
    /// The rooms that the user is in, or was.
    visits: Mutex<Vec<Visit>>,
    /// The connections that the user has here.
    connections: Mutex<Vec<Weak<Socket<Chat>>>>,
}

/// A user in a room. Kept with the user, exactly sized: a table in each room would cost twice as much.
#[derive(Debug)]
struct Visit {
    room: Weak<Room>,
    /// Stays of the user's sessions on this server.
    stays: u32,
    /// Where the first of them began: what the user is held to have read until there is a receipt.
    since: Position,
}

impl PartialEq for User {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for User {}

/// As others see it: `{id, name}`.
impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut user = serializer.serialize_struct("User", 2)?;
        user.serialize_field("id", &*self.id)?;
        user.serialize_field("name", &*self.name())?;
        user.end()
    }
}

/// How many rooms that a user has left are remembered.
const PAST_VISITS_MAX: usize = 200;

impl User {
    /// The name that is shown.
    pub fn name(&self) -> Arc<str> {
        self.name.read().clone()
    }

    /// One more connection.
    pub fn connect(&self, socket: &Arc<Socket<Chat>>) {
        let mut connections = self.connections.lock();
        connections.retain(|other| other.strong_count() > 0);
        connections.reserve_exact(1);
        connections.push(Arc::downgrade(socket));
    }

    /// One connection less.
    pub fn disconnect(&self, socket: &Arc<Socket<Chat>>) {
        self.connections.lock().retain(|other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(socket)));
    }

    /// The connections that the user has here.
    pub fn connections(&self) -> Vec<Arc<Socket<Chat>>> {
        self.connections.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// One more stay, which begins at `since`. `true` if the user was not in the room before.
    pub fn enter(&self, room: &Arc<Room>, since: Position) -> bool {
        let mut visits = self.visits.lock();
        if let Some(visit) = visits.iter_mut().find(|visit| visit.is_of(room)) {
            visit.stays += 1;
            return visit.stays == 1;
        }
        if visits.iter().filter(|visit| visit.stays == 0).count() >= PAST_VISITS_MAX {
            visits.retain(|visit| visit.stays > 0);
        }
        visits.reserve_exact(1);
        visits.push(Visit { room: Arc::downgrade(room), stays: 1, since });
        true
    }

    /// One stay less. `true` if the user is no longer in the room.
    pub fn exit(&self, room: &Arc<Room>) -> bool {
        let mut visits = self.visits.lock();
        let Some(visit) = visits.iter_mut().find(|visit| visit.is_of(room) && visit.stays > 0) else { return false };
        visit.stays -= 1;
        visit.stays == 0
    }

    /// Whether the user is in the room now.
    pub fn is_in(&self, room: &Arc<Room>) -> bool {
        self.visits.lock().iter().any(|visit| visit.is_of(room) && visit.stays > 0)
    }

    /// Where the user's first stay in the room began.
    pub fn since(&self, room: &Arc<Room>) -> Option<Position> {
        self.visits.lock().iter().find(|visit| visit.is_of(room)).map(|visit| visit.since)
    }
}

impl Visit {
    fn is_of(&self, room: &Arc<Room>) -> bool {
        std::ptr::eq(self.room.as_ptr(), Arc::as_ptr(room))
    }
}

/// The users of this server, each once for all its connections.
#[derive(Default)]
pub struct Users {
    known: Mutex<HashMap<Arc<str>, Weak<User>>>,
}

impl Users {
    /// The user of this id. One who comes with a new name is shown by it from then on.
    pub fn meet(&self, id: &str, name: &str, guest: bool) -> Arc<User> {
        let mut known = self.known.lock();
        if let Some(user) = known.get(id).and_then(Weak::upgrade) {
            if *user.name() != *name {
                *user.name.write() = name.into();
            }
            return user;
        }
        let user = Arc::new(User {
            id: id.into(),
            name: RwLock::new(name.into()),
            guest,
            sends: Allowance::default(),
            signs: Allowance::default(),
            requests: Allowance::default(),
            visits: Mutex::default(),
            connections: Mutex::default(),
        });
        known.insert(user.id.clone(), Arc::downgrade(&user));
        user
    }

    /// The user of this id, if the user is here.
    pub fn find(&self, id: &str) -> Option<Arc<User>> {
        self.known.lock().get(id).and_then(Weak::upgrade)
    }

    /// The name of a user who is here.
    pub fn name_of(&self, id: &str) -> Option<Arc<str>> {
        self.find(id).map(|user| user.name())
    }

    /// Those who are in a room.
    pub fn in_room(&self, room: &Arc<Room>) -> Vec<Arc<User>> {
        let known: Vec<_> = self.known.lock().values().filter_map(Weak::upgrade).collect();
        known.into_iter().filter(|user| user.is_in(room)).collect()
    }

    /// Forgets those who are gone; called now and then.
    pub fn sweep(&self) {
        self.known.lock().retain(|_, user| user.strong_count() > 0);
    }
}
