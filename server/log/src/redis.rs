//! The room log on a Redis Cluster, shared by any number of servers.
//!
//! All keys of a room lie in the slot of its partition; what they hold stands in `docs/redis.md`. One function call appends what a batch has for
//! one partition, and publishes each entry on its room's channel; `chat-redis` confirms it by `WAIT`.
//!
//! # Invariants
//! A *tenure* is a master's time with one history of its data. What holds, and what it rests on:
//! 1. **A number is used once in a tenure.** `n` is counted in the room's hash by the function that makes the entry, and neither expires.
//! 2. **An epoch belongs to one tenure**, and rises with it. Every function here, reading ones too, asks `epoch()` first, and answers `TENURE`
//!    without having read or written anything else while the partition's epoch is not of the present tenure *and* held by its replicas. So no position
//!    with an epoch, not even one without an entry such as a tail or the place after a void, is given away that could come to mean something else.
//! 3. From 1 and 2: **a position names one entry for ever**, and of two entries with the same `n` the one with the higher epoch replaced the other.
//! 4. **The table of branches says what a position agrees with**: entries up to `first(e') - 1`, where `e'` is the next epoch above its own that has
//!    entries. It is written with the first entry of each epoch, by the same call, and outlives the entries. Where it is full the oldest
//!    epochs are merged and what they do not tell apart is trimmed.
//! 5. **Times do not go back** in a room: an entry has the time of the server or that of the entry before, the later one. Ids by number, times and
//!    epochs all rise together; so what is older than the retained age is a head of the stream, and found by halving.
//! 6. **An id that is promised is not forgotten**: generations rotate by age alone; past the count new ids are refused. A hit writes, so that the
//!    `WAIT` after it speaks of it. A failover that takes an entry takes its id with it: both are written by one call.
//! 7. **An entry is passed on as a hint only as the successor of the last one, in its epoch** (see `follow`); whatever else happens is a disturbance.
//! 8. **Nothing foreign stops a reader**: an entry that is missing or unreadable is a gap (see `sight`), a hash that is none makes the room's appends and
//!    reads fail, and those of no other room. Both are counted.
//!
//! A reader asks the master of its view of the cluster. If that is one no more, its epoch is below positions of the present one, which are answered with
//! `Ahead`; and what it shows beyond them is withdrawn by `Void` later, since the next epoch's branch says so.

mod call;
mod counters;
mod entry;
mod follow;
mod hub;
mod lanes;
mod looks;
mod options;
mod sight;

#[cfg(feature = "faults")]
mod faults;

use std::sync::Arc;

use bytes::Bytes;
use chat_redis::{Call, Cluster, Partition, Value};
use hashbrown::HashMap;
use tokio::runtime::Handle;

use crate::{
    Append, AppendError, Appended, Before, BoxFuture, Entry, Follower, Page, Position, Reach, ReadError, RoomLog, Watch,
};
use call::Packed;
pub use counters::Counters;
use hub::Hub;
use lanes::Lanes;
pub use options::Options;
use sight::Sight;

/// The log's part of the library of Redis functions: to be given to [`chat_redis::Library`].
pub const FUNCTIONS: &str = include_str!("redis/room.lua");

/// A position whose base changes under a reader is tried so often; each time a failover has come in between.
const READS_MAX: usize = 4;

/// A room log on a Redis Cluster.
pub struct RedisLog {
    shared: Arc<Shared>,
}

/// What tasks hold on to as well.
struct Shared {
    cluster: Cluster,
    options: Options,
    runtime: Handle,
    lanes: Lanes,
    hub: Hub,
    counters: Counters,
    #[cfg(feature = "faults")]
    faults: faults::Faults,
}

impl RedisLog {
    /// The log in this cluster, whose library must have [`FUNCTIONS`] as a part. To be called within a tokio runtime, which serves its tasks.
    pub fn start(cluster: Cluster, options: Options) -> Self {
        let partitions = usize::from(cluster.partitions().count());
        let shared = Arc::new(Shared {
            cluster,
            runtime: Handle::current(),
            lanes: Lanes::new(partitions, options.waiting_bytes_max),
            hub: Hub::new(partitions),
            counters: Counters::default(),
            #[cfg(feature = "faults")]
            faults: faults::Faults::default(),
            options,
        });
        tokio::spawn(looks::run(Arc::downgrade(&shared), options.tail_check));
        Self { shared }
    }

    /// What is counted.
    pub fn counters(&self) -> Counters {
        self.shared.counters.clone()
    }

    /// How many rooms are followed.
    pub fn followed(&self) -> usize {
        self.shared.hub.count()
    }
}

impl Shared {
    async fn append(self: &Arc<Self>, batch: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let max = self.options.entry_bytes_max;
        let mut answers = Vec::with_capacity(batch.len());
        let mut parts: HashMap<Partition, (Vec<usize>, Vec<Packed>)> = HashMap::new();
        for (at, append) in batch.iter().enumerate() {
            let fits = append.author.len() + append.id.len() + append.body.len() <= max;
            // Every other one is answered below.
            answers.push(Err(if fits { AppendError::Unavailable } else { AppendError::TooLarge { max } }));
            if fits {
                let (places, packed) = parts.entry(self.cluster.partition(&*append.room)).or_default();
                places.push(at);
                packed.push(Packed::new(append));
            }
        }
        let parts = parts
            .into_iter()
            .map(|(partition, (places, packed))| async move { (places, lanes::append(self, partition, packed).await) });
        for (places, answered) in futures_util::future::join_all(parts).await {
            for (at, answer) in places.into_iter().zip(answered) {
                answers[at] = self.as_faults_will(answer);
            }
        }
        for answer in &answers {
            self.counters.answered(answer);
        }
        answers
    }

    /// Calls a function that reads, and takes its answer apart.
    async fn ask<T>(
        &self,
        partition: Partition,
        call: Call,
        parse: impl FnOnce(Value) -> Option<T>,
    ) -> Result<T, ReadError> {
        let parsed = match self.cluster.read(partition, call).await {
            Ok(value) => parse(value),
            Err(chat_redis::ReadError::Refused(error)) => {
                tracing::warn!(error, "redis refuses a read");
                None
            }
            Err(chat_redis::ReadError::Unavailable) => {
                self.counters.reads_failed.inc();
                return Err(ReadError::Unavailable);
            }
        };
        let outcome = if parsed.is_some() { &self.counters.reads } else { &self.counters.corrupt.value };
        outcome.inc();
        parsed.ok_or(ReadError::Unavailable)
    }

    async fn see(&self, room: &Arc<str>, after: u64, limit: usize) -> Result<Sight, ReadError> {
        let partition = self.cluster.partition(&**room);
        let call = call::read(self, partition, room, after, limit);
        let sight = self.ask(partition, call, call::sight).await?;
        self.cluster.saw_epoch(partition, sight.epoch);
        Ok(sight)
    }

    async fn read(&self, room: &Arc<str>, asked: Position, limit: usize) -> Result<Page, ReadError> {
        let mut after = asked.n;
        for _ in 0..READS_MAX {
            match self.see(room, after, limit).await?.page(asked, after) {
                Ok(shown) => {
                    self.counters.corrupt.entry.inc_by(shown.corrupt as u64);
                    self.counters.shown(&shown.page);
                    return Ok(shown.page);
                }
                // Void or reset: what follows on it is read from there.
                Err(base) => after = base,
            }
        }
        Err(ReadError::Unavailable)
    }

    async fn read_before(&self, room: &Arc<str>, before: Option<Position>, limit: usize) -> Result<Before, ReadError> {
        let partition = self.cluster.partition(&**room);
        let below = before.map_or(crate::NUMBER_MAX, |before| before.n);
        let call = call::read_before(self, partition, room, below, limit);
        let (branches, more, values) = self.ask(partition, call, call::before).await?;
        let found = values.len();
        let entries = values.iter().rev().filter_map(|value| sight::own(&branches, value).map(Arc::new));
        let entries: Vec<_> = entries.collect();
        self.counters.corrupt.entry.inc_by((found - entries.len()) as u64);
        Ok(Before { entries, more })
    }

    async fn tails(&self, rooms: &[Arc<str>]) -> Result<Vec<Position>, ReadError> {
        let mut parts: HashMap<Partition, Vec<usize>> = HashMap::new();
        for (at, room) in rooms.iter().enumerate() {
            parts.entry(self.cluster.partition(&**room)).or_default().push(at);
        }
        let asked = parts.into_iter().map(|(partition, places)| async move {
            let call = call::tails(self, partition, places.iter().map(|at| &rooms[*at]));
            let parse = |value| call::numbers(&value, places.len());
            let (epoch, numbers) = self.ask(partition, call, parse).await?;
            self.cluster.saw_epoch(partition, epoch);
            Ok((epoch, places, numbers))
        });
        let mut tails = vec![Position::START; rooms.len()];
        for (epoch, places, numbers) in futures_util::future::try_join_all(asked).await? {
            for (at, number) in places.into_iter().zip(numbers) {
                match number {
                    Some(0) => {}
                    Some(n) => tails[at] = Position::new(epoch, n),
                    None => {
                        self.counters.corrupt.value.inc();
                        return Err(ReadError::Unavailable);
                    }
                }
            }
        }
        Ok(tails)
    }

    /// What is added to the clock of Redis.
    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, reason = "with the feature `faults` time can pass at once")]
    fn shift(&self) -> Bytes {
        Bytes::from_static(b"0")
    }

    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, reason = "with the feature `faults` an answer can get lost")]
    fn as_faults_will(&self, answer: Result<Appended, AppendError>) -> Result<Appended, AppendError> {
        answer
    }
}

impl RoomLog for RedisLog {
    fn append(&self, batch: Vec<Append>) -> BoxFuture<'_, Vec<Result<Appended, AppendError>>> {
        Box::pin(self.shared.append(batch))
    }

    fn read<'a>(&'a self, room: &'a Arc<str>, after: Position, limit: usize) -> BoxFuture<'a, Result<Page, ReadError>> {
        Box::pin(self.shared.read(room, after, limit))
    }

    fn read_before<'a>(
        &'a self,
        room: &'a Arc<str>,
        before: Option<Position>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Before, ReadError>> {
        Box::pin(self.shared.read_before(room, before, limit))
    }

    fn get<'a>(
        &'a self,
        room: &'a Arc<str>,
        position: Position,
    ) -> BoxFuture<'a, Result<Option<Arc<Entry>>, ReadError>> {
        Box::pin(async move {
            let Some(before) = position.n.checked_sub(1) else { return Ok(None) };
            let page = self.shared.read(room, Position::new(position.epoch, before), 1).await?;
            Ok(page.entries.into_iter().next().filter(|entry| entry.position == position))
        })
    }

    fn tails<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Position>, ReadError>> {
        Box::pin(self.shared.tails(rooms))
    }

    fn reach<'a>(&'a self, room: &'a Arc<str>, position: Position) -> BoxFuture<'a, Result<Reach, ReadError>> {
        Box::pin(async move { Ok(self.shared.see(room, position.n, 0).await?.reach(position)) })
    }

    fn publish(&self, room: &Arc<str>, volatile: Bytes) {
        let partition = self.shared.cluster.partition(&**room);
        let channel = self.shared.cluster.channel(partition, &**room);
        self.shared.cluster.publish(partition, channel, entry::Message::volatile(&volatile));
    }

    fn watch(&self, room: &Arc<str>, follower: Arc<dyn Follower>) -> Watch {
        Hub::watch(&self.shared, room, follower)
    }
}
