//! What is done every now and then: forgetting what nobody uses, and looking at how much memory the process has.

use crate::chat::Chat;
use crate::stores::Keeper;
use std::sync::Arc;
use std::time::Duration;

/// How often memory is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Every so many looks, what nobody uses is forgotten.
const SWEEP_EVERY: u32 = 5;

/// Keeps house until it is dropped.
pub async fn run(chat: Arc<Chat>, keeper: Arc<Keeper>) {
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looks = 0_u32;
    loop {
        interval.tick().await;
        let high_water = chat.settings().limits.memory_high_water;
        chat.set_over_memory(high_water.is_some_and(|bytes| resident_bytes().is_some_and(|used| used > bytes)));
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(SWEEP_EVERY) {
            keeper.sweep();
            chat.records().sweep();
            chat.sweep();
        }
        keeper.measure(&chat);
        let metrics = chat.metrics();
        metrics.sessions.set(chat.records().len() as i64);
        metrics.rooms.set(chat.directory().len() as i64);
    }
}

/// Keeps the records of sessions from expiring until it is dropped, and closes the connections of those that are over here.
pub async fn renew(chat: Arc<Chat>) {
    // Two may fail before anything is lost.
    let every = chat.settings().recovery.session_expiry / 4;
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        for lost in chat.records().renew().await {
            chat.lose(lost);
        }
    }
}

/// The memory of this process, as Linux tells it (proc(5), `VmRSS`); `None` elsewhere.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<usize>().ok().map(|kibibytes| kibibytes * 1024)
}
