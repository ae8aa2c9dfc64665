//! Who has read a room up to where.

use chat_log::Position;
use std::collections::HashMap;
use std::sync::Arc;

/// Users whose receipts a room keeps. Past that, new ones are not kept and their unread count starts with each join.
const RECEIPTS_MAX: usize = 10_000;

/// The receipts of a room.
#[derive(Default)]
pub struct Receipts {
    read: HashMap<Arc<str>, Position>,
}

impl Receipts {
    /// Up to where a user has read.
    pub fn of(&self, user: &str) -> Option<Position> {
        self.read.get(user).copied()
    }

    /// A user has read up to here. `true` if that is news: receipts never go back.
    pub fn read(&mut self, user: &Arc<str>, at: Position) -> bool {
        if let Some(read) = self.read.get_mut(user) {
            let news = at > *read;
            *read = at.max(*read);
            return news;
        }
        let room = self.read.len() < RECEIPTS_MAX;
        if room {
            self.read.insert(user.clone(), at);
        }
        room
    }
}

/// How many entries stand after a receipt.
pub fn unread(tail: Position, read: Option<Position>) -> u64 {
    tail.n.saturating_sub(read.map_or(tail.n, |read| read.n))
}
