//! The rooms by name, in shards, so that rooms do not wait for each other.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::room::Room;

/// Enough that two busy rooms rarely meet on many cores; an empty shard costs next to nothing.
const SHARDS: usize = 64;

type Shard = RwLock<HashMap<Arc<str>, Arc<Mutex<Room>>>>;

/// Lock order: a shard, then a room; a room's lock is never held while taking a shard's.
pub(super) struct Rooms {
    shards: Box<[Shard]>,
    hasher: RandomState,
}

impl Rooms {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Shard::default()).collect();
        Self { shards, hasher: RandomState::new() }
    }

    /// Does something in a room, which begins to exist if it did not.
    pub(super) fn enter<T>(&self, name: &Arc<str>, act: impl FnOnce(&mut Room) -> T) -> T {
        let room = self.find(name).unwrap_or_else(|| {
            let mut shard = self.shard(name).write();
            Arc::clone(shard.entry(Arc::clone(name)).or_default())
        });
        let mut room = room.lock();
        act(&mut room)
    }

    /// Does something in a room, or in an empty one in its place.
    pub(super) fn look<T>(&self, name: &str, act: impl FnOnce(&mut Room) -> T) -> T {
        match self.find(name) {
            Some(room) => act(&mut room.lock()),
            None => act(&mut Room::default()),
        }
    }

    /// Ends a follower's stay, and with the last one a room that never had an entry.
    pub(super) fn leave(&self, name: &str, follower: u64) {
        let Some(room) = self.find(name) else { return };
        let (left, unused) = {
            let mut room = room.lock();
            (room.unfollow(follower), room.is_unused())
        };
        drop(left);
        drop(room);
        if unused {
            let mut shard = self.shard(name).write();
            if shard.get(name).is_some_and(can_go) {
                shard.remove(name);
            }
        }
    }

    /// Drops the rooms that nobody would miss.
    pub(super) fn drop_unused(&self) {
        for shard in &self.shards {
            if shard.read().values().any(can_go) {
                shard.write().retain(|_, room| !can_go(room));
            }
        }
    }

    /// Does something in every room, one at a time.
    pub(super) fn for_each(&self, mut act: impl FnMut(&mut Room)) {
        for shard in &self.shards {
            let rooms: Vec<_> = shard.read().values().cloned().collect();
            for room in rooms {
                act(&mut room.lock());
            }
        }
    }

    /// Does something in all rooms as one step: nobody else is in any of them.
    #[cfg(feature = "faults")]
    pub(super) fn at_once(&self, act: impl FnOnce(&mut dyn Iterator<Item = &mut Room>)) {
        let shards: Vec<_> = self.shards.iter().map(RwLock::write).collect();
        let rooms = shards.iter().flat_map(|shard| shard.values());
        let mut rooms: Vec<_> = rooms.map(|room| room.lock()).collect();
        act(&mut rooms.iter_mut().map(|room| &mut **room));
    }

    fn shard(&self, name: &str) -> &Shard {
        &self.shards[self.hasher.hash_one(name) as usize % SHARDS]
    }

    fn find(&self, name: &str) -> Option<Arc<Mutex<Room>>> {
        self.shard(name).read().get(name).cloned()
    }
}

/// Nobody would miss this room, and, with its shard locked for writing, nobody is about to enter it.
fn can_go(room: &Arc<Mutex<Room>>) -> bool {
    Arc::strong_count(room) == 1 && room.try_lock().is_some_and(|room| room.is_unused())
}
