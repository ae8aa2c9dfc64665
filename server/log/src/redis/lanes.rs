//! Appends that come while their partition's last call is under way go together in its next one.
//!
//! One call a partition is under way at a time: what a busy partition gets meanwhile costs one call more, however much it is. The call runs in a
//! task of its own, so that nobody who stops waiting takes the appends of others with it.

use std::collections::VecDeque;
use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    /// Bytes of all that wait or are under way.
    bytes: AtomicUsize,
    bytes_max: usize,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Group>,
    busy: bool,
}

/// Appends of one caller to one partition.
struct Group {
    appends: Vec<Packed>,
    bytes: usize,
    answer: oneshot::Sender<Vec<Answer>>,
}

impl Lanes {
    pub(super) fn new(partitions: usize, bytes_max: usize) -> Self {
        Self {
            by_partition: (0..partitions).map(|_| Mutex::default()).collect(),
            bytes: AtomicUsize::new(0),
            bytes_max,
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
    let fits = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= lanes.bytes_max);
    if lanes.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
        shared.counters.overloaded(appends.len());
        return None;
    }
    let (answer, coming) = oneshot::channel();
    let mut lane = lanes.by_partition[partition.index()].lock();
    lane.waiting.push_back(Group { appends, bytes, answer });
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
        let written = shared.cluster.write(partition, call).await;
        if let Err(WriteError::Unavailable | WriteError::Unknown) = written {
            // They have waited as long as one may wait, and were never sent.
            shared.lanes.dismiss(partition);
        }
        let mut answers = call::answers(&shared, partition, appends.len(), written).into_iter();
        for Group { appends, bytes, answer } in groups {
            shared.lanes.bytes.fetch_sub(bytes, Ordering::Relaxed);
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

    /// Answers all that wait that the log cannot be reached.
    fn dismiss(&self, partition: Partition) {
        let waiting = take(&mut self.by_partition[partition.index()].lock().waiting);
        for Group { appends, bytes, answer } in waiting {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            let _ = answer.send(vec![Err(AppendError::Unavailable); appends.len()]);
        }
    }
}

impl Packed {
    fn bytes(&self) -> usize {
        self.room.len() + self.entry.len() + size_of::<(Bytes, Self)>()
    }
}
