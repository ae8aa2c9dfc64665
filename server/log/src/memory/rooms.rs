//! The rooms by name, in shards, so that rooms do not wait for each other.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::room::Room;

/// Enough that two busy rooms rarely meet on many cores; an empty shard costs next to nothing.
const SHARDS: usize = 64;

type Shard = RwLock<HashMap<Arc<str>, Arc<Mutex<Room>>>>;

/// Lock order: a shard, then a room. With a room's lock held, a shard's is only ever tried.
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

    /// Lets go of what a room may not need any more: followers, and the room itself if it never had an entry. It never waits: what cannot be
    /// had at once is left to [`drop_unused`](Self::drop_unused).
    pub(super) fn tidy(&self, name: &str) {
        let shard = self.shard(name);
        let Some(room) = shard.try_read().and_then(|rooms| rooms.get(name).cloned()) else { return };
        let unused = room.try_lock().is_some_and(|mut room| {
            room.prune();
            room.is_unused()
        });
        drop(room);
        if unused
            && let Some(mut rooms) = shard.try_write()
            && rooms.get(name).is_some_and(can_go)
        {
            rooms.remove(name);
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

#[cfg(test)]
impl Rooms {
    pub(super) fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }
}

/// Nobody would miss this room, and, with its shard locked for writing, nobody is about to enter it.
fn can_go(room: &Arc<Mutex<Room>>) -> bool {
    Arc::strong_count(room) == 1 && room.try_lock().is_some_and(|room| room.is_unused())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::{Follower, Hint};

    struct Deaf;
    impl Follower for Deaf {
        fn hint(&self, _: Hint) {}
    }

    #[test]
    fn a_room_without_entries_goes_with_its_last_follower() {
        let (rooms, name) = (Rooms::new(), Arc::from("a"));
        let follow = || rooms.enter(&name, |room| room.follow(Arc::new(Deaf)));
        let (one, two) = (follow(), follow());
        one.store(true, Ordering::SeqCst);
        rooms.tidy(&name);
        assert_eq!(rooms.count(), 1);
        two.store(true, Ordering::SeqCst);
        rooms.tidy(&name);
        assert_eq!(rooms.count(), 0);
    }

    #[test]
    fn what_could_not_be_had_at_once_goes_later() {
        let (rooms, name) = (Rooms::new(), Arc::from("a"));
        rooms.enter(&name, |_| rooms.tidy(&name));
        assert_eq!(rooms.count(), 1);
        rooms.drop_unused();
        assert_eq!(rooms.count(), 0);
        rooms.look("b", |_| ());
        assert_eq!(rooms.count(), 0, "looking makes no room");
    }
}
