//! Appends that come while their partition's last call is under way go together in its next one.
//!
//! One call a partition is under way at a time: what a busy partition gets meanwhile costs one call more, however much it is. The call runs in a
//! task of its own, so that nobody who stops waiting takes the appends of others with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_redis::{Partition, WriteError};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Shared;
use super::call::{self, Packed};
use crate::{AppendError, Appended};

/// The most appends in one call, and the most bytes after which no more are added: a call keeps the master from everything else.
const CALL_APPENDS_MAX: usize = 256;
const CALL_BYTES_MAX: usize = 1 << 20;

pub(super) type Answer = Result<Appended, AppendError>;

/// The appends that wait, by partition.
pub(super) struct Lanes {
    by_partition: Box<[Mutex<Lane>]>,
    budget: Budget,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Group>,
    busy: bool,
    /// Bytes of what waits or is under way.
    bytes: usize,
}

/// How much may wait or be under way: half of it is shared out to the partitions, so that those of a master that is out leave the others their part;
/// the rest is for whoever needs more.
struct Budget {
    own: usize,
    common: AtomicUsize,
    common_max: usize,
}

impl Budget {
    fn new(partitions: usize, bytes_max: usize) -> Self {
        let own = bytes_max / 2 / partitions.max(1);
        Self { own, common: AtomicUsize::new(0), common_max: bytes_max - own * partitions }
    }

    /// How much of so many bytes in a lane is beyond its own part.
    fn beyond(&self, bytes: usize) -> usize {
        bytes.saturating_sub(self.own)
    }

    /// Takes bytes for a lane that has `held`. False: there is no room.
    fn take(&self, held: usize, bytes: usize) -> bool {
        let Some(sum) = held.checked_add(bytes) else { return false };
        let more = self.beyond(sum) - self.beyond(held);
        let fits = |common: usize| common.checked_add(more).filter(|common| *common <= self.common_max);
        self.common.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    /// Gives bytes back for a lane that has `held`, these among them.
    fn give_back(&self, held: usize, bytes: usize) {
        self.common.fetch_sub(self.beyond(held) - self.beyond(held - bytes), Ordering::Relaxed);
    }
}

/// Appends of one caller to one partition.
struct Group {
    appends: Vec<Packed>,
    bytes: usize,
    came: Instant,
    answer: oneshot::Sender<Vec<Answer>>,
}

impl Lanes {
    pub(super) fn new(partitions: usize, bytes_max: usize) -> Self {
        Self {
            by_partition: (0..partitions).map(|_| Mutex::default()).collect(),
            budget: Budget::new(partitions, bytes_max),
        }
    }
}

/// Appends to one partition, in order; one answer an append.
pub(super) async fn append(shared: &Arc<Shared>, partition: Partition, appends: Vec<Packed>) -> Vec<Answer> {
    let count = appends.len();
    let mut coming = Vec::with_capacity(1);
    let mut appends = appends.into_iter().peekable();
    while appends.peek().is_some() {
        let (mut group, mut bytes) = (Vec::with_capacity(count.min(CALL_APPENDS_MAX)), 0);
        while group.len() < CALL_APPENDS_MAX && bytes < CALL_BYTES_MAX {
            let Some(packed) = appends.next() else { break };
            bytes += packed.bytes();
            group.push(packed);
        }
        coming.push((group.len(), join(shared, partition, group, bytes)));
    }
    let mut answers = Vec::with_capacity(count);
    for (count, answer) in coming {
        let answer = match answer {
            Some(answer) => answer.await.unwrap_or_else(|_| vec![Err(AppendError::UnknownOutcome); count]),
            None => vec![Err(AppendError::Unavailable); count],
        };
        answers.extend(answer);
    }
    answers
}

/// None: too much waits already.
fn join(
    shared: &Arc<Shared>,
    partition: Partition,
    appends: Vec<Packed>,
    bytes: usize,
) -> Option<oneshot::Receiver<Vec<Answer>>> {
    let lanes = &shared.lanes;
    let (answer, coming) = oneshot::channel();
    let mut lane = lanes.by_partition[partition.index()].lock();
    if !lanes.budget.take(lane.bytes, bytes) {
        shared.counters.overloaded(appends.len());
        return None;
    }
    lane.bytes += bytes;
    lane.waiting.push_back(Group { appends, bytes, came: Instant::now(), answer });
    if !lane.busy {
        lane.busy = true;
        shared.runtime.spawn(serve(Arc::clone(shared), partition));
    }
    Some(coming)
}

/// Makes calls until nothing waits.
async fn serve(shared: Arc<Shared>, partition: Partition) {
    while let Some(groups) = shared.lanes.next(partition) {
        let appends: Vec<&Packed> = groups.iter().flat_map(|group| &group.appends).collect();
        let call = call::append(&shared, partition, &appends);
        shared.counters.called(appends.len());
        let began = Instant::now();
        let written = shared.cluster.write(partition, call).await;
        if let Err(WriteError::Unavailable | WriteError::Unknown) = written {
            // Who has waited for most of that has waited long enough, and was never sent; who came late has a try of their own.
            shared.lanes.dismiss(partition, began.elapsed() / 2);
        }
        let mut answers = call::answers(&shared, partition, appends.len(), written).into_iter();
        shared.lanes.give_back(partition, &groups);
        for Group { appends, answer, .. } in groups {
            // Whoever does not wait any more will send again.
            let _ = answer.send(answers.by_ref().take(appends.len()).collect());
        }
    }
}

impl Lanes {
    /// What goes into the next call. None: nothing waits, and the lane is not busy any more.
    fn next(&self, partition: Partition) -> Option<Vec<Group>> {
        let mut lane = self.by_partition[partition.index()].lock();
        let (mut groups, mut count, mut bytes) = (Vec::new(), 0, 0);
        while let Some(group) = lane.waiting.front() {
            let fits = count + group.appends.len() <= CALL_APPENDS_MAX && bytes < CALL_BYTES_MAX;
            if !groups.is_empty() && !fits {
                break;
            }
            (count, bytes) = (count + group.appends.len(), bytes + group.bytes);
            groups.extend(lane.waiting.pop_front());
        }
        lane.busy = !groups.is_empty();
        lane.busy.then_some(groups)
    }

    /// Answers those that have waited for so long that the log cannot be reached.
    fn dismiss(&self, partition: Partition, waited: Duration) {
        let dismissed: Vec<Group> = {
            let mut lane = self.by_partition[partition.index()].lock();
            let late = lane.waiting.partition_point(|group| group.came.elapsed() >= waited);
            lane.waiting.drain(..late).collect()
        };
        self.give_back(partition, &dismissed);
        for Group { appends, answer, .. } in dismissed {
            let _ = answer.send(vec![Err(AppendError::Unavailable); appends.len()]);
        }
    }

    fn give_back(&self, partition: Partition, groups: &[Group]) {
        let bytes = groups.iter().map(|group| group.bytes).sum();
        let mut lane = self.by_partition[partition.index()].lock();
        self.budget.give_back(lane.bytes, bytes);
        lane.bytes -= bytes;
    }
}

impl Packed {
    fn bytes(&self) -> usize {
        self.room.len() + self.entry.len() + size_of::<(Bytes, Self)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_is_stuck_leaves_the_others_their_part() {
        let budget = Budget::new(4, 1000);
        // Its own 125 bytes, and the 500 that are for everybody.
        assert!(budget.take(0, 100) && budget.take(100, 525));
        assert!(!budget.take(625, 1));
        for _ in 0..3 {
            assert!(budget.take(0, 125));
        }
        assert!(!budget.take(125, 1));
        budget.give_back(625, 525);
        assert!(budget.take(125, 500) && !budget.take(100, 26));
        budget.give_back(625, 625);
        assert_eq!(budget.common.into_inner(), 0);
    }
}
