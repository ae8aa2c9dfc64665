//! Offsets: what is written is read again, and anything else claims nothing.

use chat_log::{NUMBER_MAX, Position};
use chat_session::{JoinNumber, Offset, Pid, bounds, write_position, write_shared};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn position() -> impl Strategy<Value = Position> {
    (0..=NUMBER_MAX, 0..=NUMBER_MAX).prop_map(|(epoch, n)| Position::new(epoch, n))
}

/// An own offset, written down independently of the encoder.
fn own(pid: Pid, places: &[(u32, Position)]) -> String {
    let list: Vec<String> = places.iter().map(|(join, at)| format!("{join}={at}")).collect();
    format!("s:{}:{}", String::from_utf8_lossy(pid.tag().as_bytes()), list.join(","))
}

proptest! {
    #[test]
    fn a_shared_offset_is_read_as_it_was_written(room in "[a-z:,=]{1,80}|\\PC{1,40}", at in position()) {
        let mut text = Vec::new();
        write_shared(&room, at, &mut text);
        let text = String::from_utf8(text).unwrap();
        prop_assert_eq!(&text, &format!("r:{room}:{at}"));
        prop_assert_eq!(Offset::parse(&text), Some(Offset::Shared { room: &room, at }));
    }

    #[test]
    fn an_own_offset_is_read_as_it_was_written(
        bits in any::<u128>(),
        places in btree_map(1..=u32::MAX, position(), 0..=bounds::DIRTY_MAX),
    ) {
        let pid = Pid::from_random(bits);
        let places: Vec<(u32, Position)> = places.into_iter().collect();
        let text = own(pid, &places);
        let places = places.into_iter().map(|(join, at)| (JoinNumber(join), at)).collect();
        prop_assert_eq!(Offset::parse(&text), Some(Offset::Own { tag: pid.tag(), places }));
    }

    #[test]
    fn no_text_is_too_odd_to_be_read(text in "\\PC{0,300}|[rs]:[0-9a-z:=,-]{0,200}") {
        if let Some(Offset::Own { places, .. }) = Offset::parse(&text) {
            prop_assert!(places.len() <= bounds::DIRTY_MAX);
        }
    }

    #[test]
    fn more_rooms_than_the_bound_claim_nothing(places in vec(position(), bounds::DIRTY_MAX + 1..80)) {
        let places: Vec<(u32, Position)> = (1..).zip(places).collect();
        let text = own(Pid::from_random(7), &places);
        prop_assert_eq!(Offset::parse(&text), None);
    }

    #[test]
    fn a_position_is_written_as_it_is_shown(at in position()) {
        let mut text = Vec::new();
        write_position(at, &mut text);
        prop_assert_eq!(String::from_utf8(text).unwrap(), at.to_string());
    }
}

#[test]
fn odd_offsets_claim_nothing() {
    let long = format!("r:{}:1-1", "x".repeat(bounds::OFFSET_BYTES_MAX));
    let odd = [
        "",
        "r",
        "r:",
        "r::1-1",
        "r:room",
        "r:room:",
        "r:room:1",
        "r:room:1-",
        "r:room:-1",
        "r:room:1-1-1",
        "r:room:1--1",
        "r:room:+1-1",
        "r:room:01-1",
        "r:room:1-9007199254740992",
        "r:room:99999999999999999999-1",
        "r:room: 1-1",
        "R:room:1-1",
        "q:room:1-1",
        "s:",
        "s:tag:1=1-1",
        "s:AAAAAAAAAAA",
        "s:AAAAAAAAAAAA:1=1-1",
        "s:AAAAAAAAAAA:,",
        "s:AAAAAAAAAAA:1=1-1,",
        "s:AAAAAAAAAAA:0=1-1",
        "s:AAAAAAAAAAA:01=1-1",
        "s:AAAAAAAAAAA:-1=1-1",
        "s:AAAAAAAAAAA:=1-1",
        "s:AAAAAAAAAAA:4294967296=1-1",
        "s:AAAAAAAAAAA:1=1-1,1=1-2",
        "s:AAAAAAAAAAA:1=1-1;2=1-2",
        "bob",
        "\u{0}",
        &long,
    ];
    for text in odd {
        assert_eq!(Offset::parse(text), None, "{text}");
    }
}

#[test]
fn the_largest_offset_of_a_session_is_within_the_bound() {
    let largest = Position::new(NUMBER_MAX, NUMBER_MAX);
    let places: Vec<(u32, Position)> = (0..bounds::DIRTY_MAX as u32).map(|at| (u32::MAX - at, largest)).collect();
    let text = own(Pid::from_random(u128::MAX), &places);
    assert!(text.len() <= bounds::OFFSET_BYTES_MAX, "{}", text.len());
    assert!(Offset::parse(&text).is_some());
}
