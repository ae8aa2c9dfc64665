//! Many channels, many writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_redis::Subscriber;

use crate::bed::{Bed, eventually};
use crate::ear::Ear;

#[derive(Default)]
struct Count {
    messages: AtomicU64,
    disturbed: AtomicU64,
}

impl Subscriber for Count {
    fn message(&self, _payload: Bytes) {
        self.messages.fetch_add(1, Ordering::Relaxed);
    }

    fn disturbed(&self) {
        self.disturbed.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_channels() {
    const CHANNELS: u64 = 10_000;
    let bed = Bed::new().await;
    let count = Arc::new(Count::default());
    let channels: Vec<_> = (0..CHANNELS)
        .map(|room| {
            let partition = bed.cluster.partition(room.to_string());
            (partition, bed.cluster.channel(partition, room.to_string()))
        })
        .collect();
    let began = Instant::now();
    let subscriptions: Vec<_> = channels
        .iter()
        .map(|(partition, channel)| bed.cluster.subscribe(channel.clone(), *partition, count.clone()))
        .collect();
    eventually(Duration::from_secs(30), "all channels", || count.disturbed.load(Ordering::Relaxed) == CHANNELS).await;
    eprintln!("{CHANNELS} channels in {:?}", began.elapsed());
    for (partition, channel) in &channels {
        bed.cluster.publish(*partition, channel.clone(), Bytes::from_static(b"x"));
    }
    eventually(Duration::from_secs(10), "all messages", || count.messages.load(Ordering::Relaxed) == CHANNELS).await;
    assert_eq!(count.disturbed.load(Ordering::Relaxed), CHANNELS);

    drop(subscriptions);
    let left = || async {
        bed.rig(|rig| {
            let count =
                |node: &chat_rig::Node| node.command(&["PUBSUB", "SHARDCHANNELS"]).expect("asked").lines().count();
            rig.masters().expect("masters").iter().map(count).sum::<usize>()
        })
        .await
    };
    let began = Instant::now();
    while left().await > 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "channels stay");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_channel_is_shared_and_left_with_its_last_subscriber() {
    let bed = Bed::new().await;
    let partition = bed.cluster.partition("x");
    let (first, one) = Ear::at(&bed, partition);
    eventually(Duration::from_secs(5), "subscription", || first.disturbances() == 1).await;
    let (second, other) = Ear::at(&bed, partition);
    eventually(Duration::from_secs(5), "greeting", || second.disturbances() == 1).await;
    assert_eq!(first.disturbances(), 1);
    bed.put(partition, 1).await.expect("written");
    eventually(Duration::from_secs(5), "message", || second.heard.lock().contains(&1)).await;
    assert!(first.heard.lock().contains(&1));
    drop(one);
    bed.put(partition, 2).await.expect("written");
    eventually(Duration::from_secs(5), "message", || second.heard.lock().contains(&2)).await;
    assert!(!first.heard.lock().contains(&2));
    // Left and come again at once: in this order at the server, too.
    drop(other);
    let (third, _stay) = Ear::at(&bed, partition);
    eventually(Duration::from_secs(5), "subscription", || third.disturbances() == 1).await;
    bed.put(partition, 3).await.expect("written");
    eventually(Duration::from_secs(5), "message", || third.heard.lock().contains(&3)).await;
}

/// What a write costs this process and the masters. Run it alone: `cargo test -p chat-redis --test it cost -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn cost() {
    const WRITES: u64 = 60_000;
    let bed = Bed::new().await;
    for partition in bed.cluster.partitions().all() {
        bed.put(partition, 0).await.expect("written");
    }
    let partitions: Vec<_> = bed.cluster.partitions().all().collect();
    for writers in [16, 64, 256] {
        let (own, redis) = (own_cpu(), bed.rig(masters_cpu).await);
        let (began, batches) = (Instant::now(), bed.cluster.counters().batches());
        let tasks = (0..writers).map(|writer| {
            let (cluster, partitions) = (bed.cluster.clone(), partitions.clone());
            tokio::spawn(async move {
                for id in 0..WRITES / writers {
                    let partition = partitions[((id * 7 + writer) % partitions.len() as u64) as usize];
                    crate::bed::put(cluster.clone(), partition, id % 100).await.expect("written");
                }
            })
        });
        futures_util::future::join_all(tasks).await;
        let took = began.elapsed();
        let per = |seconds: f64| seconds * 1e6 / WRITES as f64;
        let batches = bed.cluster.counters().batches() - batches;
        eprintln!(
            "{writers} writers: {:.0} writes/s, {:.1} a batch; CPU a write: {:.1} us here, {:.1} us at the masters",
            WRITES as f64 / took.as_secs_f64(),
            WRITES as f64 / batches as f64,
            per(own_cpu() - own),
            per(bed.rig(masters_cpu).await - redis),
        );
    }
}

fn own_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a line");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / 100.0
}

fn masters_cpu(rig: &chat_rig::RedisCluster) -> f64 {
    let used = |node: &chat_rig::Node| {
        let info = node.command(&["INFO", "cpu"]).expect("asked");
        let field = |name| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
            line.trim().parse::<f64>().expect("a number")
        };
        field("used_cpu_sys:") + field("used_cpu_user:")
    };
    rig.masters().expect("masters").iter().map(used).sum()
}
