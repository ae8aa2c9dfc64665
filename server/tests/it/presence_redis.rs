//! Presence on a real Redis Cluster: what the store promises, and servers on the log in Redis beside it.

use crate::live::Plan;
use crate::presence::{member_at, sees};
use crate::wait::DEADLINE;
use chat_log::RoomLog;
use chat_log::redis::{FUNCTIONS, Options as LogOptions, RedisLog};
use chat_redis::{Cluster, Library, Options};
use chat_rig::{Flavour, RedisCluster};
use chat_server::announcer;
use chat_server::chat::Chat;
use chat_server::metrics::Metrics;
use chat_server::presence::{self, Boots, PART, PresenceStore, RedisPresence, Servers, Sum};
use chat_server::records::{MemoryRecords, RecordOptions};
use chat_server::room::{Crowd, Kept, Named, Presence, Said};
use chat_server::run;
use chat_socket::{Boot, ServeOptions, Server, serve};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long words are kept here, where they are to be seen to expire.
const SHORT: Duration = Duration::from_secs(2);

async fn redis(flavour: Flavour) -> Arc<RedisCluster> {
    let started = spawn_blocking(move || RedisCluster::builder().flavour(flavour).start().expect("a cluster"));
    Arc::new(started.await.expect("no panic"))
}

fn cluster(redis: &RedisCluster) -> Cluster {
    Cluster::start(Options::new(redis.seeds()), &Library::new().part(FUNCTIONS).part(PART))
}

fn said(version: u64, names: &[&str]) -> Said {
    let names: Vec<_> = names.iter().map(|name| Named { id: (*name).into(), name: (*name).into() }).collect();
    Said { version, crowd: Crowd { online: names.len(), names: Some(names) } }
}

/// What one server reads of another's word about a room, that knows this version.
async fn reads(store: &RedisPresence, of: Boot, room: &Arc<str>, known: Option<Said>) -> Kept {
    let mut presence = Presence::default();
    if let Some(known) = known {
        presence.hear(of, known);
    }
    let nobody = Boot::random();
    let asked = [presence.ask(room, &[nobody, of])];
    let mut kept = timeout(DEADLINE, store.read(&[nobody, of], &asked)).await.expect("in time").expect("an answer");
    assert_eq!(kept[0][0], Kept::Nothing, "nobody said anything");
    kept.remove(0).remove(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_what_is_said_and_finds_out_what_it_lost() {
    the_store_keeps(Flavour::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_does_the_store_on_valkey() {
    the_store_keeps(Flavour::Valkey).await;
}

async fn the_store_keeps(flavour: Flavour) {
    let redis = redis(flavour).await;
    let cluster = cluster(&redis);
    timeout(DEADLINE, async {
        while cluster.check().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("a fit cluster");
    let boot = Boot::random();
    let store = RedisPresence::new(cluster.clone(), boot, SHORT);
    let room: Arc<str> = "lobby".into();
    let part = store.part_of(&room);
    let reading = |known| reads(&store, boot, &room, known);
    assert_eq!(reading(None).await, Kept::Nothing);

    let first = said(1, &["ann"]);
    store.write(&room, &first);
    while reading(None).await != Kept::Said(first.clone()) {}
    assert_eq!(reading(Some(first.clone())).await, Kept::Same);
    let second = said(2, &["ann", "ben"]);
    store.write(&room, &second);
    while reading(Some(first.clone())).await != Kept::Said(second.clone()) {}

    // Another room of the same part.
    let other =
        (0..1_000_000).map(|n| format!("room {n}")).find(|name| store.part_of(name) == part).expect("one of them");
    let other: Arc<str> = other.into();
    store.write(&other, &said(3, &["cleo"]));
    let sums = |rooms, versions| HashMap::from([(part, Sum { rooms, versions })]);
    let holds = async |rooms, versions| store.renew(sums(rooms, versions)).await.is_empty();
    while !holds(2, 5).await {}
    assert!(!holds(2, 4).await && !holds(1, 5).await, "it tells what it should not hold");

    // It is kept for as long as it is renewed, and no longer.
    let renewed_until = std::time::Instant::now() + 2 * SHORT;
    while std::time::Instant::now() < renewed_until {
        assert!(holds(2, 5).await);
        tokio::time::sleep(SHORT / 8).await;
    }
    timeout(DEADLINE, async { while reading(None).await != Kept::Nothing {} }).await.expect("it expires");
    assert_eq!(store.renew(sums(2, 5)).await, [part]);
    store.replace(part, &[(room.clone(), said(8, &["ann"])), (other.clone(), said(9, &["cleo"]))]);
    while !holds(2, 17).await {}
    store.write(&other, &said(10, &[]));
    while !holds(1, 8).await {}
    store.write(&room, &said(11, &[]));
    while !holds(0, 0).await {}

    // A foreign value under the key is not taken, and goes.
    let key = cluster.key(cluster.partition(&*room), "p", boot.to_string());
    let (key, nodes) = (String::from_utf8(key.to_vec()).expect("a text"), redis.clone());
    let slot = cluster.partitions().slot(cluster.partition(&*room));
    let set = move |command: Vec<String>| {
        let (nodes, command) = (nodes.clone(), command);
        spawn_blocking(move || {
            let command: Vec<_> = command.iter().map(String::as_str).collect();
            nodes.master_of_slot(slot).expect("a master").command(&command).expect("an answer")
        })
    };
    set(vec!["SET".into(), key.clone(), "foreign".into()]).await.expect("no panic");
    assert_eq!(reading(None).await, Kept::Nothing);
    assert!(!holds(1, 8).await);
    store.write(&room, &said(12, &["ann"]));
    while reading(None).await != Kept::Said(said(12, &["ann"])) {}
    set(vec!["HSET".into(), key, "lobby".into(), "1 99 foreign".into()]).await.expect("no panic");
    assert_eq!(reading(None).await, Kept::Nothing);
}

/// A server on Redis.
async fn server(redis: &RedisCluster, own: Boot, boots: watch::Receiver<Boots>) -> SocketAddr {
    let settings = Plan::default().settings;
    let (config, metrics) = (run::config(&settings), Arc::new(Metrics::new().expect("metrics")));
    let cluster = cluster(redis);
    let log: Arc<dyn RoomLog> = Arc::new(RedisLog::start(cluster.clone(), LogOptions::default()));
    let records = RecordOptions { expiry: DEADLINE, records_max: 100 };
    let store = Arc::new(RedisPresence::new(cluster, own, announcer::KEPT_FOR));
    let servers = Servers::among(own, store, boots);
    let chat = Chat::among(settings, log, Arc::new(MemoryRecords::new(records)), metrics.clone(), servers);
    tokio::spawn(announcer::run(chat.clone(), Duration::from_millis(50)));
    tokio::spawn(presence::watch_servers(chat.clone()));
    let server = Server::new(chat, config, metrics.sockets.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve(listener, server.router("/socket.io/"), ServeOptions::default(), metrics.sockets.clone()));
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_on_two_servers_see_each_other_and_again_when_redis_has_lost_everything() {
    let redis = redis(Flavour::Redis).await;
    let boots = [Boot::random(), Boot::random()];
    let known = boots.map(|own| {
        watch::channel::<Boots>(Arc::new(BTreeSet::from(boots).into_iter().filter(|boot| *boot != own).collect()))
    });
    let a = server(&redis, boots[0], known[0].1.clone()).await;
    let b = server(&redis, boots[1], known[1].1.clone()).await;
    let mut ann = member_at(a, "ann").await;
    let mut ben = member_at(b, "ben").await;
    sees(&mut ann, &["ann", "ben"]).await;
    sees(&mut ben, &["ann", "ben"]).await;

    // Every key is lost, and every subscription.
    let nodes = redis.clone();
    spawn_blocking(move || {
        for node in nodes.masters().expect("masters") {
            node.command(&["FLUSHALL"]).expect("an answer");
            node.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).expect("an answer");
        }
    })
    .await
    .expect("no panic");
    let mut cleo = member_at(b, "cleo").await;
    for client in [&mut ann, &mut ben, &mut cleo] {
        sees(client, &["ann", "ben", "cleo"]).await;
    }

    // A server of which the registry says that it is gone.
    known[0].0.send_replace(Boots::default());
    sees(&mut ann, &["ann"]).await;
    known[0].0.send_replace(Arc::new(BTreeSet::from([boots[1]])));
    sees(&mut ann, &["ann", "ben", "cleo"]).await;
}
