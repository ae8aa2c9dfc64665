//! Carries out what a session decided: events and answers into the outbox, stays in and out of their rooms.

use crate::chat::Chat;
use crate::connection::{Behind, chunk_of};
use crate::emit;
use crate::feeder;
use crate::refusal::Refusal;
use crate::requests::{Answered, Call};
use crate::room::Room;
use crate::user::User;
use chat_log::Position;
use chat_session::{Effect, Failed, Follow, JoinNumber, Stay};
use chat_socket::{CloseReason, Guard, Socket};
use std::sync::Arc;

/// Stops the live delivery of the stay in a room, if there is one, and leaves the connection locked: until the guard is
/// dropped, nothing more of that stay is sent.
pub fn halt<'a>(socket: &'a Arc<Socket<Chat>>, room: &str) -> Guard<'a, Chat> {
    loop {
        let mut guard = socket.lock();
        let stay = guard.app().session.as_ref().and_then(|session| session.stay_in(room));
        let live = stay.and_then(|stay| Some((stay.room.clone(), stay.join, chunk_of(stay.place)?)));
        let Some((room, join, place)) = live else {
            if let Some(join) = stay.map(|stay| stay.join) {
                guard.app().not_behind(join);
            }
            return guard;
        };
        drop(guard);
        // The chunk comes before the connection in the order of locks.
        let Some(chunk) = room.group().chunk(place) else { continue };
        let mut chunk = chunk.lock();
        if chunk.remove(socket)
            && let Some(session) = &mut socket.lock().app().session
        {
            session.set_place(join, 0);
        }
    }
}

/// Stops the live delivery of all stays for good, and leaves the connection locked. Each stay is behind then, at its place.
pub fn halt_all(socket: &Arc<Socket<Chat>>) -> Guard<'_, Chat> {
    loop {
        let mut guard = socket.lock();
        guard.app().leaving = true;
        let stays = guard.app().session.as_ref().map_or(&[][..], |session| session.stays());
        let live = stays.iter().find_map(|stay| Some((stay.room.clone(), stay.join, chunk_of(stay.place)?)));
        let Some((room, join, place)) = live else { return guard };
        drop(guard);
        // The chunk comes before the connection in the order of locks.
        let Some(chunk) = room.group().chunk(place) else { continue };
        let mut chunk = chunk.lock();
        if chunk.remove(socket) {
            socket.lock().app().fall_behind(Behind::at(room, join, chunk.head));
        }
    }
}

/// The position up to which a stay was sent everything.
pub fn position(socket: &Arc<Socket<Chat>>, join: JoinNumber) -> Option<Position> {
    use crate::connection::Place;
    let (room, place) = {
        let mut guard = socket.lock();
        if let Some(behind) = guard.app().behind.iter().find(|behind| behind.join == join) {
            return Some(match behind.at {
                Place::Known(at) => at.at,
                Place::Claimed { claim, .. } => claim,
            });
        }
        let stay = guard.app().session.as_ref()?.stay(join)?;
        (stay.room.clone(), stay.place)
    };
    let chunk = room.group().chunk(chunk_of(place)?)?;
    let head = chunk.lock().head;
    Some(head)
}

/// Carries out what became of a request to join or leave. `done` is its answer, which takes its place among the events.
pub fn stay(
    call: &Call,
    guard: &mut Guard<'_, Chat>,
    effects: Vec<Effect<Arc<Room>>>,
    done: impl Fn() -> String,
) -> Answered {
    for effect in effects {
        match effect {
            Effect::Joined { room, from, offset } => {
                arrive(&call.chat, &call.user, &room, from);
                emit::joined(guard, &room, from, offset.as_deref());
            }
            Effect::Ack => {
                if let Some(ack) = call.ack {
                    guard.acknowledge(ack, &[&done()]);
                }
            }
            Effect::Nack => return Err(Refusal::from(Failed::Refused)),
            Effect::Follow(stay) => follow(&call.chat, &call.socket, guard, stay),
            Effect::Unfollow(stay) => unfollow(&call.chat, guard, &call.user, &stay),
            Effect::Close(failed) => {
                guard.close(closing(failed));
                return Err(Refusal::from(failed));
            }
            // Of the connect alone.
            Effect::Reply { .. } | Effect::Ready { .. } => {}
        }
    }
    Ok(None)
}

/// Why a connection ends whose session is over here.
pub fn closing(failed: Failed) -> CloseReason {
    match failed {
        Failed::Fenced => CloseReason::TakenOver,
        Failed::Refused | Failed::Unknown | Failed::Gone => CloseReason::Server,
    }
}

/// A stay begins: the room has one more.
pub fn arrive(chat: &Arc<Chat>, user: &Arc<User>, room: &Arc<Room>, since: Position) {
    room.enter(chat);
    let news = {
        // One step, since another connection of the user may be leaving.
        let mut presence = room.presence.lock();
        let news = user.enter(room, since);
        if news {
            presence.enter(user);
        }
        news
    };
    if news {
        chat.announce(room);
    }
}

/// Begins the delivery of a stay.
pub fn follow(chat: &Arc<Chat>, socket: &Arc<Socket<Chat>>, guard: &mut Guard<'_, Chat>, stay: Follow<Arc<Room>>) {
    guard.app().fall_behind(Behind::following(stay));
    feeder::wake(chat, socket, guard);
}

/// Ends the delivery of a stay that is not live.
pub fn unfollow(chat: &Arc<Chat>, guard: &mut Guard<'_, Chat>, user: &Arc<User>, stay: &Stay<Arc<Room>>) {
    guard.app().not_behind(stay.join);
    leave(chat, user, &stay.room);
}

/// A stay is over: the room has one less.
pub fn leave(chat: &Arc<Chat>, user: &Arc<User>, room: &Arc<Room>) {
    let news = {
        let mut presence = room.presence.lock();
        let news = user.exit(room);
        if news {
            presence.exit(user);
        }
        news
    };
    if news {
        chat.announce(room);
    }
    room.exit();
}
