//! What is under the log's keys and on its channels without being the log's own: it is counted and passed over, and harms no other room.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_log::contract::{Harness, Terms};
use chat_log::{Append, AppendError, Appended, GapReason, Hint, Position, ReadError, Start};
use chat_rig::Flavour;
use tokio::sync::mpsc;
use tokio::task::block_in_place;

use crate::harness::{OnCluster, Server};

struct Redis;
impl Server for Redis {
    const FLAVOUR: Flavour = Flavour::Redis;
}
type Bench = OnCluster<Redis>;

async fn append(bench: &Bench, room: &Arc<str>, id: &str) -> Result<Appended, AppendError> {
    let wish = Append { room: Arc::clone(room), author: "ann".into(), id: id.into(), body: Bytes::from(id.to_owned()) };
    bench.log().append(vec![wish]).await.remove(0)
}

fn command(bench: &Bench, room: &str, words: &[&str]) {
    let answer = block_in_place(|| bench.master(room).command(words).unwrap());
    assert!(!answer.contains("ERR"), "{words:?}: {answer}");
}

/// Reads a room to its end; it must come to one. Returns the ids, and the gaps as from and to.
async fn walk(bench: &Bench, room: &Arc<str>) -> (Vec<String>, Vec<(u64, u64)>) {
    let (mut at, mut ids, mut gaps) = (Position::START, Vec::new(), Vec::new());
    for _ in 0..100 {
        let page = bench.log().read(room, at, 4).await.unwrap();
        match page.start {
            Start::Follows => {}
            Start::Gap { to, reason: GapReason::Trimmed } => gaps.push((at.n, to.n)),
            Start::Gap { .. } | Start::Void { .. } | Start::Ahead => panic!("{at}: {page:?}"),
        }
        ids.extend(page.entries.iter().map(|entry| entry.id.to_string()));
        at = page.end(at);
        if page.is_last(at) {
            return (ids, gaps);
        }
    }
    panic!("a reader never comes to the end");
}

fn names(range: impl Iterator<Item = u64>) -> Vec<String> {
    range.map(|n| format!("m{n}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_that_are_missing_or_none_are_gaps() {
    let bench = Bench::start(Terms::default()).await;
    let room: Arc<str> = bench.room("damaged");
    let mut positions = Vec::new();
    for n in 1..=12 {
        positions.push(append(&bench, &room, &format!("m{n}")).await.unwrap().position);
    }
    let (stream, epoch) = (bench.named("l", &room), positions[0].epoch);
    let at = |n: u64| positions[n as usize - 1].to_string();
    // Taken out: one in the middle of a page, two at its end, and the first one.
    for n in [1, 4, 7, 8] {
        command(&bench, &room, &["XDEL", &stream, &at(n)]);
    }
    assert_eq!(
        walk(&bench, &room).await,
        ([names(2..4), names(5..7), names(9..13)].concat(), vec![(0, 1), (3, 4), (6, 8)])
    );
    assert_eq!(bench.log().get(&room, positions[3]).await, Ok(None));
    let before = bench.log().read_before(&room, None, 100).await.unwrap();
    assert_eq!((before.entries.len(), before.more), (8, false));

    // Put in: a foreign one where the last one was.
    command(&bench, &room, &["XDEL", &stream, &at(12)]);
    command(&bench, &room, &["XADD", &stream, &format!("{epoch}-13"), "what", "is this"]);
    assert_eq!(append(&bench, &room, "m13").await, Err(AppendError::Unavailable), "its place is taken");
    let (ids, gaps) = walk(&bench, &room).await;
    assert_eq!((ids.len(), gaps.last()), (7, Some(&(11, 12))), "the foreign one is beyond the end");
    // Without the stream there is nothing to read, and the numbers go on.
    command(&bench, &room, &["DEL", &stream]);
    assert_eq!(walk(&bench, &room).await, (Vec::new(), vec![(0, 12)]));
    assert_eq!(append(&bench, &room, "m13").await.unwrap().position.n, 13);
    assert_eq!(walk(&bench, &room).await, (names(13..14), vec![(0, 12)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_of_another_making_is_passed_over() {
    let bench = Bench::start(Terms::default()).await;
    let room: Arc<str> = bench.room("another making");
    let first = append(&bench, &room, "m1").await.unwrap().position;
    // What a version to come may write, or somebody by hand.
    let (stream, hash) = (bench.named("l", &room), bench.named("r", &room));
    for (n, fields) in [
        (2, ["t", "9999999999999", "e", "\u{7f}new"]),
        (3, ["t", "x", "e", "\u{1}\u{1}a\u{1}bc"]),
        (4, ["a", "b", "c", "d"]),
    ] {
        let id = Position::new(first.epoch, n).to_string();
        command(&bench, &room, &[&["XADD", &stream, &id], &fields[..]].concat());
    }
    command(&bench, &room, &["HSET", &hash, "n", "4"]);
    assert_eq!(append(&bench, &room, "m5").await.unwrap().position.n, 5);
    assert_eq!(walk(&bench, &room).await, (vec!["m1".into(), "m5".into()], vec![(1, 4)]));
    let before = bench.log().read_before(&room, None, 100).await.unwrap();
    assert_eq!(before.entries.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_none_harm_no_other_room() {
    let bench = Bench::start(Terms::default()).await;
    let rooms: Vec<Arc<str>> = (0..40).map(|i| bench.room(&format!("room {i}"))).collect();
    let (own, hash) = (bench.named("l", &rooms[0]), bench.named("r", &rooms[1]));
    command(&bench, &rooms[0], &["SET", &own, "a string"]);
    command(&bench, &rooms[1], &["SET", &hash, "a string"]);
    command(&bench, &rooms[2], &["HSET", &bench.named("r", &rooms[2]), "n", "many", "t", "-1"]);
    command(&bench, &rooms[3], &["HSET", &bench.named("r", &rooms[3]), "n", "5", "t", "1", "e", "1", "b", "what"]);
    let wish =
        |room: &Arc<str>| Append { room: Arc::clone(room), author: "ann".into(), id: "x".into(), body: Bytes::new() };
    let answers = bench.log().append(rooms.iter().map(wish).collect()).await;
    for (i, answer) in answers.iter().enumerate() {
        match i {
            0..=2 => assert_eq!(*answer, Err(AppendError::Unavailable), "room {i}"),
            _ => assert!(answer.is_ok(), "room {i}: {answer:?}"),
        }
    }
    for (i, room) in rooms.iter().enumerate() {
        let read = bench.log().read(room, Position::START, 10).await;
        let expected = if (1..=3).contains(&i) { Err(ReadError::Unavailable) } else { Ok(usize::from(i > 0)) };
        assert_eq!(read.map(|page| page.entries.len()), expected, "room {i}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_none_are_disturbances() {
    struct Ears(mpsc::UnboundedSender<Hint>);
    impl chat_log::Follower for Ears {
        fn hint(&self, hint: Hint) {
            let _ = self.0.send(hint);
        }
    }
    let bench = Bench::start(Terms::default()).await;
    let room: Arc<str> = bench.room("noise");
    let (ears, mut hints) = mpsc::unbounded_channel();
    let _watch = bench.log().watch(&room, Arc::new(Ears(ears)));
    let channel = bench.named("c", &room);
    let mut next = async || tokio::time::timeout(Duration::from_secs(10), hints.recv()).await.unwrap().unwrap();
    assert!(matches!(next().await, Hint::Disturbed));
    for noise in ["noise", "", "e", "e1-1", "e1-1 x y", "e99999999999999999-1 1 \u{1}", "e1-2 3 \u{1}\u{7f}short"] {
        command(&bench, &room, &["SPUBLISH", &channel, noise]);
        assert!(matches!(next().await, Hint::Disturbed), "{noise:?}");
    }
    let position = append(&bench, &room, "m1").await.unwrap().position;
    let Hint::Entry(entry) = next().await else { panic!("an entry is expected") };
    assert_eq!((entry.position, &*entry.id), (position, "m1"));
}
