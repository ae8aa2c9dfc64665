//! What a client says to have seen: what counts, and how far.

use crate::room::Room;
use chat_log::Position;
use chat_session::{CatchUp, Effect, Fence, Follow, JoinNumber, Pid, Placement, Session, Start, Turn};
use std::sync::Arc;

const PID: Pid = Pid::from_random(42);

fn at(n: u64) -> Position {
    Position::new(2, n)
}

/// Resumes in the rooms `a` and `b`, joined as 4 and 5, both at entry 10 of epoch 2.
fn resume(offset: &str) -> (Session<Arc<Room>>, Vec<Option<Position>>, String) {
    let rooms = vec![(Room::at(0), JoinNumber(4), at(10)), (Room::at(1), JoinNumber(5), at(10))];
    let (session, effects) = Session::resume(PID, Fence(2), rooms, Some(offset));
    let mut ready = String::new();
    let mut claims = Vec::new();
    for effect in effects {
        match effect {
            Effect::Ready { offset, .. } => ready = offset.unwrap(),
            Effect::Follow(Follow { claim, .. }) => claims.push(claim),
            Effect::Reply { .. } => {}
            Effect::Joined { .. } | Effect::Ack | Effect::Nack | Effect::Unfollow(_) | Effect::Close(_) => {
                panic!("not at a start")
            }
        }
    }
    (session, claims, ready)
}

fn own(pid: Pid, list: &str) -> String {
    format!("s:{}:{list}", String::from_utf8_lossy(pid.tag().as_bytes()))
}

#[test]
fn ready_carries_the_claims_on() {
    let (_, claims, ready) = resume(&own(PID, "4=2-12,5=2-11"));
    assert_eq!(claims, [Some(at(12)), Some(at(11))]);
    assert_eq!(ready, own(PID, "4=2-12,5=2-11"));
    let (_, claims, ready) = resume("r:b:2-13");
    assert_eq!(claims, [None, Some(at(13))]);
    assert_eq!(ready, own(PID, "5=2-13"));
}

#[test]
fn what_is_not_above_the_record_of_this_stay_and_session_claims_nothing() {
    let nothing = [
        own(PID, "4=2-10,5=2-9"),
        own(PID, "4=1-99"),
        own(PID, "3=2-12,6=2-12"),
        own(Pid::from_random(43), "4=2-12"),
        "r:c:2-12".to_owned(),
        "r:a:2-10".to_owned(),
        "rubbish".to_owned(),
    ];
    for offset in nothing {
        let (_, claims, ready) = resume(&offset);
        assert_eq!((claims, ready), (vec![None, None], own(PID, "")), "{offset}");
    }
}

#[test]
fn nothing_is_delivered_before_a_claim_is_resolved() {
    let (mut session, ..) = resume("r:a:2-12");
    assert_eq!(session.unresolved(JoinNumber(4)), Some(at(12)));
    assert_eq!(session.deliver(JoinNumber(4), at(13)), Placement::Wait);
    assert_eq!(session.deliver(JoinNumber(5), at(11)), Placement::Own, "the claim is in the offset");
    session.ping();
    assert_eq!(*session.pong().unwrap().places, [(JoinNumber(5), at(11))], "a claim is not confirmed");
    assert_eq!(session.resolve_claim(JoinNumber(4), at(10), 12, 10), CatchUp { at: at(12) });
    assert_eq!(session.unresolved(JoinNumber(4)), None);
    assert_eq!(session.deliver(JoinNumber(4), at(13)), Placement::Own);
}

#[test]
fn a_claim_counts_by_how_far_it_reaches() {
    let high = "r:a:9-3";
    let (mut session, ..) = resume(high);
    assert_eq!(session.resolve_claim(JoinNumber(4), at(10), 3, 10), CatchUp { at: at(10) });
    assert_eq!(session.dirty_len(), 0);
    // Both reach as far: the claim is above the record, and what was rolled back is told by `void`.
    let (mut session, ..) = resume("r:a:2-12");
    assert_eq!(session.resolve_claim(JoinNumber(4), at(10), 8, 8), CatchUp { at: at(12) });
}

#[test]
fn a_claim_of_an_epoch_that_never_was_goes_back_to_the_record() {
    let (mut session, ..) = resume("r:a:9-99");
    let mut catch_up = session.drop_claim(JoinNumber(4), at(10));
    let turn = catch_up.turn(&mut session, JoinNumber(4), Start::Void { after: at(10), next_epoch: 2 });
    assert_eq!(turn, Turn::Void { after: at(10), offset: Some("r:a:2-10".into()) });
    assert_eq!(catch_up.at, at(10));
}
