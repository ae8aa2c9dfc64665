//! Without any fault.

use std::time::Duration;

use bytes::Bytes;
use chat_redis::{Call, Value, WriteError};

use crate::bed::{Bed, epoch};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_read_and_replicated() {
    let bed = Bed::new().await;
    let mut epochs = Vec::new();
    for partition in bed.cluster.partitions().all() {
        let written = bed.replicated(partition, 1).await;
        epochs.push(epoch(&written));
        assert!(bed.all(partition).await.expect("read").contains(&1));
    }
    // Each of the three masters raised its partitions once, all at once.
    assert_eq!(bed.cluster.counters().raises(), 3);
    assert!(epochs.iter().all(|&epoch| epoch > 1_700_000_000));

    let puts = (0..2000).map(|id| bed.put(bed.cluster.partition(id.to_string()), id));
    for written in futures_util::future::join_all(puts).await {
        assert!(written.expect("written").replicated);
    }
    let batches = bed.cluster.counters().batches();
    assert!(batches < 256 + 3 + 200, "{batches} batches: writes of one time did not share theirs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_and_errors_come_back_as_they_are() {
    let bed = Bed::new().await;
    let partition = bed.cluster.partition("x");
    let call = |function, args: &[&'static [u8]]| Call {
        function,
        keys: vec![bed.cluster.meta(partition)],
        args: args.iter().map(|&arg| Bytes::from_static(arg)).collect(),
    };
    // What looks like a push, a redirect, and no text at all.
    for args in [&[&b"message"[..], b"c", b"d"][..], &[b"MOVED 1 127.0.0.1:1"], &[b"\xff\x00", b"", b"subscribe", b"x"]]
    {
        let expected = args.iter().map(|&arg| Value::Bytes(Bytes::from_static(arg))).collect();
        let written = bed.cluster.write(partition, call("echo", args)).await.expect("written");
        assert_eq!(written.value, Value::Array(expected));
    }
    let refused = bed.cluster.write(partition, call("fail", &[])).await;
    assert_eq!(refused, Err(WriteError::Refused("NOGOOD said the test".into())));
    // What never was in the library is missing after loading it, too.
    bed.cluster.set_write_deadline(Duration::from_millis(500));
    let missing = bed.cluster.write(partition, call("nothing", &[])).await;
    // The deadline may come while it is asked once more.
    assert!(matches!(missing, Err(WriteError::Unavailable | WriteError::Unknown)), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_cluster_is_fit() {
    let bed = Bed::new().await;
    let fitness = bed.cluster.check().await.expect("fit");
    assert!(fitness.version.starts_with("Redis 7."), "{fitness:?}");
    assert_eq!(fitness.warning(), None);
    bed.cluster.check().await.expect("fit a second time");
}
