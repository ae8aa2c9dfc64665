//! Clients that stop reading: they cost a bounded amount of memory, delay nobody, and miss nothing when they read again.

use crate::client::{Away, Client};
use crate::live::Live;
use crate::wait::eventually;
use crate::wire::Wire;
use chat_server::chat::Chat;
use chat_socket::Socket;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const ROOM: &str = "busy";
const ENTRIES: u64 = 5_000;

fn socket_of(live: &Live, name: &str) -> Arc<Socket<Chat>> {
    let is = |socket: &Arc<Socket<Chat>>| socket.lock().app().user.as_ref().is_some_and(|user| &*user.name() == name);
    live.server.sockets().into_iter().find(is).expect("a connection of this name")
}

fn all(entries: u64) -> Vec<u64> {
    (1..=entries).collect()
}

/// A member on a connection of which the kernel holds little.
async fn narrow(live: &Live, name: &str) -> Client {
    let wire = Wire::open_narrow(live.address).await;
    let mut client = Away::new(live.address, json!({ "name": name })).back_on(wire).await;
    client.join(ROOM).await;
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_stops_reading_delays_nobody_and_misses_nothing() {
    let live = Live::start().await;
    let mut stopped = narrow(&live, "sam").await;
    let socket = socket_of(&live, "sam");
    let mut readers = JoinSet::new();
    for name in ["ben", "cem", "dan"] {
        let mut reader = Client::guest(live.address, name).await;
        reader.join(ROOM).await;
        readers.spawn(async move {
            reader.reaches(ROOM, ENTRIES).await;
            reader.away.numbers(ROOM)
        });
    }
    let mut ann = Client::guest(live.address, "ann").await;
    ann.join(ROOM).await;
    ann.flood(ROOM, 1, ENTRIES, 400).await;
    while let Some(numbers) = readers.join_next().await {
        assert_eq!(numbers.expect("a reader"), all(ENTRIES));
    }
    // 3 MB went to the others. For this one as much waits as its outbox may hold, and the rest is in the log.
    assert!(live.metrics.fell_behind.get() >= 1);
    assert!(live.limit("outbox") >= 1);
    {
        let guard = socket.lock();
        assert!(!guard.is_drained(), "something waits");
        assert!(guard.fits(0), "no more than the outbox may hold");
        assert!(!guard.fits(64 * 1024), "and that is not nothing");
    }
    assert_eq!(live.closed("stalled"), 0);
    stopped.reaches(ROOM, ENTRIES).await;
    assert_eq!(stopped.away.numbers(ROOM), all(ENTRIES));
    assert_eq!(stopped.away.of(ROOM).len(), ENTRIES as usize + 1, "entries and one `joined`, nothing else");
    assert!(live.metrics.pages_read.get() > 0, "it was served from the log");
    // And it is live again.
    ann.say(ROOM, "last").await;
    stopped.reaches(ROOM, ENTRIES + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_reads_nothing_for_too_long_is_closed_and_recovers() {
    let live = Live::with(|plan| plan.settings.limits.stall_timeout = Duration::from_millis(300)).await;
    let mut stopped = narrow(&live, "sam").await;
    let mut ann = Client::guest(live.address, "ann").await;
    ann.join(ROOM).await;
    ann.flood(ROOM, 1, 1_000, 400).await;
    eventually("the stalled connection is closed", || live.closed("stalled") == 1).await;
    assert_eq!(live.limit("stall_timeout"), 1);
    // What the kernel still had is read, then the end; what was read counts.
    assert_eq!(stopped.closed().await, None);
    let mut back = stopped.away.back().await;
    assert_eq!(back.ready["recovered"], true);
    back.reaches(ROOM, 1_000).await;
    assert_eq!(back.away.numbers(ROOM), all(1_000));
    assert_eq!(live.closed("stalled"), 1);
}
