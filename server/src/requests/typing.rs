//! `typing`: told to those who are here, and kept nowhere.

use super::{Answered, Call};
use crate::emit;
use crate::room::Named;
use crate::rooms::access::Action;
use crate::volatile::{self, Kind};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Typing {
    pub(super) room: String,
    typing: bool,
}

const DONE: &str = r#"{"ok":true}"#;

pub(super) async fn typing(call: Arc<Call>, request: Typing) -> Answered {
    let room = call.member_who(&request.room, Action::Send).await?;
    // In large rooms somebody always types; there it tells nobody anything.
    if room.presence.lock().is_large() {
        return Ok(Some(DONE.to_owned()));
    }
    let event = volatile::Typing { room: room.name().clone(), user: Named::from(&call.user), typing: request.typing };
    volatile::to_others(&call.chat, &room, Kind::Typing, emit::text(&event));
    volatile::to_room(&call.chat, &room, Kind::Typing.name(), &event, Some(&call.socket)).await;
    Ok(Some(DONE.to_owned()))
}
