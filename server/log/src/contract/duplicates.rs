//! An append that is sent again is not appended again.

use std::sync::Arc;
use std::time::Duration;

use super::steps::{append, fill, ids, wish, wish_of};
use super::{Harness, Terms};
use crate::{AppendError, Position};

/// The second try is answered with place and time of the first, whatever came in between, and even with another body.
pub async fn an_id_is_appended_once<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("once"));
    let first = append(&*log, wish(&room, "x")).await;
    fill(&*log, &room, "m", 30).await;
    let mut again = wish(&room, "x");
    again.body = bytes::Bytes::from_static(b"another body");
    let second = append(&*log, again).await;
    assert!(!first.duplicate && second.duplicate);
    assert_eq!((first.position, first.at_ms), (second.position, second.at_ms));
    assert_eq!(ids(&*log, &room, Position::START).await.len(), 31);
}

/// The same id of another author, or in another room, is another entry.
pub async fn an_id_belongs_to_its_author_and_room<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, one, two) = (harness.log(), harness.room("own 1"), harness.room("own 2"));
    let wishes = [
        wish_of(&one, "ann", "x"),
        wish_of(&one, "bob", "x"),
        wish_of(&two, "ann", "x"),
        // Author and id must not be told apart by where one ends only.
        wish_of(&one, "annx", ""),
        wish_of(&one, "an", "nx"),
        wish_of(&one, "ann:", "x"),
        wish_of(&one, "ann", ":x"),
    ];
    for wish in wishes {
        assert!(!append(&*log, wish.clone()).await.duplicate, "{wish:?}");
        assert!(append(&*log, wish).await.duplicate);
    }
}

/// Twice in one batch is once in the room.
pub async fn an_id_counts_within_its_batch<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("in a batch"));
    let batch = ["a", "b", "a", "c", "b", "a"].map(|id| wish(&room, id)).into();
    let answers = log.append(batch).await;
    let found: Vec<_> = answers.iter().map(|answer| answer.as_ref().expect("an append")).collect();
    let told: Vec<_> = found.iter().map(|appended| (appended.position.n, appended.duplicate)).collect();
    assert_eq!(told, [(1, false), (2, false), (1, true), (3, false), (2, true), (1, true)]);
    assert_eq!(ids(&*log, &room, Position::START).await, ["a", "b", "c"]);
}

/// An id lives at least `dedup_age`, however many others come, and after three times that it is new again.
pub async fn an_id_is_remembered_for_the_window_and_not_for_ever<H: Harness>() {
    let age = Duration::from_secs(4);
    let harness = H::start(Terms { dedup_age: age, ..Terms::default() }).await;
    let (log, room) = (harness.log(), harness.room("window"));
    // At several distances from wherever the log begins its generations.
    for round in 0..4 {
        let id = format!("x{round}");
        let first = append(&*log, wish(&room, &id)).await;
        for step in 0..3 {
            harness.elapse(age / 4).await;
            fill(&*log, &room, &format!("m{round}/{step}/"), 20).await;
        }
        let again = append(&*log, wish(&room, &id)).await;
        assert!(again.duplicate && again.position == first.position, "round {round}");
        harness.elapse(age * 3).await;
        let anew = append(&*log, wish(&room, &id)).await;
        assert!(!anew.duplicate && anew.position > first.position, "round {round}");
        harness.elapse(age / 3).await;
    }
}

/// A retry is recognised although retention has taken the entry.
pub async fn an_id_outlives_its_entry<H: Harness>() {
    let harness = H::start(Terms { retained_entries: 5, ..Terms::default() }).await;
    let (log, room) = (harness.log(), harness.room("outlives"));
    let first = append(&*log, wish(&room, "x")).await;
    fill(&*log, &room, "m", 6 + H::TRIM_LUMP).await;
    assert_eq!(log.get(&room, first.position).await.expect("an answer"), None, "it is trimmed");
    let again = append(&*log, wish(&room, "x")).await;
    assert!(again.duplicate && again.position == first.position && again.at_ms == first.at_ms);
}

/// The same append from many sides at the same time: one of them is the first.
pub async fn many_tries_at_once_make_one_entry<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("tries"));
    let firsts = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let (log, room, firsts) = (Arc::clone(&log), Arc::clone(&room), Arc::clone(&firsts));
            harness.spawn(Box::pin(async move {
                for i in 0..40 {
                    let appended = append(&*log, wish(&room, &format!("m{i}"))).await;
                    firsts.fetch_add(usize::from(!appended.duplicate), std::sync::atomic::Ordering::Relaxed);
                }
            }))
        })
        .collect();
    for one in tries {
        one.await;
    }
    assert_eq!(firsts.load(std::sync::atomic::Ordering::Relaxed), 40);
    assert_eq!(ids(&*log, &room, Position::START).await.len(), 40);
}

/// After an unknown outcome the same append again finds out.
pub async fn a_lost_answer_is_found_again<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("answer"));
    harness.lose_answer().await;
    let answers = log.append(vec![wish(&room, "x")]).await;
    assert_eq!(answers, [Err(AppendError::UnknownOutcome)]);
    let again = append(&*log, wish(&room, "x")).await;
    assert!(again.duplicate && again.position.n == 1);
    assert_eq!(ids(&*log, &room, Position::START).await, ["x"]);
}
