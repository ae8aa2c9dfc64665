//! What all rooms share: the two bounds over all of them, and the counts that `stats` shows.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::{AppendError, Bound};

/// A snapshot of a memory log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Rooms that have or had an entry.
    pub rooms: usize,
    /// Entries held.
    pub entries: usize,
    /// Bytes of entries and remembered ids held.
    pub bytes: usize,
    /// Entries appended since the start.
    pub appended: u64,
    /// Appends answered with an earlier entry since the start.
    pub duplicates: u64,
    /// Entries that retention took since the start.
    pub trimmed: u64,
    /// Appends refused since the start because an entry was too large.
    pub refused_too_large: u64,
    /// Appends refused since the start for [`Bound::Rooms`].
    pub refused_rooms: u64,
    /// Appends refused since the start for [`Bound::Bytes`].
    pub refused_bytes: u64,
    /// Appends refused since the start for [`Bound::Ids`].
    pub refused_ids: u64,
    /// Appends refused since the start for [`Bound::Numbers`].
    pub refused_numbers: u64,
}

/// The running counts behind [`Stats`].
#[derive(Debug)]
pub(super) struct Ledger {
    rooms_max: usize,
    bytes_max: usize,
    rooms: AtomicUsize,
    bytes: AtomicUsize,
    entries: AtomicUsize,
    appended: AtomicU64,
    duplicates: AtomicU64,
    trimmed: AtomicU64,
    refused_too_large: AtomicU64,
    refused_rooms: AtomicU64,
    refused_bytes: AtomicU64,
    refused_ids: AtomicU64,
    refused_numbers: AtomicU64,
}

impl Ledger {
    pub(super) fn new(rooms_max: usize, bytes_max: usize) -> Self {
        Self {
            rooms_max,
            bytes_max,
            rooms: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            entries: AtomicUsize::new(0),
            appended: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            trimmed: AtomicU64::new(0),
            refused_too_large: AtomicU64::new(0),
            refused_rooms: AtomicU64::new(0),
            refused_bytes: AtomicU64::new(0),
            refused_ids: AtomicU64::new(0),
            refused_numbers: AtomicU64::new(0),
        }
    }

    /// Takes place for one more room with entries.
    pub(super) fn take_room(&self) -> Result<(), AppendError> {
        take(&self.rooms, 1, self.rooms_max).ok_or(AppendError::Full(Bound::Rooms))
    }

    /// Gives a room's place back.
    pub(super) fn give_room(&self) {
        self.rooms.fetch_sub(1, Ordering::Relaxed);
    }

    /// Gives bytes back and takes others, in one step; never refused where it takes no more than it gives.
    pub(super) fn trade_bytes(&self, given: usize, taken: usize) -> Result<(), AppendError> {
        if let Some(more) = taken.checked_sub(given) {
            return take(&self.bytes, more, self.bytes_max).ok_or(AppendError::Full(Bound::Bytes));
        }
        self.give_bytes(given - taken);
        Ok(())
    }

    /// Gives bytes back.
    pub(super) fn give_bytes(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Counts an entry that was appended.
    pub(super) fn appended(&self) {
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.appended.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an append that was there already.
    pub(super) fn duplicate(&self) {
        self.duplicates.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts entries that retention took.
    pub(super) fn trimmed(&self, entries: usize) {
        self.entries.fetch_sub(entries, Ordering::Relaxed);
        self.trimmed.fetch_add(entries as u64, Ordering::Relaxed);
    }

    /// Counts entries that a fault took.
    #[cfg(feature = "faults")]
    pub(super) fn lost(&self, entries: usize) {
        self.entries.fetch_sub(entries, Ordering::Relaxed);
    }

    /// Counts a refusal.
    pub(super) fn refused(&self, error: AppendError) {
        let counter = match error {
            AppendError::Unavailable | AppendError::UnknownOutcome => return,
            AppendError::TooLarge { .. } => &self.refused_too_large,
            AppendError::Full(Bound::Rooms) => &self.refused_rooms,
            AppendError::Full(Bound::Bytes) => &self.refused_bytes,
            AppendError::Full(Bound::Ids) => &self.refused_ids,
            AppendError::Full(Bound::Numbers) => &self.refused_numbers,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            rooms: self.rooms.load(Ordering::Relaxed),
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            appended: self.appended.load(Ordering::Relaxed),
            duplicates: self.duplicates.load(Ordering::Relaxed),
            trimmed: self.trimmed.load(Ordering::Relaxed),
            refused_too_large: self.refused_too_large.load(Ordering::Relaxed),
            refused_rooms: self.refused_rooms.load(Ordering::Relaxed),
            refused_bytes: self.refused_bytes.load(Ordering::Relaxed),
            refused_ids: self.refused_ids.load(Ordering::Relaxed),
            refused_numbers: self.refused_numbers.load(Ordering::Relaxed),
        }
    }
}

/// Adds `more` unless that would pass `max`.
fn take(held: &AtomicUsize, more: usize, max: usize) -> Option<()> {
    let add = |held: usize| held.checked_add(more).filter(|sum| *sum <= max);
    held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok().map(drop)
}
