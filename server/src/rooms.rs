//! What is kept of rooms beside their logs: title and visibility, members and their roles, receipts; and which rooms a user is a member of.
//!
//! The store says what is so; [`access`] decides what follows from it. A change of a room's members names the version of the room that it was
//! decided on, so that it may be tried again, and one that comes late, or was decided on what is no longer so, changes nothing.

pub mod access;
pub mod find;
pub mod listing;
mod memory;
mod redis;
#[cfg(test)]
mod tests;

pub use access::Role;
pub use memory::MemoryRooms;
pub use redis::{LIBRARY, RedisRooms};

use chat_log::{BoxFuture, Position};
use chat_settings::{Limit, Limits};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What all private rooms of two begin with: nobody else can make one of such a name.
pub const PAIR: &str = "dm:";

/// Keeps rooms. An answer to a change means that it is as safe as the store makes it.
pub trait Rooms: Send + Sync + 'static {
    /// Makes a room, with these members where it is private.
    fn create<'a>(
        &'a self,
        room: &'a Arc<str>,
        about: &'a About,
        members: &'a [Member],
    ) -> BoxFuture<'a, Result<Created, RoomsError>>;

    /// What a room is, and what each of these users is in it, the first one's receipt with it; `None` if there is no such room.
    fn access<'a>(
        &'a self,
        room: &'a Arc<str>,
        users: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Option<Access>, RoomsError>>;

    /// The members of a private room.
    fn members<'a>(&'a self, room: &'a Arc<str>) -> BoxFuture<'a, Result<Vec<Member>, RoomsError>>;

    /// Makes a user a member, another kind of member, or none; `version` is that of the [`Access`] on which this was decided.
    fn change<'a>(
        &'a self,
        room: &'a Arc<str>,
        version: u64,
        change: &'a Change,
    ) -> BoxFuture<'a, Result<Changed, RoomsError>>;

    /// A user has read up to here. It never goes back, and it may get lost.
    fn read(&self, room: &Arc<str>, user: &str, at: Position);

    /// Up to where a user has read these rooms.
    fn receipts<'a>(
        &'a self,
        user: &'a str,
        rooms: &'a [Arc<str>],
    ) -> BoxFuture<'a, Result<Vec<Option<Position>>, RoomsError>>;

    /// The private rooms that a user is, or lately was, a member of.
    fn rooms_of<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<Vec<Arc<str>>, RoomsError>>;

    /// Public rooms, the newest ones of them if they are many.
    fn public(&self) -> BoxFuture<'_, Result<Vec<Listed>, RoomsError>>;
}

/// Who may see and join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Its members.
    Private,
}

/// What a room is, beside its entries. It stays so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The title that is shown.
    pub title: Box<str>,
    /// Who may see it.
    pub visibility: Visibility,
    /// The id of the user who made it.
    pub by: Box<str>,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A member of a private room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// The user's id.
    pub id: Arc<str>,
    /// The name by which the user was known then.
    pub name: Arc<str>,
    /// What the member may do.
    pub role: Role,
}

/// A room, and what some users are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The room.
    pub about: About,
    /// It rises with each change of the members.
    pub version: u64,
    /// The roles of those who were asked about; `None` for those who are no members.
    pub roles: Vec<Option<Role>>,
    /// Up to where the first of them has read.
    pub read: Option<Position>,
}

/// A change of one membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub user: Arc<str>,
    /// The user's name.
    pub name: Arc<str>,
    /// What the user becomes; `None` for no member.
    pub role: Option<Role>,
}

/// What became of the wish for a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is there.
    Made,
    /// There was one of this name.
    Exists,
    /// A bound is reached.
    Full(Limit),
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is made, and this is the version now.
    Done(u64),
    /// Somebody else was faster: look again.
    Moved,
    /// A bound is reached.
    Full(Limit),
}

/// A room of the list of public ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub room: Arc<str>,
    /// Its title.
    pub title: Box<str>,
    /// When it was made, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Why the store has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomsError {
    /// It cannot be reached. Nothing has changed.
    #[error("the store of rooms cannot be reached")]
    Unavailable,
    /// It may have changed or not: the same again finds out.
    #[error("the outcome of the change is unknown")]
    Unknown,
}

/// What a store may have no more of.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Public rooms; in Redis spread over the partitions.
    pub rooms: usize,
    /// Members of one room.
    pub members: usize,
    /// Private rooms of one user.
    pub rooms_of_user: usize,
    /// Receipts of one room. Past that, those of other users are not kept.
    pub receipts: usize,
}

impl Bounds {
    /// Receipts of one room.
    const RECEIPTS: usize = 10_000;

    /// As they are set.
    pub fn of(limits: &Limits) -> Self {
        Self {
            rooms: limits.max_rooms,
            members: limits.room_members,
            rooms_of_user: limits.rooms_per_user,
            receipts: Self::RECEIPTS,
        }
    }
}

/// Public rooms that a list holds at the most.
pub const PUBLIC_MAX: usize = 2_000;
