//! Hints come in the order of the room, and none is missing unless a disturbance says so.

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::steps::{Notes, append, fill, tail, wish, wish_of};
use super::{Harness, Terms};
use crate::{Follower, Hint, Position, Watch};

/// As soon as a watch is in place it says so; what is appended afterwards is hinted, what came before is not.
pub async fn a_watch_begins_with_a_disturbance<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room, other) = (harness.log(), harness.room("begins"), harness.room("begins other"));
    fill(&*log, &room, "m", 3).await;
    let notes = Arc::new(Notes::default());
    let _watch = log.watch(&room, Arc::clone(&notes) as _);
    notes.until(&harness, "the first disturbance", |_, disturbances| disturbances > 0).await;
    fill(&*log, &other, "m", 3).await;
    let next = append(&*log, wish(&room, "next")).await.position;
    notes.until(&harness, "the next entry", |positions, _| positions == [next]).await;
}

/// Several writers, several followers: each follower is told each entry once, in order.
pub async fn hints_are_complete_and_in_order<H: Harness>() {
    const WRITERS: usize = 8;
    const EACH: usize = 40;
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("hints"));
    let followers: Vec<_> = (0..3).map(|_| Arc::new(Notes::default())).collect();
    let watches: Vec<_> = followers.iter().map(|notes| log.watch(&room, Arc::clone(notes) as _)).collect();
    for notes in &followers {
        notes.until(&harness, "the first disturbance", |_, disturbances| disturbances > 0).await;
    }
    let before: Vec<_> = followers.iter().map(|notes| notes.read().1).collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (log, room) = (Arc::clone(&log), Arc::clone(&room));
            harness.spawn(Box::pin(async move {
                for i in 0..EACH {
                    append(&*log, wish_of(&room, &format!("w{writer}"), &i.to_string())).await;
                    // A duplicate is no news.
                    append(&*log, wish_of(&room, &format!("w{writer}"), &i.to_string())).await;
                }
            }))
        })
        .collect();
    for writer in writers {
        writer.await;
    }
    let page = log.read(&room, Position::START, WRITERS * EACH).await.expect("a page");
    let all: Vec<_> = page.entries.iter().map(|entry| entry.position).collect();
    assert_eq!(all.len(), WRITERS * EACH);
    for (notes, before) in followers.iter().zip(before) {
        notes.until(&harness, "all hints", |positions, _| positions.len() >= all.len()).await;
        assert_eq!(notes.read(), (all.clone(), before), "complete, in order, undisturbed");
    }
    drop(watches);
}

/// After a watch is dropped its follower is told nothing more, while others are.
pub async fn a_dropped_watch_is_silent<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("silent"));
    let (gone, there) = (Arc::new(Notes::default()), Arc::new(Notes::default()));
    let ends = log.watch(&room, Arc::clone(&gone) as _);
    let _stays = log.watch(&room, Arc::clone(&there) as _);
    for notes in [&gone, &there] {
        notes.until(&harness, "the first disturbance", |_, disturbances| disturbances > 0).await;
    }
    let first = append(&*log, wish(&room, "first")).await.position;
    for notes in [&gone, &there] {
        notes.until(&harness, "the first entry", |positions, _| positions == [first]).await;
    }
    drop(ends);
    let told = gone.read();
    let second = append(&*log, wish(&room, "second")).await.position;
    there.until(&harness, "the second entry", |positions, _| positions == [first, second]).await;
    assert_eq!(gone.read(), told);
    assert_eq!(Arc::strong_count(&gone), 1, "the log has let go of the follower");
}

/// What is published reaches all who follow the room, and nobody else; it is no entry.
pub async fn what_is_published_reaches_the_followers<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room, other) = (harness.log(), harness.room("published"), harness.room("published other"));
    let followers: Vec<_> = [&room, &room, &other].map(|room| (room, Arc::new(Notes::default()))).into();
    let _watches: Vec<_> = followers.iter().map(|(room, notes)| log.watch(room, Arc::clone(notes) as _)).collect();
    for (_, notes) in &followers {
        notes.until(&harness, "the first disturbance", |_, disturbances| disturbances > 0).await;
    }
    for (room, what) in [(&room, "one"), (&room, "two"), (&other, "other")] {
        log.publish(room, Bytes::from_static(what.as_bytes()));
    }
    append(&*log, wish(&room, "m")).await;
    for (followed, notes) in &followers {
        let expected: &[&str] = if *followed == &room { &["one", "two"] } else { &["other"] };
        notes.until(&harness, "what was published", |_, _| notes.volatile() == expected).await;
    }
    assert_eq!(tail(&*log, &room).await.n, 1);
    assert_eq!(tail(&*log, &other).await.n, 0);
}

/// A follower may end its own watch while it is told something.
pub async fn a_follower_may_leave_while_it_is_told<H: Harness>() {
    #[derive(Default)]
    struct Leaves {
        notes: Notes,
        watch: Mutex<Option<Watch>>,
    }
    impl Follower for Leaves {
        fn hint(&self, hint: Hint) {
            if matches!(hint, Hint::Entry(_)) {
                drop(self.watch.lock().expect("no panic").take());
            }
            self.notes.hint(hint);
        }
    }
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("leaves"));
    let (leaves, stays) = (Arc::new(Leaves::default()), Arc::new(Notes::default()));
    let watch = log.watch(&room, Arc::clone(&leaves) as _);
    *leaves.watch.lock().expect("no panic") = Some(watch);
    let _stays = log.watch(&room, Arc::clone(&stays) as _);
    for notes in [&leaves.notes, &*stays] {
        notes.until(&harness, "the first disturbance", |_, disturbances| disturbances > 0).await;
    }
    let positions = fill(&*log, &room, "m", 3).await;
    stays.until(&harness, "all hints", |found, _| found == positions).await;
    leaves.notes.until(&harness, "the first hint", |found, _| found == &positions[..1]).await;
}
