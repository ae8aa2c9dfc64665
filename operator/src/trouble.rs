//! Why a pod does not run, in Kubernetes' words and with what to do about it. What is said stays the same from try to try: it is written into a status.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use kube::ResourceExt;

/// So many ends of a container are no accident.
const RESTARTS_MIN: i32 = 2;

/// What keeps a pod from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In a word.
    pub reason: &'static str,
    /// In a sentence, with what to do.
    pub message: String,
    /// Pods are not made, or find no place: their number is limited. Or else they are there and do not start.
    pub limits: bool,
}

/// The fields of a ChatCluster that its pods are made from.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    image: &'static str,
    requests: &'static str,
}

/// Those of servers.
pub const SERVER: Fields = Fields { image: "spec.image", requests: "spec.resources.requests" };

/// Those of a managed Redis.
pub const REDIS: Fields =
    Fields { image: "spec.redis.managed.image", requests: "spec.redis.managed.resources.requests" };

/// No node takes it.
pub fn unplaced(pod: &Pod, fields: Fields) -> Option<Trouble> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let placed = conditions.iter().find(|condition| condition.type_ == "PodScheduled")?;
    if placed.status != "False" || placed.reason.as_deref() != Some("Unschedulable") {
        return None;
    }
    let why = placed.message.clone().unwrap_or_default();
    let name = pod.name_any();
    Some(Trouble {
        reason: "NoRoom",
        message: format!("no node takes {name} ({why}); add nodes, or lower {}", fields.requests),
        limits: true,
    })
}

/// A container of it does not start, or ends again and again.
pub fn not_started(pod: &Pod, fields: Fields) -> Option<Trouble> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    let (reason, message) = containers.iter().find_map(|container| of_container(&pod.name_any(), container, fields))?;
    Some(Trouble { reason, message, limits: false })
}

fn of_container(pod: &str, container: &ContainerStatus, fields: Fields) -> Option<(&'static str, String)> {
    let state = container.state.as_ref();
    let waiting = state.and_then(|state| state.waiting.as_ref()?.reason.as_deref());
    // Between two tries a container that crashes runs for a moment.
    let last = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let last = last.or(state.and_then(|state| state.terminated.as_ref()));
    if waiting == Some("CrashLoopBackOff") || (!container.ready && container.restart_count >= RESTARTS_MIN) {
        let end = last.map(end).unwrap_or_default();
        return Some((
            "Crashing",
            format!("{pod} ends again and again{end}; `kubectl logs --previous {pod}` says why"),
        ));
    }
    let why = match waiting? {
        // That is how every pod begins.
        "ContainerCreating" | "PodInitializing" => return None,
        // The two take turns, and their words change with each try.
        "ErrImagePull" | "ImagePullBackOff" => "ImagePullBackOff",
        other => other,
    };
    Some(match why {
        "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "ImageInspectError"
        | "RegistryUnavailable"
        | "SignatureValidationFailed" => {
            let Fields { image, .. } = fields;
            let what = format!(
                "the image {} cannot be had ({why}; `kubectl describe pod {pod}` says why); check {image}, spec.imagePullPolicy and spec.imagePullSecrets",
                container.image
            );
            ("ImageMissing", what)
        }
        _ => ("NotStarted", format!("{pod} cannot be started ({why}); `kubectl describe pod {pod}` says why")),
    })
}

/// How a container ended, where that says more than that it did.
fn end(last: &ContainerStateTerminated) -> String {
    match last.reason.as_deref() {
        Some("OOMKilled") => " (OOMKilled: it needs more memory than its limit)".to_owned(),
        _ => format!(" (exit code {})", last.exit_code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(container: &Value) -> Option<Trouble> {
        let mut all = json!({ "name": "server", "image": "nope:1", "imageID": "", "ready": false, "restartCount": 0 });
        all.as_object_mut().expect("fields").extend(container.as_object().expect("fields").clone());
        let pod = json!({ "metadata": { "name": "a" }, "status": { "containerStatuses": [all] } });
        not_started(&serde_json::from_value(pod).expect("a pod"), SERVER)
    }

    fn waiting(reason: &str) -> Option<Trouble> {
        found(&json!({ "state": { "waiting": { "reason": reason, "message": "back-off 5m0s" } } }))
    }

    #[test]
    fn what_is_said_of_an_image_stays_the_same_from_try_to_try() {
        let missing = waiting("ErrImagePull").expect("trouble");
        assert_eq!(Some(&missing), waiting("ImagePullBackOff").as_ref());
        assert_eq!(
            missing.message,
            "the image nope:1 cannot be had (ImagePullBackOff; `kubectl describe pod a` says why); check spec.image, spec.imagePullPolicy and spec.imagePullSecrets"
        );
        assert!(!missing.limits);
        assert!(waiting("InvalidImageName").is_some_and(|found| found.message.contains("(InvalidImageName;")));
        assert_eq!(waiting("ContainerCreating"), None);
        assert!(waiting("CreateContainerConfigError").is_some_and(|found| found.reason == "NotStarted"));
    }

    #[test]
    fn what_is_said_of_a_crash_stays_the_same_while_it_runs() {
        let end = json!({ "terminated": { "exitCode": 2, "reason": "Error" } });
        let at = |state: Value, ready| {
            found(&json!({ "state": state, "lastState": end, "restartCount": 4, "ready": ready }))
        };
        let crashing = at(json!({ "waiting": { "reason": "CrashLoopBackOff" } }), false).expect("trouble");
        assert_eq!(crashing.reason, "Crashing");
        assert!(crashing.message.starts_with("a ends again and again (exit code 2); `kubectl logs"), "{crashing:?}");
        assert_eq!(at(json!({ "running": {} }), false).as_ref(), Some(&crashing));
        assert_eq!(at(json!({ "terminated": { "exitCode": 2 } }), false).as_ref(), Some(&crashing));
        assert_eq!(at(json!({ "running": {} }), true), None, "it has made it");
        let once = found(&json!({ "state": { "running": {} }, "lastState": end, "restartCount": 1 }));
        assert_eq!(once, None, "once is an accident");
    }
}
