//! Where all is as wished, nothing is written, and little asked.

use super::stage::{NEVER, Stage};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_steady_state_writes_nothing_even_to_a_new_operator() {
    let mut stage = Stage::new("steady").await;
    let spec = json!({
        "replicas": 3, "redis": stage.redis(), "autoscaling": {}, "ingress": { "host": "chat.example.org" },
        "monitoring": { "dashboard": true },
    });
    stage.create("chat", spec).await;
    stage.settle("chat").await;
    let status = stage.get("chat").await.status.expect("a status");
    assert_eq!((status.ready.as_str(), status.replicas, status.ready_replicas), ("3/3", 3, 3));
    assert_eq!(status.message, "3 of 3 servers take clients");
    let conditions: Vec<_> =
        status.conditions.iter().map(|condition| (condition.kind.as_str(), condition.status.as_str())).collect();
    let wanted = [
        ("Ready", "True"),
        ("Progressing", "False"),
        ("Degraded", "False"),
        ("RedisHealthy", "True"),
        ("ScalingLimited", "False"),
        // Nobody is there who would scale.
        ("ScalingActive", "Unknown"),
    ];
    assert_eq!(conditions, wanted);
    let generation = stage.get("chat").await.metadata.generation;
    assert!(generation.is_some() && status.observed_generation == generation);
    assert!(status.conditions.iter().all(|condition| condition.observed_generation == generation));
    // As Kubernetes writes times: what reads them may not know fractions.
    let times = status.conditions.iter().map(|condition| condition.last_transition_time.as_str());
    times.for_each(|time| assert_eq!(time.len(), "2026-01-01T00:00:00Z".len(), "{time}"));

    let (versions, writes, reads) = (stage.versions().await, stage.gate.writes(), stage.gate.reads());
    assert!(versions.len() > 12, "{versions:?}");
    // In a calm minute there are two looks. Half an hour of them:
    for _ in 0..60 {
        stage.look("chat").await.expect("a look");
    }
    assert_eq!(stage.gate.writes(), writes);
    assert_eq!(stage.versions().await, versions);
    let a_minute = (stage.gate.reads() - reads).div_ceil(30);
    assert!(a_minute <= 10, "{a_minute} questions a minute");

    // Another operator applies everything once, and changes nothing by it.
    stage.start(NEVER).await;
    stage.settle("chat").await;
    assert_eq!(stage.versions().await, versions);
    assert!(stage.gate.writes() > 0, "a new operator does look after all objects");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_change_in_objects_is_put_back() {
    let mut stage = Stage::new("drift").await;
    stage.create("chat", json!({ "replicas": 1, "redis": stage.redis() })).await;
    stage.settle("chat").await;
    let services: kube::Api<k8s_openapi::api::core::v1::Service> =
        kube::Api::namespaced(stage.client.clone(), &stage.namespace);
    let change = json!({ "spec": { "selector": { "chatcluster.dev/serving": "maybe" } } });
    let merge = kube::api::Patch::Merge(&change);
    services.patch("chat", &kube::api::PatchParams::default(), &merge).await.expect("a change");
    let serving = async || {
        let service = services.get("chat").await.expect("the Service");
        service.spec.and_then(|spec| spec.selector).expect("a selector")["chatcluster.dev/serving"].clone()
    };
    let begun = std::time::Instant::now();
    while serving().await != "true" {
        assert!(begun.elapsed() < crate::control_plane::WITHIN, "it stays changed");
        stage.look("chat").await.expect("a look");
    }
    services.delete("chat", &kube::api::DeleteParams::default()).await.expect("a deletion");
    let begun = std::time::Instant::now();
    while services.get_opt("chat").await.expect("an answer").is_none() {
        assert!(begun.elapsed() < crate::control_plane::WITHIN, "it stays away");
        stage.look("chat").await.expect("a look");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_pace_of_drains_replaces_nobody() {
    let mut stage = Stage::new("pace").await;
    stage.create("chat", json!({ "replicas": 2, "redis": stage.redis() })).await;
    stage.settle("chat").await;
    let before = stage.objects().await;
    stage.change("chat", json!({ "drain": { "connectionsPerSecond": 77 } })).await;
    stage.settle("chat").await;
    let after = stage.objects().await;
    assert!(before.keys().eq(after.keys()), "{:?}", after.keys());
    let settings = |object: &serde_json::Value| object["data"]["chat.yaml"].as_str().map(str::to_owned);
    let settings = after.values().find_map(settings).expect("settings");
    // For a server that ends without being asked.
    assert!(settings.contains("drain-closes-per-second: '77'"), "{settings}");
}
