//! The log on Redis: the contract on real clusters of Redis and of Valkey, faults of real processes, foreign values, and what is its own.
#![expect(clippy::unwrap_used, reason = "tests may, and so may what they share")]

mod clusters;
mod contract;
mod faults;
mod foreign;
mod harness;
mod reader;
mod retention;
