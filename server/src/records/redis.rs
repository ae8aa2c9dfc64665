//! Records in a Redis Cluster: a session goes on at any server, whatever became of the one that had it.
//!
//! A record is one key in the partition of a hash of its pid; what the operations do stands in `session.lua`. Redis executes a call several
//! times where its outcome was unknown, and now and then a lost one arrives late. So each call says what it expects: the fence, the number that a
//! join gets, the fence that a take-over saw. The numbers of joins are counted here, in the lease of the session, since its owner alone makes them.

mod answer;
#[cfg(test)]
mod tests;

use super::{Found, Lost, Records};
use crate::metrics::{LastOwner, Metrics};
use crate::user::User;
use answer::{Status, found, status, taken};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use bytes::Bytes;
use chat_log::{BoxFuture, Position};
use chat_redis::{Call, Cluster, Partition, ReadError, Value, WriteError};
use chat_session::{Checkpoint, Failed, Fence, JoinNumber, Leave, Pid, Taken};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// The part of the library of Redis functions that this is made of.
pub const LIBRARY: &str = include_str!("session.lua");

/// The kind of a record's key, and of the key that is written to be sure that a record is not there.
const RECORD: &str = "s";
const MARK: &str = "sm";

/// Records that one call renews: Redis does nothing else meanwhile.
const RENEWED_MAX: usize = 256;

/// A renewal gives up after this part of the expiry: the next one begins at a quarter, and finds those that are within reach renewed.
const RENEWAL_PART: u32 = 8;

/// How often a take-over goes after somebody who was faster.
const TAKES_MAX: usize = 4;

/// A server, as it stands in the records of the sessions that it owns.
#[derive(Clone)]
pub struct Owner {
    /// Its name: of this run, not only of this node.
    pub name: Box<str>,
    /// Whether the server of a name is still there, as far as one knows.
    pub is_there: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// Records in a Redis Cluster. Cheap to clone.
#[derive(Clone)]
pub struct RedisRecords {
    inner: Arc<Inner>,
}

struct Inner {
    cluster: Cluster,
    expiry: Duration,
    owner: Owner,
    metrics: Arc<Metrics>,
    /// The sessions that this server owns.
    leases: Mutex<HashMap<Pid, Lease>>,
    /// Everything that was written, so that tests can have it arrive once more.
    #[cfg(test)]
    journal: Mutex<Vec<(Partition, Call)>>,
}

/// A session that this server owns.
#[derive(Clone, Copy)]
struct Lease {
    fence: Fence,
    /// The number of its last join.
    joins: u32,
}

impl RedisRecords {
    /// A store that keeps a session without a connection for `expiry`.
    pub fn new(cluster: Cluster, expiry: Duration, owner: Owner, metrics: Arc<Metrics>) -> Self {
        let inner = Inner {
            cluster,
            expiry,
            owner,
            metrics,
            leases: Mutex::default(),
            #[cfg(test)]
            journal: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }
}

impl Records for RedisRecords {
    fn create(&self, pid: Pid, user: Arc<User>) -> BoxFuture<'_, Result<(), Failed>> {
        Box::pin(self.inner.create(pid, user))
    }

    fn find(&self, pid: Pid) -> BoxFuture<'_, Result<Option<Found>, Failed>> {
        Box::pin(self.inner.find(pid))
    }

    fn take<'a>(&'a self, pid: Pid, found: &'a Found, user: Arc<User>) -> BoxFuture<'a, Result<Option<Taken>, Failed>> {
        Box::pin(self.inner.take(pid, found, user))
    }

    fn join(
        &self,
        pid: Pid,
        fence: Fence,
        room: Arc<str>,
        private: bool,
        start: Position,
    ) -> BoxFuture<'_, Result<JoinNumber, Failed>> {
        Box::pin(self.inner.join(pid, fence, room, private, start))
    }

    fn leave<'a>(&'a self, pid: Pid, leave: &'a Leave) -> BoxFuture<'a, Result<(), Failed>> {
        let Leave { fence, join } = leave;
        Box::pin(self.inner.change(pid, "session_leave", vec![number(fence.0), number(join.0)]))
    }

    fn checkpoint<'a>(&'a self, pid: Pid, checkpoint: &'a Checkpoint) -> BoxFuture<'a, Result<(), Failed>> {
        let Checkpoint { fence, places } = checkpoint;
        let places = places.iter().flat_map(|(join, at)| [number(join.0), number(at.epoch), number(at.n)]);
        let args = std::iter::once(number(fence.0)).chain(places).collect();
        Box::pin(self.inner.change(pid, "session_checkpoint", args))
    }

    fn release(&self, pid: Pid, fence: Fence) {
        self.inner.end(pid, fence, "session_release", vec![self.inner.expiry(), number(fence.0)]);
    }

    fn delete(&self, pid: Pid, fence: Fence) {
        self.inner.end(pid, fence, "session_delete", vec![number(fence.0)]);
    }

    fn last_join(&self, pid: Pid) -> u32 {
        self.inner.leases.lock().get(&pid).map_or(0, |lease| lease.joins)
    }

    fn hand_over(&self, pid: Pid, fence: Fence) {
        self.inner.let_go(pid, fence);
    }

    fn adopt(&self, pid: Pid, fence: Fence, last_join: u32) {
        self.inner.lease(pid, Lease { fence, joins: last_join });
    }

    fn renew(&self) -> BoxFuture<'_, Vec<Lost>> {
        Box::pin(self.renew_all())
    }

    fn sweep(&self) {
        let mut leases = self.inner.leases.lock();
        if leases.len() < leases.capacity() / 4 {
            leases.shrink_to_fit();
        }
    }

    fn len(&self) -> usize {
        self.inner.leases.lock().len()
    }
}

impl RedisRecords {
    /// Renews all leases, a batch a partition. A partition that is out holds up no other.
    async fn renew_all(&self) -> Vec<Lost> {
        let mut owned: HashMap<Partition, Vec<(Pid, Fence, Bytes)>> = HashMap::new();
        let leases: Vec<_> = self.inner.leases.lock().iter().map(|(pid, lease)| (*pid, lease.fence)).collect();
        for (pid, fence) in leases {
            let (partition, key) = self.inner.place(pid);
            owned.entry(partition).or_default().push((pid, fence, key));
        }
        let mut partitions = JoinSet::new();
        for (partition, owned) in owned {
            let inner = self.inner.clone();
            partitions.spawn(async move { inner.renew(partition, &owned).await });
        }
        let lost = partitions.join_all().await.concat();
        for lost in &lost {
            self.inner.let_go(lost.pid, lost.fence);
        }
        self.inner.metrics.sessions_lost.inc_by(lost.len() as u64);
        lost
    }
}

impl Inner {
    async fn create(&self, pid: Pid, user: Arc<User>) -> Result<(), Failed> {
        let args =
            vec![self.expiry(), mark(), text(&self.owner.name), text(&user.id), text(&user.name()), guest(&user)];
        // A server that cannot be reached is no reason to go on without a record: the client comes back.
        let failed = |error| match error {
            WriteError::OutOfMemory => Failed::Refused,
            WriteError::Unavailable | WriteError::Unknown | WriteError::Unreplicated | WriteError::Refused(_) => {
                Failed::Unknown
            }
        };
        let (partition, key) = self.place(pid);
        let value = self.write(partition, "session_create", vec![key], args).await.map_err(failed)?;
        self.done(&value)?;
        self.leases.lock().insert(pid, Lease { fence: Fence::FIRST, joins: 0 });
        Ok(())
    }

    async fn find(&self, pid: Pid) -> Result<Option<Found>, Failed> {
        let (partition, key) = self.place(pid);
        let call = Call { function: "session_find", keys: vec![key.clone()], args: Vec::new() };
        let value = self.cluster.read(partition, call).await.map_err(|error| match error {
            ReadError::Unavailable | ReadError::Refused(_) => Failed::Unknown,
        })?;
        if let Some(found) = found(&value) {
            return Ok(Some(found));
        }
        // An old master may not know of it: only a write that its replicas have, too, proves that it is not there.
        let keys = vec![key, self.cluster.key(partition, MARK, "")];
        let value = self.write(partition, "session_confirm", keys, Vec::new()).await.map_err(failed)?;
        if status(&value) == Status::Foreign {
            self.metrics.foreign_records.inc();
        }
        Ok(found(&value))
    }

    async fn take(&self, pid: Pid, found: &Found, user: Arc<User>) -> Result<Option<Taken>, Failed> {
        let (partition, key) = self.place(pid);
        let keys = vec![key, self.cluster.key(partition, MARK, "")];
        let mut seen = found.fence;
        for _ in 0..TAKES_MAX {
            let (owner, user) = (text(&self.owner.name), [text(&user.id), text(&user.name())]);
            let [id, name] = user;
            let args = vec![self.expiry(), mark(), owner, id, name, number(seen.0)];
            let value = self.write(partition, "session_take", keys.clone(), args).await.map_err(failed)?;
            match status(&value) {
                Status::Ok => return self.took(pid, found, &value).map(Some),
                Status::Moved(fence) => seen = fence,
                Status::Gone | Status::Other => return Ok(None),
                Status::Foreign => {
                    self.metrics.foreign_records.inc();
                    return Ok(None);
                }
                Status::Fenced => return Err(Failed::Unknown),
            }
        }
        Err(Failed::Unknown)
    }

    fn took(&self, pid: Pid, found: &Found, value: &Value) -> Result<Taken, Failed> {
        let (joins, taken) = taken(value).ok_or(Failed::Unknown)?;
        self.lease(pid, Lease { fence: taken.fence, joins });
        // By the fence that is left behind: whoever had it will find that out.
        if !found.owner.is_empty() {
            self.metrics.lease_taken_over(match &*found.owner {
                owner if *owner == *self.owner.name => LastOwner::Here,
                owner if (self.owner.is_there)(owner) => LastOwner::There,
                _ => LastOwner::Gone,
            });
        }
        Ok(taken)
    }

    async fn join(
        &self,
        pid: Pid,
        fence: Fence,
        room: Arc<str>,
        private: bool,
        start: Position,
    ) -> Result<JoinNumber, Failed> {
        let lease = self.leases.lock().get(&pid).copied().ok_or(Failed::Gone)?;
        if lease.fence != fence {
            return Err(Failed::Fenced);
        }
        let join = lease.joins + 1;
        let [epoch, n] = [number(start.epoch), number(start.n)];
        let args = vec![number(fence.0), number(join), text(&room), epoch, n, number(u8::from(private))];
        self.change(pid, "session_join", args).await?;
        if let Some(lease) = self.leases.lock().get_mut(&pid).filter(|lease| lease.fence == fence) {
            lease.joins = join;
        }
        Ok(JoinNumber(join))
    }

    /// A change of the record by its owner.
    async fn change(&self, pid: Pid, function: &'static str, args: Vec<Bytes>) -> Result<(), Failed> {
        let (partition, key) = self.place(pid);
        let value = self.write(partition, function, vec![key], args).await.map_err(failed)?;
        self.done(&value)
    }

    /// The end of ownership. Nobody waits for it, and without it the record expires by itself.
    fn end(&self, pid: Pid, fence: Fence, function: &'static str, args: Vec<Bytes>) {
        self.let_go(pid, fence);
        let (partition, key) = self.place(pid);
        self.cluster.post(partition, Call { function, keys: vec![key], args });
    }

    /// A session is this server's from here on.
    fn lease(&self, pid: Pid, lease: Lease) {
        let mut leases = self.leases.lock();
        // Another connection of this session may have been faster here.
        if leases.get(&pid).is_none_or(|later| later.fence < lease.fence) {
            leases.insert(pid, lease);
        }
    }

    fn let_go(&self, pid: Pid, fence: Fence) {
        let mut leases = self.leases.lock();
        if leases.get(&pid).is_some_and(|lease| lease.fence == fence) {
            leases.remove(&pid);
        }
    }

    async fn renew(&self, partition: Partition, owned: &[(Pid, Fence, Bytes)]) -> Vec<Lost> {
        let deadline = Instant::now() + self.expiry / RENEWAL_PART;
        let mut lost = Vec::new();
        for batch in owned.chunks(RENEWED_MAX) {
            let keys = batch.iter().map(|(_, _, key)| key.clone()).collect();
            let fences = batch.iter().map(|(_, fence, _)| number(fence.0));
            let args = std::iter::once(self.expiry()).chain(fences).collect();
            // Without an answer the next time will do: the rest would wait in vain, and everybody for them.
            let renewed = timeout_at(deadline, self.write(partition, "session_renew", keys, args)).await;
            let Ok(Ok(value)) = renewed else { break };
            let statuses = value.as_array().unwrap_or_default();
            for (&(pid, fence, _), value) in batch.iter().zip(statuses) {
                if let Err(failed) = self.settle(answer::word(value)) {
                    lost.push(Lost { pid, fence, failed });
                }
            }
        }
        lost
    }

    async fn write(
        &self,
        partition: Partition,
        function: &'static str,
        keys: Vec<Bytes>,
        args: Vec<Bytes>,
    ) -> Result<Value, WriteError> {
        let call = Call { function, keys, args };
        #[cfg(test)]
        self.journal.lock().push((partition, call.clone()));
        let written = self.cluster.write(partition, call).await;
        if let Err(WriteError::Refused(error)) = &written {
            tracing::error!(function, error, "a session's record was not written");
        }
        written.map(|written| written.value)
    }

    /// What an answer without a value means.
    fn done(&self, value: &Value) -> Result<(), Failed> {
        self.settle(status(value))
    }

    fn settle(&self, status: Status) -> Result<(), Failed> {
        match status {
            Status::Ok => Ok(()),
            Status::Gone => Err(Failed::Gone),
            Status::Fenced | Status::Moved(_) | Status::Other => Err(Failed::Fenced),
            Status::Foreign => {
                self.metrics.foreign_records.inc();
                Err(Failed::Gone)
            }
        }
    }

    /// Where the record of a session is. The key tells nothing about the pid.
    fn place(&self, pid: Pid) -> (Partition, Bytes) {
        let digest = Sha256::digest(pid.reveal());
        let name = BASE64_URL_SAFE_NO_PAD.encode(&digest[..16]);
        let partition = self.cluster.partition(&name);
        (partition, self.cluster.key(partition, RECORD, &name))
    }

    fn expiry(&self) -> Bytes {
        number(self.expiry.as_millis())
    }
}

/// What a change that was not confirmed means for the session that asked for it.
#[allow(clippy::needless_pass_by_value, reason = "an error is used up")]
fn failed(error: WriteError) -> Failed {
    match error {
        WriteError::Unavailable | WriteError::Unreplicated | WriteError::OutOfMemory => Failed::Refused,
        WriteError::Unknown | WriteError::Refused(_) => Failed::Unknown,
    }
}

/// Tells this call, and its repetitions, from all others.
fn mark() -> Bytes {
    Bytes::copy_from_slice(&rand::random::<[u8; 8]>())
}

fn guest(user: &User) -> Bytes {
    number(u8::from(user.guest))
}

fn text(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn number(number: impl itoa::Integer) -> Bytes {
    Bytes::copy_from_slice(itoa::Buffer::new().format(number).as_bytes())
}
