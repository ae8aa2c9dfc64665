//! The objects of a managed Redis: pure functions of the ChatCluster, a kind a file.

mod config;
mod policy;
mod stateful_set;

pub use config::config_map;
pub use policy::{budget, network_policy, service};
pub use stateful_set::stateful_set;

use crate::controller::validate::Validated;
use crate::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

fn metadata(cluster: &Validated, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(cluster.namespace.clone()),
        labels: Some(names::labels(&cluster.name, names::REDIS)),
        ..ObjectMeta::default()
    }
}
