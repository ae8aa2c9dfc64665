//! What the operator answers.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What there is, and what is being done about it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatClusterStatus {
    /// The generation of the spec that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// In a word.
    #[serde(default)]
    pub phase: Phase,
    /// In a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Servers that take clients, of those wanted: `3/3`.
    #[serde(default)]
    pub ready: String,
    /// Servers that count: without those that drain and those that a rollout adds. The HorizontalPodAutoscaler goes by it.
    #[serde(default)]
    pub replicas: i32,
    /// Of them, those that take clients.
    #[serde(default)]
    pub ready_replicas: i32,
    /// The pods of the servers, as a label selector.
    #[serde(default)]
    pub selector: String,
    /// Clients that are connected, to draining servers too. Written when it has moved by 5 %, at most every 30 seconds.
    #[serde(default)]
    pub connections: i64,
    /// The Redis Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<RedisStatus>,
    /// Servers that are being emptied. Each is written here before anything is done to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draining: Vec<Draining>,
    /// The revisions of the servers, the wanted one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<RevisionStatus>,
    /// A change of revision under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,
    /// When connections were last evened out (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebalanced_at: Option<String>,
    /// What holds and what does not, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// What is going on, in a word.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum Phase {
    /// Nothing has been done yet.
    #[default]
    Pending,
    /// The parts are being made.
    Creating,
    /// All that is wanted is there.
    Running,
    /// The number of servers changes.
    Scaling,
    /// A new revision takes the place of the old one.
    RollingOut,
    /// Something is not as it should be; the conditions say what.
    Degraded,
    /// The spec cannot be carried out; the conditions say why.
    Invalid,
    /// It is going away.
    Terminating,
}

/// A server that is being emptied.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Draining {
    /// The pod.
    pub pod: String,
    /// Which pod of that name.
    pub uid: String,
    /// Why.
    pub reason: DrainReason,
    /// Since when (RFC 3339).
    pub since: String,
    /// Clients that it had when that began.
    pub connections: i64,
}

/// Why a server is emptied.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum DrainReason {
    /// Fewer servers are wanted.
    ScaleDown,
    /// It is of an older revision.
    Rollout,
}

/// Servers of one revision.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionStatus {
    /// The hash of its pods' template: the name of its Deployment ends with it.
    pub hash: String,
    /// Servers that it has.
    pub replicas: i32,
    /// Of them, those that take clients.
    pub ready: i32,
}

/// A change of revision under way.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// The new revision.
    pub to: String,
    /// Since when (RFC 3339).
    pub since: String,
    /// Clients find the new servers: those of the old revision get no new ones.
    pub switched: bool,
}

/// The Redis Cluster, as the operator sees it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedisStatus {
    /// `Ready`, or what is wrong.
    pub phase: String,
    /// Masters that serve their slots.
    #[serde(default)]
    pub masters: i32,
    /// Replicas that follow them.
    #[serde(default)]
    pub replicas: i32,
    /// Slots that nobody serves.
    #[serde(default)]
    pub uncovered_slots: i32,
}

/// The kinds of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// As many servers take clients as are wanted.
    Ready,
    /// Something is under way: a scaling, a rollout, a formation of Redis.
    Progressing,
    /// Something is not as it should be.
    Degraded,
    /// All slots of Redis are served, and every master has its replicas.
    RedisHealthy,
    /// The number of servers is not what is wanted, and this is why.
    ScalingLimited,
    /// The autoscaler gets the figures that it scales by. Only with `spec.autoscaling`.
    ScalingActive,
}

impl ConditionType {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Ready, Self::Progressing, Self::Degraded, Self::RedisHealthy, Self::ScalingLimited, Self::ScalingActive];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Progressing => "Progressing",
            Self::Degraded => "Degraded",
            Self::RedisHealthy => "RedisHealthy",
            Self::ScalingLimited => "ScalingLimited",
            Self::ScalingActive => "ScalingActive",
        }
    }
}

/// What holds or does not, and why (the shape of `metav1.Condition`).
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which.
    #[serde(rename = "type")]
    pub kind: String,
    /// True, False or Unknown.
    pub status: String,
    /// In a word.
    pub reason: String,
    /// In a sentence, with what to do.
    #[serde(default)]
    pub message: String,
    /// Since when it is so (RFC 3339).
    pub last_transition_time: String,
    /// The generation of the spec that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}
