//! Presence over many servers.
//!
//! Each server says of each room who is there on it: to the room's channel at once, and to a store for those that come to the room later. What it keeps in
//! the store expires unless it is renewed, so that nobody outlives their server. The channel loses words and the store may too: each server reads
//! again what it may have missed, and looks whether the store still holds what it said. All of them come to show the same.

mod ask;
mod memory;
mod redis;
mod store;
mod voice;

#[cfg(test)]
mod model;

pub use ask::{follow_registry, refresh, watch_servers};
pub use memory::{MemoryPresence, Shared};
pub use redis::{PART, RedisPresence};
pub use store::{PresenceStore, Unread};
pub use voice::{Sum, Voice};

use crate::room::Room;
use chat_socket::Boot;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::watch;

/// The other servers that are there now, as the registry knows them.
pub type Boots = Arc<BTreeSet<Boot>>;

/// This server among the others.
pub struct Servers {
    own: Boot,
    others: Option<Others>,
}

/// What it takes to be one of many.
pub struct Others {
    store: Arc<dyn PresenceStore>,
    boots: watch::Receiver<Boots>,
    questions: Mutex<HashMap<u16, Questions>>,
}

/// Rooms of one part of the store that are to be read; present while a task does so.
type Questions = HashMap<Arc<str>, Arc<Room>>;

impl Servers {
    /// A server without others.
    pub fn alone() -> Self {
        Self { own: Boot::random(), others: None }
    }

    /// A server of many.
    pub fn among(own: Boot, store: Arc<dyn PresenceStore>, boots: watch::Receiver<Boots>) -> Self {
        Self { own, others: Some(Others { store, boots, questions: Mutex::default() }) }
    }

    /// The name of this server's run.
    pub fn own(&self) -> Boot {
        self.own
    }

    /// The others, where there can be any.
    pub fn others(&self) -> Option<&Others> {
        self.others.as_ref()
    }
}

impl Others {
    /// What is kept of presence.
    pub fn store(&self) -> &dyn PresenceStore {
        &*self.store
    }

    /// Whether this server is there.
    pub fn has(&self, boot: Boot) -> bool {
        self.boots.borrow().contains(&boot)
    }

    fn boots(&self) -> Vec<Boot> {
        self.boots.borrow().iter().copied().collect()
    }
}
