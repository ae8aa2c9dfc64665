//! Serves what other servers told a room.

use super::signal::decode;
use super::{Envelope, Kind, Receipt, Typing, to_room};
use crate::chat::Chat;
use crate::room::{Room, Said};
use std::sync::Arc;

/// Serves a word of another server to the members here.
pub async fn serve(chat: &Arc<Chat>, room: &Arc<Room>, envelope: Envelope) {
    let Envelope { kind, origin, payload } = envelope;
    let known = match kind {
        Kind::Typing => {
            let typing = decode(&payload, room.name(), |it: &Typing| &it.room);
            if let Some(typing) = &typing {
                to_room(chat, room, kind.name(), typing, None).await;
            }
            typing.is_some()
        }
        Kind::Receipt => {
            let receipt = decode(&payload, room.name(), |it: &Receipt| &it.room);
            if let Some(receipt) = &receipt {
                room.receipts.lock().read(&receipt.user.id, receipt.position);
                to_room(chat, room, kind.name(), receipt, None).await;
            }
            receipt.is_some()
        }
        Kind::Presence => {
            let said = Said::decode(&payload);
            let known = said.is_some();
            let news = said.is_some_and(|said| {
                let mut presence = room.presence.lock();
                // Under this lock: a server that is gone is taken out under it, too. One that is not known yet is read when it is.
                chat.servers().others().is_some_and(|others| others.has(origin)) && presence.hear(origin, said)
            });
            if news {
                chat.announce(room);
            }
            known
        }
        // Not on the channel of a room.
        Kind::Room => false,
    };
    let metrics = &chat.metrics().volatile;
    if known {
        metrics.received(kind);
    } else {
        metrics.foreign.inc();
    }
}
