//! Which pods may have clients. A total leaves out none of those that may, and waits for none of those that cannot: else every scale-up would stop the
//! autoscaler until the new servers answer.

use crate::names;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateRunning, Pod};
use kube::ResourceExt;

/// A pod that is deleted has been killed by so long after the end of its grace.
const KILLED: SignedDuration = SignedDuration::from_secs(60);

/// Whether a pod may have clients: it is a server's, and no node's of a managed Redis; its containers run, and have been ready since they began. Nobody has sent clients to one that has not.
pub fn may_have_clients(pod: &Pod, now: Timestamp) -> bool {
    if pod.labels().get(names::COMPONENT).map(String::as_str) != Some(names::SERVER) {
        return false;
    }
    let Some(status) = &pod.status else { return false };
    if status.pod_ip.is_none() || matches!(status.phase.as_deref(), Some("Pending" | "Succeeded" | "Failed")) {
        return false;
    }
    // This is the time at which it is to be killed; a node that is gone never says that it was.
    if pod.metadata.deletion_timestamp.as_ref().is_some_and(|end| now.duration_since(end.0) > KILLED) {
        return false;
    }
    let states = status.container_statuses.iter().flatten().filter_map(|container| container.state.as_ref());
    let began: Vec<_> = states.clone().filter_map(running).collect();
    if began.is_empty() && states.count() > 0 {
        return false;
    }
    let Some(ready) = status.conditions.iter().flatten().find(|condition| condition.type_ == "Ready") else {
        return false;
    };
    if ready.status == "True" {
        return true;
    }
    // It has become unready since it began, so it was ready before.
    let latest = began.into_iter().max();
    let changed = ready.last_transition_time.as_ref().map(|at| at.0);
    changed.is_none_or(|changed| latest.is_none_or(|began| changed > began))
}

fn running(state: &ContainerState) -> Option<Timestamp> {
    let ContainerStateRunning { started_at } = state.running.as_ref()?;
    Some(started_at.as_ref().map_or(Timestamp::MIN, |at| at.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn now() -> Timestamp {
        "2026-01-01T01:00:00Z".parse().expect("a time")
    }

    fn pod(change: impl FnOnce(&mut Value)) -> bool {
        let mut pod = json!({
            "metadata": { "name": "chat-1", "labels": { "app.kubernetes.io/component": "server" } },
            "status": {
                "phase": "Running",
                "podIP": "10.0.0.1",
                "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:20Z" }],
                "containerStatuses": [{
                    "name": "server", "image": "", "imageID": "", "ready": true, "restartCount": 0,
                    "state": { "running": { "startedAt": "2026-01-01T00:00:10Z" } },
                }],
            },
        });
        change(&mut pod);
        may_have_clients(&serde_json::from_value(pod).expect("a pod"), now())
    }

    fn unready(pod: &mut Value, since: &str) {
        pod["status"]["conditions"][0] = json!({ "type": "Ready", "status": "False", "lastTransitionTime": since });
    }

    #[test]
    fn those_that_serve_or_have_served_may() {
        assert!(pod(|_| {}));
        assert!(pod(|pod| unready(pod, "2026-01-01T00:30:00Z")), "it drains, or has lost its Redis");
        assert!(pod(|pod| pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T01:00:30Z")), "its grace lasts");
        assert!(pod(|pod| pod["status"]["phase"] = json!("Unknown")), "its node is lost");
    }

    #[test]
    fn those_that_never_served_may_not() {
        assert!(!pod(|pod| unready(pod, "2026-01-01T00:00:05Z")), "it has just begun");
        assert!(!pod(|pod| unready(pod, "2026-01-01T00:00:10Z")), "in the same second");
        assert!(!pod(|pod| pod["status"]["phase"] = json!("Pending")));
        assert!(!pod(|pod| pod["status"]["podIP"] = Value::Null));
        assert!(!pod(|pod| pod["status"] = Value::Null));
    }

    #[test]
    fn nodes_of_redis_may_not() {
        assert!(!pod(|pod| pod["metadata"]["labels"]["app.kubernetes.io/component"] = json!("redis")));
    }

    #[test]
    fn those_that_have_ended_may_not() {
        assert!(!pod(|pod| pod["status"]["phase"] = json!("Failed")));
        assert!(!pod(|pod| pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:30:00Z")), "long killed");
        let ended = json!({ "terminated": { "exitCode": 0 } });
        assert!(!pod(|pod| {
            pod["status"]["containerStatuses"][0]["state"] = ended;
            unready(pod, "2026-01-01T00:59:00Z");
        }));
        assert!(!pod(|pod| {
            pod["status"]["containerStatuses"][0]["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
            unready(pod, "2026-01-01T00:59:00Z");
        }));
        assert!(
            !pod(|pod| {
                pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = json!("2026-01-01T00:59:00Z");
                unready(pod, "2026-01-01T00:58:00Z");
            }),
            "it began anew, and has not been ready since"
        );
    }
}
