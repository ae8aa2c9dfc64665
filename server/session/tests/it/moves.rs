//! A session on its way to another owner: what is written is read again, anything else is refused, and what is known of pings,
//! positions and claims is known there, too.

use crate::room::Room;
use chat_log::{NUMBER_MAX, Position};
use chat_session::{JoinAsked, JoinNumber, Moved, Pid, Placement, Session, Stay, bounds};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

type Machine = Session<Arc<Room>>;

fn at(n: u64) -> Position {
    Position::new(1, n)
}

/// What may happen to a session before it moves.
#[derive(Clone, Debug)]
enum Step {
    Join(usize, Position, u32),
    Deliver(usize, Position),
    Ping,
    Pong,
}

fn position() -> impl Strategy<Value = Position> {
    (0..=NUMBER_MAX, 0..=NUMBER_MAX).prop_map(|(epoch, n)| Position::new(epoch, n))
}

fn step() -> impl Strategy<Value = Step> {
    let room = 0..60_usize;
    prop_oneof![
        (room.clone(), position(), any::<u32>()).prop_map(|(room, at, join)| Step::Join(room, at, join)),
        (room, position()).prop_map(|(room, at)| Step::Deliver(room, at)),
        Just(Step::Ping),
        Just(Step::Pong),
    ]
}

/// A session after these steps.
fn lived(pid: Option<u128>, steps: Vec<Step>) -> Machine {
    let (mut session, _) = match pid {
        Some(bits) => Session::start(Pid::from_random(bits)),
        None => Session::without_recovery(),
    };
    for step in steps {
        match step {
            Step::Join(room, at, join) => {
                let join = JoinNumber(join);
                let taken = session.stay(join).is_some();
                if let (JoinAsked::Write(write), false) = (session.join(Room::at(room), at, true), taken) {
                    let _ = session.joined(write, Ok(join));
                }
            }
            Step::Deliver(room, at) => {
                let join = session.stays().get(room % 7).map(|stay| stay.join);
                let _ = join.map(|join| session.deliver(join, at));
            }
            Step::Ping => session.ping(),
            Step::Pong => {
                let _ = session.pong();
            }
        }
    }
    session
}

fn encoded(session: &Machine) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    session.depart(|stay: &Stay<_>| Some(Position::new(3, stay.join.0.into())))?.encode(&mut bytes);
    Some(bytes)
}

#[allow(clippy::unnecessary_wraps, reason = "as rooms are looked up")]
fn find(name: &str) -> Option<Arc<Room>> {
    Some(Arc::new(Room(name.into())))
}

fn own_offset(session: &Machine) -> Vec<u8> {
    let mut text = Vec::new();
    session.own_offset(&mut text);
    text
}

proptest! {
    #[test]
    fn a_session_is_the_same_after_a_move(pid in proptest::option::of(any::<u128>()), steps in vec(step(), 0..120)) {
        let mut here = lived(pid, steps);
        // A join number that was taken leaves its request with the store.
        let Some(bytes) = encoded(&here) else { return Ok(()) };
        let moved = Moved::decode(&bytes).unwrap();
        let mut again = Vec::new();
        moved.encode(&mut again);
        prop_assert_eq!(&again, &bytes);
        let (mut there, follows) = Session::arrive(moved, find).unwrap();
        prop_assert_eq!(encoded(&there), Some(bytes));
        prop_assert_eq!((there.pid(), there.fence()), (here.pid(), here.fence()));
        prop_assert_eq!(own_offset(&there), own_offset(&here));
        for (follow, stay) in follows.iter().zip(here.stays()) {
            prop_assert_eq!((&follow.room, follow.join), (&stay.room, stay.join));
            prop_assert_eq!((follow.at, follow.claim), (Position::new(3, stay.join.0.into()), None));
        }
        prop_assert_eq!(follows.len(), here.stays().len());
        for _ in 0..4 {
            prop_assert_eq!(there.pong(), here.pong());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Moved::decode(&bytes);
        let mut versioned = vec![1];
        versioned.extend(bytes);
        if let Ok(moved) = Moved::decode(&versioned) {
            let mut again = Vec::new();
            moved.encode(&mut again);
            prop_assert_eq!(again, versioned, "one spelling");
        }
    }

    #[test]
    fn a_changed_byte_is_refused_or_holds_together(steps in vec(step(), 0..60), place in any::<usize>(), to in any::<u8>()) {
        let Some(mut bytes) = encoded(&lived(Some(7), steps)) else { return Ok(()) };
        let cut = bytes.len() - 1;
        prop_assert!(Moved::decode(&bytes[..cut]).is_err(), "cut");
        let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
        prop_assert!(Moved::decode(&longer).is_err(), "more than a session");
        let place = place % bytes.len();
        bytes[place] = to;
        if let Ok(moved) = Moved::decode(&bytes) {
            prop_assert!(Session::arrive(moved, find).is_some());
        }
    }
}

#[test]
fn another_version_and_too_many_bytes_are_refused() {
    let mut bytes = encoded(&lived(Some(7), Vec::new())).unwrap();
    assert!(Moved::decode(&bytes).is_ok());
    bytes[0] = 2;
    assert!(Moved::decode(&bytes).is_err());
    assert!(Moved::decode(&vec![1; bounds::MOVED_BYTES_MAX + 1]).is_err());
}

#[test]
fn a_session_stays_while_a_join_is_with_the_store() {
    let (mut session, _) = Machine::start(Pid::from_random(7));
    let JoinAsked::Write(write) = session.join(Room::at(0), at(0), false) else { panic!("a write") };
    assert!(encoded(&session).is_none());
    let _ = session.joined(write, Ok(JoinNumber(1)));
    assert!(encoded(&session).is_some());
}

#[test]
fn a_claim_moves_unresolved_and_a_room_that_is_not_found_refuses_the_move() {
    let pid = Pid::from_random(7);
    let held = vec![(Room::at(0), JoinNumber(1), at(3)), (Room::at(1), JoinNumber(2), at(9))];
    let (session, _) = Machine::resume(pid, chat_session::Fence(2), held, Some("r:a:1-5"));
    let mut bytes = Vec::new();
    let record = |stay: &Stay<Arc<Room>>| Some(if stay.join == JoinNumber(1) { at(3) } else { at(9) });
    session.depart(record).unwrap().encode(&mut bytes);
    let moved = Moved::decode(&bytes).unwrap();
    assert!(Machine::arrive(moved.clone(), |name| (name == "a").then(|| Room::at(0))).is_none());
    let (mut there, follows) = Machine::arrive(moved, find).unwrap();
    assert_eq!((follows[0].at, follows[0].claim), (at(3), Some(at(5))));
    assert_eq!((follows[1].at, follows[1].claim), (at(9), None));
    assert_eq!(there.deliver(JoinNumber(1), at(4)), Placement::Wait, "not before it was held against the log");
    assert_eq!(there.resolve_claim(JoinNumber(1), at(3), 5, 3).at, at(5));
}
