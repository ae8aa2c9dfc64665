//! A cluster of real processes, the layer on it, and a small library to write and read with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_redis::{Call, Cluster, Library, Options, Partition, ReadError, Role, Value, WriteError, Written};
use chat_rig::RedisCluster;
use chat_rig::redis::Builder;
use tokio::task::{JoinHandle, spawn_blocking};

const PART: &str = r"
register('put', function(keys, args)
  local e, refusal = epoch(keys[1])
  if not e then return refusal end
  redis.call('HSET', keys[2], args[1], e)
  redis.call('SPUBLISH', keys[3], args[1])
  return { e, args[1], 'message' }
end)
register_read('all', function(keys)
  local e, refusal = epoch(keys[1])
  if not e then return refusal end
  return redis.call('HKEYS', keys[2])
end)
register('echo', function(_, args) return args end)
register('fail', function() return redis.error_reply('NOGOOD said the test') end)
";

/// For so long all replicas have followed without a break.
const SETTLED: Duration = Duration::from_secs(1);

pub(crate) fn library() -> Library {
    Library::new().part(PART)
}

pub(crate) struct Bed {
    pub(crate) rig: Arc<RedisCluster>,
    pub(crate) cluster: Cluster,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let bed = Self::with(RedisCluster::builder(), |_| {}).await;
        // A master counts a replica only once it has heard of it, which is up to a second after the replica is in step; and one that has just
        // been told its master may link to it once more.
        let online = |rig: &RedisCluster| {
            let masters = rig.masters().expect("masters");
            masters
                .iter()
                .all(|master| master.command(&["INFO", "replication"]).is_ok_and(|info| info.contains("state=online")))
        };
        bed.rig(move |rig| {
            let mut since = Instant::now();
            while since.elapsed() < SETTLED {
                if !online(rig) {
                    since = Instant::now();
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        })
        .await;
        // What the layer read of the cluster while it was being formed may be of before: a replica more than there is is one that has not confirmed.
        let topology = bed.cluster.topology();
        let knows_all = || {
            let topology = topology.borrow();
            let replicas = |of: &str| {
                topology
                    .nodes
                    .iter()
                    .filter(|node| matches!(&node.role, Role::Replica { of: master } if **master == *of))
                    .count()
            };
            topology.masters().count() == 3 && topology.masters().all(|master| replicas(&master.id) == 1)
        };
        eventually(Duration::from_secs(20), "view of the layer with the replica of each master", knows_all).await;
        bed
    }

    pub(crate) async fn with(builder: Builder, options: impl FnOnce(&mut Options)) -> Self {
        init_log();
        let rig = spawn_blocking(move || builder.start().expect("a cluster")).await.expect("no panic");
        let mut chosen = Options::new(rig.seeds());
        options(&mut chosen);
        Self { cluster: Cluster::start(chosen, &library()), rig: Arc::new(rig) }
    }

    /// Something blocking, with the rig.
    pub(crate) async fn rig<T: Send + 'static>(&self, act: impl FnOnce(&RedisCluster) -> T + Send + 'static) -> T {
        let rig = self.rig.clone();
        spawn_blocking(move || act(&rig)).await.expect("no panic")
    }

    pub(crate) fn put(
        &self,
        partition: Partition,
        id: u64,
    ) -> impl Future<Output = Result<Written, WriteError>> + use<> {
        put(self.cluster.clone(), partition, id)
    }

    /// As [`Self::put`], again until the replica has it: a cluster that was formed a moment ago may take it for one that does not follow.
    pub(crate) async fn replicated(&self, partition: Partition, id: u64) -> Written {
        let began = Instant::now();
        loop {
            let written = self.put(partition, id).await.expect("written");
            if written.replicated {
                return written;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "no replica within 20 s: {written:?}");
        }
    }

    /// Every id that is stored in a partition.
    pub(crate) async fn all(&self, partition: Partition) -> Result<BTreeSet<u64>, ReadError> {
        let keys = vec![self.cluster.meta(partition), self.cluster.key(partition, "t", "")];
        let value = self.cluster.read(partition, Call { function: "all", keys, args: vec![] }).await?;
        let ids = value.into_array().expect("a table");
        Ok(ids.iter().map(|id| id.as_count().expect("a number")).collect())
    }
}

pub(crate) async fn put(cluster: Cluster, partition: Partition, id: u64) -> Result<Written, WriteError> {
    let keys = vec![cluster.meta(partition), cluster.key(partition, "t", ""), cluster.channel(partition, "x")];
    cluster.write(partition, Call { function: "put", keys, args: vec![Bytes::from(id.to_string())] }).await
}

/// The epoch that a `put` answered with.
pub(crate) fn epoch(written: &Written) -> u64 {
    match written.value.as_array().and_then(<[Value]>::first).and_then(Value::as_count) {
        Some(epoch) => epoch,
        None => panic!("no epoch in {written:?}"),
    }
}

/// Writes without a pause into one partition, a few at a time, and keeps the books.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Books>>,
    pub(crate) acked: Arc<AtomicU64>,
}

/// What became of a load.
#[derive(Default)]
pub(crate) struct Books {
    /// With the moment at which each began.
    pub(crate) acked: BTreeMap<u64, Instant>,
    pub(crate) unreplicated: u64,
    pub(crate) errors: Vec<WriteError>,
    /// When each acknowledged write began, and how long it took.
    pub(crate) times: Vec<(Instant, Duration)>,
    pub(crate) longest_error: Duration,
}

impl Load {
    pub(crate) fn start(bed: &Bed, partition: Partition, writers: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acked = Arc::new(AtomicU64::new(0));
        let tasks = (0..writers)
            .map(|writer| {
                let (stop, count, cluster) = (stop.clone(), acked.clone(), bed.cluster.clone());
                tokio::spawn(async move {
                    let mut books = Books::default();
                    let mut id = writer;
                    while !stop.load(Ordering::Relaxed) {
                        let began = Instant::now();
                        match put(cluster.clone(), partition, id).await {
                            Ok(written) => {
                                books.acked.insert(id, began);
                                books.unreplicated += u64::from(!written.replicated);
                                books.times.push((began, began.elapsed()));
                                count.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(error) => {
                                books.longest_error = books.longest_error.max(began.elapsed());
                                books.errors.push(error);
                            }
                        }
                        id += writers;
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    books
                })
            })
            .collect();
        Self { stop, tasks, acked }
    }

    /// Waits until so many more were acknowledged.
    pub(crate) async fn more(&self, count: u64, within: Duration) {
        let until = self.acked.load(Ordering::Relaxed) + count;
        eventually(within, "more writes", || self.acked.load(Ordering::Relaxed) >= until).await;
    }

    pub(crate) async fn end(self) -> Books {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Books::default();
        for task in self.tasks {
            let books = task.await.expect("no panic");
            all.acked.extend(books.acked);
            all.unreplicated += books.unreplicated;
            all.errors.extend(books.errors);
            all.times.extend(books.times);
            all.longest_error = all.longest_error.max(books.longest_error);
        }
        all
    }
}

impl Books {
    /// The 99th percentile of the acknowledged writes that began in a span.
    pub(crate) fn p99(&self, from: Instant, to: Instant) -> Duration {
        let mut took: Vec<Duration> =
            self.times.iter().filter(|(began, _)| (from..to).contains(began)).map(|&(_, took)| took).collect();
        took.sort_unstable();
        assert!(took.len() > 100, "only {} writes in the span", took.len());
        took[took.len() * 99 / 100]
    }
}

pub(crate) async fn eventually(within: Duration, what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < within, "no {what} within {within:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn init_log() {
    // Shown by `RUST_LOG=… cargo test -- --nocapture`; a second test of the same process has it already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_test_writer()
        .try_init();
}
