//! `dm`: the private room of two, the same one whoever of them asks.

use super::{Answered, Call, Shown};
use crate::emit;
use crate::refusal::Refusal;
use crate::rooms::find::{ask, keep, no_such_room, now_ms};
use crate::rooms::{About, Created, PAIR, Role, Visibility};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Dm {
    user: String,
}

pub(super) async fn dm(call: Arc<Call>, request: Dm) -> Answered {
    Call::user_id(&request.user)?;
    if *request.user == *call.user.id {
        return Err(Refusal::invalid("`user`: a room of two needs somebody else"));
    }
    let name: Arc<str> = name(&call.user.id, &request.user).into();
    let room = match ask(&call.chat, &name, &call.user.id).await? {
        Some(found) if found.role.is_none() => return Err(no_such_room()),
        Some(found) => found.room,
        None => {
            let members = [call.member(&call.user.id, Role::Member), call.member(&request.user, Role::Member)];
            let title = format!("{}, {}", members[0].name, members[1].name).into();
            let by = (*call.user.id).into();
            let about = About { title, visibility: Visibility::Private, by, at_ms: now_ms() };
            match call.chat.rooms().create(&name, &about, &members).await? {
                Created::Made => {
                    let room = keep(&call.chat, &name, about)?;
                    call.tell_members(&room, &members);
                    room
                }
                // The other one was faster.
                Created::Exists => ask(&call.chat, &name, &call.user.id).await?.ok_or_else(no_such_room)?.room,
                Created::Full(limit) => return Err(call.full(limit)),
            }
        }
    };
    Ok(Some(emit::text(&json!({ "ok": true, "room": Shown::new(&room) }))))
}

/// Of both ids, whatever their order and length.
fn name(one: &str, other: &str) -> String {
    let (first, second) = (one.min(other), one.max(other));
    let mut digest = Sha256::new();
    digest.update((first.len() as u64).to_be_bytes());
    digest.update(first);
    digest.update(second);
    format!("{PAIR}{}", BASE64_URL_SAFE_NO_PAD.encode(&digest.finalize()[..15]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_the_two() {
        assert_eq!(name("ann", "ben"), name("ben", "ann"));
        assert_ne!(name("ann", "ben"), name("annb", "en"));
        assert_eq!(name("ann", "ben").len(), PAIR.len() + 20);
    }
}
