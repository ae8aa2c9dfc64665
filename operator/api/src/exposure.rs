//! How clients, Prometheus and others reach the pods.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The Service that clients connect to.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.nodePort) || self.type != 'ClusterIP'").message("spec.service.nodePort needs spec.service.type NodePort or LoadBalancer"))]
pub struct Service {
    /// ClusterIP, NodePort or LoadBalancer.
    #[serde(default, rename = "type")]
    pub kind: ServiceType,
    /// The port of the service.
    #[serde(default = "port")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: i32,
    /// The port of the nodes; without it Kubernetes chooses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub node_port: Option<i32>,
    /// Annotations, such as those for load balancers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Default for Service {
    fn default() -> Self {
        Self { kind: ServiceType::default(), port: port(), node_port: None, annotations: BTreeMap::new() }
    }
}

/// Where a Service is to be reached.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum ServiceType {
    /// Inside the cluster.
    #[default]
    ClusterIP,
    /// On a port of every node.
    NodePort,
    /// By a load balancer of the cloud.
    LoadBalancer,
}

/// An Ingress in front of the service. Nothing in it needs sticky sessions.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ingress {
    /// The host that it answers for.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^([*][.])?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')").message("spec.ingress.host is a host name such as chat.example.org, without a scheme or a port"))]
    pub host: String,
    /// The class of the controller that serves it. Without it, the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The Secret of its certificate. Without it there is no TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_secret_name: Option<String>,
    /// Annotations for the controller.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What is made for Prometheus and Grafana.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Monitoring {
    /// A PodMonitor of the Prometheus operator, where its kind is known to the cluster.
    #[serde(default)]
    pub pod_monitor: bool,
    /// A ConfigMap with the dashboard, labelled for Grafana's sidecar.
    #[serde(default)]
    pub dashboard: bool,
}

/// Who may reach the pods.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// Lets everybody to the public port, only servers and the operator to the internal one, and only servers to a managed Redis.
    #[serde(default = "yes")]
    pub enabled: bool,
}

impl Default for NetworkPolicy {
    fn default() -> Self {
        Self { enabled: true }
    }
}

const fn yes() -> bool {
    true
}

const fn port() -> i32 {
    80
}
