//! The epoch rises whenever a master came to its data anew, and only then.

use std::time::Duration;

use chat_redis::{Cluster, Options};

use crate::bed::{Bed, epoch, library, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_rises_from_a_to_b_and_back_to_a() {
    let bed = Bed::new().await;
    let partition = bed.cluster.partitions().at(0).expect("there is one");
    let other = Cluster::start(Options::new(bed.rig.seeds()), &library());
    let slot = bed.cluster.partitions().slot(partition);
    let mut last = 0;
    for id in 0..4 {
        let risen = epoch(&bed.put(partition, id).await.expect("written"));
        assert!(risen > last, "{risen} after {last}");
        // A second server finds it raised.
        let same = put(other.clone(), partition, id).await.expect("written");
        assert_eq!(epoch(&same), risen);
        last = risen;
        bed.rig(move |rig| {
            let master = rig.master_of_slot(slot).expect("a master");
            // The other masters do not vote twice within two node timeouts for a replica of the same master: it is asked for until it happens.
            let replica = rig.replica_of(&master).expect("a replica");
            let promoted = (0..10).any(|_| {
                rig.fail_over(&replica).expect("asked");
                rig.await_promotion(slot, &master, Duration::from_secs(2)).is_ok()
            });
            assert!(promoted);
            rig.await_healthy(Duration::from_secs(10)).expect("healthy");
        })
        .await;
    }
    // A reader after the last of them does not see the old epoch either.
    bed.all(partition).await.expect("read");
    assert!(epoch(&bed.put(partition, 9).await.expect("written")) > last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_above_what_this_process_has_seen_whatever_the_master_forgot() {
    let bed = Bed::new().await;
    let partition = bed.cluster.partitions().at(7).expect("there is one");
    let first = epoch(&bed.put(partition, 1).await.expect("written"));
    let seen = first + 1_000_000;
    bed.cluster.saw_epoch(partition, seen);
    let meta = String::from_utf8(bed.cluster.meta(partition).to_vec()).expect("text");
    let slot = bed.cluster.partitions().slot(partition);
    bed.rig(move |rig| rig.master_of_slot(slot).expect("a master").command(&["DEL", &meta]).expect("deleted")).await;
    assert_eq!(epoch(&bed.put(partition, 2).await.expect("written")), seen + 1);
}
