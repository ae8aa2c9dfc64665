//! The world that the plan is made from: the spec, the status, and what the stores and the servers say.

use super::validate::Validated;
use crate::drain::{Pace, Reason, Recorded, Revision, RolloutState, Server, Wanted, World};
use crate::names;
use chat_api::{ChatCluster, ChatClusterStatus, DrainReason};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::ResourceExt;
use std::sync::Arc;

/// The annotation by which a ReplicaSet chooses which pod goes first.
pub const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// What the API server holds of a ChatCluster's servers.
pub struct Pods<'a> {
    /// A revision each.
    pub deployments: &'a [Arc<Deployment>],
    /// Their pods.
    pub pods: &'a [Arc<Pod>],
    /// The Service that clients connect to.
    pub service: Option<&'a Service>,
}

/// Puts the world together. `connections` says what a pod (by uid) had when it last answered, if that was lately.
pub fn observe(
    cluster: &ChatCluster,
    validated: &Validated,
    revision: &str,
    found: &Pods<'_>,
    connections: impl Fn(&str) -> Option<u64>,
    redis_healthy: bool,
    now: Timestamp,
) -> World {
    let status = cluster.status.clone().unwrap_or_default();
    let spec = &validated.spec;
    let seconds = |seconds: i32| SignedDuration::from_secs(i64::from(seconds));
    let count = |n: i32| u32::try_from(n).unwrap_or(0);
    World {
        now,
        wanted: Wanted {
            replicas: usize::try_from(spec.replicas).unwrap_or(0),
            revision: revision.to_owned(),
            pace: Pace {
                drain_rate: count(spec.drain.connections_per_second),
                drain_deadline: seconds(spec.drain.deadline_seconds),
                rollout_rate: count(spec.rollout.closes_per_second),
                wave_percent: count(spec.rollout.wave_percent),
                rebalance_rate: spec.rebalance.enabled.then_some(count(spec.rebalance.closes_per_second)),
                rebalance_cooldown: seconds(spec.rebalance.cooldown_seconds),
            },
        },
        revisions: found.deployments.iter().filter_map(|deployment| self::revision(deployment)).collect(),
        servers: found.pods.iter().filter_map(|pod| server(pod, &connections)).collect(),
        recorded: recorded(&status),
        rollout: rollout(&status),
        service: found
            .service
            .and_then(|service| service.spec.as_ref()?.selector.as_ref()?.get(names::REVISION).cloned()),
        rebalanced_at: status.rebalanced_at.as_deref().and_then(time),
        redis_healthy,
    }
}

fn revision(deployment: &Deployment) -> Option<Revision> {
    let hash = deployment.labels().get(names::REVISION)?.clone();
    let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    Some(Revision { hash, replicas: usize::try_from(replicas).unwrap_or(0) })
}

fn server(pod: &Pod, connections: impl Fn(&str) -> Option<u64>) -> Option<Server> {
    let labels = pod.labels();
    if labels.get(names::COMPONENT).map(String::as_str) != Some(names::SERVER) {
        return None;
    }
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
    // A pod that has ended is no server; its ReplicaSet makes another.
    if matches!(phase, "Succeeded" | "Failed") {
        return None;
    }
    let uid = pod.uid()?;
    Some(Server {
        name: pod.name_any(),
        revision: labels.get(names::REVISION)?.clone(),
        ready: is_running(pod),
        open: labels.get(names::SERVING).map(String::as_str) == Some("true"),
        deleting: pod.metadata.deletion_timestamp.is_some(),
        connections: connections(&uid),
        marked: pod.annotations().get(DELETION_COST).is_some_and(|cost| cost.starts_with('-')),
        uid,
    })
}

/// Its containers run and were ready: a server that drains says that it is not ready, and still has clients.
fn is_running(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let ready =
        status.conditions.iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let shut = pod.labels().get(names::SERVING).map(String::as_str) != Some("true");
    let started = status.container_statuses.iter().flatten().all(|container| container.started == Some(true));
    ready || (shut && started && status.phase.as_deref() == Some("Running"))
}

fn recorded(status: &ChatClusterStatus) -> Vec<Recorded> {
    let record = |draining: &chat_api::Draining| {
        let reason = match draining.reason {
            DrainReason::ScaleDown => Reason::ScaleDown,
            DrainReason::Rollout => Reason::Rollout,
        };
        let since = time(&draining.since)?;
        Some(Recorded { name: draining.pod.clone(), uid: draining.uid.clone(), reason, since })
    };
    status.draining.iter().filter_map(record).collect()
}

fn rollout(status: &ChatClusterStatus) -> Option<RolloutState> {
    let rollout = status.rollout.as_ref()?;
    Some(RolloutState { to: rollout.to.clone(), since: time(&rollout.since)? })
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// The label that lets a pod take clients, or not, as a patch.
pub fn serving(open: bool) -> serde_json::Value {
    serde_json::json!({ "metadata": { "labels": { names::SERVING: open.to_string() } } })
}
