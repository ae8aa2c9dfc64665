//! CONNECT: who it is, and whether a session goes on or a new one begins.

use crate::auth::{Credentials, Identity};
use crate::carry;
use crate::chat::Chat;
use crate::emit;
use crate::metrics::Recovery;
use crate::refusal::Refusal;
use crate::room::Room;
use crate::rooms::find::find_again;
use crate::user::User;
use chat_log::Position;
use chat_session::{Effect, Failed, Fence, Held, JoinNumber, Leave, Pid, Session};
use chat_settings::{Limit, Settings};
use chat_socket::{CloseReason, Handling, Namespace, Socket};
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Handles a CONNECT.
pub fn connect(chat: &Arc<Chat>, socket: &Arc<Socket<Chat>>, auth: &str) -> Handling {
    let auth = if auth.is_empty() { "{}" } else { auth };
    let credentials = serde_json::from_str::<Credentials>(auth).map_err(|_| {
        Refusal::invalid("`auth` is an object; `token`, `name`, `pid` and `offset` are strings, `recovery` a boolean")
    });
    let settings = chat.settings();
    let identified =
        credentials.and_then(|credentials| Ok((chat.auth().identify(&credentials, &settings)?, credentials)));
    let (identity, credentials) = match identified {
        Ok(identified) => identified,
        Err(refusal) => {
            refuse(chat, socket, &refusal);
            return Handling::Done;
        }
    };
    let (chat, socket) = (chat.clone(), socket.clone());
    Handling::alone(async move { go_on(&chat, &socket, identity, &credentials).await })
}

fn refuse(chat: &Chat, socket: &Socket<Chat>, refusal: &Refusal) {
    if let Some(limit) = refusal.limit {
        chat.metrics().limit(limit);
    }
    let data = emit::text(&json!({ "code": refusal.code }));
    socket.lock().refuse(Namespace::MAIN, &refusal.message, Some(&data));
}

/// The record of a session that nobody owns yet: if the connection ends before somebody does, its time begins.
struct Unowned<'a> {
    chat: &'a Chat,
    pid: Option<(Pid, Fence)>,
}

impl Drop for Unowned<'_> {
    fn drop(&mut self) {
        if let Some((pid, fence)) = self.pid {
            self.chat.records().release(pid, fence);
        }
    }
}

type Opened = (Session<Arc<Room>>, Vec<Effect<Arc<Room>>>);

async fn go_on(chat: &Arc<Chat>, socket: &Arc<Socket<Chat>>, identity: Identity, credentials: &Credentials) {
    let recovery = credentials.recovery != Some(false);
    let presented = credentials.pid.as_deref().filter(|_| recovery);
    if let Some(pid) = presented {
        let taken = match pid.parse::<Pid>() {
            Ok(pid) => take(chat, pid, &identity, credentials.offset.as_deref()).await,
            Err(_) => Err(Recovery::Unknown),
        };
        match taken {
            Ok((user, opened)) => {
                chat.metrics().recovery(Recovery::Recovered);
                return open(chat, socket, &user, opened, true);
            }
            // The client comes back with its session, which may be there then.
            Err(Recovery::Unavailable) => {
                chat.metrics().recovery(Recovery::Unavailable);
                return socket.lock().close(CloseReason::Server);
            }
            Err(other) => chat.metrics().recovery(other),
        }
    }
    let user = match identity {
        Identity::User { id, name } => chat.users().meet(&id, &name, false),
        Identity::Guest { id, name } => chat.users().meet(&id, &name, true),
        Identity::Stranger { name } => chat.users().meet(&guest_id(), &name, true),
    };
    if !recovery {
        return open(chat, socket, &user, Session::without_recovery(), false);
    }
    match begin(chat, &user).await {
        Ok(opened) => open(chat, socket, &user, opened, false),
        // The client comes back, and to a session that can be recovered then.
        Err(failed) => socket.lock().close(carry::closing(failed)),
    }
}

/// How many records are begun for a new session: each has another place in the store, which may have lost only some.
const PLACES_MAX: usize = 3;

/// Begins a session with a record.
async fn begin(chat: &Arc<Chat>, user: &Arc<User>) -> Result<Opened, Failed> {
    let mut failed = Failed::Unknown;
    for _ in 0..PLACES_MAX {
        let pid = Pid::from_random(rand::random());
        let mut unowned = Unowned { chat, pid: Some((pid, Fence::FIRST)) };
        let created = chat.records().create(pid, user.clone()).await;
        unowned.pid = None;
        match created {
            Ok(()) => return Ok(Session::start(pid)),
            // There is no place for it. Better a session that cannot be recovered than none.
            Err(Failed::Refused) => {
                chat.metrics().limit(Limit::Sessions);
                return Ok(Session::without_recovery());
            }
            Err(other) => failed = other,
        }
    }
    Err(failed)
}

/// Takes a session over, if it is this user's.
async fn take(
    chat: &Arc<Chat>,
    pid: Pid,
    identity: &Identity,
    offset: Option<&str>,
) -> Result<(Arc<User>, Opened), Recovery> {
    let records = chat.records();
    let found = records.find(pid).await.map_err(|_| Recovery::Unavailable)?.ok_or(Recovery::Unknown)?;
    let user = match identity {
        Identity::User { id, name } => chat.users().meet(id, name, false),
        Identity::Guest { id, name } => chat.users().meet(id, name, true),
        // The pid is a secret as good as the token, and a guest without one has nothing else to show.
        Identity::Stranger { name } if found.guest && *found.name == **name => {
            chat.users().meet(&found.id, &found.name, true)
        }
        Identity::Stranger { .. } => return Err(Recovery::Unknown),
    };
    let taken = records.take(pid, &found, user.clone()).await;
    let taken = taken.map_err(|_| Recovery::Unavailable)?.ok_or(Recovery::Unknown)?;
    let mut unowned = Unowned { chat, pid: Some((pid, taken.fence)) };
    let rooms = allowed(chat, pid, &user, taken.fence, taken.rooms).await.map_err(|_| Recovery::Unavailable)?;
    // Nothing is awaited from here on, so that the record does not stay without an owner.
    unowned.pid = None;
    Ok((user, Session::resume(pid, taken.fence, rooms, offset)))
}

/// The rooms of a record that its user may still read; the others are taken out of it.
async fn allowed(
    chat: &Arc<Chat>,
    pid: Pid,
    user: &Arc<User>,
    fence: Fence,
    rooms: Vec<Held>,
) -> Result<Vec<(Arc<Room>, JoinNumber, Position)>, Refusal> {
    let mut found = JoinSet::new();
    for held in rooms {
        let (chat, user) = (chat.clone(), user.clone());
        found.spawn(async move {
            let found = find_again(&chat, &held.room, &user.id, held.private).await;
            (held, found)
        });
    }
    let mut allowed = Vec::new();
    for (held, found) in found.join_all().await {
        match found? {
            Some(found) => allowed.push((found.room, held.join, held.at)),
            None => chat.records().leave(pid, &Leave { fence, join: held.join }).await.map_err(Refusal::from)?,
        }
    }
    Ok(allowed)
}

/// Opens the session on its connection: the connect reply first, then `ready`, then its rooms.
fn open(chat: &Arc<Chat>, socket: &Arc<Socket<Chat>>, user: &Arc<User>, opened: Opened, recovered: bool) {
    let (mut session, effects) = opened;
    if session.pid().is_some_and(|pid| !chat.own(pid, session.fence(), socket)) {
        return socket.lock().close(CloseReason::TakenOver);
    }
    let settings = chat.settings();
    let mut guard = socket.lock();
    // The client was slow to connect, or had another session here: the pongs to come first prove nothing to this one.
    session.expect_pongs(u16::from(guard.pings()));
    guard.app().user = Some(user.clone());
    user.connect(socket);
    guard.app().session = Some(session);
    for effect in effects {
        match effect {
            Effect::Reply { pid } => {
                let sid = format!("{:022x}", rand::random::<u128>() >> 40);
                guard.accept(Namespace::MAIN, &sid, pid.map(|pid| pid.reveal()).as_deref());
            }
            Effect::Ready { rooms, offset } => {
                let rooms: Vec<_> =
                    rooms.iter().map(|(room, at)| json!({ "room": room.name(), "position": at.to_string() })).collect();
                let token = user
                    .guest
                    .then(|| chat.auth().guest_token(&user.id, &user.name(), settings.access.guest_token_age))
                    .flatten();
                let mut ready = json!({
                    "user": **user,
                    "node": settings.node,
                    "recovered": recovered,
                    "rooms": rooms,
                    "limits": limits(&settings),
                });
                if let Some(token) = token {
                    ready["token"] = token.into();
                }
                emit::durable(&mut guard, "ready", &ready, offset.as_deref());
            }
            Effect::Follow(stay) => {
                carry::arrive(chat, user, &stay.room, stay.at);
                carry::follow(chat, socket, &mut guard, stay);
            }
            // Of requests alone.
            Effect::Joined { .. } | Effect::Ack | Effect::Nack | Effect::Unfollow(_) => {}
            Effect::Close(failed) => guard.close(carry::closing(failed)),
        }
    }
    tracing::debug!(connection = socket.key(), user = %user.id, recovered, "session opened");
}

/// The id of a new guest: 95 random bits, so that no two guests are the same by chance.
fn guest_id() -> String {
    use rand::distr::{Alphanumeric, SampleString};
    format!("g-{}", Alphanumeric.sample_string(&mut rand::rng(), 16))
}

/// What clients may do, for `ready`.
fn limits(settings: &Settings) -> serde_json::Value {
    let (limits, retention) = (&settings.limits, &settings.retention);
    json!({
        "text_bytes": limits.text_bytes,
        "data_bytes": limits.data_bytes,
        "id_chars": limits.id_chars,
        "name_chars": limits.name_chars,
        "room_bytes": limits.room_bytes,
        "title_chars": limits.title_chars,
        "rooms": limits.rooms_per_session,
        "history_page": limits.history_page,
        "send_burst": limits.send_burst,
        "send_per_second": limits.send_per_second,
        "dedup_seconds": retention.dedup_age.as_secs(),
        "retained_entries": retention.retention_entries,
        "retained_seconds": retention.retention_age.as_secs(),
        "max_payload": limits.max_payload,
    })
}
