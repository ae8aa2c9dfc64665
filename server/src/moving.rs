//! A chat connection on its way to another server: out of its rooms and into bytes there, and the other way round here.
//!
//! The record stays as it is, and so does the fence: the session has one owner before and one after. All of its rooms go on
//! through the catch-up path, from where each was.

use crate::carry;
use crate::chat::Chat;
use crate::connection::{Behind, Connection, Place};
use crate::feeder;
use crate::room::Room;
use crate::rooms::find::find_again;
use crate::user::User;
use axum::http::request::Parts;
use bytes::{Buf, BufMut, Bytes};
use chat_log::Position;
use chat_session::{Moved, Session, Stay};
use chat_socket::{Application, CloseReason, Guard, Socket};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// What goes along with the session. Newer servers may add to it: what is not known is passed over.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Luggage {
    user: Option<Traveller>,
    /// The number of the session's last join, as the records' owner counts them.
    #[serde(default)]
    joins: u32,
    /// Where the user's first stay in each room began: epoch and number, in the order of the session's stays.
    #[serde(default)]
    since: Vec<(u64, u64)>,
    /// Whether each of those rooms is one of members alone, in the same order.
    #[serde(default)]
    private: Vec<bool>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Traveller {
    id: String,
    name: String,
    guest: bool,
}

/// Stops the delivery to a connection and writes down what it is. It stays locked, and nothing is sent to it any more.
pub fn export<'a>(chat: &Arc<Chat>, socket: &'a Arc<Socket<Chat>>) -> Option<(Guard<'a, Chat>, Vec<u8>)> {
    let mut guard = carry::halt_all(socket);
    let Connection { user, session, behind, .. } = guard.app();
    let (luggage, moved) = match (user, session) {
        (Some(user), Some(session)) => (pack(chat, user, session), Some(session.depart(|stay| at(behind, stay))?)),
        // It has not connected, or has left.
        (_, _) => (Luggage::default(), None),
    };
    let luggage = serde_json::to_vec(&luggage).ok()?;
    let mut bytes = Vec::new();
    bytes.put_u32(luggage.len() as u32);
    bytes.put_slice(&luggage);
    if let Some(moved) = moved {
        moved.encode(&mut bytes);
    }
    Some((guard, bytes))
}

fn pack(chat: &Chat, user: &User, session: &Session<Arc<Room>>) -> Luggage {
    let since = session.stays().iter().map(|stay| user.since(&stay.room).unwrap_or_default());
    Luggage {
        user: Some(Traveller { id: user.id.to_string(), name: user.name().to_string(), guest: user.guest }),
        joins: session.pid().map_or(0, |pid| chat.records().last_join(pid)),
        since: since.map(|at| (at.epoch, at.n)).collect(),
        private: session.stays().iter().map(|stay| stay.room.is_private()).collect(),
    }
}

/// Up to where a stay was sent everything; for one with a claim, what is in its record.
fn at(behind: &[Behind], stay: &Stay<Arc<Room>>) -> Option<Position> {
    let behind = behind.iter().find(|behind| behind.join == stay.join)?;
    Some(match behind.at {
        Place::Known(at) => at.at,
        Place::Claimed { record, .. } => record,
    })
}

/// The state of a connection that comes from another server.
pub async fn import(chat: &Arc<Chat>, head: &Parts, bytes: Bytes) -> Option<Connection> {
    let (luggage, session) = unpack(bytes)?;
    let (Some(traveller), Some(moved)) = (luggage.user, session) else { return Some(chat.open(head)) };
    let mut rooms = HashMap::new();
    let mut private = luggage.private.into_iter();
    for stay in moved.stays() {
        let private = private.next().unwrap_or_default();
        let found = find_again(chat, &stay.room, &traveller.id, private).await.ok()??;
        rooms.insert(stay.room.clone(), found.room);
    }
    let (session, follows) = Session::arrive(moved, |name| rooms.get(name).cloned())?;
    // Nothing can fail or is awaited from here on, so that the rooms know of each stay exactly once.
    let user = chat.users().meet(&traveller.id, &traveller.name, traveller.guest);
    let mut since = luggage.since.into_iter().map(|(epoch, n)| Position::new(epoch, n));
    let mut connection = chat.open(head);
    if let Some(pid) = session.pid() {
        chat.records().adopt(pid, session.fence(), luggage.joins);
    }
    connection.session = Some(session);
    for follow in follows {
        carry::arrive(chat, &user, &follow.room, since.next().unwrap_or(follow.at));
        connection.fall_behind(Behind::following(follow));
    }
    connection.user = Some(user);
    Some(connection)
}

fn unpack(mut bytes: Bytes) -> Option<(Luggage, Option<Moved>)> {
    let length = bytes.try_get_u32().ok()? as usize;
    let luggage = (length <= bytes.len()).then(|| bytes.split_to(length))?;
    let luggage = serde_json::from_slice(&luggage).ok()?;
    let moved = if bytes.is_empty() { None } else { Some(Moved::decode(&bytes).ok()?) };
    Some((luggage, moved))
}

/// The connection is here: its rooms go on.
pub fn arrived(chat: &Arc<Chat>, socket: &Arc<Socket<Chat>>) {
    let owned = socket.lock().app().session.as_ref().and_then(|session| Some((session.pid()?, session.fence())));
    if let Some((pid, fence)) = owned
        && !chat.own(pid, fence, socket)
    {
        return socket.lock().close(CloseReason::TakenOver);
    }
    let mut guard = socket.lock();
    if let Some(user) = &guard.app().user {
        user.connect(socket);
    }
    if !guard.app().behind.is_empty() {
        feeder::wake(chat, socket, &mut guard);
    }
    tracing::debug!(connection = socket.key(), "session arrived from another server");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luggage_is_read_as_it_was_written_and_garbage_is_not() {
        let traveller = Traveller { id: "g-1".into(), name: "Ann \"A\"".into(), guest: true };
        let luggage =
            Luggage { user: Some(traveller), joins: 9, since: vec![(1, 17), (0, 0)], private: vec![false, true] };
        let mut bytes = Vec::new();
        let json = serde_json::to_vec(&luggage).expect("JSON");
        bytes.put_u32(json.len() as u32);
        bytes.put_slice(&json);
        assert_eq!(unpack(bytes.clone().into()), Some((luggage, None)));
        for cut in 0..bytes.len() {
            assert_eq!(unpack(bytes[..cut].to_vec().into()), None, "{cut}");
        }
        bytes.push(7);
        assert_eq!(unpack(bytes.into()), None, "no session");
    }
}
