//! Hints: news of a room without reading, for those who follow it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::Entry;

/// Receives the hints of a room.
pub trait Follower: Send + Sync {
    /// Something may have changed. It is called in the order of the room, one call at a time, with locks of the log held: it must not block, nor
    /// call the log. To drop a [`Watch`] is allowed.
    fn hint(&self, hint: Hint);
}

/// What may have changed in a room.
#[derive(Clone, Debug)]
pub enum Hint {
    /// This entry was appended. Between two disturbances none is left out; still a follower delivers it only as the successor of what it has.
    Entry(Arc<Entry>),
    /// Something may have been missed: read. Each watch begins with one, as soon as it is in place: what was appended before is to be read, what
    /// is appended afterwards is hinted.
    Disturbed,
    /// What somebody published to the room without appending it; opaque, not kept, and it may get lost.
    Volatile(Bytes),
}

/// A follower's stay at a room. It ends when this is dropped; a call under way on another thread may still come to its end afterwards.
#[must_use = "the watch ends when this is dropped"]
pub struct Watch {
    end: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Watch {
    /// A watch that does this when it ends.
    pub fn new(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { end: Some(Box::new(end)) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
