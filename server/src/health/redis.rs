//! Whether Redis answers for enough of the partitions: asked, not concluded from what is known of its nodes, which is as old as their last answer.

use crate::cluster::RedisBoard;
use chat_redis::{Cluster, Partition, Topology};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long one master may take.
const ANSWER: Duration = Duration::from_secs(2);

/// Reads from one partition of each master, which stands for all of them. An error says who does not answer.
pub async fn ask(cluster: &Cluster) -> Result<(), String> {
    let count = usize::from(cluster.partitions().count());
    let topology = cluster.topology().borrow().clone();
    let mut asked = tokio::task::JoinSet::new();
    for (address, partitions) in masters(cluster, &topology) {
        let cluster = cluster.clone();
        asked.spawn(async move {
            let Some(&first) = partitions.first() else { return Ok(0) };
            let read = cluster.read(first, RedisBoard::question(&cluster, first));
            match tokio::time::timeout(ANSWER, read).await {
                Ok(Ok(_)) => Ok(partitions.len()),
                Ok(Err(error)) => Err(format!("{address}: {error}")),
                Err(_) => Err(format!("{address}: no answer within {} s", ANSWER.as_secs())),
            }
        });
    }
    let (mut answered, mut failures) = (0, Vec::new());
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok(Ok(partitions)) => answered += partitions,
            Ok(Err(failure)) => failures.push(failure),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if answered * 2 > count {
        return Ok(());
    }
    failures.sort();
    failures.insert(0, format!("{answered} of {count} partitions answer"));
    Err(failures.join("; "))
}

/// The partitions by the address of their master.
fn masters(cluster: &Cluster, topology: &Topology) -> BTreeMap<Arc<str>, Vec<Partition>> {
    let mut masters: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for partition in cluster.partitions().all() {
        if let Some(owner) = topology.owner(cluster.partitions().slot(partition)) {
            masters.entry(owner.address.clone()).or_default().push(partition);
        }
    }
    masters
}
