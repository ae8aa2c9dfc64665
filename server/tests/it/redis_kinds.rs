//! The server on Redis Clusters of several kinds: with TLS, a user and a password; with two replicas a shard; with its memory full.

use crate::client::{Client, message};
use crate::http::get;
use crate::spawned::{Spawned, file, run};
use crate::wait::eventually_within;
use chat_rig::redis::Builder;
use chat_rig::{Node, RedisCluster};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

const KEY: &str = "a-signing-key-for-the-tests-of-many-kinds";
const WAIT: Duration = Duration::from_secs(90);

/// The rule that docs/redis.md gives.
const RULE: &str = ">pw ~chat:* &chat:* +@read +@write +@pubsub +@connection +@scripting -@dangerous +cluster|info +cluster|nodes +asking +info +wait +time";

async fn redis(builder: Builder) -> Arc<RedisCluster> {
    Arc::new(spawn_blocking(|| builder.start().expect("a Redis Cluster")).await.expect("no panic"))
}

/// Something blocking, with the cluster.
async fn with<T: Send + 'static>(
    redis: &Arc<RedisCluster>,
    act: impl FnOnce(&RedisCluster) -> T + Send + 'static,
) -> T {
    let redis = redis.clone();
    spawn_blocking(move || act(&redis)).await.expect("no panic")
}

async fn server(own: &[&str]) -> Spawned {
    let server = Spawned::start(&[&["--signing-key", KEY, "--redis-partitions", "8"], own].concat()).await;
    eventually_within(WAIT, async || get(server.operations, "/readyz").await.status == 200).await;
    server
}

async fn sends(client: &mut Client, id: &str) -> Value {
    client.call("send", message("lobby", id, 10)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tls_a_user_and_a_password() {
    let redis = redis(RedisCluster::builder().tls(true).password("secret").user("chat", RULE)).await;
    let other = self::redis(RedisCluster::builder().tls(true).replicas(0)).await;
    let seeds = format!("rediss://{}", redis.seeds().join(","));
    let authority = |redis: &RedisCluster| redis.authority().expect("a file").to_str().expect("a path").to_owned();
    let (own, wrong) = (authority(&redis), authority(&other));
    let login = ["--redis", &seeds, "--redis-user", "chat", "--redis-password", "pw"];
    let server = server(&[&login[..], &["--redis-ca-file", &own]].concat()).await;
    let mut ann = Client::guest(server.public, "ann").await;
    ann.join("lobby").await;
    let mut n = 0;
    // A master counts a replica once it has heard of it.
    while sends(&mut ann, &format!("{n}")).await["replicated"] != true {
        n += 1;
        assert!(n < 1000, "replicated");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ann = ann.cut().back().await;
    assert_eq!(ann.ready["recovered"], true);

    // Another authority: it waits, not ready, and says why.
    let waiting = Spawned::start(&[&["--signing-key", KEY][..], &login, &["--redis-ca-file", &wrong]].concat()).await;
    eventually_within(WAIT, async || {
        let ready = get(waiting.operations, "/readyz").await;
        ready.status == 503 && ready.body.to_lowercase().contains("certificate")
    })
    .await;
    // What does not pass by itself ends it, in one line.
    let junk = file("junk.pem", "this is no certificate");
    for (own, said) in [
        (
            vec!["--redis-user", "chat", "--redis-password", "wrong", "--redis-ca-file", &own],
            "does not let this user in",
        ),
        (
            vec!["--redis-user", "chat", "--redis-password", "pw", "--redis-ca-file", junk.to_str().expect("a path")],
            "certificates",
        ),
        (
            vec!["--redis-user", "chat", "--redis-password", "pw", "--redis-ca-file", "/nowhere/ca.pem"],
            "/nowhere/ca.pem",
        ),
    ] {
        let common = ["--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
        let own = [&common[..], &["--signing-key", KEY, "--redis", &seeds], &own].concat();
        let own: Vec<String> = own.into_iter().map(str::to_owned).collect();
        let ended = spawn_blocking(move || run(&own.iter().map(String::as_str).collect::<Vec<_>>())).await;
        let ended = ended.expect("no panic");
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && text.contains(said), "{said}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_replicas_a_shard_both_are_waited_for() {
    let redis = redis(RedisCluster::builder().replicas(2)).await;
    let server =
        server(&["--redis", &redis.seeds().join(","), "--redis-write-deadline", "20s", "--dedup-age", "2m"]).await;
    let mut ann = Client::guest(server.public, "ann").await;
    ann.join("lobby").await;
    let slot = {
        let partitions = chat_redis::Partitions::new("chat", 8);
        partitions.slot(partitions.of(b"lobby"))
    };
    let master = with(&redis, move |redis| redis.master_of_slot(slot).expect("a master")).await;
    let id = master.id().expect("an id");
    let replicas: Vec<Node> = with(&redis, move |redis| {
        let of_it = |node: &&Node| {
            node.command(&["CLUSTER", "NODES"])
                .is_ok_and(|view| view.lines().any(|line| line.contains("myself,slave") && line.contains(&id)))
        };
        redis.nodes().iter().filter(of_it).cloned().collect()
    })
    .await;
    assert_eq!(replicas.len(), 2);
    let mut n = 0;
    let mut until = async |ann: &mut Client, replicated: bool| {
        let began = std::time::Instant::now();
        loop {
            n += 1;
            let answer = sends(ann, &n.to_string()).await;
            assert_eq!(answer["ok"], true, "{answer}");
            if answer["replicated"] == replicated {
                return;
            }
            assert!(began.elapsed() < WAIT, "replicated: {replicated}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    until(&mut ann, true).await;
    // One stands still: it may still be elected, so that what only the other has is not called replicated, until the cluster has given it up.
    let (one, other) = (replicas[0].clone(), replicas[1].clone());
    one.pause().expect("it stops");
    until(&mut ann, false).await;
    one.resume().expect("it goes on");
    until(&mut ann, true).await;
    one.kill().expect("it ends");
    until(&mut ann, true).await;
    other.kill().expect("it ends");
    until(&mut ann, false).await;
    one.start().expect("it starts");
    until(&mut ann, true).await;
    // Nothing that was acknowledged is missing, and nothing is there twice.
    ann.reaches("lobby", n).await;
    assert_eq!(ann.away.numbers("lobby"), (1..=n).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_its_memory_full_servers_still_know_each_other() {
    let redis = redis(RedisCluster::builder()).await;
    let seeds = redis.seeds().join(",");
    let (one, other) =
        (server(&["--redis", &seeds, "--node", "one"]).await, server(&["--redis", &seeds, "--node", "other"]).await);
    let known = async |server: &Spawned| {
        let picture: Value = serde_json::from_str(&get(server.operations, "/cluster.json").await.body).expect("JSON");
        (picture["servers"].as_array().map_or(0, Vec::len), picture["registry_age_ms"].as_u64().unwrap_or(u64::MAX))
    };
    eventually_within(WAIT, async || known(&one).await.0 == 2 && known(&other).await.0 == 2).await;
    let mut ann = Client::guest(one.public, "ann").await;
    ann.join("lobby").await;
    ann.say("lobby", "1").await;
    with(&redis, |redis| {
        for node in redis.nodes() {
            node.command(&["CONFIG", "SET", "maxmemory", "1"]).expect("set");
        }
    })
    .await;
    let refused = sends(&mut ann, "2").await;
    assert_eq!(refused["error"]["code"], "unavailable", "{refused}");
    // For longer than an entry is good for, each goes on to see the other, by entries that are written now.
    let until = std::time::Instant::now() + chat_server::cluster::EXPIRY + Duration::from_secs(5);
    while std::time::Instant::now() < until {
        for server in [&one, &other] {
            let (servers, age_ms) = known(server).await;
            assert!(servers == 2 && age_ms < 9_000, "{servers} servers, {age_ms} ms");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(
        ann.ask("history", serde_json::json!({ "room": "lobby" })).await["entries"].as_array().map(Vec::len),
        Some(1)
    );
    with(&redis, |redis| {
        for node in redis.nodes() {
            node.command(&["CONFIG", "SET", "maxmemory", "0"]).expect("set");
        }
    })
    .await;
    ann.say("lobby", "2").await;
}
