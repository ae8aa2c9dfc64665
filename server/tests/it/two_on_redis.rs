//! Two servers as processes on one Redis Cluster, whose clients go on at the other one; and what becomes of a private room that Redis has lost.

use crate::client::{Away, Client};
use crate::http::get;
use crate::polling::Polling;
use crate::spawned::Spawned;
use crate::wait::eventually_within;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use chat_redis::Partitions;
use chat_rig::{Balancer, RedisCluster};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

const KEY: &str = "a-signing-key-for-the-tests-of-two-servers";
const PARTITIONS: u16 = 8;
const WAIT: Duration = Duration::from_secs(60);

/// What the client that polls sends.
const SENDS: u64 = 60;

async fn redis() -> Arc<RedisCluster> {
    Arc::new(spawn_blocking(|| RedisCluster::builder().start().expect("a Redis Cluster")).await.expect("no panic"))
}

async fn server(redis: &RedisCluster, node: &str) -> Spawned {
    let (seeds, partitions) = (redis.seeds().join(","), PARTITIONS.to_string());
    let own = ["--redis", &seeds, "--signing-key", KEY, "--redis-partitions", &partitions, "--node", node];
    let server = Spawned::start(&own).await;
    eventually_within(WAIT, async || get(server.operations, "/readyz").await.status == 200).await;
    server
}

async fn servers(redis: &RedisCluster) -> [Spawned; 2] {
    let servers = [server(redis, "one").await, server(redis, "other").await];
    for server in &servers {
        // One that does not know of the other takes its sessions for none.
        eventually_within(WAIT, async || {
            let picture: Value =
                serde_json::from_str(&get(server.operations, "/cluster.json").await.body).expect("JSON");
            picture["servers"].as_array().is_some_and(|servers| servers.len() == 2)
        })
        .await;
    }
    servers
}

fn id(client: &Client) -> String {
    client.ready["user"]["id"].as_str().expect("an id").to_owned()
}

fn rooms(client: &Client) -> Vec<String> {
    let rooms = client.ready["rooms"].as_array().expect("rooms");
    rooms.iter().map(|room| room["room"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_and_its_receipts_go_on_at_the_other_server() {
    let redis = redis().await;
    let [one, other] = servers(&redis).await;
    let mut ann = Client::guest(one.public, "ann").await;
    let mut ben = Client::guest(other.public, "ben").await;
    ann.ask("create", json!({ "room": "den", "visibility": "private", "members": [id(&ben)] })).await;
    ben.until("the invitation", |ben| ben.rooms.iter().any(|told| told["room"] == "den")).await;
    for room in ["den", "lobby"] {
        ann.join(room).await;
        ben.join(room).await;
        for n in 1..=4 {
            ben.say(room, &n.to_string()).await;
        }
        ann.reaches(room, 4).await;
        ben.reaches(room, 4).await;
    }
    let at = |room: &str, n: usize, client: &Client| client.away.entries(room)[n - 1].0.to_string();
    // A receipt is not kept for a connection that has not taken everything before it, so there is more than one.
    for n in 1..=3 {
        let answer = ann.ask("read", json!({ "room": "lobby", "position": at("lobby", n, &ann) })).await;
        assert_eq!(answer["unread"], 4 - n);
    }
    ben.until("the receipt", |ben| ben.volatile.iter().any(|(name, _)| name == "receipt")).await;

    // Its server is killed, and others talk on. It comes back to one that was not there when it read.
    let late = server(&redis, "late").await;
    let mut away = ann.cut();
    drop(one);
    ben.say("den", "5").await;
    away.address = late.public;
    let mut ann = away.back().await;
    assert_eq!(ann.ready["recovered"], true);
    assert_eq!(rooms(&ann).len(), 2);
    ann.say("lobby", "last").await;
    ann.reaches("lobby", 5).await;
    ann.reaches("den", 5).await;
    for room in ["den", "lobby"] {
        assert_eq!(ann.away.numbers(room), [1, 2, 3, 4, 5], "{room}");
    }
    // This server never heard of the receipt but by the store.
    let joined = ann.ask("join", json!({ "room": "lobby" })).await;
    assert_eq!((&joined["read"], &joined["unread"]), (&json!(at("lobby", 3, &ann)), &json!(2)));
    let read = ann.ask("read", json!({ "room": "lobby", "position": at("lobby", 1, &ann) })).await;
    assert_eq!(read["unread"], 2, "it never goes back");
    let metrics = get(late.operations, "/metrics").await.body;
    assert!(metrics.contains("chat_recoveries_total{outcome=\"recovered\"} 1\n"), "{metrics}");
}

/// The place of a name in the cluster.
struct Places {
    redis: Arc<RedisCluster>,
    partitions: Partitions,
}

impl Places {
    /// The master on which this name's keys are.
    async fn shard_of(&self, name: &str) -> String {
        let slot = self.partitions.slot(self.partitions.of(name.as_bytes()));
        let redis = self.redis.clone();
        spawn_blocking(move || redis.master_of_slot(slot).expect("a master").name().to_owned()).await.expect("no panic")
    }

    /// The master on which a session's record is.
    async fn shard_of_session(&self, client: &Client) -> String {
        let pid = client.away.pid.as_deref().expect("a pid");
        self.shard_of(&BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(pid)[..16])).await
    }

    async fn flush(&self, shard: &str) {
        let (redis, shard) = (self.redis.clone(), shard.to_owned());
        let flush = move || {
            let node = redis.nodes().iter().find(|node| node.name() == shard).expect("a node").clone();
            node.command(&["FLUSHALL"]).expect("an answer");
        };
        spawn_blocking(flush).await.expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_room_that_redis_has_lost_is_not_opened_to_all() {
    let redis = redis().await;
    let [one, other] = servers(&redis).await;
    let places = Places { redis, partitions: Partitions::new("chat", PARTITIONS) };
    let shard = places.shard_of("den").await;
    // What is to be left stands elsewhere: the sessions, the rooms of the users, and a public room.
    let elsewhere = async |name: &str, at| loop {
        let client = Client::guest(at, name).await;
        if places.shard_of_session(&client).await != shard && places.shard_of(&id(&client)).await != shard {
            return client;
        }
    };
    let mut ann = elsewhere("ann", one.public).await;
    let mut ben = elsewhere("ben", other.public).await;
    let mut lobby = 0;
    while places.shard_of(&format!("lobby-{lobby}")).await == shard {
        lobby += 1;
    }
    let lobby = format!("lobby-{lobby}");
    ann.ask("create", json!({ "room": "den", "visibility": "private", "members": [id(&ben)] })).await;
    for client in [&mut ann, &mut ben] {
        client.join("den").await;
        client.join(&lobby).await;
    }
    ann.say("den", "a secret").await;
    ben.reaches("den", 1).await;
    let away = ann.cut();
    places.flush(&shard).await;

    // A recovery does not open it again.
    let back = async |mut away: Away| {
        away.address = other.public;
        away.back().await
    };
    let mut ann = back(away).await;
    assert_eq!((&ann.ready["recovered"], rooms(&ann)), (&json!(true), vec![lobby.clone()]));
    // Nor do those who join it by its name, as a page does that has lost its session: they know it as a private one.
    let code = |answer: &Value| answer["error"]["code"].as_str().map(str::to_owned);
    let joined = ann.call("join", json!({ "room": "den", "after": "0-0" })).await;
    assert_eq!(code(&joined).as_deref(), Some("not_found"), "{joined}");
    // Who has stayed in it cannot tell it to anybody.
    let sent = ben.call("send", json!({ "room": "den", "id": "x", "text": "another secret" })).await;
    assert_eq!(code(&sent).as_deref(), Some("not_found"), "{sent}");

    // Somebody else takes the name: what those who were in the private room know of it is over.
    let mut eve = Client::guest(one.public, "eve").await;
    eve.join("den").await;
    eve.say("den", "mine").await;
    let sent = ben.call("send", json!({ "room": "den", "id": "y", "text": "another secret" })).await;
    assert_eq!(sent["ok"], false, "{sent}");
    let ben = back(ben.cut()).await;
    assert_eq!(rooms(&ben), [lobby]);
    eve.say("den", "still").await;
    eve.reaches("den", 2).await;
    assert_eq!(eve.away.entries("den").iter().map(|(_, id)| *id).collect::<Vec<_>>(), ["mine", "still"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_without_stickiness_no_request_fails_and_sessions_outlive_a_server() {
    let redis = redis().await;
    let [one, other] = servers(&redis).await;
    let backends = [one.public, other.public];
    let nginx = spawn_blocking(move || Balancer::nginx(&backends).expect("nginx")).await.expect("no panic");
    let at = nginx.address();
    let mut watchers = Vec::new();
    for name in ["ann", "ben", "cleo", "dan"] {
        let mut client = Client::guest(at, name).await;
        client.join("lobby").await;
        watchers.push(client);
    }
    let nodes: BTreeSet<_> = watchers.iter().map(|client| client.ready["node"].to_string()).collect();
    assert_eq!(nodes.len(), 2, "in turn: {nodes:?}");

    // A client that polls: each of its requests lands on the next server.
    let mut polling = Polling::open(at).await;
    let mut came = String::new();
    let mut all_well = async |polling: &mut Polling, body: Option<String>| {
        let answer = match &body {
            Some(body) => polling.post(at, body).await,
            None => polling.get(at).await,
        };
        assert_eq!(answer.status, 200, "{answer:?}");
        if body.is_none() {
            assert_ne!(answer.body, "1", "closed");
            came.push_str(&answer.body);
            came.push('\u{1e}');
        }
        came.clone()
    };
    all_well(&mut polling, Some(r#"40{"name":"eve"}"#.to_owned())).await;
    while !all_well(&mut polling, None).await.contains(r#"42["ready""#) {}
    all_well(&mut polling, Some(r#"420["join",{"room":"lobby"}]"#.to_owned())).await;
    for n in 1..=SENDS {
        let send = json!(["send", { "room": "lobby", "id": n.to_string(), "text": "x" }]);
        all_well(&mut polling, Some(format!("42{n}{send}"))).await;
    }
    let seen = |came: &str| came.split('\u{1e}').filter(|packet| packet.starts_with(r#"42["message""#)).count() as u64;
    while seen(&all_well(&mut polling, None).await) < SENDS {}
    let mut forwarded = 0.0;
    for server in [&one, &other] {
        let metrics = get(server.operations, "/metrics").await.body;
        let rows = metrics.lines().filter(|line| line.starts_with("chat_requests_forwarded_total{"));
        forwarded += rows.filter_map(|row| row.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>();
    }
    assert!(forwarded >= SENDS as f64 / 4.0, "{forwarded} were forwarded");

    // One server is killed: all of them go on, with nothing lost and nothing twice.
    let mut away: Vec<_> = Vec::new();
    for mut client in watchers {
        client.reaches("lobby", SENDS).await;
        away.push(client.cut());
    }
    drop(one);
    let mut last = SENDS;
    for away in away {
        let mut client = away.back().await;
        assert_eq!((&client.ready["recovered"], &client.ready["node"]), (&json!(true), &json!("other")));
        last += 1;
        client.say("lobby", "again").await;
        client.reaches("lobby", last).await;
        assert_eq!(client.away.numbers("lobby"), (1..=last).collect::<Vec<_>>());
    }
    spawn_blocking(move || drop(nginx)).await.expect("no panic");
}
