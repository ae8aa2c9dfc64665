//! Who may reach the servers.

use super::metadata;
use crate::controller::validate::Validated;
use crate::names;
use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;

/// Everybody to the public port; other servers and the operator to the internal one; anybody in the cluster to the metrics.
pub fn network_policy(cluster: &Validated) -> Option<NetworkPolicy> {
    if !cluster.spec.network_policy.enabled {
        return None;
    }
    let port = |name: &str| {
        Some(vec![NetworkPolicyPort {
            port: Some(IntOrString::String(name.to_owned())),
            protocol: Some("TCP".to_owned()),
            end_port: None,
        }])
    };
    let servers = NetworkPolicyPeer {
        pod_selector: Some(names::label_selector(&cluster.name, names::SERVER)),
        ..NetworkPolicyPeer::default()
    };
    let everywhere =
        NetworkPolicyPeer { namespace_selector: Some(LabelSelector::default()), ..NetworkPolicyPeer::default() };
    let rules = vec![
        NetworkPolicyIngressRule { ports: port("public"), from: None },
        NetworkPolicyIngressRule { ports: port("internal"), from: Some(vec![servers, operator()]) },
        NetworkPolicyIngressRule { ports: port("metrics"), from: Some(vec![everywhere]) },
    ];
    Some(NetworkPolicy {
        metadata: metadata(cluster, cluster.name.clone()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(names::label_selector(&cluster.name, names::SERVER)),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(rules),
            egress: None,
        }),
    })
}

/// The operator, which may run in any namespace.
pub(crate) fn operator() -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        pod_selector: Some(LabelSelector {
            match_labels: Some(BTreeMap::from([("app.kubernetes.io/name".to_owned(), names::MANAGER.to_owned())])),
            ..LabelSelector::default()
        }),
        namespace_selector: Some(LabelSelector::default()),
        ip_block: None,
    }
}
