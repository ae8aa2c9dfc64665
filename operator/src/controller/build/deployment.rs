//! One Deployment a revision. Its template never changes: a rolling Deployment would end an old pod for each new one, and their clients would land on
//! old pods that end next.

use super::{Template, metadata};
use crate::controller::validate::Validated;
use crate::names;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

/// The Deployment of the wanted revision, with so many pods.
pub fn deployment(cluster: &Validated, template: &Template, replicas: usize) -> Deployment {
    let mut selector = names::selector(&cluster.name, names::SERVER);
    selector.insert(names::REVISION.to_owned(), template.hash.clone());
    let metadata = metadata(cluster, names::revision(&cluster.name, &template.hash));
    let mut labels = metadata.labels.clone().unwrap_or_default();
    labels.insert(names::REVISION.to_owned(), template.hash.clone());
    Deployment {
        metadata: ObjectMeta { labels: Some(labels), ..metadata },
        spec: Some(DeploymentSpec {
            replicas: Some(i32::try_from(replicas).unwrap_or(i32::MAX)),
            selector: LabelSelector { match_labels: Some(selector), ..LabelSelector::default() },
            strategy: Some(DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None }),
            template: template.pods.clone(),
            revision_history_limit: Some(0),
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}
