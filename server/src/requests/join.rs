//! `join`: the start of a stay.

use super::{Answered, At, Call, Shown};
use crate::carry::{self, halt};
use crate::chat::Chat;
use crate::emit;
use crate::presence;
use crate::refusal::{Code, Refusal};
use crate::room::{Room, unread};
use crate::rooms::access::{Action, Role};
use crate::rooms::find::{self, Found};
use chat_log::{Position, Reach};
use chat_session::JoinAsked;
use chat_settings::Limit;
use chat_socket::Guard;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Join {
    pub(super) room: String,
    after: Option<At>,
    last: Option<usize>,
}

pub(super) async fn join(call: Arc<Call>, request: Join) -> Answered {
    call.room_name(&request.room)?;
    if request.after.is_some() && request.last.is_some() {
        return Err(Refusal::invalid("give `after` or `last`, not both"));
    }
    let Found { room, role, .. } = open(&call, &request.room).await?;
    let (tail, ()) = tokio::join!(tail(&call, &room), presence::refresh(&call.chat, [&room]));
    let tail = tail?;
    let start = start(&call, &room, &request, tail).await?;
    let cursor = request.after.is_some() || request.last.is_some();
    let (asked, pid) = {
        let mut guard = if cursor { unless_recorded(&call, &room) } else { call.socket.lock() };
        let settings = call.chat.settings();
        let limits = &settings.limits;
        let Some(session) = &mut guard.app().session else { return Ok(None) };
        if session.stay_in(room.name()).is_none() && session.stays().len() >= limits.rooms_per_session {
            return Err(Refusal::limit(Code::TooLarge, Limit::RoomsPerSession, limits));
        }
        (session.join(room.clone(), start, cursor), session.pid())
    };
    let answer = |from: Position, call: &Call| answer(call, &room, role, from, tail);
    match (asked, pid) {
        (JoinAsked::Write(write), Some(pid)) => {
            let written =
                call.chat.records().join(pid, write.fence, room.name().clone(), room.is_private(), write.start).await;
            // Nothing is awaited from here on, so that the stay and what knows of it change together.
            let mut guard = if written.is_ok() { halt(&call.socket, room.name()) } else { call.socket.lock() };
            let Some(session) = &mut guard.app().session else { return Ok(None) };
            let effects = session.joined(write, written);
            carry::stay(&call, &mut guard, effects, || answer(start, &call))
        }
        (JoinAsked::Done(effects), _) => {
            let mut guard = call.socket.lock();
            carry::stay(&call, &mut guard, effects, || answer(start, &call))
        }
        (JoinAsked::Present { join, claim }, _) => {
            let at = claim.or_else(|| carry::position(&call.socket, join)).unwrap_or(tail);
            Ok(Some(answer(at, &call)))
        }
        // Joins and leaves of one connection are handled one at a time.
        (JoinAsked::Busy | JoinAsked::Write(_), _) => Err(Refusal::new(Code::Conflict, "another request is under way")),
    }
}

/// Without a record the new stay begins at once, and an earlier one has to end before.
fn unless_recorded<'a>(call: &'a Call, room: &Room) -> Guard<'a, Chat> {
    let mut guard = call.socket.lock();
    let recorded = guard.app().session.as_ref().is_some_and(|session| session.pid().is_some());
    if recorded {
        return guard;
    }
    drop(guard);
    halt(&call.socket, room.name())
}

/// Finds the room, or opens one of this name where that is allowed.
async fn open(call: &Call, name: &str) -> Result<Found, Refusal> {
    let (chat, user) = (&call.chat, &call.user.id);
    // The user's receipt is read with the rest: it may have come by another server.
    let mut found = find::ask(chat, name, user).await?;
    if found.is_none() {
        found = find::open(chat, name, user).await?;
    }
    let found = found.ok_or_else(|| {
        if chat.settings().access.open_rooms {
            find::no_such_room()
        } else {
            Refusal::not_found("there is no room of this name: create it first")
        }
    })?;
    found.may(Action::Read)?;
    Ok(found)
}

async fn tail(call: &Call, room: &Arc<Room>) -> Result<Position, Refusal> {
    let rooms = [room.name().clone()];
    let tails = call.chat.log().tails(&rooms).await?;
    Ok(tails.first().copied().unwrap_or_default())
}

/// The entry after which the stay begins.
async fn start(call: &Call, room: &Arc<Room>, request: &Join, tail: Position) -> Result<Position, Refusal> {
    match (request.after, request.last) {
        (Some(At(after)), _) if after.epoch == tail.epoch && after.n > tail.n => Err(ahead()),
        (Some(At(after)), _) => match call.chat.log().reach(room.name(), after).await? {
            // What the client saw and must withdraw, or can no longer have, it is told from there.
            Reach::To(_) | Reach::Reset => Ok(after),
            Reach::Ahead => Err(ahead()),
        },
        (None, Some(0) | None) => Ok(tail),
        (None, Some(last)) => {
            let last = last.min(call.chat.settings().limits.history_page);
            let page = call.chat.log().read_before(room.name(), None, last).await?;
            let first = page.entries.first().map(|entry| entry.position);
            Ok(first.map_or(tail, |first| Position::new(first.epoch, first.n - 1)))
        }
    }
}

fn ahead() -> Refusal {
    Refusal::invalid("`after` is ahead of the room: join without it")
}

fn answer(call: &Call, room: &Arc<Room>, role: Option<Role>, from: Position, tail: Position) -> String {
    let read = room.read_by(&call.user);
    let present = room.presence.lock().together();
    let mut answer = json!({
        "ok": true,
        "room": Shown::new(room),
        "from": from.to_string(),
        "tail": tail.to_string(),
        "online": present.online,
        "users": present.names,
        "read": read.map(|read| read.to_string()),
        "unread": unread(tail, read),
    });
    if let Some(role) = role {
        answer["role"] = json!(role);
    }
    emit::text(&answer)
}
