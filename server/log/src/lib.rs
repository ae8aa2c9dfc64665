//! The room log: gap-free, ordered, idempotent. It knows nothing of clients.
//!
//! A room is a list of entries, numbered from 1 without gaps. One trait, [`RoomLog`], says what a log does; the suite in
//! `contract` (feature `contract`) says it once more as tests, which every implementation passes unchanged. [`MemoryLog`] is the one that
//! needs nothing but a process; `redis::RedisLog` (feature `redis`) is the one that many servers share.
//!
//! The log is the truth, hints are only hints: whoever follows a room reads after its last position whenever in doubt.

mod append;
mod branches;
mod followers;
mod log;
mod memory;
mod outline;
mod position;
mod read;
mod watch;

#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "redis")]
pub mod redis;

pub use append::{Append, AppendError, Appended, Bound, Entry};
pub use log::{BoxFuture, RoomLog};
pub use memory::{Clock, MemoryLog, Options, Stats};
pub use position::{BadPosition, NUMBER_MAX, Position};
pub use read::{Before, GapReason, Page, Reach, ReadError, Start};
pub use watch::{Follower, Hint, Watch};
