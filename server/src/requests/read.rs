//! `read`: up to where a member has read.

use super::{Answered, At, Call};
use crate::emit;
use crate::refusal::Refusal;
use crate::room::{NAMES_MAX, unread};
use crate::volatile;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Read {
    room: String,
    position: At,
}

pub(super) async fn read(call: Arc<Call>, request: Read) -> Answered {
    let (room, _) = call.member_of(&request.room)?;
    let at = request.position.0;
    let tails = call.chat.log().tails(&[room.name().clone()]).await?;
    let tail = tails.first().copied().unwrap_or_default();
    if at.n > tail.n || at.epoch > tail.epoch {
        return Err(Refusal::invalid("`position`: the room has not got so far"));
    }
    let news = room.receipts.lock().read(&call.user.id, at);
    if news && room.presence.lock().online() <= NAMES_MAX {
        let event = json!({ "room": room.name(), "user": *call.user, "position": at.to_string() });
        volatile::to_room(&call.chat, &room, "receipt", &event, Some(&call.socket)).await;
    }
    let read = room.read_by(&call.user);
    Ok(Some(emit::text(&json!({ "ok": true, "unread": unread(tail, read) }))))
}
