//! Two operators, of which one leads: as processes, as they run in pods.

use super::member::Member;
use super::stage::Stage;
use crate::control_plane::{ControlPlane, WITHIN};
use chat_rig::folder::Folder;
use serde_json::json;
use std::time::{Duration, Instant};

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < WITHIN, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_operators_leads_and_the_other_takes_over() {
    let plane = ControlPlane::bare().await;
    let (client, namespace) = (plane.client().await, plane.namespace("leading").await);
    let stage = Stage::at(plane.config().await, client, namespace).await;
    let folder = Folder::new().expect("a folder");
    let first = Member::start("first", &stage.namespace, plane.kubeconfig(), &folder);
    until("a leader", async || first.leads()).await;
    let second = Member::start("second", &stage.namespace, plane.kubeconfig(), &folder);
    until("a follower", async || second.is_ready()).await;

    stage.create("chat", json!({ "replicas": 1, "redis": stage.redis() })).await;
    let seen = async || {
        let cluster = stage.get("chat").await;
        cluster.status.is_some_and(|status| status.observed_generation == cluster.metadata.generation)
    };
    until("an answer", seen).await;
    assert!(!second.leads());

    // It does not end, it hangs: the other must not wait for ever, and it must not go on where it was.
    first.process.pause().expect("SIGSTOP");
    stage.change("chat", json!({ "drain": { "deadlineSeconds": 60 } })).await;
    until("the other's answer", seen).await;
    assert!(second.leads());
    first.process.resume().expect("SIGCONT");
    until("the end of the former leader", async || !first.process.is_running()).await;
    assert!(second.leads());

    second.process.terminate().expect("SIGTERM");
    let ended = tokio::task::spawn_blocking(move || second.process.wait(WITHIN)).await.expect("no panic");
    assert!(ended.expect("an end").success());
}
