//! The custom resource definition, as a file.

use crate::ChatCluster;
use kube::CustomResourceExt;

/// The definition as YAML, with a first line that says where it comes from.
pub fn crd_yaml() -> String {
    let yaml = serde_yaml::to_string(&ChatCluster::crd()).expect("types that a schema can be made of");
    format!("# Made from operator/api by `make generate`: do not edit.\n{yaml}")
}
