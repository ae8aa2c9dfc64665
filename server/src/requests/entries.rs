//! `edit`, `delete` and `react`: entries that refer to another.

use super::{Answered, At, Call};
use crate::emit;
use crate::refusal::{Code, Refusal};
use crate::rooms::access::Action;
use crate::user::User;
use chat_log::{Entry, Position};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Edit {
    pub(super) room: String,
    id: String,
    of: At,
    text: String,
}

#[derive(Deserialize)]
pub(super) struct Delete {
    pub(super) room: String,
    id: String,
    of: At,
}

#[derive(Deserialize)]
pub(super) struct React {
    pub(super) room: String,
    id: String,
    of: At,
    emoji: String,
    #[serde(default)]
    remove: bool,
}

/// An entry that refers to another, as its author's request made it.
#[derive(Serialize)]
pub struct Referring<'a> {
    id: &'a str,
    from: &'a User,
    kind: &'a str,
    of: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove: Option<bool>,
}

/// What is looked at of an entry that is referred to.
#[derive(Deserialize)]
struct Kind<'a> {
    kind: &'a str,
}

/// The longest reaction, in bytes: the longest emoji sequences have about 40.
const EMOJI_BYTES_MAX: usize = 64;

pub(super) async fn edit(call: Arc<Call>, request: Edit) -> Answered {
    let Edit { room, id, of, text } = &request;
    call.text(text)?;
    if text.is_empty() {
        return Err(Refusal::invalid("`text`: there is nothing left: delete the message instead"));
    }
    let entry = call.referred(room, of.0).await?;
    call.own(&entry)?;
    let body = Referring { text: Some(text), ..call.referring(id, "edit", of.0) };
    call.append(room, id, emit::text(&body)).await
}

pub(super) async fn delete(call: Arc<Call>, request: Delete) -> Answered {
    let Delete { room, id, of } = &request;
    let entry = call.referred(room, of.0).await?;
    call.own(&entry)?;
    call.append(room, id, emit::text(&call.referring(id, "delete", of.0))).await
}

pub(super) async fn react(call: Arc<Call>, request: React) -> Answered {
    let React { room, id, of, emoji, remove } = &request;
    if emoji.is_empty() || emoji.len() > EMOJI_BYTES_MAX || emoji.chars().any(char::is_control) {
        return Err(Refusal::invalid(format!("`emoji`: 1 to {EMOJI_BYTES_MAX} bytes, no control characters")));
    }
    call.referred(room, of.0).await?;
    let body = Referring { emoji: Some(emoji), remove: remove.then_some(true), ..call.referring(id, "react", of.0) };
    call.append(room, id, emit::text(&body)).await
}

impl Call {
    /// The entry that is referred to: one that stands for itself.
    async fn referred(&self, room: &str, of: Position) -> Result<Arc<Entry>, Refusal> {
        let room = self.member_who(room, Action::Send).await?;
        let entry = self.chat.log().get(room.name(), of).await?;
        let entry = entry.ok_or_else(|| Refusal::not_found("`of`: there is no such entry any more"))?;
        let kind = serde_json::from_slice::<Kind<'_>>(&entry.body).map_or("", |body| body.kind);
        if matches!(kind, "edit" | "delete" | "react" | "invite" | "kick" | "role") {
            return Err(Refusal::invalid("`of`: refer to the message itself"));
        }
        Ok(entry)
    }

    fn own(&self, entry: &Entry) -> Result<(), Refusal> {
        if entry.author == self.user.id {
            Ok(())
        } else {
            Err(Refusal::new(Code::Forbidden, "only its author may change a message"))
        }
    }

    fn referring<'a>(&'a self, id: &'a str, kind: &'a str, of: Position) -> Referring<'a> {
        Referring { id, from: &self.user, kind, of: of.to_string(), text: None, emoji: None, remove: None }
    }
}
