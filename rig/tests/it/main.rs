//! The rig tried on itself: what it starts is there, what it breaks is broken, and nothing is left behind.
#![expect(clippy::unwrap_used, reason = "tests may, and so may what they share")]

mod balancer;
mod compose;
mod network;
mod redis;
mod server;
mod up;
