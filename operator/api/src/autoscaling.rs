//! How many servers there are, by their connections.

use k8s_openapi::api::autoscaling::v2::HPAScalingRules;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A HorizontalPodAutoscaler on this ChatCluster, by the number of its connections.
#[derive(KubeSchema, Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Autoscaling {
    /// The fewest servers. Two, so that the end of one is not the end of all.
    #[serde(default = "min_replicas")]
    #[schemars(range(min = 1, max = 1000))]
    pub min_replicas: i32,
    /// The most servers.
    #[serde(default = "max_replicas")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_replicas: i32,
    /// How many connections a server shall have: the wanted number of servers is all connections, those of draining servers too, divided by this.
    #[serde(default = "connections_per_pod")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections_per_pod: i32,
    /// How many messages a second a server shall take. The larger wish of the two counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub sends_per_second_per_pod: Option<i32>,
    /// How fast the number changes. Without it: up within 15 seconds, down after 10 quiet minutes by one server or 10 % a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Behavior>,
}

/// How fast the number of servers changes, as the HorizontalPodAutoscaler means it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// When there is more to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<HPAScalingRules>,
    /// When there is less to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<HPAScalingRules>,
}

const fn min_replicas() -> i32 {
    2
}

const fn max_replicas() -> i32 {
    10
}

const fn connections_per_pod() -> i32 {
    10_000
}
