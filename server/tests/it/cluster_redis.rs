//! Two server processes that find each other on a real Redis Cluster.

use crate::http::get;
use crate::spawned::Spawned;
use crate::wait::eventually_within;
use chat_rig::RedisCluster;
use serde_json::Value;
use std::time::Duration;

const KEY: &str = "a-signing-key-for-the-tests-of-a-cluster";

async fn redis() -> RedisCluster {
    let started = tokio::task::spawn_blocking(|| RedisCluster::builder().start());
    started.await.expect("it runs").expect("a Redis Cluster")
}

async fn server(seeds: &str, node: &str) -> Spawned {
    Spawned::start(&["--redis", seeds, "--signing-key", KEY, "--node", node, "--drain-accept", "0s"]).await
}

/// The names of the servers that one knows.
async fn known(server: &Spawned) -> Vec<String> {
    let picture = picture(server).await;
    let servers = picture["servers"].as_array().expect("servers");
    servers.iter().map(|server| server["node"].as_str().expect("a name").to_owned()).collect()
}

async fn picture(server: &Spawned) -> Value {
    serde_json::from_str(&get(server.operations, "/cluster.json").await.body).expect("JSON")
}

async fn knows(server: &Spawned, names: &[&str]) {
    eventually_within(Duration::from_secs(40), async || known(server).await == names).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_come_go_and_outlast_an_outage_of_redis() {
    let redis = redis().await;
    let seeds = redis.seeds().join(",");
    let (one, mut other) = (server(&seeds, "one").await, server(&seeds, "other").await);
    for server in [&one, &other] {
        eventually_within(Duration::from_secs(40), async || get(server.operations, "/readyz").await.status == 200)
            .await;
        knows(server, &["one", "other"]).await;
    }
    let drawn = picture(&one).await;
    let shards = drawn["redis"]["shards"].as_array().expect("shards");
    assert_eq!(
        (shards.len(), &drawn["redis"]["slots_uncovered"], &drawn["redis"]["trouble"]),
        (3, &0.into(), &Value::Null)
    );
    assert!(
        shards.iter().all(|shard| shard["replicas"].as_array().is_some_and(|replicas| replicas.len() == 1)),
        "{drawn}"
    );

    // One that is stopped for longer than its entry is good for vanishes, and is back once it goes on.
    other.signal("STOP");
    knows(&one, &["one"]).await;
    other.signal("CONT");
    knows(&one, &["one", "other"]).await;

    // Without Redis the last copy serves, and the servers stay ready for a while.
    for node in redis.nodes() {
        node.pause().expect("it stops");
    }
    eventually_within(Duration::from_secs(40), async || {
        picture(&one).await["registry_age_ms"].as_u64().is_some_and(|age| age > 12_000)
    })
    .await;
    assert_eq!(known(&one).await, ["one", "other"]);
    assert_eq!(get(one.operations, "/readyz").await.status, 200);
    let trouble = picture(&one).await["redis"]["trouble"].as_str().expect("trouble").to_owned();
    assert!(trouble.contains("0 of 256 partitions answer"), "{trouble}");
    for node in redis.nodes() {
        node.resume().expect("it goes on");
    }
    eventually_within(Duration::from_secs(40), async || {
        let picture = picture(&one).await;
        picture["redis"]["trouble"].is_null() && picture["registry_age_ms"].as_u64().is_some_and(|age| age < 4_000)
    })
    .await;
    assert_eq!(known(&one).await, ["one", "other"]);

    // A clean end takes it off at once.
    other.signal("TERM");
    assert!(other.ended().await.success());
    eventually_within(Duration::from_secs(5), async || known(&one).await == ["one"]).await;
}
