//! Who is told about a room.
//!
//! A watch may end anywhere, also within a hint, when the room is locked already. So its end only raises a flag, and the room lets go of the
//! follower when it can be had without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Follower, Hint};

/// The followers of a room, in the order in which they came.
#[derive(Default)]
pub(crate) struct Followers(Vec<Followed>);

struct Followed {
    ended: Arc<AtomicBool>,
    follower: Arc<dyn Follower>,
}

impl Followers {
    /// Adds a follower. The flag ends its stay.
    pub(crate) fn add(&mut self, follower: Arc<dyn Follower>) -> Arc<AtomicBool> {
        let ended = Arc::new(AtomicBool::new(false));
        self.0.push(Followed { ended: Arc::clone(&ended), follower });
        ended
    }

    /// Tells all whose watch has not ended.
    pub(crate) fn hint(&self, hint: &Hint) {
        for followed in self.0.iter().filter(|followed| !followed.has_ended()) {
            followed.follower.hint(hint.clone());
        }
    }

    /// Lets go of those whose watch has ended.
    pub(crate) fn prune(&mut self) {
        if self.0.iter().any(Followed::has_ended) {
            self.0.retain(|followed| !followed.has_ended());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Followed {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
}
