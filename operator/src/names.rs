//! What things are called: objects, labels, ports. One place, since selectors, policies and people go by them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::BTreeMap;

/// Who applies, for server-side apply and `app.kubernetes.io/managed-by`.
pub const MANAGER: &str = "chat-operator";

/// Which ChatCluster an object belongs to.
pub const CLUSTER: &str = "chatcluster.dev/cluster";

/// Which revision a server is of.
pub const REVISION: &str = "chatcluster.dev/revision";

/// `true` on servers that the Service sends clients to. New pods bear it, so that a pod that comes while no operator runs takes clients all the same.
pub const SERVING: &str = "chatcluster.dev/serving";

/// Which shard of a managed Redis a pod was made for.
pub const SHARD: &str = "chatcluster.dev/shard";

/// What a pod is for: [`SERVER`] or [`REDIS`].
pub const COMPONENT: &str = "app.kubernetes.io/component";

/// The servers.
pub const SERVER: &str = "server";

/// The nodes of a managed Redis.
pub const REDIS: &str = "redis";

/// The port for clients.
pub const PUBLIC_PORT: i32 = 3000;

/// The port for servers and the operator.
pub const INTERNAL_PORT: i32 = 3001;

/// The port for Prometheus and probes.
pub const METRICS_PORT: i32 = 9090;

/// The port of Redis.
pub const REDIS_PORT: i32 = 6379;

/// Labels of an object that belongs to a ChatCluster.
pub fn labels(cluster: &str, component: &str) -> BTreeMap<String, String> {
    let labels = [
        ("app.kubernetes.io/name", "chatcluster"),
        ("app.kubernetes.io/instance", cluster),
        ("app.kubernetes.io/managed-by", MANAGER),
        (COMPONENT, component),
        (CLUSTER, cluster),
    ];
    labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The pods of a component.
pub fn selector(cluster: &str, component: &str) -> BTreeMap<String, String> {
    [(CLUSTER, cluster), (COMPONENT, component)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The same as a label selector of an object.
pub fn label_selector(cluster: &str, component: &str) -> LabelSelector {
    LabelSelector { match_labels: Some(selector(cluster, component)), ..LabelSelector::default() }
}

/// The same as text, for `/scale` and lists.
pub fn selector_text(cluster: &str, component: &str) -> String {
    let pairs: Vec<_> =
        selector(cluster, component).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(",")
}

/// The Deployment and ConfigMap of a revision.
pub fn revision(cluster: &str, hash: &str) -> String {
    format!("{cluster}-{hash}")
}

/// The Secret with the signing keys that the operator makes.
pub fn signing(cluster: &str) -> String {
    format!("{cluster}-signing")
}

/// The headless Service of a managed Redis, and what else there is once of it.
pub fn redis(cluster: &str) -> String {
    format!("{cluster}-redis")
}

/// The StatefulSet of a shard.
pub fn shard(cluster: &str, shard: usize) -> String {
    format!("{}-{shard}", redis(cluster))
}
