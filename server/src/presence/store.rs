//! What every store of presence does.

use super::Sum;
use crate::room::{Asked, Kept, Said};
use chat_log::BoxFuture;
use chat_socket::Boot;
use std::collections::HashMap;
use std::sync::Arc;

/// The store did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store of presence does not answer")]
pub struct Unread;

/// Keeps what each server says of rooms, until it has not been renewed for a while.
///
/// Rooms are spread over parts, which fail one by one. Writes are not waited for: what is lost of them, [`renew`](Self::renew) finds out.
pub trait PresenceStore: Send + Sync + 'static {
    /// The part that a room is in.
    fn part_of(&self, room: &str) -> u16;

    /// Keeps what this server says of a room; nothing where nobody is there.
    fn write(&self, room: &Arc<str>, said: &Said);

    /// Keeps these words of this server in a part, and no others.
    fn replace(&self, part: u16, words: &[(Arc<str>, Said)]);

    /// Keeps what this server said for another while. Answers with the parts that do not hold what they should.
    fn renew(&self, sums: HashMap<u16, Sum>) -> BoxFuture<'_, Vec<u16>>;

    /// What these boots say of rooms, all in one part: for each room an answer for each boot.
    fn read<'a>(&'a self, boots: &'a [Boot], asked: &'a [Asked]) -> BoxFuture<'a, Result<Vec<Vec<Kept>>, Unread>>;
}
