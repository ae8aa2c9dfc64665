//! Where the servers leave word of themselves: Redis, or the memory of one process.

use super::{Boot, Entry, State};
use chat_log::BoxFuture;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Holds the entries of all servers. Times are by the board's own clock, so that the servers' clocks do not matter.
pub trait Board: Send + Sync + 'static {
    /// Writes a server's entry, which is good for `expiry`, and returns all entries that are good now, this one among them.
    fn announce<'a>(&'a self, entry: &'a Entry, expiry: Duration) -> BoxFuture<'a, Result<Sheet, Away>>;
}

/// The board does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the registry does not answer: {0}")]
pub struct Away(pub String);

/// What stands on the board.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// The board's time, in milliseconds since 1970.
    pub now_ms: u64,
    /// The entries.
    pub entries: Vec<Seen>,
    /// How many more there were that this build cannot read.
    pub foreign: u64,
}

/// An entry, and when it was written.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The entry.
    pub entry: Arc<Entry>,
    /// When it was written, by the board's clock.
    pub written_ms: u64,
}

/// A board in the memory of this process: for one server alone, and for several in one test.
#[derive(Default)]
pub struct MemoryBoard {
    entries: Mutex<HashMap<Boot, (Seen, Duration)>>,
}

impl Board for MemoryBoard {
    fn announce<'a>(&'a self, entry: &'a Entry, expiry: Duration) -> BoxFuture<'a, Result<Sheet, Away>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        Box::pin(std::future::ready(Ok(self.announce_at(entry, expiry, now))))
    }
}

impl MemoryBoard {
    /// The same at a time of one's own.
    pub fn announce_at(&self, entry: &Entry, expiry: Duration, now_ms: u64) -> Sheet {
        let mut entries = self.entries.lock();
        entries.insert(entry.boot, (Seen { entry: Arc::new(entry.clone()), written_ms: now_ms }, expiry));
        entries.retain(|_, (seen, expiry)| now_ms.saturating_sub(seen.written_ms) < expiry.as_millis() as u64);
        Sheet { now_ms, entries: entries.values().map(|(seen, _)| seen.clone()).collect(), foreign: 0 }
    }

    /// Forgets everything, as a store without its data does.
    pub fn clear(&self) {
        self.entries.lock().clear();
    }

    /// How many servers have not said good-bye.
    pub fn len(&self) -> usize {
        self.entries.lock().values().filter(|(seen, _)| seen.entry.state != State::Ended).count()
    }

    /// Whether none is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
