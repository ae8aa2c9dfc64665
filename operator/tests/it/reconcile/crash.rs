//! An operator that is killed before any of its writes, and started anew, comes to the same end as one that never was.

use super::stage::{NEVER, Stage};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Fields that differ from one run to the next.
const OF_THE_RUN: [&str; 17] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "managedFields",
    "generation",
    "observedGeneration",
    "lastTransitionTime",
    "since",
    // Written every half a minute at most.
    "connections",
    "clusterIP",
    "clusterIPs",
    "key",
    "generateName",
    "seeds",
    "podIP",
    "podIPs",
    "deployment.kubernetes.io/revision",
];

/// All that there is, but for names and times that are of this run alone. Pods have random names: there are so many of each revision.
async fn shape(stage: &Stage) -> BTreeMap<String, String> {
    let objects = stage.objects().await;
    let mut shape = BTreeMap::new();
    let mut pods = 0;
    for (key, mut object) in objects {
        if key.starts_with("Pod/") {
            pods += 1;
            continue;
        }
        strip(&mut object);
        shape.insert(key, object.to_string());
    }
    shape.insert("pods".to_owned(), pods.to_string());
    let revisions = stage.get("chat").await.status.expect("a status").revisions;
    let words = revisions.iter().map(|revision| (revision.hash.clone(), "<revision>"));
    let words: Vec<_> = words.chain([(stage.namespace.clone(), "<namespace>")]).collect();
    let replace = |text: &str| words.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from.as_str(), to));
    shape.iter().map(|(key, object)| (replace(key), replace(object))).collect()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !OF_THE_RUN.contains(&name.as_str()));
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn settled(change: bool, ends_after: usize) -> (Stage, bool) {
    let mut stage = Stage::new("crash").await;
    stage.create("chat", json!({ "replicas": 2, "redis": stage.redis(), "autoscaling": {} })).await;
    if change {
        stage.settle("chat").await;
        for server in stage.nodes.fleet.servers() {
            server.connect(3);
        }
        // Fewer servers of another revision, without an autoscaler.
        let spec = json!({ "replicas": 1, "image": "chat-server:2", "autoscaling": null });
        stage.change("chat", spec).await;
    }
    stage.start(ends_after).await;
    stage.settle("chat").await;
    let was_ended = stage.gate.is_shut();
    (stage, was_ended)
}

async fn any_write_may_be_the_last(change: bool) -> usize {
    let (undisturbed, _) = settled(change, NEVER).await;
    let wanted = shape(&undisturbed).await;
    assert!(wanted.len() > 8, "{wanted:#?}");
    for ends_after in 0.. {
        let (mut stage, was_ended) = settled(change, ends_after).await;
        if !was_ended {
            return ends_after;
        }
        stage.start(NEVER).await;
        stage.settle("chat").await;
        let found = shape(&stage).await;
        for (key, object) in &wanted {
            assert_eq!(found.get(key), Some(object), "{key}, after {ends_after} writes");
        }
        assert_eq!(found.len(), wanted.len(), "after {ends_after} writes there is more: {:?}", found.keys());
    }
    unreachable!("some run ends by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_chat_cluster_is_made() {
    let writes = any_write_may_be_the_last(false).await;
    assert!(writes > 8, "{writes} writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_scaled_down_and_rolled_out() {
    let writes = any_write_may_be_the_last(true).await;
    assert!(writes > 12, "{writes} writes");
}
