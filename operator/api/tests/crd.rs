//! The generated definition is the one that is checked in, and defaults are what the documentation says.

use chat_api::{ChatCluster, crd_yaml};
use std::path::Path;

const COPIES: [&str; 2] = ["../../k8s/crd.yaml", "../../charts/chatcluster/files/crd.yaml"];

#[test]
fn the_checked_in_definitions_are_current() {
    let current = crd_yaml();
    for copy in COPIES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(copy);
        if std::env::var_os("CHAT_REGENERATE").is_some() {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(&path, &current).expect("a file that can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == current, "{copy} is not current: `make generate` writes it");
    }
}

#[test]
fn the_smallest_cluster_has_its_defaults() {
    let smallest = "
apiVersion: chatcluster.dev/v1alpha1
kind: ChatCluster
metadata: {name: chat}
spec:
  redis: {managed: {}}
";
    let cluster: ChatCluster = serde_yaml::from_str(smallest).expect("a ChatCluster");
    let managed = cluster.spec.redis.managed.expect("a managed Redis");
    assert_eq!((cluster.spec.replicas, managed.shards, managed.replicas_per_shard), (2, 3, 1));
    assert!(cluster.spec.auth.guests && cluster.spec.network_policy.enabled);
    assert_eq!(cluster.spec.drain.connections_per_second, 500);
}
