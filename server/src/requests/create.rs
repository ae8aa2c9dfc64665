//! `create`: a room of one's own making.

use super::{Answered, Call, Shown};
use crate::emit;
use crate::notice;
use crate::refusal::{Code, Refusal};
use crate::room::Room;
use crate::rooms::find::{keep, now_ms};
use crate::rooms::{About, Created, Member, PAIR, Role, Visibility};
use chat_settings::Limit;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Create {
    pub(super) room: Option<String>,
    title: Option<String>,
    #[serde(default)]
    visibility: Asked,
    #[serde(default)]
    members: Vec<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
    #[default]
    Public,
    Private,
}

pub(super) async fn create(call: Arc<Call>, request: Create) -> Answered {
    let settings = call.chat.settings();
    let limits = &settings.limits;
    let name = request.room.unwrap_or_else(|| format!("room-{:016x}", rand::random::<u64>()));
    call.room_name(&name)?;
    if name.starts_with(PAIR) {
        return Err(Refusal::invalid(format!(
            "`room`: names that begin with `{PAIR}` are those of rooms of two: use `dm`"
        )));
    }
    let title = request.title.unwrap_or_else(|| name.clone());
    if title.chars().count() > limits.title_chars {
        return Err(Refusal::limit(Code::TooLarge, Limit::RoomTitle, limits));
    }
    if title.trim().is_empty() || title.chars().any(char::is_control) {
        return Err(Refusal::invalid("`title`: at least one character, and no control characters"));
    }
    let (visibility, members) = match request.visibility {
        Asked::Public if !request.members.is_empty() => {
            return Err(Refusal::invalid("`members`: only private rooms have members"));
        }
        Asked::Public => (Visibility::Public, Vec::new()),
        Asked::Private => (Visibility::Private, members(&call, request.members)?),
    };
    let about = About { title: title.into(), visibility, by: (*call.user.id).into(), at_ms: now_ms() };
    call.make(&name.into(), about, &members).await
}

/// Who asks becomes the owner, the others members.
fn members(call: &Call, ids: Vec<String>) -> Result<Vec<Member>, Refusal> {
    let settings = call.chat.settings();
    if ids.len() >= settings.limits.room_members {
        return Err(Refusal::limit(Code::TooLarge, Limit::RoomMembers, &settings.limits));
    }
    let mut members = vec![Member { id: call.user.id.clone(), name: call.user.name(), role: Role::Owner }];
    for id in ids {
        Call::user_id(&id)?;
        if members.iter().all(|member| *member.id != *id) {
            members.push(call.member(&id, Role::Member));
        }
    }
    Ok(members)
}

impl Call {
    /// Makes a room that nobody has made.
    pub(super) async fn make(&self, name: &Arc<str>, about: About, members: &[Member]) -> Answered {
        match self.chat.rooms().create(name, &about, members).await? {
            Created::Made => {}
            Created::Exists => {
                let message = "there is a room of this name: join it, or choose another name";
                return Err(Refusal::new(Code::Conflict, message));
            }
            Created::Full(limit) => return Err(self.full(limit)),
        }
        self.chat.listing().outdate().await;
        let room = keep(&self.chat, name, about)?;
        self.tell_members(&room, members);
        Ok(Some(emit::text(&json!({ "ok": true, "room": Shown::new(&room) }))))
    }

    /// Tells the members of a new room of it. Who made it has the answer.
    pub(super) fn tell_members(&self, room: &Room, members: &[Member]) {
        let others: Vec<_> =
            members.iter().filter(|member| member.id != self.user.id).map(|member| member.id.clone()).collect();
        notice::tell(&self.chat, room, &others, Some(Role::Member), &self.user);
    }

    /// A bound of the store is reached.
    pub(super) fn full(&self, limit: Limit) -> Refusal {
        Refusal::limit(Code::Unavailable, limit, &self.chat.settings().limits)
    }

    /// The id of a user may be of anybody, here or not.
    pub(super) fn user_id(id: &str) -> Result<(), Refusal> {
        if id.is_empty() || id.len() > USER_BYTES_MAX || id.chars().any(char::is_control) {
            return Err(Refusal::invalid(format!(
                "the id of a user has 1 to {USER_BYTES_MAX} bytes, no control characters"
            )));
        }
        Ok(())
    }

    /// A member to be, by the name that is known here.
    pub(super) fn member(&self, id: &str, role: Role) -> Member {
        let name = self.chat.users().name_of(id).unwrap_or_else(|| id.into());
        Member { id: id.into(), name, role }
    }
}

/// The longest id of a user.
const USER_BYTES_MAX: usize = 256;
