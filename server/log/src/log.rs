//! What every room log does.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Append, AppendError, Appended, Before, Entry, Follower, Page, Position, Reach, ReadError, Watch};

/// A future without a name: the log is used as `dyn RoomLog`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The rooms' logs.
///
/// A room that nobody has appended to is an empty room; asking about it is no error and leaves nothing behind.
pub trait RoomLog: Send + Sync + 'static {
    /// Appends a batch, in its order for each room; one answer an append, in the same order. They succeed and fail one by one.
    ///
    /// An entry may be hinted and read before its answer comes. A duplicate (same room, author and id within the dedup window, in the same batch
    /// too) is answered with the position of the first.
    fn append(&self, batch: Vec<Append>) -> BoxFuture<'_, Vec<Result<Appended, AppendError>>>;

    /// At most `limit` entries after a position, and how they follow on it.
    fn read<'a>(&'a self, room: &'a Arc<str>, after: Position, limit: usize) -> BoxFuture<'a, Result<Page, ReadError>>;

    /// The newest `limit` entries with an `n` below that of `before`, or of all.
    fn read_before<'a>(
        &'a self,
        room: &'a Arc<str>,
        before: Option<Position>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Before, ReadError>>;

    /// The entry at exactly this position, if it can be had.
    fn get<'a>(
        &'a self,
        room: &'a Arc<str>,
        position: Position,
    ) -> BoxFuture<'a, Result<Option<Arc<Entry>>, ReadError>>;

    /// For each room the position just before the entry that will be appended next: the log's epoch now and the number of the last entry;
    /// [`Position::START`] for a room whose number is 0. The epoch may be above that of the last entry.
    fn tails<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Position>, ReadError>>;

    /// How far a reader of this position agrees with the log as it is: the smaller of its `n` and of the last entry whose epoch is not above its.
    fn reach<'a>(&'a self, room: &'a Arc<str>, position: Position) -> BoxFuture<'a, Result<Reach, ReadError>>;

    /// Tells all followers of a room something, those of the caller and of other processes, without keeping it. It may get lost, and it has no place
    /// among the entries.
    fn publish(&self, room: &Arc<str>, volatile: Bytes);

    /// Hints about a room, until the watch is dropped. See [`Hint`](crate::Hint) for what they promise.
    fn watch(&self, room: &Arc<str>, follower: Arc<dyn Follower>) -> Watch;
}
