//! The session's tests: its parts one by one, then all of it in a model of the world around it.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod claims;
mod model;
mod moves;
#[cfg(feature = "mutants")]
mod mutants;
mod offsets;
mod pids;
mod records;
mod room;
mod sessions;
mod sizes;
mod world;
