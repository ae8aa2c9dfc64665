//! ChatClusters beside each other.

use super::stage::{NEVER, Stage};
use kube::ResourceExt;
use kube::api::DeleteParams;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn two_on_one_redis_need_prefixes_of_their_own() {
    let mut stage = Stage::new("neighbours").await;
    let with = |prefix: Value| {
        let mut redis = stage.redis();
        redis["prefix"] = prefix;
        json!({ "replicas": 1, "redis": redis })
    };
    let (first, second) = (with(json!("rooms")), with(json!("rooms")));
    stage.create("first", first).await;
    stage.settle("first").await;
    // Ages have whole seconds.
    let made = stage.get("first").await.creation_timestamp().expect("a time").0;
    while jiff::Timestamp::now().as_second() <= made.as_second() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    stage.create("second", second).await;
    stage.settle("second").await;
    let told = stage.condition("second", "Degraded").await;
    let wanted = format!(
        "True Invalid: spec.redis.prefix: ChatCluster {}/first uses rooms on the same Redis already;",
        stage.namespace
    );
    assert!(told.starts_with(&wanted), "{told}");
    stage.settle("first").await;
    assert!(stage.condition("first", "Ready").await.starts_with("True"));

    stage.create("third", json!({ "replicas": 1, "redis": stage.redis() })).await;
    stage.settle("third").await;
    assert!(stage.condition("third", "Ready").await.starts_with("True"), "it has a prefix of its own by itself");

    stage.clusters().delete("first", &DeleteParams::default()).await.expect("a deletion");
    let begun = std::time::Instant::now();
    while stage.condition("second", "Degraded").await.contains("spec.redis.prefix") {
        assert!(begun.elapsed() < crate::control_plane::WITHIN, "it is refused for one that is gone");
        stage.look("second").await.expect("a look");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_read_keeps_no_other_from_being_seen() {
    let mut stage = Stage::new("unreadable").await;
    // The API server does not look at how large a number deep inside may be, and no Rust type of ours holds this one.
    let spread = json!({ "maxSkew": 99_999_999_999_i64, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway" });
    let spec =
        json!({ "replicas": 1, "redis": stage.redis(), "podTemplate": { "topologySpreadConstraints": [spread] } });
    stage.create_raw("broken", spec).await;
    stage.create("whole", json!({ "replicas": 1, "redis": stage.redis() })).await;
    stage.start(NEVER).await;
    stage.settle("whole").await;
    assert!(stage.condition("whole", "Ready").await.starts_with("True"));
    stage.look("broken").await.expect("a look");
    let status = stage.status_raw("broken").await;
    let message = status["message"].as_str().expect("a message");
    assert!(
        message.starts_with("this version of the operator cannot read the spec: ") && message.contains("99999999999"),
        "{message}"
    );
    assert_eq!(
        (status["phase"].as_str(), status["conditions"][0]["reason"].as_str()),
        (Some("Invalid"), Some("Unreadable"))
    );
    let writes = stage.gate.writes();
    for _ in 0..3 {
        stage.look("broken").await.expect("a look");
    }
    assert_eq!(stage.gate.writes(), writes);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_not_added_while_redis_is_not_well() {
    let mut stage = Stage::new("unwell").await;
    stage.create("chat", json!({ "replicas": 2, "redis": stage.redis() })).await;
    stage.settle("chat").await;
    let seeds = stage.redis()["existing"]["seeds"].clone();
    // Its address changes, and nobody says so.
    stage.change("chat", json!({ "redis": { "existing": { "seeds": ["127.0.0.1:1"] } }, "replicas": 3 })).await;
    for _ in 0..3 {
        stage.look("chat").await.expect("a look");
        stage.nodes.work().await;
    }
    let told = stage.condition("chat", "RedisHealthy").await;
    assert!(
        told.starts_with("False Unreachable: none of the 1 addresses in spec.redis.existing.seeds answers"),
        "{told}"
    );
    assert_eq!(stage.condition("chat", "Degraded").await, told.replace("False Unreachable", "True RedisUnhealthy"));
    let status = stage.get("chat").await.status.expect("a status");
    assert_eq!(status.redis.expect("Redis").phase, "Unreachable");
    stage.change("chat", json!({ "redis": { "existing": { "seeds": seeds } } })).await;
    stage.settle("chat").await;
    assert_eq!(stage.condition("chat", "Ready").await, "True AllServe: 3 of 3 servers take clients");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaling_is_held_back_and_made_good() {
    let mut stage = Stage::new("held").await;
    let mut redis = stage.redis();
    redis["existing"]["seeds"] = json!(["127.0.0.1:1"]);
    // The first servers are made: somebody has to be there when Redis comes.
    stage.create("chat", json!({ "replicas": 2, "redis": redis })).await;
    stage.settle("chat").await;
    assert!(stage.condition("chat", "Ready").await.starts_with("True"));
    stage.change("chat", json!({ "replicas": 4 })).await;
    stage.settle("chat").await;
    let told = stage.condition("chat", "ScalingLimited").await;
    assert!(told.starts_with("True RedisUnhealthy: more servers are wanted, but Redis is not healthy"), "{told}");
    assert_eq!(stage.pods().await, 2);
    stage.change("chat", json!({ "replicas": 1 })).await;
    stage.settle("chat").await;
    assert_eq!(stage.pods().await, 1, "fewer may be had at any time");
}
