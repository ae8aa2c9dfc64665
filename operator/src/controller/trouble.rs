//! Why servers that are wanted do not run: of all their pods, the first that says why, and how many fare the same.

use crate::names;
use crate::trouble::{SERVER, Trouble, not_started, unplaced};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is said of a server that runs and does not become ready.
pub const NOT_READY: &str = "NotReady";

/// The first trouble that there is, of the wanted revision alone: a rollout away from what is broken is no trouble. The order is that in which
/// Kubernetes brings a pod up. `deadline` is how long a server may take to become ready.
pub fn trouble(
    deployments: &[Arc<Deployment>],
    pods: &[Arc<Pod>],
    revision: &str,
    deadline: SignedDuration,
    now: Timestamp,
) -> Option<Trouble> {
    let is_wanted =
        |labels: &BTreeMap<String, String>| labels.get(names::REVISION).map(String::as_str) == Some(revision);
    let mut pods: Vec<_> = pods.iter().filter(|pod| is_wanted(pod.labels()) && is_server(pod)).collect();
    pods.sort_by_key(|pod| pod.name_any());
    let deployment = deployments.iter().find(|deployment| is_wanted(deployment.labels()));
    deployment
        .and_then(|deployment| not_made(deployment))
        .or_else(|| of_pods(&pods, |pod| unplaced(pod, SERVER)))
        .or_else(|| of_pods(&pods, |pod| not_started(pod, SERVER)))
        .or_else(|| of_pods(&pods, |pod| not_ready(pod, deadline, now)))
}

fn is_server(pod: &Pod) -> bool {
    let component = pod.labels().get(names::COMPONENT).map(String::as_str);
    component == Some(names::SERVER) && pod.metadata.deletion_timestamp.is_none()
}

/// A quota, a policy or a limit does not let its pods be made.
fn not_made(deployment: &Deployment) -> Option<Trouble> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    let failure =
        conditions.iter().find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")?;
    let why = failure.message.clone().unwrap_or_default();
    Some(Trouble {
        reason: "PodsRefused",
        message: format!(
            "pods of servers cannot be made: {why}; change the quota or policy of this namespace, or the spec"
        ),
        limits: true,
    })
}

/// The trouble of the first pod that has this kind of it, with how many have.
fn of_pods(pods: &[&Arc<Pod>], kind: impl Fn(&Pod) -> Option<Trouble>) -> Option<Trouble> {
    let mut troubled = pods.iter().filter_map(|pod| kind(pod));
    let first = troubled.next()?;
    let count = 1 + troubled.count();
    let (of, verb) = (pods.len(), if count == 1 { "does" } else { "do" });
    Some(Trouble { message: format!("{count} of {of} servers {verb} not run: {}", first.message), ..first })
}

/// It has been unready for too long. One that is being emptied says that it is not ready, too, and is none of these.
fn not_ready(pod: &Pod, deadline: SignedDuration, now: Timestamp) -> Option<Trouble> {
    if pod.labels().get(names::SERVING).map(String::as_str) != Some("true") {
        return None;
    }
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready" && condition.status != "True")?;
    let since = ready.last_transition_time.as_ref()?.0;
    let name = pod.name_any();
    let message = format!(
        "{name} has not been ready for {} s; `kubectl describe pod {name}` and `kubectl logs {name}` say why",
        deadline.as_secs()
    );
    (now.duration_since(since) >= deadline).then_some(Trouble { reason: NOT_READY, message, limits: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(name: &str, status: &Value) -> Arc<Pod> {
        let labels = json!({ names::COMPONENT: names::SERVER, names::REVISION: "new", names::SERVING: "true" });
        let pod = json!({ "metadata": { "name": name, "labels": labels }, "status": status });
        Arc::new(serde_json::from_value(pod).expect("a pod"))
    }

    fn waiting(reason: &str) -> Value {
        let state = json!({ "waiting": { "reason": reason, "message": "back-off 5m0s" } });
        json!({ "containerStatuses": [{ "name": "server", "image": "nope:1", "imageID": "", "ready": false, "restartCount": 0, "state": state }] })
    }

    fn found(deployments: &[Arc<Deployment>], pods: &[Arc<Pod>], revision: &str) -> Option<Trouble> {
        let now = "2026-01-01T00:10:00Z".parse().expect("a time");
        trouble(deployments, pods, revision, SignedDuration::from_secs(300), now)
    }

    #[test]
    fn those_that_do_not_start_are_counted() {
        let found = found(&[], &[pod("b", &waiting("ErrImagePull")), pod("a", &json!({}))], "new").expect("trouble");
        assert!(found.message.starts_with("1 of 2 servers does not run: the image nope:1 cannot be had"), "{found:?}");
        assert!(found.message.contains("kubectl describe pod b"), "{found:?}");
    }

    #[test]
    fn pods_without_a_place_limit_their_number() {
        let unplaced = json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: too few CPUs" }] });
        let pods = [pod("a", &unplaced), pod("b", &unplaced)];
        let trouble = found(&[], &pods, "new").expect("trouble");
        assert!(
            trouble.limits && trouble.message.contains("2 of 2") && trouble.message.contains("too few CPUs"),
            "{trouble:?}"
        );
        assert_eq!(found(&[], &pods, "other"), None, "what goes is no trouble");
    }

    #[test]
    fn those_that_run_and_do_not_become_ready_are_given_time() {
        let unready = |since: &str| json!({ "conditions": [{ "type": "Ready", "status": "False", "lastTransitionTime": since }] });
        let slow = pod("a", &unready("2026-01-01T00:05:01Z"));
        assert_eq!(found(&[], &[slow], "new"), None);
        let late = pod("a", &unready("2026-01-01T00:05:00Z"));
        let trouble = found(&[], std::slice::from_ref(&late), "new").expect("trouble");
        assert_eq!((trouble.reason, trouble.limits), (NOT_READY, false));
        assert!(trouble.message.contains("a has not been ready for 300 s"), "{trouble:?}");
        let mut emptied = Pod::clone(&late);
        emptied.labels_mut().insert(names::SERVING.to_owned(), "false".to_owned());
        assert_eq!(found(&[], &[Arc::new(emptied)], "new"), None, "it is being emptied");
    }

    #[test]
    fn pods_that_are_refused_are_said_first() {
        let failure = json!({ "type": "ReplicaFailure", "status": "True", "message": "exceeded quota" });
        let deployment = json!({
            "metadata": { "labels": { names::REVISION: "new" } },
            "spec": { "selector": {}, "template": {} },
            "status": { "conditions": [failure] },
        });
        let deployment = Arc::new(serde_json::from_value(deployment).expect("a Deployment"));
        let trouble = found(&[deployment], &[pod("a", &waiting("ErrImagePull"))], "new").expect("trouble");
        assert_eq!((trouble.reason, trouble.limits), ("PodsRefused", true));
    }
}
