//! The chat server: rooms over Socket.IO, with order, delivery and recovery.
//!
//! Data flows one way in, `chat-wire -> chat-socket -> requests -> room log`, and one way out,
//! `room log -> room -> chat-socket -> chat-wire`. See ARCHITECTURE.md for the map.

pub mod allowance;
pub mod announcer;
pub mod ask;
pub mod auth;
pub mod carry;
pub mod chat;
pub mod cluster;
pub mod connect;
pub mod connection;
pub mod directory;
pub mod drain;
pub mod emit;
pub mod expel;
pub mod feeder;
pub mod health;
pub mod housekeeping;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod moving;
pub mod notice;
pub mod page;
pub mod peer;
pub mod presence;
pub mod records;
#[cfg(test)]
mod redis_rig;
pub mod refusal;
pub mod requests;
pub mod room;
pub mod rooms;
pub mod run;
pub mod stores;
pub mod user;
pub mod volatile;
