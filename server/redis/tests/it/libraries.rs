//! Function libraries of several builds on one Redis.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chat_redis::{Cluster, Library, Options};
use chat_rig::RedisCluster;

use crate::bed::{Bed, library, put};

const WITHIN: Duration = Duration::from_secs(30);
const EVER: Duration = Duration::from_secs(3600);

fn build(bed: &Bed, library: &Library) -> Cluster {
    Cluster::start(Options::new(bed.rig.seeds()), library)
}

/// The libraries that there are on any master.
async fn libraries(bed: &Bed) -> BTreeSet<String> {
    let list = |rig: &RedisCluster| {
        let masters = rig.masters().expect("masters");
        let listed = masters.iter().map(|master| master.command(&["FUNCTION", "LIST"]).expect("a list"));
        listed.collect::<Vec<_>>().join("\n")
    };
    let text = bed.rig(list).await;
    let words = text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("chat_")).map(str::to_owned).collect()
}

/// When each library was last in use, as it is written down.
async fn marks(bed: &Bed) -> BTreeMap<String, u64> {
    let read = |rig: &RedisCluster| {
        let master = rig.master_of_slot(0).expect("a master");
        master.command(&["HGETALL", "chat:{2977}:libraries"]).expect("marks")
    };
    let text = bed.rig(read).await;
    let lines: Vec<_> = text.lines().collect();
    lines.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].parse().expect("a time"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_of_builds_that_are_gone_are_deleted_and_no_others() {
    let bed = Bed::new().await;
    let (old, new) = (build(&bed, &library()), build(&bed, &library().part("-- the next build")));
    for cluster in [&old, &new] {
        cluster.check().await.expect("fit");
        for partition in cluster.partitions().all().step_by(16) {
            put(cluster.clone(), partition, 1).await.expect("written");
        }
    }
    bed.rig(|rig| {
        for master in rig.masters().expect("masters") {
            master
                .command(&[
                    "FUNCTION",
                    "LOAD",
                    "#!lua name=mine\nredis.register_function('f', function() return 1 end)",
                ])
                .expect("loaded");
        }
    })
    .await;
    assert_eq!(libraries(&bed).await.len(), 2);

    // Both say that they are in use, each for itself, and neither takes the other's away.
    assert_eq!(old.tidy(EVER).await, Ok(vec![]));
    let first = marks(&bed).await;
    let (own, other) = (first.keys().next().expect("its own").clone(), first.keys().nth(1).expect("the other").clone());
    for _ in 0..3 {
        let mut later = Vec::new();
        for cluster in [&old, &new] {
            let before = marks(&bed).await;
            // The clock of Redis, in milliseconds, goes on in between.
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert_eq!(cluster.tidy(EVER).await, Ok(vec![]));
            let after = marks(&bed).await;
            later.push([&own, &other].map(|version| after[version] > before[version]));
        }
        assert!(later == [[true, false], [false, true]] || later == [[false, true], [true, false]], "{later:?}");
    }
    assert_eq!(libraries(&bed).await.len(), 2);

    // The old build is gone: a while later its library is, too, at every master, and the one of somebody else is left alone.
    drop(old);
    let deleted = tokio::time::timeout(WITHIN, async {
        loop {
            let deleted = new.tidy(Duration::from_millis(200)).await.expect("tidied");
            if !deleted.is_empty() {
                return deleted;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(deleted.await.expect("in time").len(), 1);
    assert_eq!(libraries(&bed).await.len(), 1);
    let mine = |rig: &RedisCluster| {
        let masters = rig.masters().expect("masters");
        masters.iter().all(|master| master.command(&["FUNCTION", "LIST"]).is_ok_and(|list| list.contains("mine")))
    };
    assert!(bed.rig(mine).await);
    assert!(put(new.clone(), new.partition("x"), 2).await.is_ok());

    // A build that has not told that it is there finds its library gone, and loads it again.
    let silent = build(&bed, &library());
    assert!(put(silent.clone(), silent.partition("x"), 3).await.is_ok());
    assert_eq!(libraries(&bed).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wait_of_a_batch_is_measured_by_the_masters_clock() {
    let bed = Bed::new().await;
    bed.put(bed.cluster.partition("x"), 1).await.expect("written");
    let (before, _) = bed.cluster.counters().waits();
    assert!(before > 0, "a replica was waited for");
    // Its replicas stand still for a while: the wait is as long as that, for all that the batch did before.
    let (partition, counters) = (bed.cluster.partition("x"), bed.cluster.counters());
    let slot = bed.cluster.partitions().slot(partition);
    let replica =
        bed.rig(move |rig| rig.replica_of(&rig.master_of_slot(slot).expect("a master")).expect("a replica")).await;
    let pause = Duration::from_millis(300);
    let (_, total) = counters.waits();
    replica.pause().expect("it stops");
    let writing = tokio::spawn(put(bed.cluster.clone(), partition, 2));
    tokio::time::sleep(pause).await;
    replica.resume().expect("it goes on");
    writing.await.expect("no panic").expect("written");
    let (count, later) = counters.waits();
    assert!(count > before);
    // The write may have been sent a moment after the pause began; half of it is far above any other wait.
    let waited = later.saturating_sub(total);
    assert!(waited >= pause / 2, "{waited:?}");
}
