//! The objects that there shall be for a ChatCluster: pure functions of it and of the plan, a kind a file.

mod autoscaler;
mod budget;
mod container;
mod deployment;
mod ingress;
mod monitor;
mod policy;
mod revision;
mod service;

pub use autoscaler::{CONNECTIONS, SENDS, autoscaler};
pub use budget::budget;
pub(crate) use container::{from_field, resources};
pub use deployment::deployment;
pub use ingress::ingress;
pub use monitor::{dashboard, dashboard_name, pod_monitor, pod_monitor_kind};
pub use policy::network_policy;
pub(crate) use policy::operator;
pub use revision::{Template, template};
pub use service::service;

use super::validate::{Validated, hex};
use crate::names;
use chat_api::ChatCluster;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use std::collections::BTreeMap;

/// The metadata of an object of this ChatCluster. The owner is added when it is applied.
pub fn metadata(cluster: &Validated, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(cluster.namespace.clone()),
        labels: Some(names::labels(&cluster.name, names::SERVER)),
        ..ObjectMeta::default()
    }
}

/// The account of the servers, which may do nothing at the API server.
pub fn service_account(cluster: &Validated) -> ServiceAccount {
    ServiceAccount {
        metadata: metadata(cluster, cluster.name.clone()),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

/// The settings of a revision. Each revision has its own, so that a pod of an older one that starts again starts as it was. What makes no new revision
/// is written into that of the present one.
pub fn config_map(cluster: &Validated, hash: &str) -> ConfigMap {
    let mut metadata = metadata(cluster, names::revision(&cluster.name, hash));
    metadata.labels.get_or_insert_default().insert(names::REVISION.to_owned(), hash.to_owned());
    ConfigMap {
        metadata,
        data: Some(BTreeMap::from([("chat.yaml".to_owned(), cluster.config.clone())])),
        ..ConfigMap::default()
    }
}

/// The Secret with a signing key of these random bytes. It is made once, and never written again.
pub fn signing_secret(cluster: &ChatCluster, random: &[u8; 32]) -> Secret {
    let name = cluster.name_any();
    Secret {
        metadata: ObjectMeta {
            name: Some(names::signing(&name)),
            namespace: cluster.namespace(),
            labels: Some(names::labels(&name, names::SERVER)),
            owner_references: cluster.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        string_data: Some(BTreeMap::from([("key".to_owned(), hex(random))])),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}
