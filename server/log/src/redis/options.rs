//! The bounds of a log on Redis.

use std::time::Duration;

/// What a log on Redis keeps, and how much it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// A room keeps at least so many entries, and at most one node of a stream (100 entries) more.
    pub retained_entries: usize,
    /// How long a room keeps an entry. An older one is never shown, though it may be trimmed later.
    pub retained_age: Duration,
    /// About the most memory of entries a room keeps at Redis. It is looked at once in 64 entries, and at each large one.
    pub retained_bytes: usize,
    /// The most bytes of author, id and body together.
    pub entry_bytes_max: usize,
    /// How long an author's id is remembered at least; at most three times as long. By the clocks of the masters, which should agree.
    pub dedup_age: Duration,
    /// The most ids a partition remembers from one `dedup_age`.
    pub dedup_ids_max: usize,
    /// How often the tails of followed rooms are held against what came.
    pub tail_check: Duration,
    /// The most bytes of appends that wait here for their call.
    pub waiting_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retained_entries: 10_000,
            retained_age: Duration::from_secs(24 * 60 * 60),
            retained_bytes: 8 << 20,
            entry_bytes_max: 256 << 10,
            dedup_age: Duration::from_secs(120),
            dedup_ids_max: 1 << 20,
            tail_check: Duration::from_secs(5),
            waiting_bytes_max: 64 << 20,
        }
    }
}
