//! Tells rooms who is there, at most once a second each; large rooms more rarely, and only their number. Tells the other servers in the same
//! rhythm, and sees to it that they can know.

use crate::chat::Chat;
use crate::presence::{Others, Voice};
use crate::room::Room;
use crate::volatile::{self, Kind};
use serde_json::json;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often rooms are told.
pub const EVERY: Duration = Duration::from_secs(1);

/// Large rooms are told every so many times.
const LARGE_EVERY: u32 = 5;

/// What was said is renewed in the store every so many times; it has to be well within [`KEPT_FOR`].
const RENEW_EVERY: u32 = 10;

/// How long the store keeps what is not renewed.
pub const KEPT_FOR: Duration = Duration::from_secs(30);

/// What other servers say of a room is read every so many times, in case a word of theirs got lost.
const READ_EVERY: u64 = 30;

/// Renewals under way or waiting to be looked at.
const RENEWALS_MAX: usize = 4;

/// Announces so often, until it is dropped.
pub async fn run(chat: Arc<Chat>, every: Duration) {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (renewed, mut lost) = mpsc::channel(RENEWALS_MAX);
    let mut voice = Voice::default();
    let mut round = 0_u32;
    loop {
        interval.tick().await;
        round = round.wrapping_add(1);
        if let Some(others) = chat.servers().others() {
            // Before anything is said in this round: what was said in the last one has arrived by now.
            keep_up(&chat, others, &mut voice, round, &renewed, &mut lost);
        }
        for room in chat.take_changed() {
            announce(&chat, &mut voice, &room, round).await;
        }
    }
}

/// Parts of the store that have lost what was said.
type Lost = Vec<u16>;

/// Sees to it that the store holds what was said, and that what the others say is read now and then.
fn keep_up(
    chat: &Arc<Chat>,
    others: &Others,
    voice: &mut Voice<Arc<Room>>,
    round: u32,
    renewed: &mpsc::Sender<Lost>,
    lost: &mut mpsc::Receiver<Lost>,
) {
    while let Ok(parts) = lost.try_recv() {
        repeat(chat, others, voice, parts);
    }
    read_some(chat, others, voice, round);
    if !round.is_multiple_of(RENEW_EVERY) {
        return;
    }
    if let Ok(permit) = renewed.clone().try_reserve_owned() {
        let (chat, sums) = (chat.clone(), voice.sums(|room| others.store().part_of(room)));
        tokio::spawn(async move {
            if let Some(others) = chat.servers().others() {
                permit.send(others.store().renew(sums).await);
            }
        });
    }
}

async fn announce(chat: &Arc<Chat>, voice: &mut Voice<Arc<Room>>, room: &Arc<Room>, round: u32) {
    if room.presence.lock().wants_names() {
        let users = chat.users().in_room(room);
        room.presence.lock().name(users);
    }
    let (large, together, to_say) = {
        let mut presence = room.presence.lock();
        presence.due = false;
        (presence.is_large(), presence.together(), presence.to_say())
    };
    if large && !round.is_multiple_of(LARGE_EVERY) {
        // Its turn comes; until then it stays on the list.
        chat.announce(room);
        return;
    }
    if let Some(others) = chat.servers().others()
        && let Some(said) = voice.say(room.name(), room, to_say)
    {
        // Who hears of it can read it.
        others.store().write(room.name(), &said);
        volatile::to_others(chat, room, Kind::Presence, said.encode());
    }
    let mut event = json!({ "room": room.name(), "online": together.online });
    if let Some(names) = together.names {
        event["users"] = json!(names);
    }
    let sent = volatile::to_room(chat, room, Kind::Presence.name(), &event, None).await;
    // Who has just come, or is slow, may not have been live: what is shown last has to be right.
    let everybody = sent >= room.stays() as usize;
    if room.presence.lock().tells_again(hash_of(&event), everybody) {
        chat.announce(room);
    }
}

fn hash_of(event: &serde_json::Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    event.hash(&mut hasher);
    hasher.finish()
}

/// Has those rooms read whose turn it is.
fn read_some(chat: &Arc<Chat>, others: &Others, voice: &Voice<Arc<Room>>, round: u32) {
    for (name, room) in voice.rooms() {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        if hasher.finish() % READ_EVERY == u64::from(round) % READ_EVERY {
            others.ask(chat, room);
        }
    }
}

/// Says again what the store has lost.
fn repeat(chat: &Chat, others: &Others, voice: &mut Voice<Arc<Room>>, parts: Lost) {
    for part in parts {
        let is_of_part = |name: &str| others.store().part_of(name) == part;
        let words = voice.repeat(is_of_part, |room| room.presence.lock().to_say());
        others.store().replace(part, &words);
        chat.metrics().volatile.repeats.inc();
    }
}
