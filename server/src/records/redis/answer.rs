//! What the functions of `session.lua` answer.

use super::Found;
use chat_log::Position;
use chat_redis::Value;
use chat_session::{Fence, Held, JoinNumber, Taken};
use std::sync::Arc;

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// As it was asked.
    Ok,
    /// There is no record.
    Gone,
    /// It has another owner.
    Fenced,
    /// It is another user's.
    Other,
    /// Somebody was faster, and has it under this fence.
    Moved(Fence),
    /// What is there is no record that this build knows.
    Foreign,
}

/// How the call went that was answered so. An answer of another kind is as foreign as a value of another kind.
pub(super) fn status(value: &Value) -> Status {
    let values = value.as_array().unwrap_or_default();
    match values {
        [first, fence, ..] if first.as_bytes().is_some_and(|text| &**text == b"moved") => {
            small(fence).map_or(Status::Foreign, |fence| Status::Moved(Fence(fence)))
        }
        [first, ..] => word(first),
        [] => Status::Foreign,
    }
}

/// The status that stands for itself.
pub(super) fn word(value: &Value) -> Status {
    match value.as_bytes().map(|text| &**text) {
        Some(b"ok") => Status::Ok,
        Some(b"gone") => Status::Gone,
        Some(b"fenced") => Status::Fenced,
        Some(b"other") => Status::Other,
        _ => Status::Foreign,
    }
}

/// The record that was found.
pub(super) fn found(value: &Value) -> Option<Found> {
    if status(value) != Status::Ok {
        return None;
    }
    let [_, id, name, guest, fence, owner] = value.as_array()? else { return None };
    Some(Found {
        id: text(id)?.into(),
        name: text(name)?.into(),
        guest: guest.as_integer()? != 0,
        fence: Fence(small(fence)?),
        owner: text(owner)?.into(),
    })
}

/// The number of the last join, and what the new owner gets.
pub(super) fn taken(value: &Value) -> Option<(u32, Taken)> {
    let [_, fence, joins, rooms @ ..] = value.as_array()? else { return None };
    let rooms = rooms.chunks(5).map(held).collect::<Option<_>>()?;
    Some((small(joins)?, Taken { fence: Fence(small(fence)?), rooms }))
}

fn held(values: &[Value]) -> Option<Held> {
    let [room, join, epoch, n, private] = values else { return None };
    let at = Position::new(large(epoch)?, large(n)?);
    let private = small(private)? != 0;
    Some(Held { room: Arc::from(text(room)?), private, join: JoinNumber(small(join)?), at })
}

fn text(value: &Value) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()?).ok()
}

fn small(value: &Value) -> Option<u32> {
    value.as_integer()?.try_into().ok()
}

fn large(value: &Value) -> Option<u64> {
    value.as_integer()?.try_into().ok()
}
