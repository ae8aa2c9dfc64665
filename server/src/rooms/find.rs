//! From a name in a request to a room that its user may know of.

use super::access::{Action, Denied, may};
use super::{About, Created, PAIR, Role, RoomsError, Visibility};
use crate::chat::Chat;
use crate::refusal::{Code, Refusal};
use crate::room::Room;
use chat_log::Position;
use chat_settings::Limit;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A room, and what the user who asked for it is there.
pub struct Found {
    /// The room.
    pub room: Arc<Room>,
    /// The user's role, where the room is private.
    pub role: Option<Role>,
    /// Up to where the user has read, where the store was asked.
    pub read: Option<Position>,
}

/// The room of this name, whoever may know of it. A public one that is known here is answered without the store.
pub async fn find(chat: &Chat, name: &str, user: &str) -> Result<Option<Found>, Refusal> {
    let known = chat.directory().find(name).filter(|room| !room.is_private() && room.is_known(chat.now()));
    if let Some(room) = known {
        return Ok(Some(Found { room, role: None, read: None }));
    }
    ask(chat, name, user).await
}

/// The same, asked of the store in any case: with the user's receipt.
pub async fn ask(chat: &Chat, name: &str, user: &str) -> Result<Option<Found>, Refusal> {
    let name: Arc<str> = name.into();
    let Some(access) = chat.rooms().access(&name, &[user]).await? else { return Ok(None) };
    let room = keep(chat, &name, access.about)?;
    let role = access.roles.first().copied().flatten();
    if let Some(read) = access.read {
        room.receipts.lock().read(&user.into(), read);
    }
    Ok(Some(Found { room, role, read: access.read }))
}

/// The room that a session is in, if its stay may go on there; `private` is what the room was when the stay began.
///
/// A public room that the store has forgotten is opened again, where that is allowed: its log can then tell the client what is gone. A private one is not:
/// nobody knows any more who its members were, and opened again it would be everybody's. Nor does a stay go on in a room of the same name that is private
/// where the other was public, or the other way round: it is another room.
pub async fn find_again(chat: &Chat, name: &str, user: &str, private: bool) -> Result<Option<Found>, Refusal> {
    let mut found = find(chat, name, user).await?;
    if found.is_none() && !private {
        found = open(chat, name, user).await?;
    }
    Ok(found.filter(|found| found.room.is_private() == private && found.may(Action::Read).is_ok()))
}

/// Whether a stay may go on in the room that it is in, though the room's log has begun anew, or its members have changed.
pub async fn may_stay(chat: &Chat, room: &Room, user: &str) -> Result<bool, Refusal> {
    Ok(find_again(chat, room.name(), user, room.is_private()).await?.is_some())
}

/// Makes a public room of this name, where that is allowed and unless somebody was faster. A name that the user knows as that of a private room is left
/// alone: the store has forgotten that room, and others who were in it would take this one for it.
pub async fn open(chat: &Chat, name: &str, user: &str) -> Result<Option<Found>, Refusal> {
    if !chat.settings().access.open_rooms || name.starts_with(PAIR) {
        return Ok(None);
    }
    if chat.rooms().rooms_of(user).await?.iter().any(|room| **room == *name) {
        return Ok(None);
    }
    let name: Arc<str> = name.into();
    let about = About { title: (*name).into(), visibility: Visibility::Public, by: user.into(), at_ms: now_ms() };
    match chat.rooms().create(&name, &about, &[]).await? {
        Created::Made => Ok(Some(Found { room: keep(chat, &name, about)?, role: None, read: None })),
        Created::Exists => ask(chat, &name, user).await,
        Created::Full(limit) => Err(Refusal::limit(Code::Unavailable, limit, &chat.settings().limits)),
    }
}

/// Notes what the store knows of a room.
pub fn keep(chat: &Chat, name: &Arc<str>, about: About) -> Result<Arc<Room>, Refusal> {
    let limits = &chat.settings().limits;
    chat.directory().keep(name, about, chat.now()).map_err(|_| Refusal::limit(Code::Unavailable, Limit::Rooms, limits))
}

impl Found {
    /// Whether the user may do this here.
    pub fn may(&self, action: Action) -> Result<(), Refusal> {
        let fixed = self.room.name().starts_with(PAIR);
        may(self.room.about().visibility, fixed, self.role, action).map_err(Refusal::from)
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotFound => no_such_room(),
            Denied::Fixed => Self::new(Code::Forbidden, "the members of this room do not change: make a private room"),
            Denied::Role => Self::new(Code::Forbidden, "your role in this room does not allow it"),
            Denied::LastOwner => Self::new(Code::Conflict, "the room needs an owner: make somebody else one first"),
        }
    }
}

impl From<RoomsError> for Refusal {
    fn from(error: RoomsError) -> Self {
        match error {
            RoomsError::Unavailable => Self::new(Code::Unavailable, "the room cannot be asked about now: try again"),
            RoomsError::Unknown => Self::new(Code::UnknownOutcome, "it may have changed: ask again"),
        }
    }
}

/// The same for a room that is not there and for one that this user may not know of.
pub fn no_such_room() -> Refusal {
    Refusal::not_found("there is no room of this name")
}

/// The time, for when a room was made.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
