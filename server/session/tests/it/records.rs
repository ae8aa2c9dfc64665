//! The operations on a record.

use chat_log::Position;
use chat_session::{Fence, Fenced, JoinNumber, Record};
use std::sync::Arc;

fn at(n: u64) -> Position {
    Position::new(1, n)
}

fn joined(rooms: &[&str]) -> Record<&'static str> {
    let mut record = Record::new("ann");
    for room in rooms {
        record.join(Fence::FIRST, Arc::from(*room), false, at(5)).unwrap();
    }
    record
}

#[test]
fn only_its_user_takes_a_session_over() {
    let mut record = joined(&["a"]);
    assert_eq!(record.take(&"bob"), None);
    assert_eq!(record.fence(), Fence::FIRST);
    let taken = record.take(&"ann").unwrap();
    assert_eq!((taken.fence, taken.rooms.len()), (Fence(2), 1));
}

#[test]
fn writes_under_an_older_fence_are_refused_and_change_nothing() {
    let mut record = joined(&["a"]);
    record.take(&"ann").unwrap();
    let before = record.clone();
    assert_eq!(record.join(Fence::FIRST, "b".into(), false, at(1)), Err(Fenced));
    assert_eq!(record.leave(Fence::FIRST, JoinNumber(1)), Err(Fenced));
    assert_eq!(record.checkpoint(Fence::FIRST, &[(JoinNumber(1), at(9))]), Err(Fenced));
    assert_eq!(record, before);
}

#[test]
fn join_numbers_are_never_given_twice() {
    let mut record = joined(&["a", "b"]);
    record.leave(Fence::FIRST, JoinNumber(2)).unwrap();
    assert_eq!(record.join(Fence::FIRST, "b".into(), false, at(7)), Ok(JoinNumber(3)));
    assert_eq!(record.join(Fence::FIRST, "a".into(), false, at(8)), Ok(JoinNumber(4)));
    let fence = record.take(&"ann").unwrap().fence;
    assert_eq!(record.join(fence, "c".into(), false, at(9)), Ok(JoinNumber(5)));
    assert_eq!(record.rooms().len(), 3);
}

#[test]
fn a_checkpoint_counts_for_its_stay_and_never_goes_down() {
    let mut record = joined(&["a", "b"]);
    record.join(Fence::FIRST, "b".into(), false, at(3)).unwrap();
    let places = [(JoinNumber(1), at(9)), (JoinNumber(2), at(9)), (JoinNumber(7), at(9))];
    record.checkpoint(Fence::FIRST, &places).unwrap();
    record.checkpoint(Fence::FIRST, &[(JoinNumber(1), at(8))]).unwrap();
    let rooms: Vec<_> = record.rooms().iter().map(|held| (&*held.room, held.at)).collect();
    assert_eq!(rooms, [("a", at(9)), ("b", at(3))]);
}

#[test]
fn leaving_twice_is_leaving_once() {
    let mut record = joined(&["a"]);
    record.leave(Fence::FIRST, JoinNumber(1)).unwrap();
    record.leave(Fence::FIRST, JoinNumber(1)).unwrap();
    assert!(record.rooms().is_empty());
}
