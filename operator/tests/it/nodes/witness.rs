//! Somebody who sees every change of a pod, and remembers the worst.

use chat_operator::names;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The worst that was seen since [`Witness::begin`].
#[derive(Default)]
pub(crate) struct Witness {
    watches: bool,
    /// The fewest servers that were ready and not being ended.
    pub(crate) servers: Option<usize>,
    /// The fewest nodes of any shard.
    pub(crate) shard: Option<usize>,
    /// The fewest nodes of Redis in all.
    pub(crate) nodes: Option<usize>,
}

impl Witness {
    /// Forgets, and watches from now on.
    pub(crate) fn begin(&mut self) {
        *self = Self { watches: true, ..Self::default() };
    }

    /// A change.
    pub(crate) fn see(&mut self, pods: &[Arc<Pod>]) {
        if !self.watches {
            return;
        }
        let least = |seen: &mut Option<usize>, now: usize| *seen = Some(seen.map_or(now, |seen| seen.min(now)));
        let up = |component: &str| {
            let component = component.to_owned();
            pods.iter().filter(move |pod| is(pod, &component) && is_up(pod))
        };
        least(&mut self.servers, up(names::SERVER).count());
        least(&mut self.nodes, up(names::REDIS).count());
        let mut shards: BTreeMap<String, usize> = BTreeMap::new();
        for pod in pods.iter().filter(|pod| is(pod, names::REDIS)) {
            shards.entry(shard(pod)).or_default();
        }
        for pod in up(names::REDIS) {
            *shards.entry(shard(pod)).or_default() += 1;
        }
        if let Some(worst) = shards.values().min() {
            least(&mut self.shard, *worst);
        }
    }
}

/// Whether a pod is of a component.
pub(crate) fn is(pod: &Pod, component: &str) -> bool {
    pod.labels().get(names::COMPONENT).map(String::as_str) == Some(component)
}

/// The shard that a node of Redis was made for.
pub(crate) fn shard(pod: &Pod) -> String {
    pod.labels().get(names::SHARD).cloned().unwrap_or_default()
}

/// Ready, and not being ended.
pub(crate) fn is_up(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions.filter(|condition| condition.type_ == "Ready").any(|condition| condition.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}
