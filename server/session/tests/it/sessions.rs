//! Single steps of the machine, where the model would not say which one was wrong.

use crate::room::Room;
use chat_log::Position;
use chat_session::{
    CatchUp, Checkpointed, Effect, Failed, Fence, JoinAsked, JoinNumber, LeaveAsked, Offset, Pid, Placement, Session,
    Start, Turn, bounds, write_position,
};
use std::sync::Arc;

type Machine = Session<Arc<Room>>;

const PID: Pid = Pid::from_random(42);

fn at(n: u64) -> Position {
    Position::new(1, n)
}

/// A session in rooms `0..count`, under the join numbers from 1, each joined at entry 0.
fn in_rooms(count: usize) -> Machine {
    let (mut session, _) = Session::start(PID);
    for room in 0..count {
        let JoinAsked::Write(join) = session.join(Room::at(room), at(0), false) else { panic!("a write") };
        let _ = session.joined(join, Ok(JoinNumber(room as u32 + 1)));
    }
    session
}

fn own_offset(session: &Machine) -> String {
    let mut text = Vec::new();
    session.own_offset(&mut text);
    String::from_utf8(text).unwrap()
}

fn tag() -> String {
    String::from_utf8(PID.tag().as_bytes().to_vec()).unwrap()
}

#[test]
fn one_dirty_room_shares_and_a_second_one_ends_that() {
    let mut session = in_rooms(2);
    assert_eq!(session.deliver(JoinNumber(1), at(1)), Placement::Shared);
    assert_eq!(session.deliver(JoinNumber(1), at(2)), Placement::Shared);
    assert_eq!(session.deliver(JoinNumber(2), at(1)), Placement::Own);
    assert_eq!(session.deliver(JoinNumber(1), at(3)), Placement::Own);
    assert_eq!(own_offset(&session), format!("s:{}:1=1-3,2=1-1", tag()));
}

#[test]
fn the_offsets_of_a_batch_share_all_but_their_end() {
    let mut session = in_rooms(3);
    let _ = session.deliver(JoinNumber(1), at(7));
    let _ = session.deliver(JoinNumber(3), at(9));
    assert_eq!(session.deliver(JoinNumber(2), at(5)), Placement::Own);
    let mut prefix = Vec::new();
    session.own_prefix(JoinNumber(2), &mut prefix);
    for n in 3..=5 {
        let mut text = prefix.clone();
        write_position(at(n), &mut text);
        let places = vec![(JoinNumber(1), at(7)), (JoinNumber(3), at(9)), (JoinNumber(2), at(n))];
        let expected = Offset::Own { tag: PID.tag(), places };
        assert_eq!(Offset::parse(std::str::from_utf8(&text).unwrap()), Some(expected));
    }
}

#[test]
fn a_room_leaves_dirty_only_when_its_write_is_answered() {
    let mut session = in_rooms(2);
    let _ = session.deliver(JoinNumber(1), at(1));
    let _ = session.deliver(JoinNumber(2), at(1));
    session.ping();
    // Sent after the ping: the pong proves nothing about it.
    let _ = session.deliver(JoinNumber(2), at(2));
    let checkpoint = session.pong().unwrap();
    assert_eq!(*checkpoint.places, [(JoinNumber(1), at(1)), (JoinNumber(2), at(1))]);
    assert_eq!(session.deliver(JoinNumber(1), at(2)), Placement::Own);
    assert_eq!(session.dirty_len(), 2);
    assert_eq!(session.checkpointed(checkpoint, Ok(())), Checkpointed::Same);
    session.ping();
    let checkpoint = session.pong().unwrap();
    assert_eq!(session.checkpointed(checkpoint, Ok(())), Checkpointed::Freed);
    assert_eq!(session.deliver(JoinNumber(2), at(3)), Placement::Shared);
}

#[test]
fn pongs_answer_pings_in_their_order() {
    let mut session = in_rooms(2);
    session.ping();
    let _ = session.deliver(JoinNumber(1), at(1));
    session.ping();
    let _ = session.deliver(JoinNumber(2), at(1));
    session.ping();
    let _ = session.deliver(JoinNumber(2), at(2));
    session.ping();
    assert_eq!(session.pong(), None);
    assert_eq!(session.pong(), None);
    assert_eq!(session.pong().unwrap().places[1], (JoinNumber(2), at(1)));
    assert_eq!(session.pong().unwrap().places[1], (JoinNumber(2), at(2)));
    assert_eq!(session.pong(), None, "a pong without a ping");
}

#[test]
fn a_checkpoint_that_failed_leaves_all_dirty_and_a_fence_ends_the_session() {
    let outcomes = [
        (Failed::Refused, Checkpointed::Same),
        (Failed::Unknown, Checkpointed::Same),
        (Failed::Fenced, Checkpointed::Close(Failed::Fenced)),
        (Failed::Gone, Checkpointed::Close(Failed::Gone)),
    ];
    for (failed, expected) in outcomes {
        let mut session = in_rooms(2);
        let _ = session.deliver(JoinNumber(1), at(1));
        let _ = session.deliver(JoinNumber(2), at(1));
        session.ping();
        let checkpoint = session.pong().unwrap();
        assert_eq!(session.checkpointed(checkpoint, Err(failed)), expected);
        assert_eq!(session.dirty_len(), 2);
    }
}

#[test]
fn the_soft_bound_asks_for_one_ping_and_the_hard_bound_waits() {
    let mut session = in_rooms(bounds::DIRTY_MAX + 1);
    for join in 1..=bounds::DIRTY_MAX as u32 {
        assert_eq!(session.wants_ping(), join as usize > bounds::DIRTY_SOFT);
        assert_ne!(session.deliver(JoinNumber(join), at(1)), Placement::Wait);
    }
    session.ping();
    assert!(!session.wants_ping());
    let last = JoinNumber(bounds::DIRTY_MAX as u32 + 1);
    let before = own_offset(&session);
    assert_eq!(session.deliver(last, at(1)), Placement::Wait);
    assert_eq!(own_offset(&session), before);
    assert_eq!(session.deliver(JoinNumber(1), at(2)), Placement::Own, "a dirty room goes on");
    let checkpoint = session.pong().unwrap();
    assert!(!session.wants_ping(), "while the write is not answered");
    assert_eq!(session.checkpointed(checkpoint, Ok(())), Checkpointed::Freed);
    assert_eq!(session.deliver(last, at(1)), Placement::Own);
}

#[test]
fn a_new_session_is_told_before_anything_else() {
    let (_, effects) = Machine::start(PID);
    assert!(matches!(&effects[..], [Effect::Reply { pid: Some(PID) }, Effect::Ready { rooms, offset: Some(offset) }]
        if rooms.is_empty() && *offset == format!("s:{}:", tag())));
}

#[test]
fn a_join_is_answered_after_joined_and_before_the_entries() {
    let mut session = in_rooms(0);
    let JoinAsked::Write(join) = session.join(Room::at(0), at(4), true) else { panic!("a write") };
    assert!(matches!(session.join(Room::at(1), at(0), false), JoinAsked::Busy));
    assert!(matches!(session.leave("a"), LeaveAsked::Busy));
    assert!(session.stays().is_empty());
    let effects = session.joined(join, Ok(JoinNumber(1)));
    assert!(matches!(&effects[..], [Effect::Joined { from, .. }, Effect::Ack, Effect::Follow(follow)]
        if *from == at(4) && follow.at == at(4) && follow.join == JoinNumber(1)));
}

#[test]
fn a_member_begins_anew_only_at_a_cursor() {
    let mut session = in_rooms(1);
    let _ = session.deliver(JoinNumber(1), at(3));
    assert!(matches!(session.join(Room::at(0), at(3), false), JoinAsked::Present { join: JoinNumber(1), claim: None }));
    let JoinAsked::Write(join) = session.join(Room::at(0), at(1), true) else { panic!("a write") };
    let effects = session.joined(join, Ok(JoinNumber(2)));
    assert!(
        matches!(&effects[..], [Effect::Unfollow(old), Effect::Joined { offset: Some(offset), .. }, Effect::Ack, Effect::Follow(_)]
        if old.join == JoinNumber(1) && *offset == format!("s:{}:", tag()))
    );
    assert_eq!(session.stays().len(), 1);
}

#[test]
fn a_failed_write_changes_nothing_and_an_unknown_one_closes() {
    let mut session = in_rooms(1);
    let LeaveAsked::Write(leave) = session.leave("a") else { panic!("a write") };
    assert!(matches!(&session.left(leave, Err(Failed::Refused))[..], [Effect::Nack]));
    assert_eq!(session.stays().len(), 1);
    let LeaveAsked::Write(leave) = session.leave("a") else { panic!("a write") };
    assert!(matches!(&session.left(leave, Err(Failed::Unknown))[..], [Effect::Close(Failed::Unknown)]));
    assert!(matches!(session.leave("b"), LeaveAsked::NotMember));
}

#[test]
fn a_session_without_recovery_writes_nothing_and_has_no_offsets() {
    let (mut session, effects) = Machine::without_recovery();
    assert!(matches!(&effects[..], [Effect::Reply { pid: None }, Effect::Ready { offset: None, .. }]));
    for room in 0..2 {
        let JoinAsked::Done(effects) = session.join(Room::at(room), at(0), false) else { panic!("done at once") };
        assert!(matches!(&effects[..], [Effect::Joined { offset: None, .. }, Effect::Ack, Effect::Follow(_)]));
        assert_eq!(session.deliver(JoinNumber(room as u32 + 1), at(1)), Placement::Bare);
    }
    session.ping();
    assert_eq!((session.pong(), session.dirty_len(), own_offset(&session)), (None, 0, String::new()));
    let turn = CatchUp { at: at(1) }.turn(&mut session, JoinNumber(1), Start::Gap { to: at(4) });
    assert_eq!(turn, Turn::Gap { from: at(1), to: at(4), offset: None });
    let LeaveAsked::Done(effects) = session.leave("a") else { panic!("done at once") };
    assert!(matches!(&effects[..], [Effect::Unfollow(_), Effect::Ack]));
}

#[test]
fn a_turn_writes_the_offset_of_its_event() {
    let mut session = in_rooms(2);
    let mut first = CatchUp { at: at(2) };
    let turn = first.turn(&mut session, JoinNumber(1), Start::Gap { to: at(5) });
    assert_eq!(turn, Turn::Gap { from: at(2), to: at(5), offset: Some("r:a:1-5".into()) });
    assert_eq!(first.turn(&mut session, JoinNumber(1), Start::Ahead), Turn::Wait);
    let mut second = CatchUp { at: at(9) };
    let turn = second.turn(&mut session, JoinNumber(2), Start::Void { after: at(7), next_epoch: 2 });
    assert_eq!(turn, Turn::Void { after: at(7), offset: Some(format!("s:{}:1=1-5,2=2-7", tag())) });
    assert_eq!((first.at, second.at), (at(5), Position::new(2, 7)));
}

#[test]
fn a_session_is_taken_over_under_the_fence_of_its_record() {
    let (session, _) = Machine::resume(PID, Fence(7), vec![(Room::at(0), JoinNumber(3), at(2))], None);
    assert_eq!((session.fence(), session.pid(), session.stays().len()), (Fence(7), Some(PID), 1));
}
