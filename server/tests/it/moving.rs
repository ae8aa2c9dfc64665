//! A session that polls at one server moves to another with its WebSocket, over the internal ports, while its rooms go on.

use crate::client::{Away, Client, Item};
use crate::live::{Live, Plan, With};
use crate::polling::Polling;
use crate::wait::eventually;
use chat_log::{MemoryLog, Options};
use chat_server::cluster::MemoryBoard;
use chat_server::presence::Servers;
use chat_server::records::{MemoryRecords, RecordOptions, Records};
use chat_settings::Settings;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;

const ROOMS: [&str; 4] = ["a", "b", "c", "d"];

/// Two servers on one log and one store of records, which know each other.
async fn two() -> [Live; 2] {
    let none = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let key = ["chat-server", "--signing-key", "a key that both of these servers have"];
    let keys = Settings::load(key, [], none).expect("a good key").signing_keys;
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    let log = Arc::new(MemoryLog::new(Options::default(), Arc::new(clock)));
    let options = RecordOptions { expiry: Duration::from_secs(600), records_max: 100 };
    let (records, board) = (Arc::new(MemoryRecords::new(options)), Arc::new(MemoryBoard::default()));
    let start = |node: &'static str| {
        Live::among(board.clone(), |plan: &mut Plan| {
            plan.settings.signing_keys.clone_from(&keys);
            plan.settings.network.internal_listen = "127.0.0.1:0".parse().expect("an address");
            plan.settings.transport.ping_interval = Duration::from_millis(500);
            node.clone_into(&mut plan.settings.node);
            plan.with = Some(With { log: log.clone(), records: records.clone(), servers: Servers::alone() });
        })
    };
    let both = [start("n0").await, start("n1").await];
    eventually("both know both", || both.iter().all(|live| live.membership.registry().view().len() == 2)).await;
    both
}

/// Sends to all rooms until it is told to stop; how many entries each room has then.
fn flow(address: SocketAddr) -> (Arc<AtomicBool>, JoinHandle<u64>) {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let sending = tokio::spawn(async move {
        let mut ben = Client::guest(address, "ben").await;
        for room in ROOMS {
            ben.join(room).await;
        }
        let mut sent = 0;
        while !stopped.load(Ordering::Relaxed) {
            for room in ROOMS {
                ben.flood(room, sent + 1, sent + 5, 300).await;
            }
            sent += 5;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sent
    });
    (stop, sending)
}

/// Ann, who is in all rooms from their beginning, and away.
async fn ann(address: SocketAddr) -> Away {
    let mut ann = Client::guest(address, "ann").await;
    for room in ROOMS {
        ann.join(room).await;
    }
    ann.cut()
}

/// Comes back by polling at one server, with a WebSocket at another that says nothing yet.
async fn poll(away: Away, from: SocketAddr, to: SocketAddr) -> (Client, Polling) {
    let mut polling = Polling::open(from).await;
    let wire = crate::wire::Wire::of_session(to, &polling.sid).await;
    let credentials = away.credentials();
    let mut client = away.on(wire);
    assert_eq!(polling.post(to, &format!("40{credentials}")).await.body, "ok");
    while client.ready.is_null() {
        take(&mut client, &mut polling, from).await;
    }
    assert_eq!(client.ready["recovered"], true, "{}", client.ready);
    (client, polling)
}

/// One GET, and the pongs that it asks for.
async fn take(client: &mut Client, polling: &mut Polling, at: SocketAddr) {
    let answer = polling.get(at).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for _ in 0..client.polled(&answer.body) {
        assert_eq!(polling.post(at, "3").await.body, "ok");
    }
}

/// Nothing is missing, doubled, or out of order.
fn assert_whole(away: &Away, sent: u64) {
    for room in ROOMS {
        let rest = away.of(room).iter().filter(|item| !matches!(item, Item::Entry(..) | Item::Joined(_)));
        assert_eq!(rest.count(), 0, "no gaps and no voids");
        assert_eq!(away.numbers(room), (1..=sent).collect::<Vec<_>>(), "room {room}");
        let ids: Vec<_> = away.entries(room).iter().map(|(at, id)| (at.n.to_string(), (*id).to_owned())).collect();
        assert!(ids.iter().all(|(n, id)| n == id), "room {room}");
    }
}

fn moved(live: &Live, outcome: &str) -> u64 {
    live.metrics.sockets.moved.with_label_values(&[outcome]).get()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_of_several_rooms_moves_again_and_again_while_messages_flow() {
    const MOVES: usize = 30;
    let both = two().await;
    let mut away = ann(both[0].address).await;
    let (stop, sending) = flow(both[0].address);
    let mut last = None;
    for turn in 0..MOVES {
        let (from, to) = (both[turn % 2].address, both[(turn + 1) % 2].address);
        let (mut client, mut polling) = poll(away, from, to).await;
        for n in 0..turn % 4 {
            take(&mut client, &mut polling, if n % 2 == 0 { from } else { to }).await;
        }
        client.wire.send("2probe").await;
        assert_eq!(client.wire.next().await, crate::wire::Got::Text("3probe".to_owned()));
        if turn % 3 == 0 {
            take(&mut client, &mut polling, from).await;
        }
        // What is sent meanwhile waits at the owner.
        tokio::time::sleep(Duration::from_millis(10 * (turn as u64 % 3))).await;
        client.wire.send("5").await;
        let count = client.away.count;
        client.until("entries by WebSocket", |client| client.away.count > count + 20).await;
        if turn + 1 == MOVES {
            last = Some(client);
            break;
        }
        away = client.cut();
    }
    stop.store(true, Ordering::Relaxed);
    let sent = sending.await.expect("the sender");
    let mut client = last.expect("a client");
    for room in ROOMS {
        client.reaches(room, sent).await;
    }
    // Live, and not from the log alone.
    let mut ben = Client::guest(both[0].address, "ben").await;
    ben.join("a").await;
    ben.say("a", &(sent + 1).to_string()).await;
    client.reaches("a", sent + 1).await;
    client.away.rooms.get_mut("a").expect("a room").pop();
    assert_whole(&client.away, sent);
    let given: u64 = both.iter().map(|live| moved(live, "given")).sum();
    let taken: u64 = both.iter().map(|live| moved(live, "taken")).sum();
    assert_eq!((given, taken), (MOVES as u64, MOVES as u64));
    assert_eq!(both[0].records.len(), 3, "ann's, and two of ben's: none was made anew");
    // Requests go on, too: the new owner writes under the same fence.
    client.ask("leave", serde_json::json!({ "room": "b" })).await;
    client.join("b").await;
    let client = client.cut().back().await;
    assert_eq!(client.ready["recovered"], true);
    assert_eq!(client.ready["rooms"].as_array().map(Vec::len), Some(ROOMS.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_lost_on_its_way_is_recovered_whole() {
    let both = two().await;
    let mut away = ann(both[0].address).await;
    let (stop, sending) = flow(both[0].address);
    for turn in 0..10 {
        let (from, to) = (&both[turn % 2], &both[(turn + 1) % 2]);
        let (mut client, mut polling) = poll(away, from.address, to.address).await;
        for _ in 0..turn % 3 {
            take(&mut client, &mut polling, from.address).await;
        }
        from.server.probe(&polling.sid).expect("a probe");
        tokio::time::sleep(Duration::from_millis(20)).await;
        let given = from.server.give_away(&polling.sid).await;
        assert!(given.is_ok_and(|bytes| bytes.len() > 100), "a session, which nobody gets");
        assert_eq!(polling.get(to.address).await.status, 400);
        away = client.cut();
        // Back by WebSocket, at either of them.
        away.address = both[turn % 3 % 2].address;
        let mut client = away.back().await;
        assert_eq!(client.ready["recovered"], true);
        let count = client.away.count;
        client.until("entries", |client| client.away.count > count + 10).await;
        away = client.cut();
    }
    stop.store(true, Ordering::Relaxed);
    let sent = sending.await.expect("the sender");
    let mut client = away.back().await;
    for room in ROOMS {
        client.reaches(room, sent).await;
    }
    assert_whole(&client.away, sent);
    assert_eq!(both.iter().map(|live| moved(live, "given")).sum::<u64>(), 10);
    assert_eq!(both.iter().map(|live| moved(live, "taken")).sum::<u64>(), 0);
}
