//! Records in the process's own memory: they outlive connections, not the process.

use super::{Found, Lost, Records};
use crate::user::User;
use chat_log::{BoxFuture, Position};
use chat_session::{Checkpoint, Failed, Fence, JoinNumber, Leave, Pid, Record, Taken};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Records in the process's own memory: they outlive connections, not the process.
pub struct MemoryRecords {
    options: RecordOptions,
    kept: Mutex<HashMap<Pid, Kept>>,
}

/// The bounds of [`MemoryRecords`].
#[derive(Clone, Copy, Debug)]
pub struct RecordOptions {
    /// How long a session without a connection can be recovered.
    pub expiry: Duration,
    /// How many are kept.
    pub records_max: usize,
}

struct Kept {
    record: Record<Arc<User>>,
    /// When its last connection ended.
    released: Option<Instant>,
}

impl Kept {
    fn has_expired(&self, expiry: Duration) -> bool {
        self.released.is_some_and(|released| released.elapsed() >= expiry)
    }
}

impl MemoryRecords {
    /// An empty store.
    pub fn new(options: RecordOptions) -> Self {
        Self { options, kept: Mutex::new(HashMap::new()) }
    }

    fn with<T>(&self, pid: Pid, work: impl FnOnce(&mut Kept) -> Option<T>) -> Result<T, Failed> {
        let mut kept = self.kept.lock();
        let kept = kept.get_mut(&pid).ok_or(Failed::Gone)?;
        work(kept).ok_or(Failed::Fenced)
    }
}

impl Records for MemoryRecords {
    fn create(&self, pid: Pid, user: Arc<User>) -> BoxFuture<'_, Result<(), Failed>> {
        let mut kept = self.kept.lock();
        let full = kept.len() >= self.options.records_max;
        if !full {
            kept.insert(pid, Kept { record: Record::new(user), released: None });
        }
        Box::pin(ready(if full { Err(Failed::Refused) } else { Ok(()) }))
    }

    fn find(&self, pid: Pid) -> BoxFuture<'_, Result<Option<Found>, Failed>> {
        let kept = self.kept.lock();
        let kept = kept.get(&pid).filter(|kept| !kept.has_expired(self.options.expiry));
        let found = kept.map(|kept| {
            let user = kept.record.user();
            Found {
                id: user.id.clone(),
                name: user.name(),
                guest: user.guest,
                fence: kept.record.fence(),
                owner: Box::default(),
            }
        });
        Box::pin(ready(Ok(found)))
    }

    fn take<'a>(
        &'a self,
        pid: Pid,
        _found: &'a Found,
        user: Arc<User>,
    ) -> BoxFuture<'a, Result<Option<Taken>, Failed>> {
        let taken = self.kept.lock().get_mut(&pid).and_then(|kept| {
            let taken = kept.record.take(&user)?;
            kept.released = None;
            Some(taken)
        });
        Box::pin(ready(Ok(taken)))
    }

    fn join(
        &self,
        pid: Pid,
        fence: Fence,
        room: Arc<str>,
        private: bool,
        start: Position,
    ) -> BoxFuture<'_, Result<JoinNumber, Failed>> {
        Box::pin(ready(self.with(pid, |kept| kept.record.join(fence, room, private, start).ok())))
    }

    fn leave<'a>(&'a self, pid: Pid, leave: &'a Leave) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(ready(self.with(pid, |kept| kept.record.leave(leave.fence, leave.join).ok())))
    }

    fn checkpoint<'a>(&'a self, pid: Pid, checkpoint: &'a Checkpoint) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(ready(self.with(pid, |kept| kept.record.checkpoint(checkpoint.fence, &checkpoint.places).ok())))
    }

    fn release(&self, pid: Pid, fence: Fence) {
        if let Some(kept) = self.kept.lock().get_mut(&pid).filter(|kept| kept.record.fence() == fence) {
            kept.released = Some(Instant::now());
        }
    }

    fn delete(&self, pid: Pid, fence: Fence) {
        let mut kept = self.kept.lock();
        if kept.get(&pid).is_some_and(|kept| kept.record.fence() == fence) {
            kept.remove(&pid);
        }
    }

    /// The records count joins themselves.
    fn last_join(&self, _pid: Pid) -> u32 {
        0
    }

    /// A record in memory is released by its last owner, whichever server that is.
    fn hand_over(&self, _pid: Pid, _fence: Fence) {}

    fn adopt(&self, _pid: Pid, _fence: Fence, _last_join: u32) {}

    fn renew(&self) -> BoxFuture<'_, Vec<Lost>> {
        Box::pin(ready(Vec::new()))
    }

    fn sweep(&self) {
        let expiry = self.options.expiry;
        self.kept.lock().retain(|_, kept| !kept.has_expired(expiry));
    }

    fn len(&self) -> usize {
        self.kept.lock().len()
    }
}
