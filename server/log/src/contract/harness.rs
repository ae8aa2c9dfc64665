//! What the suite needs of an implementation beside the log itself.

use std::sync::Arc;
use std::time::Duration;

use crate::{BoxFuture, RoomLog};

/// What a log is to promise in a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// A room keeps at least so many entries, and not many more.
    pub retained_entries: usize,
    /// A room keeps an entry at least so long, and not much longer.
    pub retained_age: Duration,
    /// An id is remembered at least so long, and at most three times as long.
    pub dedup_age: Duration,
}

impl Default for Terms {
    /// More than any test appends, longer than any test takes.
    fn default() -> Self {
        let hour = Duration::from_secs(60 * 60);
        Self { retained_entries: 100_000, retained_age: 24 * hour, dedup_age: hour }
    }
}

/// A log under test, and the means to hurt it.
pub trait Harness: Send + Sync + Sized + 'static {
    /// How many random schedules the model test runs.
    const MODEL_CASES: u32 = 256;

    /// The most entries beyond `retained_entries` that a room may still have: a log may trim in lumps.
    const TRIM_LUMP: usize;

    /// An empty log with these terms.
    fn start(terms: Terms) -> impl Future<Output = Self> + Send;

    /// The log.
    fn log(&self) -> Arc<dyn RoomLog>;

    /// A room of this test alone.
    fn room(&self, name: &str) -> Arc<str> {
        Arc::from(name)
    }

    /// Lets this much time pass for the log.
    fn elapse(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// A failover that lost the entries of this room after number `n`. The log has noticed when this returns.
    fn roll_back(&self, room: &Arc<str>, n: u64) -> impl Future<Output = ()> + Send;

    /// The loss of all that the log held. The log has noticed when this returns.
    fn lose_everything(&self) -> impl Future<Output = ()> + Send;

    /// From now on the log's servers cannot be reached.
    fn cut(&self) -> impl Future<Output = ()> + Send;

    /// They can be reached again.
    fn heal(&self) -> impl Future<Output = ()> + Send;

    /// The next append happens, but its answer gets lost.
    fn lose_answer(&self) -> impl Future<Output = ()> + Send;

    /// Runs work at the same time as the caller; the result ends with it.
    fn spawn(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()>;

    /// Waits a moment in real time, for tests that wait for something.
    fn nap(&self) -> impl Future<Output = ()> + Send;
}
