//! One room: its entries, its counter, its remembered ids and its followers. It is used under its lock.

use std::collections::VecDeque;
use std::hash::RandomState;
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;

use super::Options;
use super::ledger::Ledger;
use super::window::{Seen, Window};
use crate::branches::Branches;
use crate::followers::Followers;
use crate::outline::Outline;
use crate::{Append, AppendError, Appended, Before, Bound, Entry, Follower, Hint, NUMBER_MAX, Page, Position, Reach};

/// What a room is told from outside for one call.
pub(super) struct Terms<'a> {
    pub(super) now_ms: u64,
    pub(super) epoch: u64,
    pub(super) options: &'a Options,
    pub(super) ledger: &'a Ledger,
    pub(super) hasher: &'a RandomState,
}

/// A room. `tail` and `branches` outlive the entries: a number is never given twice.
#[derive(Default)]
pub(super) struct Room {
    /// The newest entries, without gaps, up to number `tail`.
    entries: VecDeque<Arc<Entry>>,
    /// The number of the last entry, kept or not.
    tail: u64,
    /// The time of the last entry.
    at_ms: u64,
    /// The bytes of `entries`.
    bytes: usize,
    branches: Branches,
    window: Window,
    followers: Followers,
}

impl Room {
    /// Nobody would notice if it were not there.
    pub(super) fn is_unused(&self) -> bool {
        self.tail == 0 && self.followers.is_empty()
    }

    /// Adds a follower and tells it to read. The flag ends its stay.
    pub(super) fn follow(&mut self, follower: Arc<dyn Follower>) -> Arc<AtomicBool> {
        follower.hint(Hint::Disturbed);
        self.followers.add(follower)
    }

    /// See [`RoomLog::publish`](crate::RoomLog::publish).
    pub(super) fn publish(&self, volatile: Bytes) {
        self.followers.hint(&Hint::Volatile(volatile));
    }

    /// Lets go of the followers whose watch has ended.
    pub(super) fn prune(&mut self) {
        self.followers.prune();
    }

    /// Gives back entries and ids that have reached their age.
    pub(super) fn expire(&mut self, terms: &Terms<'_>) {
        let kept_ms = millis(terms.options.retained_age);
        let is_old = |entry: &Arc<Entry>| entry.at_ms.saturating_add(kept_ms) <= terms.now_ms;
        let old = self.entries.iter().take_while(|entry| is_old(entry)).count();
        let freed = self.trim(old, terms.ledger);
        let forgotten = self.window.rotate(terms.now_ms, millis(terms.options.dedup_age));
        terms.ledger.give_bytes(freed + forgotten);
        self.followers.prune();
        if self.entries.is_empty() {
            self.entries.shrink_to_fit();
        }
    }

    /// Appends, or finds that it was appended.
    pub(super) fn append(&mut self, append: Append, terms: &Terms<'_>) -> Result<Appended, AppendError> {
        self.expire(terms);
        if let Some(seen) = self.window.find(&append.author, &append.id, terms.hasher) {
            terms.ledger.duplicate();
            let Seen { position, at_ms, .. } = *seen;
            return Ok(Appended { position, at_ms, duplicate: true, replicated: false });
        }
        self.push(append, terms).inspect_err(|error| terms.ledger.refused(*error))
    }

    /// Makes the next entry.
    fn push(&mut self, append: Append, terms: &Terms<'_>) -> Result<Appended, AppendError> {
        let Append { room: _, author, id, body } = append;
        let max = terms.options.entry_bytes_max;
        if author.len() + id.len() + body.len() > max {
            return Err(AppendError::TooLarge { max });
        }
        if self.window.young() >= terms.options.dedup_ids_max {
            return Err(AppendError::Full(Bound::Ids));
        }
        if self.tail == NUMBER_MAX {
            return Err(AppendError::Full(Bound::Numbers));
        }
        let position = Position::new(terms.epoch, self.tail + 1);
        let at_ms = self.at_ms.max(terms.now_ms);
        let seen = Seen { author: Arc::clone(&author), id: id.clone(), position, at_ms };
        let entry = Arc::new(Entry { position, at_ms, author, id, body });
        self.take_place(cost(&entry), seen.cost(), terms)?;

        self.tail = position.n;
        self.at_ms = at_ms;
        if let Some(first) = self.branches.note(position.epoch, position.n) {
            // Entries of an epoch that is no longer told apart must not be read, or their readers could never read on.
            let lost = self.entries.iter().take_while(|entry| entry.position.n < first).count();
            let freed = self.trim(lost, terms.ledger);
            terms.ledger.give_bytes(freed);
        }
        self.window.remember(seen, terms.hasher);
        self.entries.push_back(Arc::clone(&entry));
        terms.ledger.appended();
        self.followers.hint(&Hint::Entry(entry));
        Ok(Appended { position, at_ms, duplicate: false, replicated: false })
    }

    /// Takes place for an entry and its id, giving back the oldest entries that retention takes for it. On error nothing has changed.
    fn take_place(&mut self, entry: usize, seen: usize, terms: &Terms<'_>) -> Result<(), AppendError> {
        let Options { retained_entries, retained_bytes, .. } = *terms.options;
        let (mut going, mut freed) = (0, 0);
        for oldest in &self.entries {
            let fits = self.entries.len() - going < retained_entries && self.bytes - freed + entry <= retained_bytes;
            if fits {
                break;
            }
            going += 1;
            freed += cost(oldest);
        }
        if self.tail == 0 {
            terms.ledger.take_room()?;
        }
        if let Err(error) = terms.ledger.trade_bytes(freed, entry + seen) {
            if self.tail == 0 {
                terms.ledger.give_room();
            }
            return Err(error);
        }
        self.trim(going, terms.ledger);
        self.bytes += entry;
        Ok(())
    }

    /// Drops the oldest entries. Returns their bytes, for the caller to give back.
    fn trim(&mut self, count: usize, ledger: &Ledger) -> usize {
        let freed = self.entries.drain(..count).map(|entry| cost(&entry)).sum();
        self.bytes -= freed;
        ledger.trimmed(count);
        freed
    }

    /// The number of the entry before the oldest one that is kept.
    fn floor(&self) -> u64 {
        self.tail - self.entries.len() as u64
    }

    fn outline(&self, epoch: u64) -> Outline<'_> {
        Outline { epoch, tail: self.tail, branches: &self.branches }
    }

    /// See [`RoomLog::tails`](crate::RoomLog::tails).
    pub(super) fn tail(&self, epoch: u64) -> Position {
        self.outline(epoch).tail()
    }

    /// See [`RoomLog::reach`](crate::RoomLog::reach).
    pub(super) fn reach(&self, epoch: u64, position: Position) -> Reach {
        self.outline(epoch).reach(position)
    }

    /// See [`RoomLog::read`](crate::RoomLog::read).
    pub(super) fn read(&self, epoch: u64, after: Position, limit: usize) -> Page {
        let (outline, floor) = (self.outline(epoch), self.floor());
        let (start, from) = outline.start(after, floor);
        let skip = from.map_or(self.entries.len(), |from| (from - floor) as usize);
        let entries = self.entries.iter().skip(skip).take(limit).cloned().collect();
        Page { start, entries, tail: outline.tail() }
    }

    /// See [`RoomLog::read_before`](crate::RoomLog::read_before).
    pub(super) fn read_before(&self, before: Option<Position>, limit: usize) -> Before {
        let below = before.map_or(self.tail, |before| before.n.saturating_sub(1).min(self.tail));
        let end = below.saturating_sub(self.floor()) as usize;
        let start = end.saturating_sub(limit);
        Before { entries: self.entries.range(start..end).cloned().collect(), more: start > 0 }
    }

    /// See [`RoomLog::get`](crate::RoomLog::get).
    pub(super) fn get(&self, position: Position) -> Option<Arc<Entry>> {
        let at = position.n.checked_sub(self.floor() + 1)?;
        let entry = self.entries.get(usize::try_from(at).ok()?)?;
        (entry.position == position).then(|| Arc::clone(entry))
    }

    /// Loses what comes after entry `n`, as a failover does.
    #[cfg(feature = "faults")]
    pub(super) fn roll_back(&mut self, n: u64, ledger: &Ledger) {
        let lost = self.tail.saturating_sub(n).min(self.entries.len() as u64) as usize;
        let kept = self.entries.len() - lost;
        let freed: usize = self.entries.drain(kept..).map(|entry| cost(&entry)).sum();
        self.bytes -= freed;
        ledger.give_bytes(freed + self.window.roll_back(n));
        ledger.lost(lost);
        if self.tail > 0 && n == 0 {
            ledger.give_room();
        }
        self.tail = self.tail.min(n);
        self.branches.roll_back(self.tail);
        self.followers.hint(&Hint::Disturbed);
    }

    /// Tells followers that something may have been missed.
    #[cfg(feature = "faults")]
    pub(super) fn disturb(&self) {
        self.followers.hint(&Hint::Disturbed);
    }
}

/// The bytes of an entry, with its place in the room.
fn cost(entry: &Entry) -> usize {
    let own = size_of::<Entry>() + 3 * size_of::<usize>();
    own + entry.author.len() + entry.id.len() + entry.body.len()
}

fn millis(age: Duration) -> u64 {
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}
