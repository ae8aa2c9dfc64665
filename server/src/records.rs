//! The store of session records: what lets a session go on after a cut, here or on another server.

mod memory;
mod redis;

pub use memory::{MemoryRecords, RecordOptions};
pub use redis::{LIBRARY, Owner, RedisRecords};

use crate::user::User;
use chat_log::{BoxFuture, Position};
use chat_session::{Checkpoint, Failed, Fence, JoinNumber, Leave, Pid, Taken};
use std::sync::Arc;

/// Keeps records and carries out what sessions ask of them. An answer means that the write is as safe as the store makes it.
///
/// Every operation but [`find`](Self::find) may be tried several times by the store, and changes the record once.
pub trait Records: Send + Sync + 'static {
    /// Writes the record of a new session.
    fn create(&self, pid: Pid, user: Arc<User>) -> BoxFuture<'_, Result<(), Failed>>;

    /// Whose session it is; `None` if there is none.
    fn find(&self, pid: Pid) -> BoxFuture<'_, Result<Option<Found>, Failed>>;

    /// Gives the session that was found to a new owner; `None` if it is gone or another user's.
    fn take<'a>(&'a self, pid: Pid, found: &'a Found, user: Arc<User>) -> BoxFuture<'a, Result<Option<Taken>, Failed>>;

    /// Begins a stay in a room, which is a private one or not.
    fn join(
        &self,
        pid: Pid,
        fence: Fence,
        room: Arc<str>,
        private: bool,
        start: Position,
    ) -> BoxFuture<'_, Result<JoinNumber, Failed>>;

    /// Ends a stay.
    fn leave<'a>(&'a self, pid: Pid, leave: &'a Leave) -> BoxFuture<'a, Result<(), Failed>>;

    /// Raises positions.
    fn checkpoint<'a>(&'a self, pid: Pid, checkpoint: &'a Checkpoint) -> BoxFuture<'a, Result<(), Failed>>;

    /// The connection is over: the record expires after its time, unless another owner has it.
    fn release(&self, pid: Pid, fence: Fence);

    /// The client has ended the session for good.
    fn delete(&self, pid: Pid, fence: Fence);

    /// The number of the last join of a session of this server, where its owner counts them; else 0.
    fn last_join(&self, pid: Pid) -> u32;

    /// The session has moved to another server, which owns it under the same fence: the record is that one's to keep, and nothing
    /// is written to it from here any more, not even its release.
    fn hand_over(&self, pid: Pid, fence: Fence);

    /// A session has moved here from another server, with the number of its last join. The record is as it was.
    fn adopt(&self, pid: Pid, fence: Fence, last_join: u32);

    /// Keeps the records of this server's sessions from expiring; called at least three times in their time. Returns the sessions that are over here.
    fn renew(&self) -> BoxFuture<'_, Vec<Lost>>;

    /// Lets go of what nobody uses; called every few seconds.
    fn sweep(&self);

    /// How many sessions it knows of: in memory all that can go on, in Redis those that this server owns.
    fn len(&self) -> usize;

    /// Whether it knows of none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A session's record, before anybody takes the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The id of its user.
    pub id: Arc<str>,
    /// The name by which the user was known.
    pub name: Arc<str>,
    /// Whether the user is a guest.
    pub guest: bool,
    /// The fence of the present owner.
    pub fence: Fence,
    /// The server that has not let go of it; empty if it has no owner.
    pub owner: Box<str>,
}

/// A session that this server believed to own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The session.
    pub pid: Pid,
    /// Under which fence.
    pub fence: Fence,
    /// How it was lost.
    pub failed: Failed,
}
