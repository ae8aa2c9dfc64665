//! All nodes come back at once on addresses that nobody knew; only the name that seeds are given by still leads there.

use std::sync::Arc;
use std::time::Duration;

use chat_redis::{Cluster, Options};
use chat_rig::RedisCluster;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};

use crate::bed::{Bed, epoch, eventually, library};
use crate::ear::Ear;

/// Stands for a name that is looked up anew with each connection: whoever connects gets to wherever it points now.
async fn name(target: Arc<Mutex<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let to = target.lock().clone();
            tokio::spawn(async move {
                if let Ok(mut far) = TcpStream::connect(to).await {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_nodes_come_back_elsewhere() {
    let mut bed = Bed::with(RedisCluster::builder().append_only(true), |_| {}).await;
    let target = Arc::new(Mutex::new(bed.rig.nodes()[0].address()));
    bed.cluster = Cluster::start(Options::new(vec![name(target.clone()).await]), &library());
    bed.cluster.set_write_deadline(Duration::from_secs(20));
    let partition = bed.cluster.partitions().at(3).expect("there is one");
    let first = epoch(&bed.put(partition, 1).await.expect("written"));
    let (ear, _subscription) = Ear::at(&bed, partition);
    eventually(Duration::from_secs(5), "subscription", || ear.disturbances() == 1).await;

    let before = bed.rig.seeds();
    bed.rig(|rig| rig.restart_all(true).expect("restarted")).await;
    assert!(bed.rig.seeds().iter().all(|seed| !before.contains(seed)));
    *target.lock() = bed.rig.nodes()[0].address();

    let second = bed.put(partition, 2).await.expect("written");
    assert!(epoch(&second) > first);
    assert_eq!(bed.all(partition).await.expect("read").len(), 2);
    eventually(Duration::from_secs(10), "disturbance", || ear.disturbances() > 1).await;
    eventually(Duration::from_secs(10), "subscription that works", || ear.disturbances() > 1).await;
    bed.put(partition, 3).await.expect("written");
    eventually(Duration::from_secs(5), "message", || ear.heard.lock().contains(&3)).await;
}
