//! Tells rooms who is there, at most once a second each; large rooms more rarely, and only their number.

use crate::chat::Chat;
use crate::room::NAMES_MAX;
use crate::volatile;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How often rooms are told.
const EVERY: Duration = Duration::from_secs(1);

/// Rooms above [`NAMES_MAX`] are told every so many times.
const LARGE_EVERY: u32 = 5;

/// Announces until it is dropped.
pub async fn run(chat: Arc<Chat>) {
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut round = 0_u32;
    loop {
        interval.tick().await;
        round = round.wrapping_add(1);
        for room in chat.take_changed() {
            if room.presence.lock().wants_names() {
                let users = chat.users().in_room(&room);
                room.presence.lock().name(users);
            }
            let (online, users) = {
                let mut presence = room.presence.lock();
                presence.due = false;
                (presence.online(), presence.users())
            };
            if online > NAMES_MAX && !round.is_multiple_of(LARGE_EVERY) {
                // Its turn comes; until then it stays on the list.
                chat.announce(&room);
                continue;
            }
            let mut event = json!({ "room": room.name(), "online": online });
            if let Some(users) = users {
                event["users"] = users.iter().map(|user| json!(**user)).collect();
            }
            volatile::to_room(&chat, &room, "presence", &event, None).await;
        }
    }
}
