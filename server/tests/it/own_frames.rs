//! Members who are active in several rooms at once: their events carry the places of all of them, and cuts at any moment
//! lose and double nothing.

use crate::client::{Client, Item};
use crate::live::Live;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::time::Duration;

fn rooms(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("room {n}")).collect()
}

/// Sends `entries` to each room, one to each in turn.
async fn chatter(ann: &mut Client, rooms: &[String], entries: u64) {
    for n in 1..=entries {
        for room in rooms {
            ann.emit("send", &crate::client::message(room, &n.to_string(), 20)).await;
        }
        for room in rooms {
            ann.reaches(room, n).await;
        }
    }
}

fn is_exact(client: &Client, rooms: &[String], entries: u64) {
    let expected: Vec<u64> = (1..=entries).collect();
    for room in rooms {
        assert_eq!(client.away.numbers(room), expected, "{room}");
        let others = client.away.of(room).iter().filter(|item| !matches!(item, Item::Entry(..)));
        assert_eq!(others.count(), 1, "{room}: one `joined`, no gap and no void");
    }
}

/// Comes back again and again, each time after so many more events as chance says.
async fn cut_often(live: &Live, count: usize, entries: u64, seed: u64) {
    let rooms = rooms(count);
    let mut random = StdRng::seed_from_u64(seed);
    let mut ann = Client::guest(live.address, "ann").await;
    let mut ben = Client::guest(live.address, "ben").await;
    for room in &rooms {
        ann.join(room).await;
        ben.join(room).await;
    }
    let sent = rooms.clone();
    let talking = tokio::spawn(async move {
        chatter(&mut ann, &sent, entries).await;
        ann
    });
    let all = rooms.len() + rooms.len() * entries as usize;
    let mut recovered = 0;
    while ben.away.count < all {
        let more = (ben.away.count + random.random_range(0..60)).min(all);
        ben.until("some more events", |ben| ben.away.count >= more).await;
        if random.random_bool(0.5) {
            // Some heartbeats are answered and some are not: checkpoints are written at odd places.
            ben.answers_pings = !ben.answers_pings;
        }
        if ben.away.count < all {
            ben = ben.cut().back().await;
            assert_eq!(ben.ready["recovered"], true);
            recovered += 1;
        }
    }
    println!("{count} rooms, {entries} entries each, seed {seed}: {recovered} recoveries");
    assert!(recovered > 5, "{recovered} recoveries are no test");
    is_exact(&ben, &rooms, entries);
    is_exact(&talking.await.expect("the sender"), &rooms, entries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_rooms_and_cuts_at_random_moments() {
    for seed in 0..3 {
        let live = Live::with(|plan| plan.settings.transport.ping_interval = Duration::from_millis(100)).await;
        cut_often(&live, 5, 100, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_rooms_and_cuts_at_random_moments() {
    for seed in 0..3 {
        cut_often(&Live::start().await, 40, 25, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_thirty_two_rooms_go_ahead_of_what_the_client_has_confirmed() {
    let live = Live::start().await;
    let rooms = rooms(40);
    let mut ann = Client::guest(live.address, "ann").await;
    let mut ben = Client::guest(live.address, "ben").await;
    for room in &rooms {
        ann.join(room).await;
        ben.join(room).await;
    }
    ben.answers_pings = false;
    chatter(&mut ann, &rooms, 3).await;
    let active = |ben: &Client| -> BTreeSet<String> {
        rooms.iter().filter(|room| !ben.away.entries(room).is_empty()).cloned().collect()
    };
    ben.until("entries of 32 rooms", |ben| active(ben).len() >= 32).await;
    ben.until("an early heartbeat", |ben| ben.owed > 0).await;
    // The rooms that are ahead go on; what is not there yet waits.
    for room in active(&ben) {
        ben.reaches(&room, 3).await;
    }
    ben.ask("rooms", serde_json::json!({})).await;
    assert_eq!(active(&ben).len(), 32);
    ben.pay().await;
    for room in &rooms {
        ben.reaches(room, 3).await;
    }
    is_exact(&ben, &rooms, 3);
}
