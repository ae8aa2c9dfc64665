//! The pods of a managed Redis, as the API server knows them.

use super::world::{Node, Shape, World};
use crate::names;
use crate::trouble::{REDIS, not_started, unplaced};
use chat_api::ManagedRedis;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use std::net::SocketAddr;
use std::sync::Arc;

/// The label with the revision of the StatefulSet that a pod was made from.
const REVISION: &str = "controller-revision-hash";

/// Puts together what is known before anybody is asked.
pub fn observe(wanted: &ManagedRedis, sets: &[Arc<StatefulSet>], pods: &[Arc<Pod>]) -> World {
    let count = |n: i32| usize::try_from(n).unwrap_or(0);
    let wanted = Shape { shards: count(wanted.shards), replicas: count(wanted.replicas_per_shard) };
    let mut nodes: Vec<_> = pods.iter().filter_map(|pod| node(pod, sets)).collect();
    nodes.sort_by_key(|node| (node.shard, node.ordinal));
    World { wanted, nodes }
}

fn node(pod: &Pod, sets: &[Arc<StatefulSet>]) -> Option<Node> {
    if pod.labels().get(names::COMPONENT).map(String::as_str) != Some(names::REDIS) {
        return None;
    }
    let name = pod.name_any();
    let (set, ordinal) = name.rsplit_once('-')?;
    let set = sets.iter().find(|known| known.name_any() == set);
    let status = pod.status.clone().unwrap_or_default();
    let condition = |kind: &str| status.conditions.iter().flatten().find(|condition| condition.type_ == kind);
    let address = status.pod_ip.as_deref().and_then(|ip| ip.parse().ok());
    Some(Node {
        shard: pod.labels().get(names::SHARD)?.parse().ok()?,
        ordinal: ordinal.parse().ok()?,
        address: address.map(|ip| SocketAddr::new(ip, names::REDIS_PORT as u16)),
        ready: condition("Ready").is_some_and(|condition| condition.status == "True"),
        outdated: set.is_some_and(|set| is_outdated(pod, set)),
        deleting: pod.metadata.deletion_timestamp.is_some(),
        trouble: unplaced(pod, REDIS).or_else(|| not_started(pod, REDIS)),
        view: None,
        pod: name,
    })
}

/// Only a StatefulSet whose controller has seen its present spec can tell.
fn is_outdated(pod: &Pod, set: &StatefulSet) -> bool {
    let Some(status) = &set.status else { return false };
    if status.observed_generation < set.metadata.generation {
        return false;
    }
    let revision = pod.labels().get(REVISION);
    status.update_revision.is_some() && revision.is_some() && status.update_revision.as_ref() != revision
}
