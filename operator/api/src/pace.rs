//! How fast servers are emptied, replaced and evened out.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// How a server is emptied before it goes.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    /// Connections that all draining servers together close a second. Their clients come back to other servers, which have to take them.
    #[serde(default = "connections_per_second")]
    #[schemars(range(min = 1, max = 100_000))]
    pub connections_per_second: i32,
    /// How long a server may take to become empty, in seconds; what is still connected then is closed at once.
    #[serde(default = "deadline_seconds")]
    #[schemars(range(min = 15, max = 86_400))]
    pub deadline_seconds: i32,
}

impl Default for Drain {
    fn default() -> Self {
        Self { connections_per_second: connections_per_second(), deadline_seconds: deadline_seconds() }
    }
}

/// How a new revision takes the place of the old one: new servers first, then wave by wave.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Connections that are closed a second during a rollout, over all servers. Each client is disconnected once.
    #[serde(default = "connections_per_second")]
    #[schemars(range(min = 1, max = 100_000))]
    pub closes_per_second: i32,
    /// The part of the wanted servers that is replaced at a time, in percent; at least one server.
    #[serde(default = "wave_percent")]
    #[schemars(range(min = 1, max = 100))]
    pub wave_percent: i32,
    /// How long the first new servers may take to become ready before the rollout is called stuck, in seconds. The old ones stay.
    #[serde(default = "progress_deadline_seconds")]
    #[schemars(range(min = 10, max = 86_400))]
    pub progress_deadline_seconds: i32,
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            closes_per_second: connections_per_second(),
            wave_percent: wave_percent(),
            progress_deadline_seconds: progress_deadline_seconds(),
        }
    }
}

/// Evens connections out after a scale-up: only from servers well above the mean, slowly, idle connections first.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rebalance {
    /// Whether it is done at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Connections that are closed a second, over all servers.
    #[serde(default = "rebalance_closes")]
    #[schemars(range(min = 1, max = 10_000))]
    pub closes_per_second: i32,
    /// How long it waits after one before the next, in seconds.
    #[serde(default = "cooldown_seconds")]
    #[schemars(range(min = 10, max = 86_400))]
    pub cooldown_seconds: i32,
}

impl Default for Rebalance {
    fn default() -> Self {
        Self { enabled: true, closes_per_second: rebalance_closes(), cooldown_seconds: cooldown_seconds() }
    }
}

const fn yes() -> bool {
    true
}

const fn connections_per_second() -> i32 {
    500
}

const fn deadline_seconds() -> i32 {
    300
}

const fn wave_percent() -> i32 {
    25
}

const fn progress_deadline_seconds() -> i32 {
    300
}

const fn rebalance_closes() -> i32 {
    50
}

const fn cooldown_seconds() -> i32 {
    120
}
