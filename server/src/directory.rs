//! The rooms that there are, by name.

use crate::room::{About, Room, Visibility};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// The rooms of this server. They stay until it ends, as their entries do with the memory log.
pub struct Directory {
    rooms: RwLock<HashMap<Arc<str>, Arc<Room>>>,
    rooms_max: usize,
}

/// Why a room was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotMade {
    /// There is one of this name.
    Exists,
    /// There are as many as there may be.
    Full,
}

impl Directory {
    /// A directory of at most so many rooms.
    pub fn new(rooms_max: usize) -> Self {
        Self { rooms: RwLock::new(HashMap::new()), rooms_max }
    }

    /// The room of this name.
    pub fn find(&self, name: &str) -> Option<Arc<Room>> {
        self.rooms.read().get(name).cloned()
    }

    /// Makes a room.
    pub fn create(&self, name: &str, title: &str, visibility: Visibility) -> Result<Arc<Room>, NotMade> {
        let mut rooms = self.rooms.write();
        if rooms.contains_key(name) {
            return Err(NotMade::Exists);
        }
        if rooms.len() >= self.rooms_max {
            return Err(NotMade::Full);
        }
        let name: Arc<str> = name.into();
        let room = Arc::new(Room::new(name.clone(), About { title: title.into(), visibility }));
        rooms.insert(name, room.clone());
        Ok(room)
    }

    /// The room of this name, made as an open one if it is not there.
    pub fn open(&self, name: &str) -> Result<Arc<Room>, NotMade> {
        loop {
            if let Some(room) = self.find(name) {
                return Ok(room);
            }
            match self.create(name, name, Visibility::Public) {
                // Somebody was faster.
                Err(NotMade::Exists) => {}
                made => return made,
            }
        }
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
