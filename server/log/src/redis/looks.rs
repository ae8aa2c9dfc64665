//! Looks at the tails of followed rooms: now and then for all, and soon where something may have been missed.
//!
//! At most one task a partition looks at a time, and one call asks for many rooms. A look that fails is tried again until it succeeds: followers
//! that wait for their disturbance wait for it.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use chat_redis::Partition;
use rand::Rng;
use tokio::time::sleep;

use super::follow::DOUBT;
use super::{Shared, call};
use crate::Position;

/// The most rooms in one call.
const ROOMS_MAX: usize = 256;
/// What comes together is asked together.
const GATHER: Duration = Duration::from_millis(2);
/// After a failure.
const PAUSE: Duration = Duration::from_millis(200);
/// A round of looks at all partitions is done in so many steps.
const STEPS: u32 = 16;

/// Looks at all partitions with followed rooms, again and again, spread over each interval, until the log is gone.
pub(super) async fn run(shared: Weak<Shared>, every: Duration) {
    let step = every / STEPS;
    // Servers that start together do not look together.
    let head_start = rand::rng().random_range(0.0..1.0);
    sleep(step.mul_f64(head_start)).await;
    for at in (0..STEPS as usize).cycle() {
        sleep(step).await;
        let Some(shared) = shared.upgrade() else { return };
        for partition in shared.cluster.partitions().all().skip(at).step_by(STEPS as usize) {
            if shared.hub.is_followed(partition) {
                soon(&shared, partition);
            }
        }
    }
}

/// Looks at the followed rooms of a partition, unless somebody is about to.
pub(super) fn soon(shared: &Arc<Shared>, partition: Partition) {
    if !shared.hub.mark_looking(partition, true) {
        shared.runtime.spawn(look(Arc::downgrade(shared), partition));
    }
}

async fn look(shared: Weak<Shared>, partition: Partition) {
    let mut pause = GATHER;
    loop {
        sleep(pause).await;
        let Some(shared) = shared.upgrade() else { return };
        // Whoever is disturbed from here on asks for another look.
        shared.hub.mark_looking(partition, false);
        let Some(next) = look_once(&shared, partition).await else { return };
        if shared.hub.mark_looking(partition, true) {
            return;
        }
        pause = next;
    }
}

/// Returns after how long to look again, if at all.
async fn look_once(shared: &Arc<Shared>, partition: Partition) -> Option<Duration> {
    let rooms = shared.hub.rooms(partition);
    let mut again = None;
    for rooms in rooms.chunks(ROOMS_MAX) {
        let befores: Vec<_> = rooms.iter().map(|(_, room)| room.before()).collect();
        let call = call::tails(shared, partition, rooms.iter().map(|(name, _)| name));
        let answer = shared.cluster.read(partition, call).await;
        let numbers = answer.ok().and_then(|value| call::numbers(&value, rooms.len()));
        let Some((epoch, numbers)) = numbers else {
            shared.counters.looks_failed.inc();
            return Some(PAUSE);
        };
        shared.counters.looks.inc();
        shared.cluster.saw_epoch(partition, epoch);
        for (((_, room), before), number) in rooms.iter().zip(befores).zip(numbers) {
            let Some(n) = number else {
                shared.counters.corrupt.value.inc();
                continue;
            };
            if room.look(shared, before, Position::new(epoch, n), Instant::now()) {
                again = Some(DOUBT);
            }
        }
    }
    again
}
