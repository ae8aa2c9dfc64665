//! What there is to join: the public rooms, those with the most people first. Made anew every few seconds, not for everybody who asks.

use super::RoomsError;
use crate::chat::Chat;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How old a list may be.
const AGE_MAX: Duration = Duration::from_secs(3);

/// How many rooms it holds.
pub const ROOMS_MAX: usize = 500;

/// The list. Those who ask while it is made wait for it.
#[derive(Default)]
pub struct Listing {
    made: Mutex<Option<(Duration, Arc<[Public]>)>>,
}

/// A room of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// Its name.
    pub room: Arc<str>,
    /// Its title.
    pub title: Box<str>,
}

impl Listing {
    /// The rooms.
    pub async fn get(&self, chat: &Chat) -> Result<Arc<[Public]>, RoomsError> {
        let mut made = self.made.lock().await;
        let now = chat.now();
        if let Some((at, rooms)) = &*made
            && now.saturating_sub(*at) < AGE_MAX
        {
            return Ok(rooms.clone());
        }
        let rooms: Arc<[Public]> = make(chat).await?.into();
        *made = Some((now, rooms.clone()));
        Ok(rooms)
    }

    /// A room was made here: whoever made it sees it at once.
    pub async fn outdate(&self) {
        *self.made.lock().await = None;
    }
}

/// The newest rooms of the store and all that somebody here is in, by people, then by name.
async fn make(chat: &Chat) -> Result<Vec<Public>, RoomsError> {
    let newest = chat.rooms().public().await?;
    let mut rooms: HashMap<Arc<str>, (usize, Box<str>)> =
        newest.into_iter().map(|listed| (listed.room, (0, listed.title))).collect();
    for room in chat.directory().all() {
        let online = room.presence.lock().online();
        if let Some(listed) = rooms.get_mut(room.name()) {
            listed.0 = online;
        } else if online > 0 && room.about().visibility == super::Visibility::Public {
            rooms.insert(room.name().clone(), (online, room.about().title.clone()));
        }
    }
    let mut rooms: Vec<_> = rooms.into_iter().collect();
    rooms.sort_by(|(a, (here, _)), (b, (there, _))| (Reverse(here), a).cmp(&(Reverse(there), b)));
    rooms.truncate(ROOMS_MAX);
    Ok(rooms.into_iter().map(|(room, (_, title))| Public { room, title }).collect())
}
