//! `create`: a room of one's own making.

use super::{Answered, Call, Shown};
use crate::directory::NotMade;
use crate::emit;
use crate::refusal::{Code, Refusal};
use crate::room::Visibility;
use chat_settings::Limit;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Create {
    room: Option<String>,
    title: Option<String>,
    visibility: Option<String>,
}

pub(super) async fn create(call: Arc<Call>, request: Create) -> Answered {
    let settings = call.chat.settings();
    let limits = &settings.limits;
    let name = request.room.unwrap_or_else(|| format!("room-{:016x}", rand::random::<u64>()));
    call.room_name(&name)?;
    let title = request.title.unwrap_or_else(|| name.clone());
    if title.chars().count() > limits.title_chars {
        return Err(Refusal::limit(Code::TooLarge, Limit::RoomTitle, limits));
    }
    if title.trim().is_empty() || title.chars().any(char::is_control) {
        return Err(Refusal::invalid("`title`: at least one character, and no control characters"));
    }
    if request.visibility.is_some_and(|visibility| visibility != "public") {
        return Err(Refusal::invalid("`visibility`: rooms are `public`"));
    }
    let room = call.chat.directory().create(&name, &title, Visibility::Public).map_err(|reason| match reason {
        NotMade::Exists => {
            Refusal::new(Code::Conflict, "there is a room of this name: join it, or choose another name")
        }
        NotMade::Full => Refusal::limit(Code::Unavailable, Limit::Rooms, limits),
    })?;
    Ok(Some(emit::text(&json!({ "ok": true, "room": Shown::new(&room) }))))
}
