//! The oldest entries go; who asks for them is told.

use std::time::Duration;

use super::steps::{append, fill, ids, read, wish};
use super::{Harness, Terms};
use crate::{GapReason, Position, Reach, Start};

/// Past the count the oldest go: a reader behind them gets a gap up to what is there, and all of that.
pub async fn the_oldest_entries_go_by_count<H: Harness>() {
    let harness = H::start(Terms { retained_entries: 10, ..Terms::default() }).await;
    let (log, room) = (harness.log(), harness.room("count"));
    let count = 25 + 2 * H::TRIM_LUMP;
    let positions = fill(&*log, &room, "m", count).await;
    let page = read(&*log, &room, Position::START, count).await;
    let Start::Gap { to, reason: GapReason::Trimmed } = page.start else { panic!("a gap is expected: {page:?}") };
    let kept = page.entries.len();
    assert!((10..=10 + H::TRIM_LUMP).contains(&kept), "{kept} are kept");
    assert_eq!(to.n as usize, count - kept);
    assert!(page.is_last(Position::START));
    assert_eq!(ids(&*log, &room, to).await.len(), kept, "one reads on from the gap's end");

    for (i, position) in positions.iter().enumerate() {
        let page = read(&*log, &room, *position, 1).await;
        let expected =
            if i + 1 < to.n as usize { page.end(*position).n == to.n + 1 } else { page.start == Start::Follows };
        assert!(expected, "{position}: {page:?}");
        assert_eq!(log.get(&room, *position).await.expect("an answer").is_some(), i >= to.n as usize);
        assert_eq!(log.reach(&room, *position).await, Ok(Reach::To(position.n)), "trimmed is not void");
    }
    let oldest = log.read_before(&room, None, count).await.expect("history");
    assert_eq!((oldest.entries.len(), oldest.more), (kept, false));
    let before = log.read_before(&room, Some(positions[3]), 5).await.expect("history");
    assert_eq!((before.entries.len(), before.more), (0, false));
}

/// Past the age all may go; the numbers go on as if they were there.
pub async fn entries_go_by_age_and_numbers_stay<H: Harness>() {
    let age = Duration::from_secs(6);
    let harness = H::start(Terms { retained_age: age, dedup_age: Duration::from_secs(2), ..Terms::default() }).await;
    let (log, room) = (harness.log(), harness.room("age"));
    let old = fill(&*log, &room, "old", 3).await;
    harness.elapse(age / 2).await;
    let young = fill(&*log, &room, "young", 2).await;
    assert_eq!(ids(&*log, &room, Position::START).await.len(), 5);
    harness.elapse(age / 2).await;
    let page = read(&*log, &room, old[0], 10).await;
    let Start::Gap { to, reason: GapReason::Trimmed } = page.start else { panic!("a gap is expected: {page:?}") };
    assert_eq!((to.n, page.entries.len()), (3, 2));
    harness.elapse(age).await;

    let page = read(&*log, &room, old[0], 10).await;
    let Start::Gap { to, reason: GapReason::Trimmed } = page.start else { panic!("a gap is expected: {page:?}") };
    assert_eq!((to.n, page.entries.len(), page.tail.n), (5, 0, 5));
    assert!(page.is_last(old[0]));
    assert!(ids(&*log, &room, young[1]).await.is_empty(), "who has seen all misses nothing");
    let next = append(&*log, wish(&room, "next")).await.position;
    assert_eq!(next.n, 6);
    assert_eq!(ids(&*log, &room, young[1]).await, ["next"]);
    assert_eq!(ids(&*log, &room, to).await, ["next"]);
}
