//! The room log in the process's own memory.
//!
//! It lives as long as the process; each start is a new epoch, so that a position of an earlier start is never taken for one of this. A room
//! has a lock of its own, under which entries get their number and followers their hints: that makes both ordered. Nothing here waits for
//! anything else, so every answer is ready at once.
//!
//! What has a bound: entries by count, age and bytes a room (the oldest go), remembered ids a room, rooms, and bytes in all. Past the last three
//! an append is refused with [`AppendError::Full`] and counted: room counters and promised ids must not be forgotten to make place.

mod ledger;
mod room;
mod rooms;
mod window;

#[cfg(feature = "faults")]
mod faults;

use std::future::ready;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::{
    Append, AppendError, Appended, Before, BoxFuture, Entry, Follower, Page, Position, Reach, ReadError, RoomLog, Watch,
};
use ledger::Ledger;
pub use ledger::Stats;
use room::{Room, Terms};
use rooms::Rooms;

/// The wall clock: milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The bounds of a memory log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The most entries a room keeps, at least 1.
    pub retained_entries: usize,
    /// How long a room keeps an entry.
    pub retained_age: Duration,
    /// The most bytes of entries a room keeps; the newest entry stays whatever its size.
    pub retained_bytes: usize,
    /// The most bytes of author, id and body together.
    pub entry_bytes_max: usize,
    /// How long an author's id is remembered at least; at most three times as long.
    pub dedup_age: Duration,
    /// The most ids a room remembers from one `dedup_age`.
    pub dedup_ids_max: usize,
    /// The most rooms that have or had an entry.
    pub rooms_max: usize,
    /// The most bytes of entries and remembered ids in all rooms.
    pub bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retained_entries: 10_000,
            retained_age: Duration::from_secs(24 * 60 * 60),
            retained_bytes: 8 << 20,
            entry_bytes_max: 256 << 10,
            dedup_age: Duration::from_secs(120),
            dedup_ids_max: 1 << 20,
            rooms_max: 100_000,
            bytes_max: 1 << 30,
        }
    }
}

/// A room log in memory.
pub struct MemoryLog {
    shared: Arc<Shared>,
}

/// What watches hold on to as well.
struct Shared {
    options: Options,
    clock: Clock,
    /// The tenure of this log: every entry is of the epoch that was read under its room's lock.
    epoch: AtomicU64,
    rooms: Rooms,
    ledger: Ledger,
    hasher: RandomState,
    #[cfg(feature = "faults")]
    faults: faults::Faults,
}

impl MemoryLog {
    /// An empty log. Its epoch is the second in which it starts.
    pub fn new(options: Options, clock: Clock) -> Self {
        let shared = Shared {
            epoch: AtomicU64::new(clock() / 1000),
            rooms: Rooms::new(),
            ledger: Ledger::new(options.rooms_max, options.bytes_max),
            hasher: RandomState::new(),
            #[cfg(feature = "faults")]
            faults: faults::Faults::default(),
            options,
            clock,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Counts since the start, and what is held now.
    pub fn stats(&self) -> Stats {
        self.shared.ledger.stats()
    }

    /// Gives back what age has ended: entries, remembered ids, rooms that nobody has used. Appends and reads do so for their own room; this is for
    /// the rooms that nobody touches. It takes one room's lock at a time: call it now and then, every few seconds.
    pub fn sweep(&self) {
        let now = (self.shared.clock)();
        self.shared.rooms.for_each(|room| room.expire(&self.shared.terms(now)));
        self.shared.rooms.drop_unused();
    }
}

impl Shared {
    fn terms(&self, now_ms: u64) -> Terms<'_> {
        Terms {
            now_ms,
            epoch: self.epoch.load(Ordering::SeqCst),
            options: &self.options,
            ledger: &self.ledger,
            hasher: &self.hasher,
        }
    }

    /// Looks into a room under its lock. A room that is not there is looked at as an empty one.
    fn look<T>(&self, name: &str, look: impl FnOnce(&mut Room, u64) -> T) -> Result<T, ReadError> {
        if self.is_out() {
            return Err(ReadError::Unavailable);
        }
        let now = (self.clock)();
        Ok(self.rooms.look(name, |room| {
            let terms = self.terms(now);
            room.expire(&terms);
            look(room, terms.epoch)
        }))
    }

    fn append(&self, append: Append, now_ms: u64) -> Result<Appended, AppendError> {
        if self.is_out() {
            return Err(AppendError::Unavailable);
        }
        let name = Arc::clone(&append.room);
        let appended = self.rooms.enter(&name, |room| room.append(append, &self.terms(now_ms)));
        // A refused append leaves no room behind.
        let appended = appended.inspect_err(|_| self.rooms.tidy(&name))?;
        if self.loses_answer() { Err(AppendError::UnknownOutcome) } else { Ok(appended) }
    }

    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, reason = "with the feature `faults` a log can be out")]
    const fn is_out(&self) -> bool {
        false
    }

    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, reason = "with the feature `faults` an answer can get lost")]
    const fn loses_answer(&self) -> bool {
        false
    }
}

impl RoomLog for MemoryLog {
    fn append(&self, batch: Vec<Append>) -> BoxFuture<'_, Vec<Result<Appended, AppendError>>> {
        let now = (self.shared.clock)();
        let answers = batch.into_iter().map(|append| self.shared.append(append, now)).collect();
        Box::pin(ready(answers))
    }

    fn read<'a>(&'a self, room: &'a Arc<str>, after: Position, limit: usize) -> BoxFuture<'a, Result<Page, ReadError>> {
        Box::pin(ready(self.shared.look(room, |room, epoch| room.read(epoch, after, limit))))
    }

    fn read_before<'a>(
        &'a self,
        room: &'a Arc<str>,
        before: Option<Position>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Before, ReadError>> {
        Box::pin(ready(self.shared.look(room, |room, _| room.read_before(before, limit))))
    }

    fn get<'a>(
        &'a self,
        room: &'a Arc<str>,
        position: Position,
    ) -> BoxFuture<'a, Result<Option<Arc<Entry>>, ReadError>> {
        Box::pin(ready(self.shared.look(room, |room, _| room.get(position))))
    }

    fn tails<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Position>, ReadError>> {
        let tail = |name| self.shared.look(name, |room, epoch| room.tail(epoch));
        Box::pin(ready(rooms.iter().map(|name| tail(name)).collect()))
    }

    fn reach<'a>(&'a self, room: &'a Arc<str>, position: Position) -> BoxFuture<'a, Result<Reach, ReadError>> {
        Box::pin(ready(self.shared.look(room, |room, epoch| room.reach(epoch, position))))
    }

    fn publish(&self, room: &Arc<str>, volatile: Bytes) {
        if !self.shared.is_out() {
            self.shared.rooms.look(room, |room| room.publish(volatile));
        }
    }

    fn watch(&self, room: &Arc<str>, follower: Arc<dyn Follower>) -> Watch {
        let ended = self.shared.rooms.enter(room, |room| room.follow(follower));
        let (shared, name) = (Arc::clone(&self.shared), Arc::clone(room));
        Watch::new(move || {
            ended.store(true, Ordering::SeqCst);
            shared.rooms.tidy(&name);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_append_leaves_no_room_behind() {
        let options = Options { entry_bytes_max: 0, ..Options::default() };
        let log = MemoryLog::new(options, Arc::new(|| 1_800_000_000_000));
        for name in ["a", "b", "c"] {
            let append = Append { room: name.into(), author: "ann".into(), id: "1".into(), body: "x".into() };
            assert_eq!(log.shared.append(append, 0), Err(AppendError::TooLarge { max: 0 }));
        }
        assert_eq!(log.shared.rooms.count(), 0);
    }
}
