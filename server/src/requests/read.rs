//! `read`: up to where a member has read.

use super::{Answered, At, Call};
use crate::emit;
use crate::refusal::Refusal;
use crate::room::{Named, unread};
use crate::rooms::access::Action;
use crate::volatile::{self, Kind, Receipt};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Read {
    pub(super) room: String,
    position: At,
}

pub(super) async fn read(call: Arc<Call>, request: Read) -> Answered {
    let room = call.member_who(&request.room, Action::Read).await?;
    let at = request.position.0;
    let rooms = [room.name().clone()];
    let kept = call.chat.rooms().receipts(&call.user.id, &rooms);
    let (tails, kept) = tokio::join!(call.chat.log().tails(&rooms), kept);
    let (tails, kept) = (tails?, kept?.first().copied().flatten());
    let tail = tails.first().copied().unwrap_or_default();
    if at.n > tail.n || at.epoch > tail.epoch {
        return Err(Refusal::invalid("`position`: the room has not got so far"));
    }
    let news = {
        let mut receipts = room.receipts.lock();
        if let Some(kept) = kept {
            receipts.read(&call.user.id, kept);
        }
        receipts.read(&call.user.id, at)
    };
    if news {
        call.chat.rooms().read(room.name(), &call.user.id, at);
    }
    if news && !room.presence.lock().is_large() {
        let event = Receipt { room: room.name().clone(), user: Named::from(&call.user), position: at };
        volatile::to_others(&call.chat, &room, Kind::Receipt, emit::text(&event));
        volatile::to_room(&call.chat, &room, Kind::Receipt.name(), &event, Some(&call.socket)).await;
    }
    let read = room.read_by(&call.user);
    Ok(Some(emit::text(&json!({ "ok": true, "unread": unread(tail, read) }))))
}
