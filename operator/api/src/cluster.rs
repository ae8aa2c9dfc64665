//! The resource itself.

use crate::{
    Auth, Autoscaling, ChatClusterStatus, Drain, Ingress, Monitoring, NetworkPolicy, PodTemplate, Rebalance, Redis,
    Rollout, Service,
};
use k8s_openapi::api::core::v1::{EnvVar, LocalObjectReference, ResourceRequirements};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A chat service: servers that scale by their connections, on a Redis Cluster that holds the rooms.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "chatcluster.dev",
    version = "v1alpha1",
    kind = "ChatCluster",
    plural = "chatclusters",
    shortname = "cc",
    category = "all",
    namespaced,
    status = "ChatClusterStatus",
    derive = "PartialEq",
    doc = "A chat service: servers that scale by their connections, on a Redis Cluster that holds the rooms.",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.ready", description = "Servers that take clients, of those wanted"),
    printcolumn(name = "Desired", type_ = "integer", json_path = ".spec.replicas", description = "Servers that are wanted"),
    printcolumn(name = "Connections", type_ = "integer", json_path = ".status.connections", description = "Clients that are connected"),
    printcolumn(name = "Redis", type_ = "string", json_path = ".status.redis.phase", description = "How the Redis Cluster is"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.phase", description = "What is going on"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message", description = "In a sentence", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("size(self.metadata.name) <= 40").message("metadata.name may have at most 40 characters: the names of pods and services are made from it"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')").message("metadata.name begins with a letter and has only small letters, digits and dashes: the names of services are made from it")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.autoscaling) || self.autoscaling.maxReplicas >= self.autoscaling.minReplicas").message("spec.autoscaling.maxReplicas must be at least minReplicas"))]
pub struct ChatClusterSpec {
    /// The image of the server. Without one, that of the operator's own release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^\S+$"))]
    pub image: Option<String>,
    /// Always, IfNotPresent or Never, as Kubernetes means it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self in ['Always', 'IfNotPresent', 'Never']").message("spec.imagePullPolicy is Always, IfNotPresent or Never"))]
    pub image_pull_policy: Option<String>,
    /// Secrets that the image is pulled with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// How many servers there shall be. With `autoscaling` this is written by the HorizontalPodAutoscaler.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: i32,
    /// What a server may use. Without it: 100m of a core and 128Mi are requested, and 512Mi of memory are the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// What else its pods shall have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<PodTemplate>,
    /// Variables of the server's container. Those that begin with `CHAT_` are settings of the server and belong into `settings`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[x_kube(
        validation = Rule::new("self.all(v, !v.name.startsWith('CHAT_'))").message("variables that begin with CHAT_ are settings of the server: write them under spec.settings, in the spelling of docs/settings.md"),
        validation = Rule::new("self.all(v, v.name != 'POD_IP')").message("the operator sets POD_IP itself: take another name")
    )]
    pub env: Vec<EnvVar>,
    /// Settings of the server, by the names of docs/settings.md (such as `retention-age: 30d`). Those that the operator sets itself are refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 64))]
    pub settings: BTreeMap<String, String>,
    /// Scales the servers by their connections. Without it `replicas` is what you write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// The Redis Cluster that holds the rooms.
    pub redis: Redis,
    /// Who may come in.
    #[serde(default)]
    pub auth: Auth,
    /// How a server is emptied before it goes.
    #[serde(default)]
    pub drain: Drain,
    /// How a new revision takes the place of the old one.
    #[serde(default)]
    pub rollout: Rollout,
    /// Evens connections out over the servers after a scale-up.
    #[serde(default)]
    pub rebalance: Rebalance,
    /// How clients reach the servers.
    #[serde(default)]
    pub service: Service,
    /// An Ingress in front of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,
    /// What is made for Prometheus and Grafana.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// Who may reach the pods.
    #[serde(default)]
    pub network_policy: NetworkPolicy,
}

const fn two() -> i32 {
    2
}
