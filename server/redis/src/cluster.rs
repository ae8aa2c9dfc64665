//! A Redis Cluster as its users see it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::call::{Call, ReadError, Value, WriteError, Written};
use crate::counters::Counters;
use crate::fitness::{Fitness, Unfit};
use crate::library::{Library, Loadable};
use crate::options::Options;
use crate::partition::{Partition, Partitions};
use crate::subscriber::{Subscriber, Subscription};
use crate::topology::Topology;

/// A Redis Cluster. Cheap to clone; everything ends when the last clone is dropped.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    partitions: Partitions,
    counters: Counters,
    topology: watch::Sender<Arc<Topology>>,
    #[expect(dead_code, reason = "loaded by the courier")]
    library: Loadable,
}

impl Cluster {
    /// Begins to look for the cluster, in the background of the present tokio runtime: never fails for want of a Redis.
    pub fn start(options: Options, library: &Library) -> Self {
        let inner = Inner {
            partitions: Partitions::new(&options.prefix, options.partitions),
            counters: Counters::default(),
            topology: watch::Sender::new(Arc::default()),
            library: Loadable::new(library),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether this Redis will do. A start waits for it; later it can be asked again.
    pub async fn check(&self) -> Result<Fitness, Unfit> {
        Err(Unfit::Unreachable(String::new()))
    }

    /// The partitions, for those who need more than [`partition`](Self::partition) and [`key`](Self::key).
    pub fn partitions(&self) -> &Partitions {
        &self.inner.partitions
    }

    /// The partition of a name.
    pub fn partition(&self, name: impl AsRef<[u8]>) -> Partition {
        self.inner.partitions.of(name.as_ref())
    }

    /// A key in a partition: `<prefix>:{<tag>}:<kind>:<rest>`.
    pub fn key(&self, partition: Partition, kind: &str, rest: impl AsRef<[u8]>) -> Bytes {
        self.inner.partitions.key(partition, kind, rest)
    }

    /// The key of a partition's meta hash, which [`epoch()`](Library) in Lua takes.
    pub fn meta(&self, partition: Partition) -> Bytes {
        self.inner.partitions.key(partition, "m", "")
    }

    /// A channel in a partition: named as a key is, with the kind `c`.
    pub fn channel(&self, partition: Partition, rest: impl AsRef<[u8]>) -> Bytes {
        self.inner.partitions.key(partition, "c", rest)
    }

    /// Calls a function that writes, until the write counts or the deadline is over. The call may be executed several times.
    pub async fn write(&self, _partition: Partition, _call: Call) -> Result<Written, WriteError> {
        Err(WriteError::Unavailable)
    }

    /// Calls a function that writes, once and without an answer: it may get lost.
    pub fn post(&self, _partition: Partition, _call: Call) {}

    /// Publishes on a channel, once and without an answer: it may get lost.
    pub fn publish(&self, _partition: Partition, _channel: Bytes, _payload: Bytes) {}

    /// Calls a function that only reads, on the partition's master, until it answers or the deadline for reads is over.
    pub async fn read(&self, _partition: Partition, _call: Call) -> Result<Value, ReadError> {
        Err(ReadError::Unavailable)
    }

    /// Hears a channel of a partition, until the subscription is dropped. Subscriptions to one channel are counted and share one at Redis.
    pub fn subscribe(&self, _channel: Bytes, _partition: Partition, _sink: Arc<dyn Subscriber>) -> Subscription {
        Subscription { end: None }
    }

    /// The topology, and its changes.
    pub fn topology(&self) -> watch::Receiver<Arc<Topology>> {
        self.inner.topology.subscribe()
    }

    /// An epoch of this partition was seen: the next one that is raised here will be above it, whatever a master has forgotten.
    pub fn saw_epoch(&self, _partition: Partition, _epoch: u64) {}

    /// From now on, whether a write counts while its master has no replica.
    pub fn set_unreplicated_allowed(&self, _allowed: bool) {}

    /// From now on, how long a write is tried.
    pub fn set_write_deadline(&self, _deadline: Duration) {}

    /// What is counted.
    pub fn counters(&self) -> Counters {
        self.inner.counters.clone()
    }
}
