//! A room on this server: who of it is here, and what they are sent.
//!
//! The log is the truth and its hints are only hints. A room follows its log while it has local members. They are
//! *live* (in a chunk of the group, all at the chunk's head) or *behind* (with a position of their own, fed by their connection's
//! feeder); history on join, recovery and slowness are all the latter.
//!
//! Locks are taken in this order: chunk, connection, feed. A hint comes with the log's own lock held and takes the feed.

mod deliver;
mod entry;
mod page;
mod presence;
mod pump;
mod receipts;
mod ring;

pub use deliver::{Delivered, Delivery, deliver};
pub use entry::{Encoded, write_entry};
pub use page::{EncodedPage, Pages};
pub use presence::{Asked, Crowd, Kept, NAMES_BYTES_MAX, NAMES_MAX, Named, Presence, Said};
pub use receipts::{Receipts, unread};

use crate::chat::Chat;
use crate::rooms::{About, Visibility};
use crate::user::User;
use crate::volatile::{Envelope, Inbox, Kind};
use bytes::Bytes;
use chat_log::{Entry, Follower, Hint, Position, Watch};
use chat_socket::Group;
use parking_lot::Mutex;
use ring::Ring;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// How many hinted entries may wait to be sent; past that they are read from the log.
const INCOMING_MAX: usize = 1024;

/// How long presence that was read of a room without local members is kept.
const GLIMPSE: Duration = Duration::from_secs(60);

/// How long what the store said of a public room is believed while nobody here is in it. Where somebody is, its log tells that it was made anew.
const BELIEVED: Duration = Duration::from_secs(10);

/// A room.
pub struct Room {
    name: Arc<str>,
    about: About,
    /// Until when the store need not be asked what it is: milliseconds of the server's clock.
    believed_ms: AtomicU64,
    /// The newest epoch in which its log was seen to begin anew.
    begun: AtomicU64,
    group: Group<Chat, Position>,
    feed: Mutex<Feed>,
    /// Rung when the feed has moved on.
    progress: Notify,
    /// Pages for those who are behind.
    pub pages: Pages,
    /// Who is here.
    pub presence: Mutex<Presence>,
    /// Who has read up to where.
    pub receipts: Mutex<Receipts>,
}

/// How far the room has followed its log.
#[derive(Default)]
struct Feed {
    /// The newest entries; none before the tail has been read.
    ring: Option<Ring>,
    /// Hinted entries that are not in the ring yet.
    incoming: VecDeque<Arc<Entry>>,
    /// What other servers told.
    inbox: Inbox,
    /// Something may have been missed: the log is to be read.
    disturbed: bool,
    /// A pump is at work.
    pumping: bool,
    /// It is to look once more.
    again: bool,
    /// Stays of this server's sessions.
    stays: u32,
    watch: Option<Watch>,
}

impl Room {
    /// A room that nobody is in.
    pub fn new(name: Arc<str>, about: About) -> Self {
        Self {
            name,
            about,
            believed_ms: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            group: Group::default(),
            feed: Mutex::new(Feed::default()),
            progress: Notify::new(),
            pages: Pages::default(),
            presence: Mutex::new(Presence::default()),
            receipts: Mutex::new(Receipts::default()),
        }
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its title and visibility.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Whether it is one of members alone.
    pub fn is_private(&self) -> bool {
        self.about.visibility == Visibility::Private
    }

    /// The store has just said that it is as it is.
    pub fn confirm(&self, now: Duration) {
        self.believed_ms.store((now + BELIEVED).as_millis() as u64, Ordering::Relaxed);
    }

    /// Its log has begun anew in this epoch, so that it may be another room by now: the store is asked the next time.
    pub fn begun_anew(&self, epoch: u64) {
        if self.begun.fetch_max(epoch, Ordering::Relaxed) < epoch {
            self.believed_ms.store(0, Ordering::Relaxed);
        }
    }

    /// Whether what is known of it may be believed without asking the store.
    pub fn is_known(&self, now: Duration) -> bool {
        let until = self.believed_ms.load(Ordering::Relaxed);
        until > 0 && (self.stays() > 0 || until > now.as_millis() as u64)
    }

    /// Its live members.
    pub fn group(&self) -> &Group<Chat, Position> {
        &self.group
    }

    /// Rung when the feed has moved on.
    pub fn progress(&self) -> &Notify {
        &self.progress
    }

    /// One more stay: the first makes the room follow its log.
    pub fn enter(self: &Arc<Self>, chat: &Arc<Chat>) {
        let first = {
            let mut feed = self.feed.lock();
            feed.stays += 1;
            feed.stays == 1
        };
        if first {
            let follower = Arc::new(Following { room: Arc::downgrade(self), chat: Arc::downgrade(chat) });
            let watch = chat.log().watch(&self.name, follower);
            // The first member may have left again meanwhile, and another one may have come.
            let mut feed = self.feed.lock();
            let unused = if feed.stays > 0 && feed.watch.is_none() { feed.watch.replace(watch) } else { Some(watch) };
            drop(feed);
            drop(unused);
        }
    }

    /// One stay less: after the last the room forgets what it followed.
    pub fn exit(&self) {
        let mut feed = self.feed.lock();
        debug_assert!(feed.stays > 0, "an exit follows on an enter");
        feed.stays = feed.stays.saturating_sub(1);
        if feed.stays == 0 {
            let (watch, incoming) = (feed.watch.take(), std::mem::take(&mut feed.incoming));
            feed.ring = None;
            feed.inbox.clear();
            // Before anybody follows the room anew.
            self.presence.lock().unfollow();
            // Outside the lock, since its end takes the log's.
            drop(feed);
            drop((watch, incoming));
        }
    }

    /// Asks for a look at the log: a member has seen what the feed has not.
    pub fn disturb(self: &Arc<Self>, chat: &Arc<Chat>) {
        self.feed.lock().disturbed = true;
        pump::schedule(self, chat);
    }

    /// Has the pump look whether there is something to serve.
    pub fn pump(self: &Arc<Self>, chat: &Arc<Chat>) {
        pump::schedule(self, chat);
    }

    /// Up to where the feed has followed the log; none before it has read the tail.
    pub fn head(&self) -> Option<Position> {
        self.feed.lock().ring.as_ref().map(Ring::head)
    }

    /// The entries after a position, if the ring has them all.
    pub fn missing(&self, at: Position) -> Option<Vec<Arc<Encoded>>> {
        self.feed.lock().ring.as_ref()?.after(at)
    }

    /// The entries after `at` up to and with `to`, if the ring has them all.
    pub fn missing_until(&self, at: Position, to: Position) -> Option<Vec<Arc<Encoded>>> {
        let mut entries = self.missing(at)?;
        entries.retain(|entry| entry.position.n <= to.n);
        Some(entries)
    }

    /// Up to where a user has read: by receipt, or else where the first stay began.
    pub fn read_by(self: &Arc<Self>, user: &User) -> Option<Position> {
        let read = self.receipts.lock().of(&user.id);
        read.or_else(|| user.since(self))
    }

    /// Forgets the presence that was read for somebody who only looked at the room, some time ago.
    pub fn forget_glimpse(&self, now: Duration) {
        let feed = self.feed.lock();
        let mut presence = self.presence.lock();
        if feed.stays == 0 && presence.is_older_than(GLIMPSE, now) {
            presence.unfollow();
        }
    }

    /// How many stays there are.
    pub fn stays(&self) -> u32 {
        self.feed.lock().stays
    }
}

impl chat_session::Named for Room {
    fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl PartialEq for Room {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Room").field(&self.name).finish()
    }
}

/// Takes hints for a room for as long as it is there.
struct Following {
    room: Weak<Room>,
    chat: Weak<Chat>,
}

impl Follower for Following {
    fn hint(&self, hint: Hint) {
        let (Some(room), Some(chat)) = (self.room.upgrade(), self.chat.upgrade()) else { return };
        match hint {
            Hint::Entry(entry) => {
                let mut feed = room.feed.lock();
                if feed.incoming.len() < INCOMING_MAX {
                    feed.incoming.push_back(entry);
                } else {
                    feed.disturbed = true;
                }
            }
            Hint::Disturbed => {
                room.feed.lock().disturbed = true;
                room.ask_presence(&chat);
            }
            Hint::Volatile(bytes) => {
                if !room.take_volatile(&chat, &bytes) {
                    return;
                }
            }
        }
        pump::schedule(&room, &chat);
    }
}

impl Room {
    /// Words of other servers about who is here may have been missed.
    fn ask_presence(self: &Arc<Self>, chat: &Arc<Chat>) {
        if let Some(others) = chat.servers().others() {
            others.ask(chat, self);
        }
    }

    /// Takes a word of another server. `true` if it is to be served.
    fn take_volatile(self: &Arc<Self>, chat: &Arc<Chat>, bytes: &Bytes) -> bool {
        let Some(envelope) = Envelope::decode(bytes) else {
            chat.metrics().volatile.foreign.inc();
            return false;
        };
        if envelope.origin == chat.servers().own() {
            return false;
        }
        let dropped = {
            let mut feed = self.feed.lock();
            if feed.stays == 0 {
                return false;
            }
            feed.inbox.push(envelope)
        };
        if let Some(kind) = dropped {
            chat.metrics().volatile.overrun.inc();
            match kind {
                Kind::Presence => self.ask_presence(chat),
                Kind::Typing | Kind::Receipt | Kind::Room => {}
            }
        }
        true
    }
}
