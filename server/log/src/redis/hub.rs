//! The rooms that are followed here: one subscription and one account of what was told for each, however many follow.
//!
//! Lock order: a partition's map, then a room. With a room's lock held, a map's is only ever tried: a follower may drop its watch within a hint.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use bytes::Bytes;
use chat_redis::{Partition, Subscriber, Subscription};
use parking_lot::Mutex;

use super::entry::Message;
use super::follow::{Before, Found, Heard, Looked, Progress};
use super::{Shared, looks};
use crate::followers::Followers;
use crate::{Follower, Hint, Position, Watch};

/// The followed rooms, by partition.
pub(super) struct Hub {
    shards: Box<[Shard]>,
}

#[derive(Default)]
struct Shard {
    rooms: Mutex<HashMap<Arc<str>, Followed>>,
    /// A task looks at the tails of this partition, or is about to.
    pub(super) looking: AtomicBool,
}

struct Followed {
    room: Arc<Room>,
    _subscription: Subscription,
}

/// A followed room. It hears the room's channel.
pub(super) struct Room {
    partition: Partition,
    shared: Weak<Shared>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    progress: Progress,
    followers: Followers,
}

impl Hub {
    pub(super) fn new(partitions: usize) -> Self {
        Self { shards: (0..partitions).map(|_| Shard::default()).collect() }
    }

    /// Adds a follower to a room, which is subscribed to if nobody followed it.
    pub(super) fn watch(shared: &Arc<Shared>, name: &Arc<str>, follower: Arc<dyn Follower>) -> Watch {
        let partition = shared.cluster.partition(&**name);
        let mut rooms = shared.hub.shards[partition.index()].rooms.lock();
        let followed = rooms.entry(Arc::clone(name)).or_insert_with(|| {
            let state = Mutex::default();
            let room = Arc::new(Room { partition, shared: Arc::downgrade(shared), state });
            let channel = shared.cluster.channel(partition, &**name);
            let subscription = shared.cluster.subscribe(channel, partition, Arc::clone(&room) as _);
            Followed { room, _subscription: subscription }
        });
        let ended = followed.room.follow(follower);
        drop(rooms);
        let (shared, name) = (Arc::downgrade(shared), Arc::clone(name));
        Watch::new(move || {
            ended.store(true, Ordering::SeqCst);
            if let Some(shared) = shared.upgrade() {
                shared.hub.tidy(partition, &name);
            }
        })
    }

    /// Lets go of followers whose watch has ended, and of the room if they were all. It never waits: what cannot be had at once is left to
    /// [`rooms`](Self::rooms).
    fn tidy(&self, partition: Partition, name: &str) {
        let Some(mut rooms) = self.shards[partition.index()].rooms.try_lock() else { return };
        let unused = rooms.get(name).is_some_and(|followed| followed.room.is_unused());
        let gone = if unused { rooms.remove(name) } else { None };
        drop(rooms);
        drop(gone);
    }

    /// The followed rooms of a partition.
    pub(super) fn rooms(&self, partition: Partition) -> Vec<(Arc<str>, Arc<Room>)> {
        let mut rooms = self.shards[partition.index()].rooms.lock();
        let gone: Vec<_> = rooms.extract_if(|_, followed| followed.room.is_unused()).collect();
        let left = rooms.iter().map(|(name, followed)| (Arc::clone(name), Arc::clone(&followed.room))).collect();
        drop(rooms);
        drop(gone);
        left
    }

    /// Whether any room of the partition is followed.
    pub(super) fn is_followed(&self, partition: Partition) -> bool {
        !self.shards[partition.index()].rooms.lock().is_empty()
    }

    /// Marks that somebody looks at the partition's tails. Returns whether somebody did already.
    pub(super) fn mark_looking(&self, partition: Partition, looking: bool) -> bool {
        self.shards[partition.index()].looking.swap(looking, Ordering::SeqCst)
    }

    /// How many rooms are followed.
    pub(super) fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.rooms.lock().len()).sum()
    }
}

impl Room {
    fn follow(&self, follower: Arc<dyn Follower>) -> Arc<AtomicBool> {
        let mut state = self.state.lock();
        // Where the subscription is not in place yet, the look that follows on it tells this one, too.
        if state.progress.is_settled() {
            follower.hint(Hint::Disturbed);
        }
        state.followers.add(follower)
    }

    fn is_unused(&self) -> bool {
        self.state.try_lock().is_some_and(|mut state| {
            state.followers.prune();
            state.followers.is_empty()
        })
    }

    /// See [`Progress::before`].
    pub(super) fn before(&self) -> Before {
        self.state.lock().progress.before()
    }

    /// See [`Progress::look`]. Returns whether to look again soon.
    pub(super) fn look(&self, shared: &Shared, before: Before, tail: Position, now: Instant) -> bool {
        let mut state = self.state.lock();
        match state.progress.look(before, tail, now) {
            Looked::Fine => false,
            Looked::Doubt => true,
            Looked::Disturbed(found) => {
                state.disturb(shared, found);
                false
            }
        }
    }
}

impl State {
    fn disturb(&mut self, shared: &Shared, found: Found) {
        shared.counters.disturbed(found);
        self.hint(&Hint::Disturbed);
    }

    fn hint(&mut self, hint: &Hint) {
        self.followers.hint(hint);
        self.followers.prune();
    }
}

impl Subscriber for Room {
    fn message(&self, payload: Bytes) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut state = self.state.lock();
        let missed = match Message::parse(&payload) {
            Some(Message::Volatile(volatile)) => {
                state.hint(&Hint::Volatile(volatile));
                None
            }
            Some(Message::Entry(entry)) => match state.progress.hear(entry.position) {
                Heard::Next => {
                    state.hint(&Hint::Entry(Arc::new(entry)));
                    None
                }
                Heard::Nothing => {
                    shared.counters.ghosts.inc();
                    None
                }
                Heard::Disturbed(found) => Some(found),
            },
            None => {
                shared.counters.corrupt.message.inc();
                Some(Found::CorruptMessage)
            }
        };
        if let Some(found) = missed {
            state.disturb(&shared, found);
            drop(state);
            looks::soon(&shared, self.partition);
        }
    }

    fn disturbed(&self) {
        let Some(shared) = self.shared.upgrade() else { return };
        self.state.lock().progress.unsettle();
        looks::soon(&shared, self.partition);
    }
}
