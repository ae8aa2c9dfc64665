//! `typing`: told to those who are here, and kept nowhere.

use super::{Answered, Call};
use crate::room::NAMES_MAX;
use crate::volatile;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Typing {
    room: String,
    typing: bool,
}

const DONE: &str = r#"{"ok":true}"#;

pub(super) async fn typing(call: Arc<Call>, request: Typing) -> Answered {
    let (room, _) = call.member_of(&request.room)?;
    // In large rooms somebody always types; there it tells nobody anything.
    if room.presence.lock().online() > NAMES_MAX {
        return Ok(Some(DONE.to_owned()));
    }
    let event = json!({ "room": room.name(), "user": *call.user, "typing": request.typing });
    volatile::to_room(&call.chat, &room, "typing", &event, Some(&call.socket)).await;
    Ok(Some(DONE.to_owned()))
}
