//! The Service that clients connect to.

use super::metadata;
use crate::controller::validate::Validated;
use crate::names;
use chat_api::ServiceType;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// Sends clients to the servers of a revision that take any. No server needs a client to come back to it: there is no affinity.
pub fn service(cluster: &Validated, revision: &str) -> Service {
    let own = &cluster.spec.service;
    let mut selector = names::selector(&cluster.name, names::SERVER);
    selector.insert(names::SERVING.to_owned(), "true".to_owned());
    selector.insert(names::REVISION.to_owned(), revision.to_owned());
    let mut metadata = metadata(cluster, cluster.name.clone());
    metadata.annotations = Some(own.annotations.clone()).filter(|annotations| !annotations.is_empty());
    let kind = match own.kind {
        ServiceType::ClusterIP => "ClusterIP",
        ServiceType::NodePort => "NodePort",
        ServiceType::LoadBalancer => "LoadBalancer",
    };
    let port = ServicePort {
        name: Some("public".to_owned()),
        port: own.port,
        target_port: Some(IntOrString::String("public".to_owned())),
        node_port: own.node_port,
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    };
    Service {
        metadata,
        spec: Some(ServiceSpec {
            type_: Some(kind.to_owned()),
            selector: Some(selector),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
