//! Waiting for something to become true, with a deadline.

use std::time::{Duration, Instant};

/// How long anything in these tests may take. Generous: it is only ever used up by a failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// How often a condition that nobody announces is looked at.
const EVERY: Duration = Duration::from_millis(5);

/// Waits until the condition holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(EVERY).await;
    }
}

/// Waits until a condition holds that has to be asked for, for so long.
pub(crate) async fn eventually_within(deadline: Duration, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < deadline, "not within {deadline:?}");
        tokio::time::sleep(EVERY * 20).await;
    }
}
