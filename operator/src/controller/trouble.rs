//! Why servers that are wanted do not run, in Kubernetes' words and with what to do about it.

use crate::names;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use std::sync::Arc;

/// What keeps servers from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In a word.
    pub reason: &'static str,
    /// In a sentence, with what to do.
    pub message: String,
    /// Pods are not made, or find no place: their number is limited. Or else they are there and do not start.
    pub limits: bool,
}

/// The first trouble that there is, of the wanted revision alone: a rollout away from what is broken is no trouble. The order is that in which
/// Kubernetes brings a pod up.
pub fn trouble(deployments: &[Arc<Deployment>], pods: &[Arc<Pod>], revision: &str) -> Option<Trouble> {
    let is_wanted = |labels: &std::collections::BTreeMap<String, String>| {
        labels.get(names::REVISION).map(String::as_str) == Some(revision)
    };
    let mut pods: Vec<_> = pods.iter().filter(|pod| is_wanted(pod.labels()) && is_server(pod)).collect();
    pods.sort_by_key(|pod| pod.name_any());
    let deployment = deployments.iter().find(|deployment| is_wanted(deployment.labels()));
    deployment
        .and_then(|deployment| not_made(deployment))
        .or_else(|| of_pods(&pods, unplaced))
        .or_else(|| of_pods(&pods, not_started))
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

fn unplaced(pod: &Pod) -> Option<Trouble> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let placed = conditions.iter().find(|condition| condition.type_ == "PodScheduled")?;
    if placed.status != "False" || placed.reason.as_deref() != Some("Unschedulable") {
        return None;
    }
    let why = placed.message.clone().unwrap_or_default();
    let name = pod.name_any();
    Some(Trouble {
        reason: "NoRoom",
        message: format!("no node takes {name} ({why}); add nodes, or lower spec.resources.requests"),
        limits: true,
    })
}

fn not_started(pod: &Pod) -> Option<Trouble> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    let (reason, image) = containers.iter().find_map(|container| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        Some((waiting.reason.clone()?, container.image.clone()))
    })?;
    let name = pod.name_any();
    // The words of a back-off change with each try, and would be a write of the status each.
    let (reason, what) = match reason.as_str() {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => (
            "ImageMissing",
            format!(
                "the image {image} cannot be had ({name}); check spec.image, spec.imagePullPolicy and spec.imagePullSecrets"
            ),
        ),
        "CrashLoopBackOff" => {
            ("Crashing", format!("{name} ends again and again; `kubectl logs --previous {name}` says why"))
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            ("NotStarted", format!("{name} cannot be started ({reason}); `kubectl describe pod {name}` says why"))
        }
        // That is how every pod begins.
        _ => return None,
    };
    // Which of the two it is changes with each try too.
    Some(Trouble { reason, message: what, limits: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(name: &str, status: &Value) -> Arc<Pod> {
        let labels = json!({ names::COMPONENT: names::SERVER, names::REVISION: "new" });
        let pod = json!({ "metadata": { "name": name, "labels": labels }, "status": status });
        Arc::new(serde_json::from_value(pod).expect("a pod"))
    }

    fn waiting(reason: &str) -> Value {
        let state = json!({ "waiting": { "reason": reason, "message": "back-off 5m0s" } });
        json!({ "containerStatuses": [{ "name": "server", "image": "nope:1", "imageID": "", "ready": false, "restartCount": 0, "state": state }] })
    }

    #[test]
    fn what_is_said_stays_the_same_from_try_to_try() {
        let of = |reason| trouble(&[], &[pod("b", &waiting(reason)), pod("a", &json!({}))], "new");
        let found = of("ErrImagePull").expect("trouble");
        assert_eq!(Some(&found), of("ImagePullBackOff").as_ref());
        assert_eq!(
            found.message,
            "1 of 2 servers does not run: the image nope:1 cannot be had (b); check spec.image, spec.imagePullPolicy and spec.imagePullSecrets"
        );
        assert!(!found.limits);
        assert_eq!(of("ContainerCreating"), None);
        assert_eq!(of("CrashLoopBackOff").map(|found| found.reason), Some("Crashing"));
    }

    #[test]
    fn pods_without_a_place_limit_their_number() {
        let unplaced = json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: too few CPUs" }] });
        let found = trouble(&[], &[pod("a", &unplaced), pod("b", &unplaced)], "new").expect("trouble");
        assert!(
            found.limits && found.message.contains("2 of 2") && found.message.contains("too few CPUs"),
            "{found:?}"
        );
        assert_eq!(trouble(&[], &[pod("a", &unplaced)], "other"), None, "what goes is no trouble");
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
        let found = trouble(&[deployment], &[pod("a", &waiting("ErrImagePull"))], "new").expect("trouble");
        assert_eq!((found.reason, found.limits), ("PodsRefused", true));
    }
}
