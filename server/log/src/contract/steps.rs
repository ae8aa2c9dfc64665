//! The small steps that promises are told in.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Harness;
use crate::{Append, Appended, Follower, Hint, Page, Position, RoomLog};

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// An append of ann's with this id.
pub(super) fn wish(room: &Arc<str>, id: &str) -> Append {
    wish_of(room, "ann", id)
}

/// An append of an author's.
pub(super) fn wish_of(room: &Arc<str>, author: &str, id: &str) -> Append {
    let body = Bytes::from(format!("body of {id}"));
    Append { room: Arc::clone(room), author: Arc::from(author), id: Box::from(id), body }
}

/// Appends one; it must succeed.
pub(super) async fn append(log: &dyn RoomLog, wish: Append) -> Appended {
    let answers = log.append(vec![wish]).await;
    assert_eq!(answers.len(), 1, "one answer an append");
    *answers[0].as_ref().expect("an append")
}

/// Appends ann's `<prefix>1` up to `<prefix><count>`, each by itself; all must be new.
pub(super) async fn fill(log: &dyn RoomLog, room: &Arc<str>, prefix: &str, count: usize) -> Vec<Position> {
    let mut positions = Vec::with_capacity(count);
    for i in 1..=count {
        let appended = append(log, wish(room, &format!("{prefix}{i}"))).await;
        assert!(!appended.duplicate, "{prefix}{i} is new");
        positions.push(appended.position);
    }
    positions
}

/// Reads a page; it must succeed, be gap-free in itself, and follow on its own start.
pub(super) async fn read(log: &dyn RoomLog, room: &Arc<str>, after: Position, limit: usize) -> Page {
    let page = log.read(room, after, limit).await.expect("a page");
    let start = Page { entries: Vec::new(), ..page.clone() }.end(after);
    for (entry, n) in page.entries.iter().zip(start.n + 1..) {
        assert_eq!(entry.position.n, n, "a hole in a page");
    }
    assert!(page.entries.is_sorted_by(|a, b| a.position < b.position), "a position went back");
    assert!(page.entries.len() <= limit, "a page is too long");
    page
}

/// The ids of all entries after a position, read in small pages; nothing but entries may come.
pub(super) async fn ids(log: &dyn RoomLog, room: &Arc<str>, after: Position) -> Vec<String> {
    let (mut at, mut ids) = (after, Vec::new());
    loop {
        let page = read(log, room, at, 7).await;
        assert_eq!(page.start, crate::Start::Follows, "after {at}");
        ids.extend(page.entries.iter().map(|entry| entry.id.to_string()));
        if page.is_last(at) {
            return ids;
        }
        at = page.end(at);
    }
}

/// The tail of one room.
pub(super) async fn tail(log: &dyn RoomLog, room: &Arc<str>) -> Position {
    log.tails(std::slice::from_ref(room)).await.expect("tails")[0]
}

/// A follower that writes down what it is told.
#[derive(Default)]
pub(super) struct Notes(Mutex<Vec<Hint>>);

impl Follower for Notes {
    fn hint(&self, hint: Hint) {
        self.0.lock().expect("no panic while writing down").push(hint);
    }
}

impl Notes {
    /// The positions since the last disturbance, and how many disturbances there were.
    pub(super) fn read(&self) -> (Vec<Position>, usize) {
        let (mut positions, mut disturbances) = (Vec::new(), 0);
        for hint in self.0.lock().expect("no panic while writing down").iter() {
            match hint {
                Hint::Entry(entry) => positions.push(entry.position),
                Hint::Disturbed => {
                    positions.clear();
                    disturbances += 1;
                }
                Hint::Volatile(_) => {}
            }
        }
        (positions, disturbances)
    }

    /// What was published, in the order in which it came.
    pub(super) fn volatile(&self) -> Vec<Bytes> {
        let hints = self.0.lock().expect("no panic while writing down");
        let volatile = |hint: &Hint| if let Hint::Volatile(volatile) = hint { Some(volatile.clone()) } else { None };
        hints.iter().filter_map(volatile).collect()
    }

    /// Waits until the notes are as wished.
    pub(super) async fn until(&self, harness: &impl Harness, what: &str, fits: impl Fn(&[Position], usize) -> bool) {
        let began = Instant::now();
        loop {
            let (positions, disturbances) = self.read();
            if fits(&positions, disturbances) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "waited for {what}: {disturbances} disturbances, then {positions:?}");
            harness.nap().await;
        }
    }
}
