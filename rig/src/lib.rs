//! Real parts as child processes, for tests, benchmarks and a look: Redis Clusters, balancers, servers, hosts in network namespaces.
//!
//! Everything here blocks, so that it serves plain tests and programs alike; asynchronous callers use `spawn_blocking`.
//! Nothing outlives its owner: each process is killed when what started it is dropped, and by the kernel when this
//! process ends in whatever way. Ports are free ones of 127.0.0.1, or belong to hosts that were made for the purpose.

pub mod balancer;
mod certificates;
pub mod folder;
pub mod host;
pub mod http;
pub mod network;
pub mod port;
pub mod process;
pub mod redis;
pub mod server;
mod slot;
mod wait;

pub use balancer::Balancer;
pub use host::Host;
pub use network::Network;
pub use process::Process;
pub use redis::{Flavour, Node, RedisCluster};
pub use server::ChatServer;
