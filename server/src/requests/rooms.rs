//! `rooms`: what there is to join, and what is unread where one is.

use super::{Answered, Call, Shown};
use crate::emit;
use crate::presence;
use crate::room::{Room, unread};
use crate::rooms::find::find;
use crate::rooms::listing::ROOMS_MAX;
use chat_log::Position;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Rooms {}

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
    let mut rooms = mine(&call).await?;
    let count = rooms.len();
    let known: HashSet<Arc<str>> = rooms.iter().map(|(room, _)| room.name().clone()).collect();
    for public in call.chat.listing().get(&call.chat).await?.iter() {
        if rooms.len() >= ROOMS_MAX {
            break;
        }
        if !known.contains(&public.room)
            && let Some(found) = find(&call.chat, &public.room, &call.user.id).await?
        {
            rooms.push((found.room, false));
        }
    }
    let names: Vec<_> = rooms.iter().map(|(room, _)| room.name().clone()).collect();
    let refresh = presence::refresh(&call.chat, rooms.iter().map(|(room, _)| room));
    let receipts = call.chat.rooms().receipts(&call.user.id, &names[..count]);
    let (tails, receipts, ()) = tokio::join!(call.chat.log().tails(&names), receipts, refresh);
    let receipts = receipts?.into_iter().chain(std::iter::repeat(None));
    let listed: Vec<_> = rooms
        .iter()
        .zip(tails?)
        .zip(receipts)
        .map(|(((room, member), tail), read)| show(&call, room, *member, tail, read))
        .collect();
    Ok(Some(emit::text(&json!({ "ok": true, "rooms": listed }))))
}

/// The rooms that the session is in, with the most people first, and then the private ones that its user is a member of.
async fn mine(call: &Call) -> Result<Vec<(Arc<Room>, bool)>, crate::refusal::Refusal> {
    let mut mine: Vec<_> = {
        let mut guard = call.socket.lock();
        let stays = guard.app().session.as_ref().map(chat_session::Session::stays);
        stays.unwrap_or_default().iter().map(|stay| (stay.room.clone(), true)).collect()
    };
    mine.sort_by_cached_key(|(room, _)| (std::cmp::Reverse(room.presence.lock().online()), room.name().clone()));
    for name in call.chat.rooms().rooms_of(&call.user.id).await? {
        if mine.len() >= ROOMS_MAX {
            break;
        }
        if mine.iter().any(|(room, _)| *room.name() == name) {
            continue;
        }
        // The index may hold rooms that the user is no longer a member of.
        if let Some(found) = find(&call.chat, &name, &call.user.id).await?
            && found.room.is_private()
            && found.role.is_some()
        {
            mine.push((found.room, false));
        }
    }
    Ok(mine)
}

fn show<'a>(call: &Call, room: &'a Arc<Room>, member: bool, tail: Position, read: Option<Position>) -> Listed<'a> {
    let read = read.max(room.read_by(&call.user));
    Listed {
        room: Shown::new(room),
        member,
        online: room.presence.lock().online(),
        tail: tail.to_string(),
        read: read.map(|read| read.to_string()),
        unread: unread(tail, read),
    }
}
