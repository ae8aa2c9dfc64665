//! What fails under load, and what must hold all the same: what was acknowledged is there afterwards, other shards notice nothing, nobody waits beyond the
//! deadline, and subscribers are told whenever they missed something.

use std::time::{Duration, Instant};

use chat_redis::{Partition, WriteError};
use chat_rig::RedisCluster;

use crate::bed::{Bed, Books, Load, eventually};
use crate::ear::Ear;

const PROMOTION: Duration = Duration::from_secs(15);
/// Longer than a promotion takes.
const DEADLINE: Duration = Duration::from_secs(15);

/// The id of the write that a partition begins with.
const FIRST: u64 = 1_000_000_000;

struct Outcome {
    hit: Books,
    missed: usize,
    disturbances: usize,
}

/// Writes to a shard that is hit and to one that is not, while `fault` goes on.
async fn under<F: FnOnce(&RedisCluster, u16) + Send + 'static>(bed: &Bed, fault: F) -> Outcome {
    bed.cluster.set_write_deadline(DEADLINE);
    let (hit, spared) = (partition_at(bed, 1), partition_at(bed, 12_000));
    bed.put(hit, FIRST).await.expect("written");
    bed.put(spared, FIRST).await.expect("written");
    let (ear, _subscription) = Ear::at(bed, hit);
    eventually(Duration::from_secs(5), "subscription", || ear.disturbances() == 1).await;

    let before = Instant::now();
    let (hits, spares) = (Load::start(bed, hit, 4), Load::start(bed, spared, 4));
    spares.more(500, Duration::from_secs(20)).await;
    hits.more(500, Duration::from_secs(20)).await;
    let began = Instant::now();
    let slot = bed.cluster.partitions().slot(hit);
    bed.rig(move |rig| fault(rig, slot)).await;
    hits.more(500, PROMOTION + Duration::from_secs(5)).await;
    let ended = Instant::now();
    // Whatever has been published by now comes, or its loss has been said.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (hit_books, spared_books) = (hits.end().await, spares.end().await);
    tokio::time::sleep(Duration::from_millis(300)).await;

    for (partition, books) in [(hit, &hit_books), (spared, &spared_books)] {
        let stored = bed.all(partition).await.expect("read");
        let lost: Vec<_> = books.acked.keys().filter(|id| !stored.contains(id)).collect();
        assert!(lost.is_empty(), "{} acknowledged writes are gone: {lost:?}", lost.len());
        assert!(books.longest_error < DEADLINE + Duration::from_millis(500), "{:?}", books.longest_error);
    }
    assert_eq!(spared_books.errors, [], "in a shard that was not hit");
    let (quiet, loud) = (spared_books.p99(before, began), spared_books.p99(began, ended));
    assert!(loud < quiet.max(Duration::from_millis(50)) * 5, "the other shard: p99 {quiet:?}, then {loud:?}");
    let missed = ear.missed_nothing_unsaid(&hit_books);
    let slowest = hit_books.times.iter().map(|&(_, took)| took).max().unwrap_or_default();
    eprintln!(
        "{} acked, {} of them unreplicated, slowest {slowest:?}, {} errors, {} batches handed back, {missed} messages missed, {} disturbances; p99 elsewhere {quiet:?} -> {loud:?}",
        hit_books.acked.len(),
        hit_books.unreplicated,
        hit_books.errors.len(),
        bed.cluster.counters().replaced(),
        ear.disturbances()
    );
    Outcome { hit: hit_books, missed, disturbances: ear.disturbances() }
}

fn partition_at(bed: &Bed, slot: u16) -> Partition {
    let partitions = bed.cluster.partitions();
    partitions.all().find(|&partition| partitions.slot(partition) >= slot).expect("there is one")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_is_killed() {
    let bed = Bed::new().await;
    let outcome = under(&bed, |rig, slot| {
        let master = rig.master_of_slot(slot).expect("a master");
        master.kill().expect("killed");
        rig.await_promotion(slot, &master, PROMOTION).expect("promoted");
    })
    .await;
    assert_eq!(outcome.hit.errors, []);
    assert!(outcome.disturbances > 1);
    assert!(outcome.hit.unreplicated > 0, "nobody follows the new master");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_stops_for_ten_seconds_and_goes_on() {
    let bed = Bed::new().await;
    let outcome = under(&bed, |rig, slot| {
        let master = rig.master_of_slot(slot).expect("a master");
        master.pause().expect("paused");
        std::thread::sleep(Duration::from_secs(10));
        master.resume().expect("resumed");
        rig.await_healthy(PROMOTION).expect("healthy");
    })
    .await;
    assert_eq!(outcome.hit.errors, []);
    assert!(outcome.disturbances > 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_in_agreement() {
    let bed = Bed::new().await;
    let outcome = under(&bed, |rig, slot| {
        let master = rig.master_of_slot(slot).expect("a master");
        rig.fail_over(&rig.replica_of(&master).expect("a replica")).expect("failed over");
        rig.await_promotion(slot, &master, PROMOTION).expect("promoted");
        rig.await_healthy(PROMOTION).expect("healthy");
    })
    .await;
    assert_eq!(outcome.hit.errors, []);
    assert!(outcome.disturbances > 1);
    let slowest = outcome.hit.times.iter().map(|&(_, took)| took).max().expect("some");
    assert!(slowest < Duration::from_secs(4), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_moves_and_comes_back() {
    let bed = Bed::new().await;
    let outcome = under(&bed, |rig, slot| {
        let from = rig.master_of_slot(slot).expect("a master");
        let to = rig.master_of_slot(6000).expect("a master");
        rig.move_slot(slot, &to).expect("moved");
        std::thread::sleep(Duration::from_millis(500));
        rig.move_slot(slot, &from).expect("moved");
    })
    .await;
    assert_eq!(outcome.hit.errors, []);
    assert!(outcome.disturbances > 1);
    assert!(outcome.missed < outcome.hit.acked.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_killed() {
    let bed = Bed::new().await;
    let outcome = under(&bed, |rig, slot| {
        let master = rig.master_of_slot(slot).expect("a master");
        rig.replica_of(&master).expect("a replica").kill().expect("killed");
        std::thread::sleep(Duration::from_secs(2));
    })
    .await;
    assert_eq!(outcome.hit.errors, []);
    assert!(outcome.hit.unreplicated > 0);
    // And without a replica nothing is taken, where that is not allowed.
    bed.cluster.set_unreplicated_allowed(false);
    let hit = partition_at(&bed, 1);
    assert_eq!(bed.put(hit, 7_777_777).await, Err(WriteError::Unreplicated));
    assert!(!bed.all(hit).await.expect("read").contains(&7_777_777), "it was written all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_functions_are_gone() {
    let bed = Bed::new().await;
    let outcome = under(&bed, |rig, slot| {
        let master = rig.master_of_slot(slot).expect("a master");
        master.command(&["FUNCTION", "FLUSH"]).expect("flushed");
    })
    .await;
    assert_eq!(outcome.hit.errors, []);
    assert_eq!(outcome.missed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_full() {
    let bed = Bed::new().await;
    let partition = partition_at(&bed, 1);
    bed.put(partition, 1).await.expect("written");
    bed.rig(|rig| {
        for node in rig.nodes() {
            node.command(&["CONFIG", "SET", "maxmemory", "1"]).expect("set");
        }
    })
    .await;
    let began = Instant::now();
    assert_eq!(bed.put(partition, 2).await, Err(WriteError::OutOfMemory));
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(bed.all(partition).await.expect("read").len(), 1);
}
