//! How the nodes are found, who may reach them, and how many may be evicted at a time.

use super::metadata;
use crate::controller::build::operator;
use crate::controller::validate::Validated;
use crate::names;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The port on which nodes talk among themselves.
pub(super) const BUS_PORT: i32 = names::REDIS_PORT + 10_000;

/// Its name stands for all nodes, ready or not: the servers find out themselves which of them serve.
pub fn service(cluster: &Validated) -> Service {
    let port = ServicePort {
        name: Some("redis".to_owned()),
        port: names::REDIS_PORT,
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    };
    Service {
        metadata: metadata(cluster, names::redis(&cluster.name)),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(names::selector(&cluster.name, names::REDIS)),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// One at a time, and none while a shard has a replica that is not in step.
pub fn budget(cluster: &Validated) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: metadata(cluster, names::redis(&cluster.name)),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(names::label_selector(&cluster.name, names::REDIS)),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}

/// The ChatCluster's servers, the nodes themselves and the operator; nobody else, since there is no password.
pub fn network_policy(cluster: &Validated) -> Option<NetworkPolicy> {
    if !cluster.spec.network_policy.enabled {
        return None;
    }
    let port = |port: i32| NetworkPolicyPort {
        port: Some(IntOrString::Int(port)),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    };
    let component = |component: &str| NetworkPolicyPeer {
        pod_selector: Some(names::label_selector(&cluster.name, component)),
        ..NetworkPolicyPeer::default()
    };
    let rules = vec![
        NetworkPolicyIngressRule {
            ports: Some(vec![port(names::REDIS_PORT)]),
            from: Some(vec![component(names::SERVER), component(names::REDIS), operator()]),
        },
        NetworkPolicyIngressRule { ports: Some(vec![port(BUS_PORT)]), from: Some(vec![component(names::REDIS)]) },
    ];
    Some(NetworkPolicy {
        metadata: metadata(cluster, names::redis(&cluster.name)),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(names::label_selector(&cluster.name, names::REDIS)),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(rules),
            egress: None,
        }),
    })
}
