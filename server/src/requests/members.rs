//! `invite`, `kick`, `role`, `members`: who is in a private room.
//!
//! A change is written to the room first, and then told in its log: there it ends, at one place for everybody, the stays of a member who was put out.
//! Asked once more, because there was no answer, it is told again under the same id, which the log takes once.

use super::{Answered, Call};
use crate::emit;
use crate::notice;
use crate::refusal::{Code, Refusal};
use crate::room::Room;
use crate::rooms::access::{Action, Denied, Role};
use crate::rooms::find::{Found, keep, no_such_room};
use crate::rooms::{Change, Changed};
use crate::user::User;
use chat_log::Append;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Invite {
    pub(super) room: String,
    user: String,
    role: Option<Role>,
}

#[derive(Deserialize)]
pub(super) struct Kick {
    pub(super) room: String,
    user: String,
}

#[derive(Deserialize)]
pub(super) struct ChangeRole {
    pub(super) room: String,
    user: String,
    role: Role,
}

#[derive(Deserialize)]
pub(super) struct Members {
    pub(super) room: String,
}

/// An entry that tells of a change.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    from: &'a User,
    kind: &'static str,
    user: Other<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
}

#[derive(Serialize)]
struct Other<'a> {
    id: &'a str,
    name: &'a str,
}

/// How often a change goes after somebody who was faster.
const TRIES_MAX: usize = 8;

const DONE: &str = r#"{"ok":true}"#;

pub(super) async fn invite(call: Arc<Call>, request: Invite) -> Answered {
    let role = request.role.unwrap_or(Role::Member);
    let decide = |old: Option<Role>| match old {
        None => Ok((Action::Invite(role), Some(role))),
        // Who is a member already stays as is.
        Some(old) => Ok((Action::Invite(role), Some(old))),
    };
    call.change(&request.room, &request.user, "invite", decide).await
}

pub(super) async fn kick(call: Arc<Call>, request: Kick) -> Answered {
    let own = *request.user == *call.user.id;
    let decide = |old: Option<Role>| {
        let action = if own { Action::Resign } else { Action::Kick(old.unwrap_or(Role::Reader)) };
        Ok((action, None))
    };
    call.change(&request.room, &request.user, "kick", decide).await
}

pub(super) async fn role(call: Arc<Call>, request: ChangeRole) -> Answered {
    let to = request.role;
    let decide = |old: Option<Role>| {
        let from = old.ok_or_else(|| Refusal::not_found("`user`: no member of this room: invite the user first"))?;
        Ok((Action::Promote { from, to }, Some(to)))
    };
    call.change(&request.room, &request.user, "role", decide).await
}

pub(super) async fn members(call: Arc<Call>, request: Members) -> Answered {
    let found = call.room(&request.room, Action::Read).await?;
    let mut members = call.chat.rooms().members(found.room.name()).await?;
    members.sort_by(|a, b| (b.role, &a.name, &a.id).cmp(&(a.role, &b.name, &b.id)));
    Ok(Some(emit::text(&json!({ "ok": true, "members": members }))))
}

impl Call {
    /// Changes a membership: `decide` says what to, and as which action it counts.
    async fn change(
        &self,
        room: &str,
        user: &str,
        kind: &'static str,
        decide: impl Fn(Option<Role>) -> Result<(Action, Option<Role>), Refusal>,
    ) -> Answered {
        Self::user_id(user)?;
        let name: Arc<str> = room.into();
        for _ in 0..TRIES_MAX {
            let access = self.chat.rooms().access(&name, &[&*self.user.id, user]).await?.ok_or_else(no_such_room)?;
            let [actor, old] = access.roles.as_slice() else { return Err(no_such_room()) };
            let (version, actor, old) = (access.version, *actor, *old);
            let found = Found { room: keep(&self.chat, &name, access.about)?, role: actor, read: None };
            // Who may not read the room does not learn who is in it, either.
            found.may(Action::Read)?;
            let (action, new) = decide(old)?;
            found.may(action)?;
            if *user == *self.user.id && old == Some(Role::Owner) && new != old {
                self.another_owner(&name).await?;
            }
            let member = self.member(user, Role::Reader);
            let version = if new == old {
                version
            } else {
                let change = Change { user: member.id.clone(), name: member.name.clone(), role: new };
                match self.chat.rooms().change(&name, version, &change).await? {
                    Changed::Done(version) => version,
                    Changed::Moved => continue,
                    Changed::Full(limit) => return Err(self.full(limit)),
                }
            };
            if version > 0 {
                let id = format!("{kind}:{version}:{user}");
                let user = Other { id: user, name: &member.name };
                let body = Body { id: &id, from: &self.user, kind, user, role: new };
                let told = self.tell(&found.room, &id, emit::text(&body)).await;
                // It is so, whether the room was told or not.
                notice::tell(&self.chat, &found.room, &[member.id], new, &self.user);
                told?;
            }
            return Ok(Some(DONE.to_owned()));
        }
        Err(Refusal::new(Code::Conflict, "the members change all the time: try again"))
    }

    async fn another_owner(&self, room: &Arc<str>) -> Result<(), Refusal> {
        let members = self.chat.rooms().members(room).await?;
        let other = members.iter().any(|member| member.role == Role::Owner && member.id != self.user.id);
        if other { Ok(()) } else { Err(Denied::LastOwner.into()) }
    }

    /// Appends what happened to the room. Nobody is its author, so that nobody can have taken its id.
    async fn tell(&self, room: &Room, id: &str, body: String) -> Result<(), Refusal> {
        let append = Append { room: room.name().clone(), author: "".into(), id: id.into(), body: body.into() };
        match self.chat.log().append(vec![append]).await.into_iter().next() {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => {
                Err(Refusal::new(Code::UnknownOutcome, "it is so, but was not told to all: ask again"))
            }
        }
    }
}
