//! The rooms that this server knows, by name: a cache of what they are, and the place of those that somebody here is in.

use crate::room::Room;
use crate::rooms::About;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The rooms of this server.
pub struct Directory {
    rooms: RwLock<HashMap<Arc<str>, Arc<Room>>>,
    rooms_max: usize,
}

/// There are as many rooms in use as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Directory {
    /// A directory of at most so many rooms.
    pub fn new(rooms_max: usize) -> Self {
        Self { rooms: RwLock::new(HashMap::new()), rooms_max }
    }

    /// The room of this name, if it is known here.
    pub fn find(&self, name: &str) -> Option<Arc<Room>> {
        self.rooms.read().get(name).cloned()
    }

    /// The room of this name, which the store knows as this now.
    pub fn keep(&self, name: &Arc<str>, about: About, now: Duration) -> Result<Arc<Room>, Full> {
        let mut rooms = self.rooms.write();
        let known = rooms.get(name);
        // A room that was public and is private now, or the other way round, was lost and made anew: whoever comes is not let into the one that was.
        if let Some(room) = known.filter(|room| room.about().visibility == about.visibility) {
            room.confirm(now);
            return Ok(room.clone());
        }
        if known.is_none() && rooms.len() >= self.rooms_max {
            // Those that nobody here uses are found again in the store.
            rooms.retain(|_, room| Arc::strong_count(room) > 1 || room.stays() > 0);
            if rooms.len() >= self.rooms_max {
                return Err(Full);
            }
        }
        let room = Arc::new(Room::new(name.clone(), about));
        room.confirm(now);
        rooms.insert(name.clone(), room.clone());
        Ok(room)
    }

    /// All rooms.
    pub fn all(&self) -> Vec<Arc<Room>> {
        self.rooms.read().values().cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rooms.read().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
