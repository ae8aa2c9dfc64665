//! What a log loses, it says: void for what was seen and is no more, reset where nobody knows, ahead where it may be this view that is old.

use std::sync::Arc;
use std::time::Duration;

use super::steps::{Notes, append, fill, ids, read, tail, wish};
use super::{Harness, Terms};
use crate::{AppendError, GapReason, Position, Reach, ReadError, RoomLog, Start};

/// Readers beyond the loss are told where they and the log part, and then what is there instead; readers before it notice nothing.
pub async fn what_a_rollback_took_is_void<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("void"));
    let notes = Arc::new(Notes::default());
    let _watch = log.watch(&room, Arc::clone(&notes) as _);
    notes.until(&harness, "the first disturbance", |_, disturbances| disturbances > 0).await;
    let old = fill(&*log, &room, "old", 8).await;
    notes.until(&harness, "all hints", |positions, _| positions == old).await;
    let disturbances = notes.read().1;

    harness.roll_back(&room, 5).await;
    notes.until(&harness, "a disturbance", |_, now| now > disturbances).await;
    // Before anything replaces what was lost ...
    let page = read(&*log, &room, old[7], 10).await;
    let Start::Void { after } = page.start else { panic!("a void is expected: {page:?}") };
    assert_eq!((after.n, page.entries.len(), page.tail.n), (5, 0, 5));
    assert!(page.is_last(old[7]));
    // ... and afterwards, with more entries than were lost: the same numbers are other entries.
    let new = fill(&*log, &room, "new", 4).await;
    assert_eq!(new[0].n, 6);
    assert!(new[0].epoch > old[7].epoch);
    for (i, position) in old.iter().enumerate() {
        let page = read(&*log, &room, *position, 10).await;
        let found: Vec<_> = page.entries.iter().map(|entry| entry.position).collect();
        if i < 5 {
            assert_eq!(page.start, Start::Follows, "{position} is not lost");
            assert_eq!(found, [&old[i + 1..5], &new[..]].concat());
        } else {
            let Start::Void { after } = page.start else { panic!("a void is expected: {page:?}") };
            assert_eq!((after.n, found), (5, new.clone()));
            assert_eq!(log.get(&room, *position).await, Ok(None), "what is void is not there");
        }
    }
    for position in new {
        assert_eq!(read(&*log, &room, position, 10).await.start, Start::Follows);
    }
}

/// The end of a void is above all that it withdraws, and one reads on from it; also through several losses.
pub async fn a_void_ends_above_what_it_withdraws<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("above"));
    let mut seen = fill(&*log, &room, "a", 6).await;
    for (round, keep) in [(0_usize, 4_u64), (1, 5), (2, 2), (3, 2)] {
        harness.roll_back(&room, keep).await;
        for (filled, prefix) in [(0, "none"), (2, "some")] {
            seen.extend(fill(&*log, &room, &format!("{prefix}{round}/"), filled).await);
            for position in &seen {
                let page = read(&*log, &room, *position, 100).await;
                if let Start::Void { after } = page.start {
                    assert!(after > *position && after.n < position.n, "{after} for {position}");
                    let again = read(&*log, &room, after, 100).await;
                    assert_eq!((again.start, &again.entries), (Start::Follows, &page.entries));
                }
            }
        }
    }
}

/// A retry of what was lost is appended anew.
pub async fn a_rollback_takes_the_ids_too<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("ids"));
    let old = fill(&*log, &room, "m", 4).await;
    harness.roll_back(&room, 2).await;
    let kept = append(&*log, wish(&room, "m2")).await;
    assert!(kept.duplicate && kept.position == old[1]);
    let lost = append(&*log, wish(&room, "m3")).await;
    assert!(!lost.duplicate && lost.position.n == 3 && lost.position > old[3]);
    assert_eq!(ids(&*log, &room, Position::START).await, ["m1", "m2", "m3"]);
}

/// With no entry left in common there is no position to go back to.
pub async fn a_rollback_of_everything_is_a_reset<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("everything"));
    let old = fill(&*log, &room, "old", 3).await;
    harness.roll_back(&room, 0).await;
    reset(&*log, &room, &old).await;
}

/// The same where the whole log was lost; other rooms too.
pub async fn a_lost_data_set_is_a_reset<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room, other) = (harness.log(), harness.room("lost"), harness.room("lost other"));
    let notes = Arc::new(Notes::default());
    let _watch = log.watch(&room, Arc::clone(&notes) as _);
    let (old, other_old) = (fill(&*log, &room, "old", 3).await, fill(&*log, &other, "old", 9).await);
    let disturbances = notes.read().1;
    harness.lose_everything().await;
    notes.until(&harness, "a disturbance", |_, now| now > disturbances).await;
    reset(&*log, &room, &old).await;
    reset(&*log, &other, &other_old).await;
}

/// The room is as new, and whoever comes with an old position is told to forget all.
async fn reset(log: &dyn RoomLog, room: &Arc<str>, old: &[Position]) {
    assert_eq!(tail(log, room).await, Position::START);
    assert!(ids(log, room, Position::START).await.is_empty());
    for filled in 0..3 {
        for position in old {
            assert_eq!(log.reach(room, *position).await, Ok(Reach::Reset));
            let page = read(log, room, *position, 10).await;
            let Start::Gap { to, reason: GapReason::Reset } = page.start else {
                panic!("a reset is expected: {page:?}")
            };
            assert!(to.n == 0 && to > *position, "{to} for {position}");
            assert_eq!(page.entries.len(), filled);
        }
        let next = append(log, wish(room, &format!("old{}", filled + 1))).await;
        assert!(!next.duplicate && next.position.n == filled as u64 + 1);
        assert!(old.iter().all(|position| next.position > *position));
    }
}

/// Where the branch point is trimmed, what is known of it is said first, and then what can be had: never an entry that does not follow on.
pub async fn a_void_that_ends_in_trimmed_entries_is_followed_by_a_gap<H: Harness>() {
    let harness = H::start(Terms { retained_entries: 5, ..Terms::default() }).await;
    let (log, room) = (harness.log(), harness.room("trimmed branch"));
    let old = fill(&*log, &room, "old", 8).await;
    harness.roll_back(&room, 6).await;
    fill(&*log, &room, "new", 20 + H::TRIM_LUMP).await;
    let page = read(&*log, &room, old[7], 10).await;
    let to = match page.start {
        Start::Void { after } => {
            assert_eq!((after.n, page.entries.len()), (6, 0));
            let page = read(&*log, &room, after, 10).await;
            let Start::Gap { to, reason: GapReason::Trimmed } = page.start else {
                panic!("a gap is expected: {page:?}")
            };
            to
        }
        Start::Gap { to, reason: GapReason::Reset } => to,
        Start::Follows | Start::Ahead | Start::Gap { .. } => panic!("a void or a reset is expected: {page:?}"),
    };
    assert!(to > old[7]);
    assert_eq!(read(&*log, &room, to, 10).await.start, Start::Follows);
}

/// An epoch that the log has not reached: nothing is said about it, since this view may be the old one.
pub async fn a_position_from_the_future_is_ahead<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room, empty) = (harness.log(), harness.room("ahead"), harness.room("ahead empty"));
    let last = fill(&*log, &room, "m", 3).await[2];
    for n in [0, 1, 3, 100] {
        let position = Position::new(last.epoch + 1_000_000, n);
        for room in [&room, &empty] {
            let page = read(&*log, room, position, 10).await;
            assert_eq!((page.start, page.entries.len()), (Start::Ahead, 0));
            assert_eq!(log.reach(room, position).await, Ok(Reach::Ahead));
        }
    }
}

/// For every position, seen or made up: reach and read say the same.
pub async fn reach_says_what_read_does<H: Harness>() {
    let harness = H::start(Terms::default()).await;
    let (log, room) = (harness.log(), harness.room("reach"));
    let mut seen = fill(&*log, &room, "a", 9).await;
    for keep in [7, 8, 3] {
        harness.roll_back(&room, keep).await;
        seen.extend(fill(&*log, &room, &format!("after {keep}: "), 3).await);
    }
    let epochs: Vec<_> = seen.iter().map(|position| position.epoch).collect();
    let list = read(&*log, &room, Position::START, 100).await.entries;
    for epoch in epochs.iter().flat_map(|epoch| [epoch - 1, *epoch, epoch + 1]) {
        for n in 0..15 {
            let position = Position::new(epoch, n);
            let page = read(&*log, &room, position, 100).await;
            let common = list.iter().take_while(|entry| entry.position.epoch <= epoch).count() as u64;
            let reach = log.reach(&room, position).await.expect("an answer");
            match reach {
                Reach::Ahead => assert_eq!(page.start, Start::Ahead),
                Reach::Reset => {
                    assert!(common == 0 && n > 0);
                    assert!(matches!(page.start, Start::Gap { reason: GapReason::Reset, .. }));
                }
                Reach::To(reach) => {
                    assert_eq!(reach, common.min(n), "{position}");
                    let void = matches!(page.start, Start::Void { after } if after.n == reach);
                    assert!(if reach < n { void } else { page.start == Start::Follows }, "{position}: {page:?}");
                    assert_eq!(page.entries.len() as u64, page.tail.n - reach);
                }
            }
        }
    }
}

/// While the log cannot be reached every call says so, and nothing is appended; afterwards followers are told to read.
pub async fn an_outage_is_said_and_ends<H: Harness>() {
    let harness = H::start(Terms { dedup_age: Duration::from_secs(600), ..Terms::default() }).await;
    let (log, room) = (harness.log(), harness.room("outage"));
    let notes = Arc::new(Notes::default());
    let _watch = log.watch(&room, Arc::clone(&notes) as _);
    let first = append(&*log, wish(&room, "m1")).await.position;
    notes.until(&harness, "the first disturbance", |_, disturbances| disturbances > 0).await;
    let disturbances = notes.read().1;

    harness.cut().await;
    let answers = log.append(vec![wish(&room, "m2"), wish(&room, "m3")]).await;
    assert_eq!(answers.len(), 2);
    for answer in answers {
        assert!(matches!(answer, Err(AppendError::Unavailable | AppendError::UnknownOutcome)), "{answer:?}");
    }
    assert_eq!(log.read(&room, Position::START, 10).await, Err(ReadError::Unavailable));
    assert_eq!(log.read_before(&room, None, 10).await, Err(ReadError::Unavailable));
    assert_eq!(log.get(&room, first).await, Err(ReadError::Unavailable));
    assert_eq!(log.tails(std::slice::from_ref(&room)).await, Err(ReadError::Unavailable));
    assert_eq!(log.reach(&room, first).await, Err(ReadError::Unavailable));

    harness.heal().await;
    notes.until(&harness, "a disturbance", |_, now| now > disturbances).await;
    assert_eq!(ids(&*log, &room, Position::START).await, ["m1"]);
    assert_eq!(append(&*log, wish(&room, "m2")).await.position.n, 2);
}
