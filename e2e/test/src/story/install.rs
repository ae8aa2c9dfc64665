//! From nothing to a chat: the chart, then the smallest example.

use std::time::Instant;

use serde_json::json;

use super::Story;
use crate::chat;
use crate::kube::{Wrong, apply as apply_manifest, helm, kubectl};

/// The release and its namespace, as the README has them.
pub(super) const RELEASE: &str = "chat";
pub(super) const NAMESPACE: &str = "chatcluster-system";

pub(super) fn install(story: &mut Story) -> Result<(), Wrong> {
    let begun = Instant::now();
    let chart = "charts/chatcluster";
    helm(&["install", RELEASE, chart, "--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout", "2m"])?;
    story.note_time("`helm install --wait`", begun.elapsed(), "");
    helm(&["test", RELEASE, "--namespace", NAMESPACE, "--timeout", "1m"]).map(drop)
}

pub(super) fn apply(story: &mut Story) -> Result<(), Wrong> {
    let clients = story.manner.size.clients();
    // Two servers for those that stay, four when as many come.
    let per_pod = (clients * 6).div_ceil(10);
    let spec = json!({ "spec": {
        "autoscaling": {
            "connectionsPerPod": per_pod,
            "behavior": { "scaleDown": {
                "stabilizationWindowSeconds": 5, "policies": [{ "type": "Pods", "value": 4, "periodSeconds": 15 }],
            } },
        },
        "drain": { "connectionsPerSecond": story.manner.rate },
        "rollout": { "closesPerSecond": story.manner.rate },
        "rebalance": { "closesPerSecond": story.manner.rate },
    } });
    let example = "k8s/examples/minimal.yaml";
    let manifest =
        kubectl(&["patch", "--local", "-f", example, "--type", "merge", "--patch", &spec.to_string(), "-o", "yaml"])?;
    let begun = Instant::now();
    apply_manifest(&manifest)?;
    kubectl(&["wait", "--for=condition=Ready", "chatcluster/chat", "--timeout", "5m"])?;
    story.note_time("`kubectl apply` to Ready, with a managed Redis", begun.elapsed(), "<= 120 s");
    story.crowd = Some(story.invite("stay")?);
    chat::gathered(story.present())?;
    story.note_time(format!("`kubectl apply` to {clients} clients that chat"), begun.elapsed(), "");
    chat::settled().map(drop)
}
