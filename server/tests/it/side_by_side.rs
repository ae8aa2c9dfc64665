//! Requests of one client for different rooms do not wait for each other; those for one room keep their order.

use crate::client::{Client, message};
use crate::live::Live;
use chat_log::{Position, RoomLog};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::sync::Arc;

/// The ids of a room's entries, in their order.
async fn ids(live: &Live, room: &str) -> Vec<String> {
    let page = live.log.read(&Arc::from(room), Position::START, 10_000).await.expect("a page");
    let id = |body: &[u8]| serde_json::from_slice::<Value>(body).expect("JSON")["id"].as_str().map(str::to_owned);
    page.entries.iter().map(|entry| id(&entry.body).expect("an id")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_takes_nothing_holds_up_no_other_of_the_same_client() {
    let live = Live::start().await;
    let mut ann = Client::guest(live.address, "ann").await;
    ann.join("out").await;
    ann.join("well").await;
    live.held.hold("out");
    let first = ann.emit("send", &message("out", "1", 1)).await;
    let second = ann.emit("send", &message("out", "2", 1)).await;
    let left = ann.emit("leave", &json!({ "room": "out" })).await;
    let late = ann.emit("send", &message("out", "3", 1)).await;
    let said = ann.say("well", "4").await;
    ann.ask("react", json!({ "room": "well", "id": "5", "of": said["position"], "emoji": "+" })).await;
    ann.ask("history", json!({ "room": "well" })).await;
    assert!(ids(&live, "out").await.is_empty() && !ann.has_answers(&[first]));
    live.held.release("out");
    let answers = ann.answers_to(&[first, second, left, late]).await;
    let ok: Vec<_> = answers.iter().map(|answer| answer["ok"] == true).collect();
    assert_eq!(ok, [true, true, true, false]);
    assert_eq!(answers[3]["error"]["code"], "forbidden", "it came after the leave");
    assert_eq!(ids(&live, "out").await, ["1", "2"]);
}

/// A member sends, leaves and joins without waiting for answers, while rooms take nothing at times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_room_sees_its_requests_in_their_order_whatever_the_others_do() {
    const ROOMS: [&str; 4] = ["a", "b", "c", "d"];
    let live = Live::start().await;
    for seed in 0..8 {
        let mut random = StdRng::seed_from_u64(seed);
        let rooms = ROOMS.map(|room| format!("{room}{seed}"));
        let mut ann = Client::guest(live.address, "ann").await;
        for room in &rooms {
            ann.join(room).await;
        }
        // What one who waited for each answer would see.
        let (mut member, mut logs) = ([true; ROOMS.len()], vec![Vec::new(); ROOMS.len()]);
        let (mut asked, mut expected) = (Vec::new(), Vec::new());
        for n in 0..150 {
            let at = random.random_range(0..ROOMS.len());
            let room = &rooms[at];
            match random.random_range(0..20) {
                0 => {
                    asked.push(ann.emit("leave", &json!({ "room": room })).await);
                    expected.push(true);
                    member[at] = false;
                }
                1..=3 => {
                    asked.push(ann.emit("join", &json!({ "room": room })).await);
                    expected.push(true);
                    member[at] = true;
                }
                4 => live.held.hold(room),
                5..=6 => live.held.release(&rooms[random.random_range(0..ROOMS.len())]),
                _ => {
                    asked.push(ann.emit("send", &message(room, &n.to_string(), 1)).await);
                    expected.push(member[at]);
                    if member[at] {
                        logs[at].push(n.to_string());
                    }
                }
            }
        }
        for room in &rooms {
            live.held.release(room);
        }
        let answers = ann.answers_to(&asked).await;
        let ok: Vec<_> = answers.iter().map(|answer| answer["ok"] == true).collect();
        assert_eq!(ok, expected, "seed {seed}");
        for (room, log) in rooms.iter().zip(&logs) {
            assert_eq!(ids(&live, room).await, *log, "seed {seed}, room {room}");
        }
    }
}
