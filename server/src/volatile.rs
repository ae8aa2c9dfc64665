//! Events that are worth nothing later: sent to those who have read everything before, dropped for the rest, and passed on between servers
//! on the room's channel.

mod envelope;
mod inbox;
mod receive;
mod signal;

pub use envelope::{Envelope, Kind};
pub use inbox::Inbox;
pub use receive::serve;
pub use signal::{Receipt, Typing};

use crate::chat::Chat;
use crate::emit;
use crate::room::Room;
use chat_socket::{Frame, Socket};
use serde::Serialize;
use std::sync::Arc;

/// Sends a volatile event to the live members of a room, but for `except`. The argument is an object, so that stock
/// clients do not take it for an offset. Answers how many were sent it.
pub async fn to_room(
    chat: &Arc<Chat>,
    room: &Arc<Room>,
    name: &str,
    argument: &impl Serialize,
    except: Option<&Arc<Socket<Chat>>>,
) -> usize {
    let frame = Frame::text(format!(r#"42["{name}",{}]"#, emit::text(argument)).as_bytes());
    let chunks = room.group().chunks();
    let many = chunks.len() > 1;
    let mut sent = 0;
    for chunk in chunks {
        let mut dropped = 0;
        for member in &chunk.lock().members {
            if except.is_some_and(|socket| Arc::ptr_eq(socket, &member.socket)) {
                continue;
            }
            let mut guard = member.socket.lock();
            if guard.is_drained() {
                guard.send(&frame);
                sent += 1;
            } else {
                dropped += 1;
            }
        }
        chat.metrics().volatile_dropped.inc_by(dropped);
        if many {
            tokio::task::yield_now().await;
        }
    }
    sent
}

/// Tells the other servers of a room something.
pub fn to_others(chat: &Arc<Chat>, room: &Arc<Room>, kind: Kind, payload: String) {
    if chat.servers().others().is_none() {
        return;
    }
    let envelope = Envelope { kind, origin: chat.servers().own(), payload: payload.into() }.encode();
    chat.metrics().volatile.published(kind, envelope.len());
    chat.log().publish(room.name(), envelope);
}
