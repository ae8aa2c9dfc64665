//! The ids that a room remembers, so that an append which is sent again is not appended again.
//!
//! Two generations that rotate by age: an id lives for at least that age, and none needs a time of its own. The age is what is promised
//! to authors; a bound on the count therefore never shortens it, but refuses (see `Room::append`).

use std::hash::{BuildHasher, RandomState};
use std::mem::{size_of, take};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::Position;

/// An id that was appended, and where.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) author: Arc<str>,
    pub(super) id: Box<str>,
    pub(super) position: Position,
    pub(super) at_ms: u64,
}

impl Seen {
    /// Its bytes, with its place in the table.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + 1 + self.id.len()
    }
}

/// The remembered ids of one room.
#[derive(Debug, Default)]
pub(super) struct Window {
    young: HashTable<Seen>,
    old: HashTable<Seen>,
    /// When the young generation began.
    since_ms: u64,
}

impl Window {
    /// Where this id was appended, if it is remembered.
    pub(super) fn find(&self, author: &str, id: &str, hasher: &RandomState) -> Option<&Seen> {
        let hash = hasher.hash_one((author, id));
        let same = |seen: &Seen| &*seen.id == id && &*seen.author == author;
        self.young.find(hash, same).or_else(|| self.old.find(hash, same))
    }

    /// How many ids the young generation holds.
    pub(super) fn young(&self) -> usize {
        self.young.len()
    }

    /// Remembers an id that is not remembered yet.
    pub(super) fn remember(&mut self, seen: Seen, hasher: &RandomState) {
        let hash = |seen: &Seen| hasher.hash_one((&*seen.author, &*seen.id));
        self.young.insert_unique(hash(&seen), seen, hash);
    }

    /// Forgets ids of at least this age; to be called before each use. Returns the bytes that it gives back.
    pub(super) fn rotate(&mut self, now_ms: u64, age_ms: u64) -> usize {
        let passed = now_ms.saturating_sub(self.since_ms);
        if passed < age_ms {
            return 0;
        }
        // The young ones came before `since_ms + age_ms`: they are old enough to go with the old ones once twice the age has passed.
        let young = take(&mut self.young);
        let gone = std::mem::replace(&mut self.old, young);
        let mut freed = cost(&gone);
        if passed >= age_ms.saturating_mul(2) {
            freed += cost(&take(&mut self.old));
        }
        self.since_ms = now_ms;
        freed
    }

    /// Forgets the ids of entries after `n`, which the log lost. Returns the bytes that it gives back.
    #[cfg(feature = "faults")]
    pub(super) fn roll_back(&mut self, n: u64) -> usize {
        let before = cost(&self.young) + cost(&self.old);
        self.young.retain(|seen| seen.position.n <= n);
        self.old.retain(|seen| seen.position.n <= n);
        before - cost(&self.young) - cost(&self.old)
    }
}

fn cost(generation: &HashTable<Seen>) -> usize {
    generation.iter().map(Seen::cost).sum()
}
