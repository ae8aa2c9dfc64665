//! A room is one list, numbered without gaps, and reads show it piece by piece.

use std::sync::Arc;

use super::steps::{append, fill, ids, read, tail, wish, wish_of};
use super::{Harness, Terms};
use crate::{Position, Start};

/// The first entry has number 1, each further one the next; epochs and times do not go back.
pub async fn numbers_rise_by_one<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("numbers"));
    let mut last = append(&*log, wish(&room, "m1")).await;
    assert_eq!(last.position.n, 1);
    assert!(last.position.epoch > 0, "epoch 0 is kept for the start of a room");
    for i in 2..=20 {
        let next = append(&*log, wish(&room, &format!("m{i}"))).await;
        assert_eq!(next.position.n, last.position.n + 1);
        assert!(next.position > last.position && next.at_ms >= last.at_ms && !next.duplicate);
        last = next;
    }
}

/// An entry is read with all that was appended, and with the place and time that its author was told.
pub async fn entries_come_back_as_they_were<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("as they were: \u{1F42E}/{}\n"));
    let mut wish = wish_of(&room, "bo\u{e9}", "id with \"quotes\" {and} spaces");
    wish.body = bytes::Bytes::from((0..=255).collect::<Vec<u8>>());
    let appended = append(&*log, wish.clone()).await;
    let page = read(&*log, &room, Position::START, 10).await;
    let [entry] = &page.entries[..] else { panic!("one entry is expected: {page:?}") };
    assert_eq!((entry.position, entry.at_ms), (appended.position, appended.at_ms));
    assert_eq!((&entry.author, &entry.id, &entry.body), (&wish.author, &wish.id, &wish.body));
}

/// Page after page, each read from the end of the one before, makes the whole list.
pub async fn pages_follow_on<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("pages"));
    let positions = fill(&*log, &room, "m", 25).await;
    for (seen, after) in std::iter::once(Position::START).chain(positions.clone()).enumerate() {
        let page = read(&*log, &room, after, 10).await;
        let found: Vec<_> = page.entries.iter().map(|entry| entry.position).collect();
        assert_eq!(page.start, Start::Follows);
        assert_eq!(found, positions[seen..positions.len().min(seen + 10)]);
        assert_eq!(page.tail.n, 25);
        assert_eq!(page.is_last(after), seen + 10 >= 25);
    }
}

/// At most `limit` entries; 0 asks only how the position stands.
pub async fn a_page_is_no_longer_than_its_limit<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("limits"));
    fill(&*log, &room, "m", 5).await;
    for limit in [0, 1, 4, 5, 6, 100_000] {
        let page = read(&*log, &room, Position::START, limit).await;
        assert_eq!(page.entries.len(), limit.min(5));
        assert_eq!((page.start, page.tail.n), (Start::Follows, 5));
        let before = log.read_before(&room, None, limit).await.expect("history");
        assert_eq!((before.entries.len(), before.more), (limit.min(5), limit < 5));
    }
}

/// History ends before the given position, newest pages first, each in the order of the room.
pub async fn history_goes_back_page_by_page<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("history"));
    let positions = fill(&*log, &room, "m", 12).await;
    let (mut before, mut pages) = (None, Vec::new());
    loop {
        let page = log.read_before(&room, before, 5).await.expect("history");
        let found: Vec<_> = page.entries.iter().map(|entry| entry.position).collect();
        before = found.first().copied();
        pages.push(found);
        if !page.more {
            break;
        }
    }
    assert_eq!(pages, [&positions[7..12], &positions[2..7], &positions[0..2]]);
    let first = log.read_before(&room, Some(positions[0]), 5).await.expect("history");
    assert_eq!((first.entries.len(), first.more), (0, false));
    let beyond = Position::new(positions[0].epoch, 1000);
    let newest = log.read_before(&room, Some(beyond), 3).await.expect("history");
    assert_eq!(newest.entries.last().map(|entry| entry.position), positions.last().copied());
}

/// The exact position, and no other: neither another epoch's nor another room's.
pub async fn an_entry_is_found_by_its_position<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room, other) = (harness.log(), harness.room("get"), harness.room("get other"));
    let positions = fill(&*log, &room, "m", 3).await;
    let at = positions[1];
    assert_eq!(log.get(&room, at).await.expect("an answer").map(|entry| entry.position), Some(at));
    for absent in [
        Position::START,
        Position::new(at.epoch - 1, at.n),
        Position::new(at.epoch + 1, at.n),
        Position::new(at.epoch, 0),
        Position::new(at.epoch, 4),
        Position::new(at.epoch, crate::NUMBER_MAX),
    ] {
        assert_eq!(log.get(&room, absent).await.expect("an answer"), None, "{absent}");
    }
    assert_eq!(log.get(&other, at).await.expect("an answer"), None);
}

/// A tail is at the last number, reads on from there find nothing until something is appended, and then that.
pub async fn tails_stand_before_what_comes_next<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let log = harness.log();
    let rooms: Vec<Arc<str>> = ["tails 0", "tails 1", "tails 2"].map(|name| harness.room(name)).into();
    fill(&*log, &rooms[1], "m", 1).await;
    let last = fill(&*log, &rooms[2], "m", 9).await[8];
    let tails = log.tails(&rooms).await.expect("tails");
    assert_eq!(tails.iter().map(|tail| tail.n).collect::<Vec<_>>(), [0, 1, 9]);
    assert_eq!(tails[0], Position::START);
    assert!(tails[2] >= last);
    assert_eq!(log.tails(&[]).await.expect("tails"), []);
    for (room, tail) in rooms.iter().zip(tails) {
        assert!(ids(&*log, room, tail).await.is_empty());
        let next = append(&*log, wish(room, "next")).await;
        assert!(next.position.n == tail.n + 1 && next.position > tail);
        assert_eq!(ids(&*log, room, tail).await, ["next"]);
    }
}

/// One batch over several rooms: one answer an append, in its order; in each room the order of the batch.
pub async fn a_batch_keeps_its_order_in_each_room<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let log = harness.log();
    let rooms: Vec<Arc<str>> = ["batch 0", "batch 1", "batch 2"].map(|name| harness.room(name)).into();
    let batch: Vec<_> = (0..60).map(|i| wish(&rooms[(i * i) % 3], &format!("m{i}"))).collect();
    let answers = log.append(batch.clone()).await;
    assert_eq!(answers.len(), batch.len());
    for room in &rooms {
        let own = batch.iter().zip(&answers).filter(|(wish, _)| wish.room == *room);
        let own: Vec<_> = own.map(|(wish, answer)| (wish, answer.as_ref().expect("an append"))).collect();
        let numbers: Vec<_> = own.iter().map(|(_, appended)| appended.position.n).collect();
        assert_eq!(numbers, (1..=own.len() as u64).collect::<Vec<_>>());
        let wished: Vec<_> = own.iter().map(|(wish, _)| wish.id.to_string()).collect();
        assert_eq!(ids(&*log, room, Position::START).await, wished);
    }
    assert!(log.append(Vec::new()).await.is_empty());
}

/// Asking about a room that does not exist is no error.
pub async fn rooms_nobody_wrote_to_are_empty<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("empty"));
    assert!(ids(&*log, &room, Position::START).await.is_empty());
    let before = log.read_before(&room, None, 10).await.expect("history");
    assert_eq!((before.entries.len(), before.more), (0, false));
    assert_eq!(tail(&*log, &room).await, Position::START);
}

/// Writers at the same time: every acknowledged entry stands at its own place, and nothing else is there.
pub async fn many_writers_make_one_list<H: Harness>() {
    const WRITERS: usize = 16;
    const EACH: usize = 50;
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("writers"));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (log, room) = (Arc::clone(&log), Arc::clone(&room));
            harness.spawn(Box::pin(async move {
                let mut last = Position::START;
                for i in 0..EACH {
                    let wish = wish_of(&room, &format!("w{writer}"), &format!("{writer}/{i}"));
                    let appended = append(&*log, wish.clone()).await;
                    assert!(appended.position > last, "a writer's own order");
                    last = appended.position;
                    let entry = log.get(&room, last).await.expect("an answer").expect("what was acknowledged");
                    assert_eq!((&entry.id, &entry.author), (&wish.id, &wish.author));
                }
            }))
        })
        .collect();
    for writer in writers {
        writer.await;
    }
    let mut found = ids(&*log, &room, Position::START).await;
    assert_eq!(found.len(), WRITERS * EACH);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), WRITERS * EACH, "an entry is there twice");
}
