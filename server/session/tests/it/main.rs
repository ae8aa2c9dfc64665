//! The session's tests: its parts one by one, then all of it in a model of the world around it.

mod claims;
mod model;
#[cfg(feature = "mutants")]
mod mutants;
mod offsets;
mod pids;
mod records;
mod room;
mod sessions;
mod sizes;
mod world;
