//! Where rooms, sessions and servers are kept: in this process, or on a Redis Cluster that several servers share.

mod memory;
mod redis;

pub use memory::memory;
pub use redis::{BadRedis, Redis, library, on_redis};

use crate::chat::Chat;
use crate::cluster::Board;
use crate::presence::Servers;
use crate::records::Records;
use crate::rooms::Rooms;
use chat_log::redis::RedisLog;
use chat_log::{MemoryLog, RoomLog};
use chat_settings::Settings;
use std::sync::Arc;

/// All that a server keeps, wherever that is.
pub struct Stores {
    /// The rooms' logs.
    pub log: Arc<dyn RoomLog>,
    /// The sessions' records.
    pub records: Arc<dyn Records>,
    /// What rooms are, and who may be in them.
    pub rooms: Arc<dyn Rooms>,
    /// This server among the others.
    pub servers: Servers,
    /// What has to be looked after.
    pub keeper: Keeper,
}

/// Where the rooms are.
pub enum Keeper {
    /// In this process.
    Memory(Arc<MemoryLog>),
    /// On a Redis Cluster.
    Redis(Redis, Arc<RedisLog>),
}

impl Keeper {
    /// Where the rooms are, in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::Redis(..) => "redis",
        }
    }

    /// Takes over settings that may change while it runs.
    pub fn reload(&self, settings: &Settings) {
        match self {
            Self::Memory(_) => {}
            Self::Redis(redis, _) => redis.reload(settings),
        }
    }

    /// Forgets what nobody uses; called every few seconds.
    pub fn sweep(&self) {
        match self {
            Self::Memory(log) => log.sweep(),
            Self::Redis(..) => {}
        }
    }

    /// Writes down how much is held.
    pub fn measure(&self, chat: &Chat) {
        let metrics = chat.metrics();
        match self {
            Self::Memory(log) => {
                let stats = log.stats();
                metrics.log_bytes.set(stats.bytes as i64);
                metrics.log_entries.set(stats.entries as i64);
            }
            Self::Redis(_, log) => metrics.rooms_followed.set(log.followed() as i64),
        }
    }
}

/// A board on which servers find each other.
pub fn board(redis: Option<&Redis>) -> Arc<dyn Board> {
    match redis {
        Some(redis) => redis.board(),
        None => Arc::new(crate::cluster::MemoryBoard::default()),
    }
}
