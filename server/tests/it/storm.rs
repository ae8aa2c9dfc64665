//! Many who come back at once: the log is read once for all of them.

use crate::client::Client;
use crate::live::Live;
use tokio::task::JoinSet;

const ROOM: &str = "arena";
const CLIENTS: usize = 500;
const ENTRIES: u64 = 200;

/// 200 entries are 4 pages. Another few may be read while the room finds its tail; never one a client.
const PAGES_MAX: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_come_back_and_share_the_reads() {
    let live = Live::start().await;
    let mut joining = JoinSet::new();
    for n in 0..CLIENTS {
        let address = live.address;
        joining.spawn(async move {
            let mut client = Client::guest(address, &format!("guest {n}")).await;
            client.join(ROOM).await;
            client.cut()
        });
    }
    let away = joining.join_all().await;
    {
        let mut ann = Client::guest(live.address, "ann").await;
        ann.join(ROOM).await;
        ann.flood(ROOM, 1, ENTRIES, 100).await;
        // Nobody is left, so that the room has to be read.
        ann.wire.send("41").await;
        crate::wait::eventually("nobody is there", || live.series("chat_connections_unauthenticated") >= 1).await;
        ann.cut();
    }
    crate::wait::eventually("all have gone", || live.server.connections() == 0).await;
    let before = live.metrics.pages_read.get();
    let mut coming = JoinSet::new();
    for client in away {
        coming.spawn(async move {
            let mut client = client.back().await;
            assert_eq!(client.ready["recovered"], true);
            client.reaches(ROOM, ENTRIES).await;
            client
        });
    }
    let back = coming.join_all().await;
    let expected: Vec<u64> = (1..=ENTRIES).collect();
    for client in &back {
        assert_eq!(client.away.numbers(ROOM), expected);
    }
    let pages = live.metrics.pages_read.get() - before;
    println!("pages read: {pages}");
    assert!((1..=PAGES_MAX).contains(&pages), "{pages} pages were read for {CLIENTS} clients");
    assert_eq!(live.metrics.gaps.get() + live.metrics.voids.get(), 0);
}
