//! The durable events that are one member's own, with the offsets that the session wrote for them.

use crate::chat::Chat;
use crate::room::Room;
use chat_log::{GapReason, Position};
use chat_socket::{Guard, Namespace};
use serde::Serialize;
use serde_json::json;

/// A range of entries that cannot be had any more.
pub fn gap(
    guard: &mut Guard<'_, Chat>,
    room: &Room,
    from: Position,
    to: Position,
    reason: GapReason,
    offset: Option<&str>,
) {
    let reason = match reason {
        GapReason::Trimmed => "trimmed",
        GapReason::Reset => "reset",
    };
    let gap = json!({ "room": room.name(), "from": from.to_string(), "to": to.to_string(), "reason": reason });
    durable(guard, "gap", &gap, offset);
}

/// Entries after a position are withdrawn.
pub fn void(guard: &mut Guard<'_, Chat>, room: &Room, after: Position, offset: Option<&str>) {
    durable(guard, "void", &json!({ "room": room.name(), "after": after.to_string() }), offset);
}

/// The start of a stay.
pub fn joined(guard: &mut Guard<'_, Chat>, room: &Room, from: Position, offset: Option<&str>) {
    durable(guard, "joined", &json!({ "room": room.name(), "from": from.to_string() }), offset);
}

/// An event that ends in an offset, where the session has one.
pub fn durable(guard: &mut Guard<'_, Chat>, name: &str, argument: &impl Serialize, offset: Option<&str>) {
    written(guard, name, &text(argument), offset);
}

/// The same with an argument that is JSON already.
pub fn written(guard: &mut Guard<'_, Chat>, name: &str, argument: &str, offset: Option<&str>) {
    match offset {
        Some(offset) => guard.emit(Namespace::MAIN, name, &[argument, &text(&offset)]),
        None => guard.emit(Namespace::MAIN, name, &[argument]),
    }
}

/// JSON of what cannot fail to become JSON: our own types have string keys and no foreign serializers.
pub fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
