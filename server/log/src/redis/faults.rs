//! Ways to hurt a log on Redis on purpose that cannot be had from Redis itself, for tests.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::{RedisLog, Shared, call};
use crate::{Append, AppendError, Appended};

/// Faults that last.
#[derive(Debug, Default)]
pub(super) struct Faults {
    shift_ms: AtomicU64,
    answers_to_lose: AtomicUsize,
}

impl RedisLog {
    /// Lets this much time pass at once, for all calls of this log.
    pub fn elapse(&self, time: Duration) {
        self.shared.faults.shift_ms.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }

    /// The next `count` appends that succeed are answered as if nobody knew.
    pub fn lose_answers(&self, count: usize) {
        self.shared.faults.answers_to_lose.store(count, Ordering::SeqCst);
    }

    /// The name by which a partition remembers the id of an append.
    pub fn remembered(append: &Append) -> Bytes {
        super::entry::remembered(append)
    }
}

impl Shared {
    pub(super) fn shift(&self) -> Bytes {
        call::decimal(self.faults.shift_ms.load(Ordering::SeqCst))
    }

    pub(super) fn as_faults_will(&self, answer: Result<Appended, AppendError>) -> Result<Appended, AppendError> {
        let less = |left: usize| left.checked_sub(1);
        let left = &self.faults.answers_to_lose;
        if answer.is_ok() && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return Err(AppendError::UnknownOutcome);
        }
        answer
    }
}
