//! A thin layer over a Redis Cluster, for whoever keeps something there: it knows slots, masters and what a write is worth, and nothing of rooms.
//!
//! - **Topology**: one task asks the nodes who owns which slot, and believes the newest answer.
//! - **Writes** to one master are collected while the last batch is under way, sent as one pipeline, and confirmed by one `WAIT` for every replica
//!   that may be elected. What is not confirmed is tried again until its deadline, so calls must be idempotent.
//! - **Tenure**: a master that came to its slots anew raises the epochs of their partitions before anything is written in them.
//! - **Reads** go to the masters, over connections of their own.
//! - **Subscriptions** are sharded, follow their slots, and say when something may have been missed.
//!
//! The Redis client under it is used one node at a time, without any of its own cluster handling or reconnecting: a connection that fails is thrown away.

mod call;
mod cluster;
mod confirm;
mod connection;
mod counters;
mod courier;
mod fault;
mod fitness;
mod library;
mod link;
mod options;
mod partition;
mod read;
mod refresher;
mod shared;
mod slot;
mod subscriber;
mod subscriptions;
mod tls;
mod topology;
mod write;

pub use call::{Call, ReadError, Value, WriteError, Written};
pub use cluster::Cluster;
pub use counters::Counters;
pub use fitness::{Fitness, Unfit};
pub use library::Library;
pub use library::tidy::Untidy;
pub use options::{Options, Tls};
pub use partition::{Partition, Partitions};
pub use slot::{SLOTS, slot};
pub use subscriber::{Subscriber, Subscription};
pub use topology::{Health, Node, Role, SlotRange, Topology};
