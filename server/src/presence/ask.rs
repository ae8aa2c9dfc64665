//! Reading from the store what the other servers say, where words may have been missed: of a room that is followed anew, after a
//! disturbance, when a server appears, and of every room now and then.
//!
//! One task a part of the store, there only while it has something to read, so that a part that does not answer holds up no other.

use super::{Boots, Others};
use crate::chat::Chat;
use crate::cluster::View;
use crate::room::Room;
use chat_socket::Boot;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How many rooms are read at once.
const ROOMS_AT_ONCE: usize = 64;

/// How long to wait before a part that did not answer is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// How long what was read of a room that is not followed is good enough.
const FRESH: Duration = Duration::from_secs(10);

/// How long a request waits for presence, which is not what it is about.
const PATIENCE: Duration = Duration::from_millis(250);

impl Others {
    /// Has a room read. May be called with locks of the log held.
    pub fn ask(&self, chat: &Arc<Chat>, room: &Arc<Room>) {
        let part = self.store.part_of(room.name());
        let first = {
            let mut questions = self.questions.lock();
            let first = !questions.contains_key(&part);
            questions.entry(part).or_default().insert(room.name().clone(), room.clone());
            first
        };
        if first {
            let chat = chat.clone();
            tokio::spawn(async move {
                if let Some(others) = chat.servers().others() {
                    others.read_part(&chat, part).await;
                }
            });
        }
    }

    /// Reads until there is nothing more to read of this part.
    async fn read_part(&self, chat: &Arc<Chat>, part: u16) {
        while let Some(rooms) = self.next(part) {
            if !self.read(chat, &rooms).await {
                tokio::time::sleep(RETRY).await;
                let mut questions = self.questions.lock();
                let still = rooms.into_iter().filter(|room| room.stays() > 0);
                questions.entry(part).or_default().extend(still.map(|room| (room.name().clone(), room)));
            }
        }
    }

    fn next(&self, part: u16) -> Option<Vec<Arc<Room>>> {
        let mut questions = self.questions.lock();
        let waiting = questions.get_mut(&part)?;
        let names: Vec<_> = waiting.keys().take(ROOMS_AT_ONCE).cloned().collect();
        let rooms: Vec<_> = names.iter().filter_map(|name| waiting.remove(name)).collect();
        if rooms.is_empty() {
            questions.remove(&part);
            return None;
        }
        Some(rooms)
    }

    /// Reads rooms of one part. `false` if there was no answer.
    async fn read(&self, chat: &Arc<Chat>, rooms: &[Arc<Room>]) -> bool {
        let boots = self.boots();
        let asked: Vec<_> = rooms.iter().map(|room| room.presence.lock().ask(room.name(), &boots)).collect();
        // With no other server there is nothing to read; what is known of those that are gone still goes.
        let kept = if boots.is_empty() {
            vec![Vec::new(); rooms.len()]
        } else {
            let Ok(kept) = self.store.read(&boots, &asked).await else {
                chat.metrics().volatile.reads_failed.inc();
                return false;
            };
            chat.metrics().volatile.reads.inc();
            kept
        };
        for ((room, asked), kept) in rooms.iter().zip(&asked).zip(kept) {
            let news = {
                let mut presence = room.presence.lock();
                let mut news = presence.correct(asked, &boots, kept);
                // Servers that have gone since it was asked.
                news |= presence.keep(|boot| self.has(boot));
                news
            };
            if news && room.stays() > 0 {
                chat.announce(room);
            }
        }
        true
    }
}

/// Makes sure that presence of rooms that are not followed here is known, and not long out of date; waits only a little for it.
pub async fn refresh(chat: &Arc<Chat>, rooms: impl IntoIterator<Item = &Arc<Room>>) {
    let Some(others) = chat.servers().others() else { return };
    let now = chat.now();
    let mut parts = HashMap::<u16, Vec<Arc<Room>>>::new();
    for room in rooms {
        if room.stays() > 0 {
            continue;
        }
        let mut presence = room.presence.lock();
        if presence.is_older_than(FRESH, now) {
            presence.reading(now);
            parts.entry(others.store.part_of(room.name())).or_default().push(room.clone());
        }
    }
    let reads: Vec<_> = parts
        .into_values()
        .map(|rooms| {
            let chat = chat.clone();
            tokio::spawn(async move {
                let Some(others) = chat.servers().others() else { return };
                for rooms in rooms.chunks(ROOMS_AT_ONCE) {
                    others.read(&chat, rooms).await;
                }
            })
        })
        .collect();
    let all = async {
        for read in reads {
            // One that failed is read again later.
            let _ = read.await;
        }
    };
    let _ = tokio::time::timeout(PATIENCE, all).await;
}

/// Keeps `boots` at what the registry knows, but for this server; ends with the registry, or when nobody listens.
pub async fn follow_registry(mut views: watch::Receiver<Arc<View>>, own: Boot, boots: watch::Sender<Boots>) {
    loop {
        let view = views.borrow_and_update().clone();
        let others: BTreeSet<_> = view.nodes().map(|node| node.entry.boot).filter(|boot| *boot != own).collect();
        boots.send_if_modified(|known| {
            let news = **known != others;
            if news {
                *known = Arc::new(others);
            }
            news
        });
        if boots.is_closed() || views.changed().await.is_err() {
            return;
        }
    }
}

/// Takes from the rooms who was on servers that are gone, and has all rooms read when a server appears. Ends with the registry.
pub async fn watch_servers(chat: Arc<Chat>) {
    let Some(others) = chat.servers().others() else { return };
    let mut boots = others.boots.clone();
    let mut before = boots.borrow_and_update().clone();
    while boots.changed().await.is_ok() {
        let now = boots.borrow_and_update().clone();
        let appeared = !now.is_subset(&before);
        before = now;
        for room in chat.directory().all() {
            let news = room.presence.lock().keep(|boot| others.has(boot));
            if room.stays() == 0 {
                continue;
            }
            if news {
                chat.announce(&room);
            }
            if appeared {
                others.ask(&chat, &room);
            }
        }
    }
}
