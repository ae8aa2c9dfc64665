//! A Redis Cluster as its users see it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::call::{Call, ReadError, Value, WriteError, Written};
use crate::connection::Command;
use crate::counters::Counters;
use crate::courier::Work;
use crate::fitness::{self, Fitness, Unfit};
use crate::library::tidy::{self, Untidy};
use crate::library::{Library, Loadable};
use crate::options::Options;
use crate::partition::{Partition, Partitions};
use crate::refresher::Refresher;
use crate::shared::Shared;
use crate::subscriber::{Subscriber, Subscription};
use crate::subscriptions::Subscriptions;
use crate::topology::Topology;
use crate::{read, write};

/// A Redis Cluster. Cheap to clone; everything ends when the last clone is dropped.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    subscriptions: Arc<Subscriptions>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.shared.end();
    }
}

impl Cluster {
    /// Begins to look for the cluster, in the background of the present tokio runtime: never fails for want of a Redis.
    pub fn start(options: Options, library: &Library) -> Self {
        let shared = Arc::new(Shared::new(options, Loadable::new(library)));
        let subscriptions = Arc::new(Subscriptions::new(shared.counters.clone()));
        let tasks = [
            tokio::spawn(Refresher::new(shared.clone()).run()),
            tokio::spawn(subscriptions.clone().run(shared.clone())),
        ];
        Self { inner: Arc::new(Inner { shared, subscriptions, tasks }) }
    }

    /// Whether this Redis will do. A start waits for it; later it can be asked again.
    pub async fn check(&self) -> Result<Fitness, Unfit> {
        fitness::check(&self.inner.shared).await
    }

    /// Says that this build's functions are in use, and deletes libraries of other builds that were not for so long. Called now and then, much more often
    /// than that.
    pub async fn tidy(&self, unused: Duration) -> Result<Vec<String>, Untidy> {
        tidy::tidy(&self.inner.shared, unused).await
    }

    /// The partitions, for those who need more than [`partition`](Self::partition) and [`key`](Self::key).
    pub fn partitions(&self) -> &Partitions {
        &self.inner.shared.partitions
    }

    /// The partition of a name.
    pub fn partition(&self, name: impl AsRef<[u8]>) -> Partition {
        self.partitions().of(name.as_ref())
    }

    /// A key in a partition: `<prefix>:{<tag>}:<kind>:<rest>`.
    pub fn key(&self, partition: Partition, kind: &str, rest: impl AsRef<[u8]>) -> Bytes {
        self.partitions().key(partition, kind, rest)
    }

    /// The key of a partition's meta hash, which `epoch(meta)` in Lua takes (see [`Library`]).
    pub fn meta(&self, partition: Partition) -> Bytes {
        self.partitions().key(partition, "m", "")
    }

    /// A channel in a partition: named as a key is, with the kind `c`.
    pub fn channel(&self, partition: Partition, rest: impl AsRef<[u8]>) -> Bytes {
        self.partitions().key(partition, "c", rest)
    }

    /// Calls a function that writes, until the write counts or the deadline is over. The call may be executed several times.
    pub async fn write(&self, partition: Partition, call: Call) -> Result<Written, WriteError> {
        write::write(&self.inner.shared, partition, call).await
    }

    /// Calls a function that writes, once and without an answer: it may get lost.
    pub fn post(&self, partition: Partition, call: Call) {
        let command = self.inner.shared.fcall("FCALL", call);
        self.send(partition, command);
    }

    /// Publishes on a channel, once and without an answer: it may get lost.
    pub fn publish(&self, partition: Partition, channel: Bytes, payload: Bytes) {
        self.send(partition, Command::new("SPUBLISH", [channel, payload]));
    }

    fn send(&self, partition: Partition, command: Command) {
        let shared = &self.inner.shared;
        let sent = shared
            .owner(partition)
            .is_some_and(|address| shared.courier(&address).try_send(Work::Post(command)).is_ok());
        if !sent {
            shared.counters.posts_dropped(1);
        }
    }

    /// Calls a function that only reads, on the partition's master, until it answers or the deadline for reads is over.
    pub async fn read(&self, partition: Partition, call: Call) -> Result<Value, ReadError> {
        read::read(&self.inner.shared, partition, call).await
    }

    /// Hears a channel of a partition, until the subscription is dropped. Subscriptions to one channel are counted and share one at Redis.
    pub fn subscribe(&self, channel: Bytes, partition: Partition, sink: Arc<dyn Subscriber>) -> Subscription {
        self.inner.subscriptions.subscribe(channel, self.partitions().slot(partition), sink)
    }

    /// The topology, and its changes.
    pub fn topology(&self) -> watch::Receiver<Arc<Topology>> {
        self.inner.shared.topology.subscribe()
    }

    /// An epoch of this partition was seen: the next one that is raised here will be above it, whatever a master has forgotten.
    pub fn saw_epoch(&self, partition: Partition, epoch: u64) {
        self.inner.shared.saw_epoch(partition, epoch);
    }

    /// From now on, whether a write counts while its master has no replica.
    pub fn set_unreplicated_allowed(&self, allowed: bool) {
        self.inner.shared.unreplicated_allowed.store(allowed, Ordering::Relaxed);
    }

    /// From now on, how long a write is tried.
    pub fn set_write_deadline(&self, deadline: Duration) {
        self.inner.shared.set_write_deadline(deadline);
    }

    /// What is counted.
    pub fn counters(&self) -> Counters {
        self.inner.shared.counters.clone()
    }
}
