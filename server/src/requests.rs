//! What clients ask: one file an event or a kind of events, all answered in the same way.

mod create;
mod dm;
mod entries;
mod history;
mod join;
mod leave;
mod members;
mod order;
mod read;
mod rooms;
mod send;
mod typing;

pub use entries::Referring;

use crate::allowance::Quota;
use crate::chat::Chat;
use crate::emit;
use crate::refusal::{Code, Refusal};
use crate::room::Room;
use crate::rooms::access::Action;
use crate::rooms::find::{Found, find, no_such_room};
use crate::rooms::{About, Visibility};
use crate::user::User;
use chat_log::Position;
use chat_session::JoinNumber;
use chat_settings::Limit;
use chat_socket::{Ack, Event, Handling, Lanes, Socket};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// The events that clients may send: the label of their counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Begin a stay.
    Join,
    /// End it.
    Leave,
    /// Append an entry.
    Send,
    /// Change one's own.
    Edit,
    /// Take it back.
    Delete,
    /// Put an emoji on one.
    React,
    /// Read a page.
    History,
    /// Tell that one types.
    Typing,
    /// Tell how far one has read.
    Read,
    /// List rooms.
    Rooms,
    /// Make one.
    Create,
    /// Make a private room with one other.
    Dm,
    /// Make somebody a member of a private room.
    Invite,
    /// Put somebody out of it.
    Kick,
    /// Change what somebody may do in it.
    Role,
    /// List its members.
    Members,
    /// Anything else.
    Unknown,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Join,
        Self::Leave,
        Self::Send,
        Self::Edit,
        Self::Delete,
        Self::React,
        Self::History,
        Self::Typing,
        Self::Read,
        Self::Rooms,
        Self::Create,
        Self::Dm,
        Self::Invite,
        Self::Kick,
        Self::Role,
        Self::Members,
        Self::Unknown,
    ];

    /// Its text on the wire and in metrics.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Send => "send",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::React => "react",
            Self::History => "history",
            Self::Typing => "typing",
            Self::Read => "read",
            Self::Rooms => "rooms",
            Self::Create => "create",
            Self::Dm => "dm",
            Self::Invite => "invite",
            Self::Kick => "kick",
            Self::Role => "role",
            Self::Members => "members",
            Self::Unknown => "unknown",
        }
    }

    fn of(text: &str) -> Self {
        Self::ALL.into_iter().find(|name| name.text() == text).unwrap_or(Self::Unknown)
    }
}

/// A request under way.
pub struct Call {
    /// The server.
    pub chat: Arc<Chat>,
    /// The connection that asks.
    pub socket: Arc<Socket<Chat>>,
    /// Who asks.
    pub user: Arc<User>,
    /// Which event.
    pub name: Name,
    /// Present where an answer is wanted.
    pub ack: Option<Ack>,
}

/// Handles an event.
pub fn handle(chat: &Arc<Chat>, socket: &Arc<Socket<Chat>>, event: &Event<'_>) -> Handling {
    let Some(user) = socket.lock().app().user.clone() else { return Handling::Done };
    let name = Name::of(event.name);
    let call = Call { chat: chat.clone(), socket: socket.clone(), user, name, ack: event.ack };
    let settings = chat.settings();
    let limits = &settings.limits;
    let (allowance, burst, per_second, limit) = match name {
        Name::Send | Name::Edit | Name::Delete | Name::React => {
            (&call.user.sends, limits.send_burst, limits.send_per_second, Limit::SendRate)
        }
        Name::Typing | Name::Read => {
            (&call.user.signs, limits.typing_per_second, limits.typing_per_second, Limit::TypingRate)
        }
        Name::Join
        | Name::Leave
        | Name::History
        | Name::Rooms
        | Name::Create
        | Name::Dm
        | Name::Invite
        | Name::Kick
        | Name::Role
        | Name::Members
        | Name::Unknown => {
            (&call.user.requests, limits.requests_per_second * 10, limits.requests_per_second, Limit::RequestRate)
        }
    };
    let quota = Quota::new(burst as u32, per_second as u32);
    if let Err(wait) = allowance.take(quota, chat.now()) {
        call.refuse(&Refusal::rate(limit, limits, wait));
        return Handling::Done;
    }
    let argument = match event.arguments {
        [argument] if event.attachments.is_empty() => *argument,
        _ => {
            call.refuse(&Refusal::invalid(format!("`{}` takes one object", name.text())));
            return Handling::Done;
        }
    };
    match name {
        Name::Join => call.run(argument, |join| order::stay(&join.room), join::join),
        Name::Leave => call.run(argument, |leave| order::stay(&leave.room), leave::leave),
        Name::Send => call.run(argument, |send| order::within(&send.room), send::send),
        Name::Edit => call.run(argument, |edit| order::within(&edit.room), entries::edit),
        Name::Delete => call.run(argument, |delete| order::within(&delete.room), entries::delete),
        Name::React => call.run(argument, |react| order::within(&react.room), entries::react),
        Name::History => call.run(argument, |history| order::within(&history.room), history::history),
        Name::Typing => call.run(argument, |typing| order::within(&typing.room), typing::typing),
        Name::Read => call.run(argument, |read| order::within(&read.room), read::read),
        Name::Rooms => call.run(argument, |_| order::list(), rooms::rooms),
        Name::Create => call.run(argument, |create| order::create(create.room.as_deref()), create::create),
        Name::Dm => call.run(argument, |_| order::create(None), dm::dm),
        Name::Invite => call.run(argument, |invite| order::within(&invite.room), members::invite),
        Name::Kick => call.run(argument, |kick| order::within(&kick.room), members::kick),
        Name::Role => call.run(argument, |role| order::within(&role.room), members::role),
        Name::Members => call.run(argument, |members| order::within(&members.room), members::members),
        Name::Unknown => {
            let known: Vec<_> = Name::ALL.iter().map(|name| name.text()).take(Name::ALL.len() - 1).collect();
            call.refuse(&Refusal::invalid(format!("unknown event: the events are {}", known.join(", "))));
            Handling::Done
        }
    }
}

/// What a handler returns: the answer's fields, or nothing where it has answered in its place among other events.
pub type Answered = Result<Option<String>, Refusal>;

impl Call {
    /// Parses the argument and lets the handler go on with it, in its place among the client's requests.
    fn run<T, F>(
        self,
        argument: &RawValue,
        lanes: impl FnOnce(&T) -> Lanes,
        handler: impl FnOnce(Arc<Self>, T) -> F,
    ) -> Handling
    where
        T: DeserializeOwned,
        F: Future<Output = Answered> + Send + 'static,
    {
        let mut json = serde_json::Deserializer::from_str(argument.get());
        let request = match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Ok(request) => request,
            Err(error) => {
                let path = error.path().to_string();
                let at = if path == "." { String::new() } else { format!("`{path}`: ") };
                self.refuse(&Refusal::invalid(format!("{at}{}", without_place(&error.into_inner().to_string()))));
                return Handling::Done;
            }
        };
        let (call, lanes) = (Arc::new(self), lanes(&request));
        let running = handler(call.clone(), request);
        Handling::within(lanes, async move {
            match running.await {
                Ok(Some(answer)) => call.answer(&answer),
                Ok(None) => call.chat.metrics().request(call.name, Ok(())),
                Err(refusal) => call.refuse(&refusal),
            }
        })
    }

    /// Answers with success; `fields` is a JSON object.
    pub fn answer(&self, fields: &str) {
        self.chat.metrics().request(self.name, Ok(()));
        if let Some(ack) = self.ack {
            self.socket.lock().acknowledge(ack, &[fields]);
        }
    }

    /// Answers with an error, and counts it.
    pub fn refuse(&self, refusal: &Refusal) {
        self.chat.metrics().request(self.name, Err(refusal.code));
        if let Some(limit) = refusal.limit {
            self.chat.metrics().limit(limit);
            if limit == Limit::SendRate {
                // Nobody meets the rate before the burst is used up.
                self.chat.metrics().limit(Limit::SendBurst);
            }
        }
        if let Some(ack) = self.ack {
            let answer = emit::text(&serde_json::json!({ "ok": false, "error": refusal }));
            self.socket.lock().acknowledge(ack, &[&answer]);
        }
    }

    /// The room of this name, in which the session has to be.
    pub fn member_of(&self, room: &str) -> Result<(Arc<Room>, JoinNumber), Refusal> {
        let mut guard = self.socket.lock();
        let stay = guard.app().session.as_ref().and_then(|session| session.stay_in(room));
        let stay = stay.map(|stay| (stay.room.clone(), stay.join));
        stay.ok_or_else(|| Refusal::new(Code::Forbidden, "not a member of this room: join it first"))
    }

    /// The room of this name, if there is one and the user may do this in it.
    pub async fn room(&self, room: &str, action: Action) -> Result<Found, Refusal> {
        let found = find(&self.chat, room, &self.user.id).await?.ok_or_else(no_such_room)?;
        found.may(action)?;
        Ok(found)
    }

    /// The same for a room in which the session has to be.
    pub async fn member_who(&self, room: &str, action: Action) -> Result<Arc<Room>, Refusal> {
        let (room, _) = self.member_of(room)?;
        // What is said in a private room is not to be said in a public one that has taken its name.
        if room.is_private() && !self.room(room.name(), action).await?.room.is_private() {
            return Err(no_such_room());
        }
        Ok(room)
    }

    /// A name that a room may have: within its length, no control characters, no space at its ends.
    pub fn room_name(&self, name: &str) -> Result<(), Refusal> {
        let settings = self.chat.settings();
        let limits = &settings.limits;
        if name.len() > limits.room_bytes {
            return Err(Refusal::limit(Code::TooLarge, Limit::RoomName, limits));
        }
        if name.is_empty() || name.trim() != name || name.chars().any(char::is_control) {
            return Err(Refusal::invalid(
                "`room`: a name needs at least one character, no control characters, and no space at its ends",
            ));
        }
        Ok(())
    }
}

/// The error's text without the line and column, of which a request has only one.
fn without_place(error: &str) -> &str {
    error.rsplit_once(" at line ").map_or(error, |(text, _)| text)
}

/// A room, as answers show it.
#[derive(Serialize)]
pub struct Shown<'a> {
    room: &'a str,
    title: &'a str,
    visibility: Visibility,
}

impl<'a> Shown<'a> {
    /// Shows a room.
    pub fn new(room: &'a Room) -> Self {
        Self::of(room.name(), room.about())
    }

    /// Shows a room that is known as this.
    pub fn of(room: &'a str, about: &'a About) -> Self {
        Self { room, title: &about.title, visibility: about.visibility }
    }
}

/// A position in a request: a string `<epoch>-<n>`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct At(pub Position);

impl TryFrom<String> for At {
    type Error = chat_log::BadPosition;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}
