//! Which requests of one client wait for which.
//!
//! Requests about one room are handled in the order in which they were sent, whatever they are: entries of one author stand in the room in that
//! order, and a join, a leave or a change of members comes between them where it was asked for. Requests about different rooms do not wait for
//! each other: their rooms may lie in different shards, one of which may be out.

use chat_socket::{Lane, Lanes};

/// What is asked of a room.
pub(super) fn within(room: &str) -> Lanes {
    Lanes::One(of(room))
}

/// The start and end of a stay. The session's record takes one change at a time.
pub(super) fn stay(room: &str) -> Lanes {
    Lanes::Two(of(room), stays())
}

/// A new room, whose name may be left to the server.
pub(super) fn create(room: Option<&str>) -> Lanes {
    room.map_or(Lanes::One(rooms()), |room| Lanes::Two(of(room), rooms()))
}

/// What rooms there are, and which of them the session is in. What is unread in them is as of any time: it waits for no send.
pub(super) fn list() -> Lanes {
    Lanes::Two(stays(), rooms())
}

fn of(room: &str) -> Lane {
    Lane::of(&("room", room))
}

fn stays() -> Lane {
    Lane::of("stays")
}

fn rooms() -> Lane {
    Lane::of("rooms")
}
