//! What the containers of servers and of a managed Redis have in common.

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ObjectFieldSelector, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use std::collections::BTreeMap;

/// A variable with the value of a field of the pod.
pub(crate) fn from_field(name: &str, path: &str) -> EnvVar {
    let field = ObjectFieldSelector { field_path: path.to_owned(), api_version: Some("v1".to_owned()) };
    EnvVar {
        name: name.to_owned(),
        value_from: Some(EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() }),
        ..EnvVar::default()
    }
}

/// What a container is given where the ChatCluster does not say: a tenth of a core, so much memory, and at most so much.
pub(crate) fn resources(memory: &str, memory_max: &str) -> ResourceRequirements {
    let quantities = |pairs: &[(&str, &str)]| {
        let quantity = |(name, amount): &(&str, &str)| ((*name).to_owned(), Quantity((*amount).to_owned()));
        Some(pairs.iter().map(quantity).collect::<BTreeMap<_, _>>())
    };
    ResourceRequirements {
        requests: quantities(&[("cpu", "100m"), ("memory", memory)]),
        limits: quantities(&[("memory", memory_max)]),
        ..ResourceRequirements::default()
    }
}
