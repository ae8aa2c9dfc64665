//! `room`: what a user is told wherever the user is connected, about a private room that has become the user's, is so in another role, or no longer is.
//!
//! Who is in the room reads of the change in its log, at its place. This is for the others, above all for those who were invited and cannot know of the
//! room yet. It is told once, to the connections that there are: whoever comes later finds the room in `rooms`.
//!
//! A server does not know where a user is connected. So it tells all of them, on a few channels of the log that are no rooms and that every server follows.

use crate::chat::Chat;
use crate::emit;
use crate::room::{Named, Room};
use crate::rooms::{Role, Visibility};
use crate::user::User;
use crate::volatile::{Envelope, Kind};
use chat_log::{Follower, Hint, Watch};
use chat_socket::Socket;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Weak};
use tokio::sync::mpsc;

/// Over how many channels, and so over how many masters of the log, all of this is spread.
const CHANNELS: u64 = 16;

/// Notices of other servers that may wait to be served.
const WAITING_MAX: usize = 1024;

/// Users whom one notice names.
const USERS_MAX: usize = 64;

/// What is longer than this was not written by us: the users' ids, a title, two names.
const BYTES_MAX: usize = 64 * 1024;

/// A change of what a room is to some users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    users: Vec<Arc<str>>,
    event: Event,
}

/// The event, as clients get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Event {
    room: Arc<str>,
    title: Box<str>,
    visibility: Visibility,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    from: Named,
}

/// Tells these users, here and elsewhere, what they are in a room now, and who made them so.
pub fn tell(chat: &Arc<Chat>, room: &Room, users: &[Arc<str>], role: Option<Role>, from: &Arc<User>) {
    let about = room.about();
    for users in users.chunks(USERS_MAX) {
        let event = Event {
            room: room.name().clone(),
            title: about.title.clone(),
            visibility: about.visibility,
            role,
            from: from.into(),
        };
        let notice = Notice { users: users.to_vec(), event };
        if chat.servers().others().is_some() {
            let payload = emit::text(&notice).into();
            let envelope = Envelope { kind: Kind::Room, origin: chat.servers().own(), payload }.encode();
            chat.metrics().volatile.published(Kind::Room, envelope.len());
            chat.log().publish(&channel_of(room.name()), envelope);
        }
        notice.serve(chat);
    }
}

/// Serves what other servers tell, until it is dropped.
pub async fn run(chat: Arc<Chat>) {
    let (sender, mut notices) = mpsc::channel(WAITING_MAX);
    let follower = Arc::new(Following { chat: Arc::downgrade(&chat), sender });
    let _watches: Vec<Watch> =
        (0..CHANNELS).map(|number| chat.log().watch(&channel(number), follower.clone())).collect();
    while let Some(Envelope { payload, .. }) = notices.recv().await {
        let notice = if payload.len() <= BYTES_MAX { serde_json::from_slice::<Notice>(&payload).ok() } else { None };
        match notice {
            Some(notice) => {
                chat.metrics().volatile.received(Kind::Room);
                notice.serve(&chat);
            }
            None => chat.metrics().volatile.foreign.inc(),
        }
    }
}

/// The name of a channel. No room has it: the names of rooms hold no control characters.
fn channel(number: u64) -> Arc<str> {
    format!("\u{1}users-{number}").into()
}

fn channel_of(room: &str) -> Arc<str> {
    let mut hasher = DefaultHasher::new();
    room.hash(&mut hasher);
    channel(hasher.finish() % CHANNELS)
}

/// Takes what other servers tell.
struct Following {
    chat: Weak<Chat>,
    sender: mpsc::Sender<Envelope>,
}

impl Follower for Following {
    fn hint(&self, hint: Hint) {
        let Some(chat) = self.chat.upgrade() else { return };
        match hint {
            Hint::Volatile(bytes) => match Envelope::decode(&bytes) {
                Some(envelope) if envelope.origin == chat.servers().own() => {}
                // The log's locks are held: connections are served by the task.
                Some(envelope) if envelope.kind == Kind::Room => {
                    if self.sender.try_send(envelope).is_err() {
                        chat.metrics().volatile.overrun.inc();
                    }
                }
                Some(_) | None => chat.metrics().volatile.foreign.inc(),
            },
            // Nobody appends here, and what was missed is found in `rooms`.
            Hint::Entry(_) | Hint::Disturbed => {}
        }
    }
}

impl Notice {
    /// Sends the event to the connections that the users have here.
    fn serve(&self, chat: &Arc<Chat>) {
        let argument = emit::text(&self.event);
        for user in self.users.iter().filter_map(|id| chat.users().find(id)) {
            for socket in user.connections() {
                send(chat, &socket, &user, &argument);
            }
        }
    }
}

/// Sends the event with an offset that says nothing of any room. One who does not read has to look for it: it is not worth a place beyond the bound.
fn send(chat: &Chat, socket: &Socket<Chat>, user: &Arc<User>, argument: &str) {
    let mut guard = socket.lock();
    let is_here = guard.app().user.as_ref().is_some_and(|here| Arc::ptr_eq(here, user));
    let Some(session) = guard.app().session.as_ref().filter(|_| is_here) else { return };
    let offset = session.pid().is_some().then(|| {
        let mut offset = Vec::new();
        session.own_offset(&mut offset);
        String::from_utf8_lossy(&offset).into_owned()
    });
    if guard.fits(argument.len()) {
        emit::written(&mut guard, Kind::Room.name(), argument, offset.as_deref());
    } else {
        chat.metrics().volatile_dropped.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_read_as_it_was_written_and_its_event_is_what_is_documented() {
        let event = Event {
            room: "den".into(),
            title: "The den".into(),
            visibility: Visibility::Private,
            role: Some(Role::Reader),
            from: Named { id: "ann".into(), name: "Ann".into() },
        };
        let notice = Notice { users: vec!["ben".into()], event };
        let text = emit::text(&notice);
        assert_eq!(serde_json::from_str::<Notice>(&text).ok(), Some(notice.clone()));
        let expected = r#"{"room":"den","title":"The den","visibility":"private","role":"reader","from":{"id":"ann","name":"Ann"}}"#;
        assert_eq!(emit::text(&notice.event), expected);
        let gone = Event { role: None, ..notice.event };
        assert!(!emit::text(&gone).contains("role"));
    }

    #[test]
    fn every_room_has_a_channel_that_is_followed() {
        let followed: Vec<_> = (0..CHANNELS).map(channel).collect();
        assert!(["den", "", "dm:x"].iter().all(|room| followed.contains(&channel_of(room))));
    }
}
