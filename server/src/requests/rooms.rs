//! `rooms`: what there is to join, and what is unread where one is.

use super::{Answered, Call, Shown};
use crate::emit;
use crate::presence;
use crate::room::unread;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::cmp::Reverse;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Rooms {}

/// How many rooms an answer lists: one's own first, then those with the most people.
const ROOMS_MAX: usize = 500;

#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    room: Shown<'a>,
    member: bool,
    online: usize,
    tail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<String>,
    unread: u64,
}

pub(super) async fn rooms(call: Arc<Call>, _request: Rooms) -> Answered {
    let mine: Vec<_> = {
        let mut guard = call.socket.lock();
        let stays = guard.app().session.as_ref().map(chat_session::Session::stays);
        stays.unwrap_or_default().iter().map(|stay| stay.room.name().clone()).collect()
    };
    let rooms = call.chat.directory().all();
    let mut listed: Vec<_> =
        rooms.iter().map(|room| (mine.contains(room.name()), room.presence.lock().online(), room)).collect();
    listed.sort_by_key(|(member, online, room)| (!member, Reverse(*online), room.name().clone()));
    listed.truncate(ROOMS_MAX);
    let names: Vec<_> = listed.iter().map(|(_, _, room)| room.name().clone()).collect();
    let refresh = presence::refresh(&call.chat, listed.iter().map(|(_, _, room)| *room));
    let (tails, ()) = tokio::join!(call.chat.log().tails(&names), refresh);
    let rooms: Vec<_> = listed
        .into_iter()
        .zip(tails?)
        .map(|((member, _, room), tail)| {
            let read = room.read_by(&call.user);
            Listed {
                room: Shown::new(room),
                member,
                online: room.presence.lock().online(),
                tail: tail.to_string(),
                read: read.map(|read| read.to_string()),
                unread: unread(tail, read),
            }
        })
        .collect();
    Ok(Some(emit::text(&json!({ "ok": true, "rooms": rooms }))))
}
