//! How the nodes are set up, start, answer probes and end. Nothing is asked of the image but a shell, the server and its client, of Redis or of Valkey.

use super::metadata;
use crate::controller::validate::Validated;
use crate::names;
use k8s_openapi::api::core::v1::ConfigMap;
use std::collections::BTreeMap;

/// The settings and the scripts of all nodes.
pub fn config_map(cluster: &Validated) -> ConfigMap {
    let files = [
        ("redis.conf", include_str!("config/redis.conf")),
        ("start.sh", include_str!("config/start.sh")),
        ("alive.sh", include_str!("config/alive.sh")),
        ("ready.sh", include_str!("config/ready.sh")),
        ("stop.sh", include_str!("config/stop.sh")),
    ];
    ConfigMap {
        metadata: metadata(cluster, names::redis(&cluster.name)),
        data: Some(
            files.map(|(name, text)| (name.to_owned(), text.to_owned())).into_iter().collect::<BTreeMap<_, _>>(),
        ),
        ..ConfigMap::default()
    }
}
