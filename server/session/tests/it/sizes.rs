//! What an idle connection costs here. Ten thousand of them are the figure that the server is measured by.

use crate::room::Room;
use chat_session::{Record, Session, Stay};
use std::sync::Arc;

#[test]
fn a_session_and_its_stays_are_small() {
    assert!(size_of::<Session<Arc<Room>>>() <= 160);
    assert!(size_of::<Stay<Arc<Room>>>() <= 24);
}

#[test]
fn a_room_in_a_record_is_small() {
    assert!(size_of::<chat_session::Held>() <= 40);
    assert!(size_of::<Record<u64>>() <= 48);
}
