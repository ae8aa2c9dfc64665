//! A log some of whose rooms take no entries for now: that of many shards, one of which is out.

use bytes::Bytes;
use chat_log::{
    Append, AppendError, Appended, Before, BoxFuture, Entry, Follower, MemoryLog, Page, Position, Reach, ReadError,
    RoomLog, Watch,
};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::watch;

/// The log that a server of these tests has.
pub(crate) struct Shards {
    log: Arc<MemoryLog>,
    held: Held,
}

/// The rooms whose appends wait.
#[derive(Clone)]
pub(crate) struct Held(watch::Sender<HashSet<String>>);

impl Default for Held {
    fn default() -> Self {
        Self(watch::Sender::new(HashSet::new()))
    }
}

impl Held {
    /// Appends to this room wait from here on.
    pub(crate) fn hold(&self, room: &str) {
        self.0.send_modify(|rooms| {
            rooms.insert(room.to_owned());
        });
    }

    /// They go on.
    pub(crate) fn release(&self, room: &str) {
        self.0.send_modify(|rooms| {
            rooms.remove(room);
        });
    }
}

impl Shards {
    pub(crate) fn new(log: Arc<MemoryLog>, held: Held) -> Self {
        Self { log, held }
    }
}

impl RoomLog for Shards {
    fn append(&self, batch: Vec<Append>) -> BoxFuture<'_, Vec<Result<Appended, AppendError>>> {
        Box::pin(async move {
            let mut rooms = self.held.0.subscribe();
            let is_free = |rooms: &HashSet<String>| batch.iter().all(|append| !rooms.contains(&*append.room));
            rooms.wait_for(is_free).await.expect("the sender is here");
            self.log.append(batch).await
        })
    }

    fn read<'a>(&'a self, room: &'a Arc<str>, after: Position, limit: usize) -> BoxFuture<'a, Result<Page, ReadError>> {
        self.log.read(room, after, limit)
    }

    fn read_before<'a>(
        &'a self,
        room: &'a Arc<str>,
        before: Option<Position>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Before, ReadError>> {
        self.log.read_before(room, before, limit)
    }

    fn get<'a>(&'a self, room: &'a Arc<str>, at: Position) -> BoxFuture<'a, Result<Option<Arc<Entry>>, ReadError>> {
        self.log.get(room, at)
    }

    fn tails<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Position>, ReadError>> {
        self.log.tails(rooms)
    }

    fn reach<'a>(&'a self, room: &'a Arc<str>, position: Position) -> BoxFuture<'a, Result<Reach, ReadError>> {
        self.log.reach(room, position)
    }

    fn publish(&self, room: &Arc<str>, volatile: Bytes) {
        self.log.publish(room, volatile);
    }

    fn watch(&self, room: &Arc<str>, follower: Arc<dyn Follower>) -> Watch {
        self.log.watch(room, follower)
    }
}
